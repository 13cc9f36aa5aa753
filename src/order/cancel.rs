//! `orderCancel`: cancels an order.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::node::OrderNode;
use super::store::Orders;
use super::{Order, OrderStatus, WRITE, refusal};
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::Customer;
use crate::error::Result;
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::{Id, OrderId},
};
use crate::reach::Reach;

/// Input of `orderCancel`: the order to cancel.
#[derive(InputObject)]
pub struct OrderCancelInput {
    /// Id of the order.
    id: ID,
}

mutation! {
    /// Cancels an order, which then no longer counts for its customer's `orderCount` and `status`.
    /// Requires an integration token or client secret with the scope `orders:write`.
    /// User errors: ORDER_NOT_FOUND.
    /// Cancelling a cancelled order succeeds and changes nothing.
    OrderCancel.order_cancel = cancel(
        #[graphql(desc = "The order to cancel.")] input: OrderCancelInput,
    ) -> OrderCancelPayload;

    /// Payload of `orderCancel`.
    payload {
        /// The order as stored after the cancellation; null when there are user errors.
        order: OrderNode,
    }
}

async fn cancel(context: &Arc<RequestContext>, input: OrderCancelInput) -> Result<OrderCancelPayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let id = OrderId::parse(&input.id).ok_or_else(refusal::not_found)?;
    let database = &context.app.database;
    // A repetition needs no transaction. The read also reports an unavailable database at once, whereas a transaction
    // would be retried.
    let stored = database.open::<Order>(&reach).get(&id).await?;
    let mut order = stored.ok_or_else(refusal::not_found)?;
    if order.status != OrderStatus::Cancelled {
        let cancellation = OrderCancellation {
            app: &context.app,
            reach: &reach,
            order: id,
        };
        order = database.run(&cancellation).await?;
    }
    Ok(OrderCancelPayload::of(OrderNode::in_payload(order, &reach)))
}

/// The write that cancels an order. Its customer has one order less, however often the request is repeated (ORD-01,
/// CLY-10).
struct OrderCancellation<'a> {
    app: &'a App,
    reach: &'a Reach,
    order: OrderId,
}

impl Write for OrderCancellation<'_> {
    type Output = Order;

    /// # Errors
    /// ORDER_NOT_FOUND.
    async fn write(&self, tx: &mut Tx) -> Result<Order> {
        let (app, reach, id) = (self.app, self.reach, &self.order);
        let orders = Orders::of(app, reach);
        let order = orders.open().find_one_in(tx, doc! { "_id": id }).await?;
        let order = order.ok_or_else(refusal::not_found)?;
        if order.status == OrderStatus::Cancelled {
            return Ok(order);
        }
        // A customer that was deleted has no count.
        let customer = match &order.customer_id {
            Some(id) => {
                let customers = app.database.open::<Customer>(reach);
                customers.find_one_in(tx, doc! { "_id": id }).await?
            }
            None => None,
        };
        let now = app.clock.now();
        if let Some(customer) = customer {
            let count = customer.order_count - 1;
            orders.set_count_in(tx, &customer, count, now).await?;
            let entry = customer.entry(Action::OrderCancelled).on(id);
            app.audit.note_in(tx, reach, [entry]).await?;
        }
        orders.cancel_in(tx, id, now).await
    }
}
