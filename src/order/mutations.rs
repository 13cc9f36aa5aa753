//! Mutations of orders.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::inputs::{OrderCancelInput, OrderCancelPayload, OrderRecordInput, OrderRecordPayload};
use super::node::OrderNode;
use super::{Role, cancel, record, refusal};
use crate::context::RequestContext;
use crate::customer::named::customer_to_change;
use crate::error::{Error, Faults, Result, payload};
use crate::platform::id::{Id, OrderId};
use crate::reach::{principal::Policy, scope::Scope};

const WRITE: Policy = Policy::backend(Scope::OrdersWrite);

/// Mutations of orders.
#[derive(Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
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
        let (order, user_errors) = payload(record_order(RequestContext::of(ctx)?, input).await)?;
        Ok(OrderRecordPayload { order, user_errors })
    }

    /// Cancels an order, which then no longer counts for its customer's `orderCount` and `status`.
    /// Requires an integration token or client secret with the scope `orders:write`.
    /// User errors: ORDER_NOT_FOUND.
    /// Cancelling a cancelled order succeeds and changes nothing.
    async fn order_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order to cancel.")] input: OrderCancelInput,
    ) -> Result<OrderCancelPayload> {
        let (order, user_errors) = payload(cancel_order(RequestContext::of(ctx)?, input).await)?;
        Ok(OrderCancelPayload { order, user_errors })
    }
}

async fn record_order(context: &Arc<RequestContext>, input: OrderRecordInput) -> Result<OrderNode> {
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
    let checked = input.checked(&mut faults, context.app.clock.now());
    if !faults.is_empty()
        && let (Some(place), Some(customer)) = (&place, &customer)
    {
        for (role, given) in Role::BOTH.into_iter().zip(&checked.addresses) {
            if let Some(given) = given {
                let found = record::look_up(&context.app, place.reach(), customer, role, given);
                faults.absorb(found.await)?;
            }
        }
    }
    faults.check()?;
    let complete = place.zip(checked.complete(customer.map(|customer| customer.id)));
    let (place, new) = complete.ok_or_else(|| Error::internal("a validated input is incomplete"))?;
    let order = record::record(&context.app, &place, &new).await?;
    Ok(OrderNode::in_payload(order, &reach))
}

async fn cancel_order(context: &Arc<RequestContext>, input: OrderCancelInput) -> Result<OrderNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let id = OrderId::parse(&input.id).ok_or_else(refusal::not_found)?;
    let order = cancel::cancel(&context.app, &reach, &id).await?;
    Ok(OrderNode::in_payload(order, &reach))
}
