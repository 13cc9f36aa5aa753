//! `orderCancel`: cancels an order.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use bson::doc;

use super::node::OrderNode;
use super::store::Orders;
use super::{Order, OrderStatus, WRITE, refusal};
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::Customer;
use crate::error::{Result, UserError, payload};
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

/// Payload of `orderCancel`.
#[derive(SimpleObject)]
pub struct OrderCancelPayload {
    /// The order as stored after the cancellation; null when there are user errors.
    order: Option<OrderNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `orderCancel`.
#[derive(Default)]
pub struct OrderCancel;

#[Object]
impl OrderCancel {
    /// Cancels an order, which then no longer counts for its customer's `orderCount` and `status`.
    /// Requires an integration token or client secret with the scope `orders:write`.
    /// User errors: ORDER_NOT_FOUND.
    /// Cancelling a cancelled order succeeds and changes nothing.
    async fn order_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order to cancel.")] input: OrderCancelInput,
    ) -> Result<OrderCancelPayload> {
        let (order, user_errors) = payload(cancel(RequestContext::of(ctx)?, &input).await)?;
        Ok(OrderCancelPayload { order, user_errors })
    }
}

async fn cancel(context: &Arc<RequestContext>, input: &OrderCancelInput) -> Result<OrderNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let cancellation = OrderCancellation {
        app: &context.app,
        reach: &reach,
        order: OrderId::parse(&input.id).ok_or_else(refusal::not_found)?,
    };
    Ok(OrderNode::in_payload(cancellation.run().await?, &reach))
}

/// The write that cancels an order. Its customer has one order less, however often the request is repeated (ORD-01,
/// CLY-10).
struct OrderCancellation<'a> {
    app: &'a App,
    reach: &'a Reach,
    order: OrderId,
}

impl OrderCancellation<'_> {
    /// Cancels the order and returns it as stored.
    ///
    /// # Errors
    /// ORDER_NOT_FOUND.
    async fn run(&self) -> Result<Order> {
        // A repetition needs no transaction. The read also reports an unavailable database at once, whereas a
        // transaction would be retried.
        let stored = self
            .app
            .database
            .open::<Order>(self.reach)
            .get(&self.order)
            .await?;
        let stored = stored.ok_or_else(refusal::not_found)?;
        if stored.status == OrderStatus::Cancelled {
            return Ok(stored);
        }
        self.app.database.run(self).await
    }
}

impl Write for OrderCancellation<'_> {
    type Output = Order;

    async fn write(&self, tx: &mut Tx) -> Result<Order> {
        let (app, reach, id) = (self.app, self.reach, &self.order);
        let orders = Orders::of(app, reach);
        let order = orders.find_in(tx, id).await?.ok_or_else(refusal::not_found)?;
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
