//! `orderRecord`: records an order of a customer or a guest.

pub mod address;
pub mod line;
pub mod new_order;
pub mod write;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{ID, InputObject};

use super::node::OrderNode;
use super::refusal::AddressRole;
use super::{MAX_TEXT, Money, WRITE};
use crate::address::{create::AddressContentInput, store::Addresses};
use crate::context::RequestContext;
use crate::customer::{email, named::customer_to_change};
use crate::error::{Faults, Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::platform::{clock::Timestamp, text};
use address::checked_source;
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
    shipping_address: Option<AddressContentInput>,
    /// Shipping address as the id of one of the customer's addresses.
    shipping_address_id: Option<ID>,
    /// Billing address in full.
    billing_address: Option<AddressContentInput>,
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

mutation! {
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
    OrderRecord.order_record = record(
        #[graphql(desc = "The order to record.")] input: OrderRecordInput,
    ) -> OrderRecordPayload;

    /// Payload of `orderRecord`.
    payload {
        /// The stored order; null when there are user errors.
        order: OrderNode,
    }
}

async fn record(context: &Arc<RequestContext>, input: OrderRecordInput) -> Result<OrderRecordPayload> {
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
    let is_guest = input.customer_id.is_none();
    let number = faults.take(text::required(&input.number, "number", MAX_TEXT));
    let email = input.email.as_deref();
    let email = email.and_then(|text| faults.take(email::check(text, "email")));
    let (full, id) = (input.shipping_address, input.shipping_address_id);
    let shipping = checked_source(AddressRole::Shipping, full, id, is_guest, &mut faults);
    let (full, id) = (input.billing_address, input.billing_address_id);
    let billing = checked_source(AddressRole::Billing, full, id, is_guest, &mut faults);
    let lines = checked_lines(input.lines, &mut faults);
    let total = faults.take(Money::from(input.total).as_total());
    let now = context.app.clock.now();
    let placed_at = input.placed_at;
    let placed_at = placed_at.and_then(|sent| faults.take(check_placed_at(sent, now)));
    // Without another error, the write itself looks up the addresses.
    if !faults.is_empty()
        && let (Some(place), Some(customer)) = (&place, &customer)
    {
        let addresses = Addresses::of(&context.app, place.reach());
        for (role, source) in [
            (AddressRole::Shipping, &shipping),
            (AddressRole::Billing, &billing),
        ] {
            if let Some(source) = source {
                faults.absorb(source.check_exists(role, customer, &addresses).await)?;
            }
        }
    }
    let (place, number, shipping, billing, lines, total) =
        faults.finish((place, number, shipping, billing, lines, total))?;
    let new = NewOrder {
        number,
        customer_id: customer.map(|customer| customer.id),
        email: email.map(|email| email.written),
        shipping,
        billing,
        lines,
        total,
        placed_at,
    };
    let order = OrderRecording::of(&context.app, &place, &new)?.run().await?;
    Ok(OrderRecordPayload::of(OrderNode::in_payload(order, &reach)))
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
