//! `orderRecord`: records an order of a customer or a guest.

pub mod address;
pub mod line;
pub mod new_order;
pub mod write;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::address_role::AddressRole;
use super::node::OrderNode;
use super::{Line, MAX_TEXT, Money, WRITE};
use crate::address::store::Addresses;
use crate::context::RequestContext;
use crate::customer::{Customer, email, named::customer_to_change};
use crate::error::{Faults, Result, UserError, UserErrorCode, payload};
use crate::platform::{clock::Timestamp, id::CustomerId, text};
use address::{AddressSource, OrderAddressInput, SentAddress};
use line::{MoneyInput, OrderLineInput, checked_lines};
use new_order::NewOrder;
use write::OrderRecording;

/// Maximum time by which a store's clock may be ahead of the gateway's.
const LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Input of `orderRecord`: the order to record.
/// With `customerId`, each address is sent in full, sent as the id of one of the customer's addresses, or omitted,
/// which stands for the customer's default address. Without `customerId`, the order is that of a guest and needs both
/// addresses in full.
#[derive(InputObject)]
pub struct OrderRecordInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Order number of the online store: 1 to 255 characters, not blank, unique in the storefront.
    number: String,
    /// Id of the customer that placed the order. Omitted or null for the order of a guest.
    customer_id: Option<ID>,
    /// E-mail address that was given with the order.
    email: Option<String>,
    /// Shipping address in full.
    shipping_address: Option<OrderAddressInput>,
    /// Shipping address as the id of one of the customer's addresses.
    shipping_address_id: Option<ID>,
    /// Billing address in full.
    billing_address: Option<OrderAddressInput>,
    /// Billing address as the id of one of the customer's addresses.
    billing_address_id: Option<ID>,
    /// Lines of the order: 1 to 1,000.
    lines: Vec<OrderLineInput>,
    /// Amount to pay, as the online store calculated it. It is not checked against the lines. It must be 0 or more and
    /// must not have more decimals than its currency.
    total: MoneyInput,
    /// Time at which the order was placed: since 1970, at most 5 minutes in the future. Default: the current time.
    placed_at: Option<Timestamp>,
}

/// Payload of `orderRecord`.
#[derive(SimpleObject)]
pub struct OrderRecordPayload {
    /// The stored order; null when there are user errors.
    order: Option<OrderNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `orderRecord`.
#[derive(Default)]
pub struct OrderRecord;

#[Object]
impl OrderRecord {
    /// Records an order of a customer or a guest.
    /// Requires an integration token or client secret with the scope `orders:write`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405) for a blank `customerId`; CUSTOMER_NOT_FOUND (402);
    /// CUSTOMER_ANONYMIZED; ORDER_NUMBER_TAKEN if another order has the number; EMAIL_INVALID; REQUIRED for an empty
    /// list of lines, for an address that is missing in the order of a guest and for a default address that the
    /// customer does not have; ADDRESS_ID_MISSING (412) and ADDRESS_NOT_FOUND (404) on `shippingAddressId` and
    /// `billingAddressId`; INVALID for an address id beside the address in full or without a customer, a quantity below
    /// 1, a total that is negative or has more decimals than its currency, and a time before 1970 or in the future;
    /// TOO_LONG for more than 1,000 lines; REQUIRED, TOO_LONG and INVALID for strings; STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND.
    /// The order of a customer counts for the customer's `orderCount` and `status`. The order of a guest counts for
    /// nobody, whatever its e-mail address is. The order keeps its own copies of both addresses.
    /// Repeating the request with the same number and content succeeds and returns the stored order, even if it is
    /// cancelled. A repetition may omit `placedAt`. An address that was sent by id or omitted remains the one that was
    /// recorded.
    async fn order_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order to record.")] input: OrderRecordInput,
    ) -> Result<OrderRecordPayload> {
        let (order, user_errors) = payload(record(RequestContext::of(ctx)?, input).await)?;
        Ok(OrderRecordPayload { order, user_errors })
    }
}

async fn record(context: &Arc<RequestContext>, input: OrderRecordInput) -> Result<OrderNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let place = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    let customer = match (&place, &input.customer_id) {
        (Some(place), Some(id)) => {
            faults.absorb(customer_to_change(context, place.reach(), Some(id)).await)?
        }
        _ => None,
    };
    let parts = OrderParts::checked(input, context.app.clock.now(), &mut faults);
    // Without another error, the write itself looks up the addresses.
    if !faults.is_empty()
        && let (Some(place), Some(customer)) = (&place, &customer)
    {
        let addresses = Addresses::of(&context.app, place.reach());
        parts.check_addresses(customer, &addresses, &mut faults).await?;
    }
    let new = parts.into_order(customer.map(|customer| customer.id));
    let (place, new) = faults.finish((place, new))?;
    let recording = OrderRecording::of(&context.app, &place, &new)?;
    Ok(OrderNode::in_payload(recording.run().await?, &reach))
}

/// The checked parts of an input. A required part is `None` if its check has added an error.
struct OrderParts {
    number: Option<String>,
    email: Option<String>,
    shipping: Option<AddressSource>,
    billing: Option<AddressSource>,
    lines: Option<Vec<Line>>,
    total: Option<Money>,
    placed_at: Option<Timestamp>,
}

impl OrderParts {
    /// Checks everything except whether the customer has the addresses that the input refers to.
    fn checked(input: OrderRecordInput, now: Timestamp, faults: &mut Faults) -> Self {
        let number = faults.take(text::required(&input.number, "number", MAX_TEXT));
        let is_guest = input.customer_id.is_none();
        let email = input.email.as_deref();
        let email = email.and_then(|text| faults.take(email::check(text, "email")));
        let shipping = SentAddress {
            role: AddressRole::Shipping,
            full: input.shipping_address,
            id: input.shipping_address_id,
        };
        let billing = SentAddress {
            role: AddressRole::Billing,
            full: input.billing_address,
            id: input.billing_address_id,
        };
        let placed_at = input.placed_at;
        Self {
            number,
            email: email.map(|email| email.written),
            shipping: shipping.checked(is_guest, faults),
            billing: billing.checked(is_guest, faults),
            lines: checked_lines(input.lines, faults),
            total: faults.take(Money::from(input.total).as_total()),
            placed_at: placed_at.and_then(|sent| faults.take(check_placed_at(sent, now))),
        }
    }

    /// Checks that the customer has the addresses that the input refers to. Adds REQUIRED and ADDRESS_NOT_FOUND (404).
    async fn check_addresses(
        &self,
        customer: &Customer,
        addresses: &Addresses<'_>,
        faults: &mut Faults,
    ) -> Result<()> {
        let Self {
            shipping, billing, ..
        } = self;
        for (role, source) in [(AddressRole::Shipping, shipping), (AddressRole::Billing, billing)] {
            if let Some(source) = source {
                faults.absorb(source.check_exists(role, customer, addresses).await)?;
            }
        }
        Ok(())
    }

    /// Returns the order; `None` if a check has added an error.
    fn into_order(self, customer_id: Option<CustomerId>) -> Option<NewOrder> {
        Some(NewOrder {
            number: self.number?,
            customer_id,
            email: self.email,
            shipping: self.shipping?,
            billing: self.billing?,
            lines: self.lines?,
            total: self.total?,
            placed_at: self.placed_at,
        })
    }
}

/// Checks that an order can have been placed at this time: since 1970, and not in the future, with [`LEEWAY`] for
/// differing clocks.
///
/// # Errors
/// INVALID.
fn check_placed_at(placed_at: Timestamp, now: Timestamp) -> Result<Timestamp, UserError> {
    if (Timestamp::from_millis(0)..=now.after(LEEWAY)).contains(&placed_at) {
        return Ok(placed_at);
    }
    let message = "The time must not be before 1970 or in the future.";
    Err(UserError::new(UserErrorCode::Invalid, ["placedAt"], message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_was_placed_since_1970_and_not_in_the_future() {
        let now = Timestamp::from_millis(1_000_000);
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        for good in [Timestamp::from_millis(0), now, now.after(minutes(5))] {
            assert_eq!(check_placed_at(good, now), Ok(good));
        }
        let late = now.after(minutes(5)).after(Duration::from_millis(1));
        for bad in [Timestamp::from_millis(-1), late] {
            assert!(check_placed_at(bad, now).is_err(), "{bad:?}");
        }
    }
}
