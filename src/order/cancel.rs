//! Cancelling an order.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{Order, OrderStatus, refusal, store};
use crate::access::reach::Reach;
use crate::address;
use crate::app::App;
use crate::error::Result;
use crate::platform::{database::Tx, id::OrderId};

/// Cancels an order, once, and gives it as it is stored then; its customer has one order less (ORD-01, CLY-10).
///
/// # Errors
/// `ORDER_NOT_FOUND`.
pub async fn cancel(app: &Arc<App>, reach: &Reach, id: &OrderId) -> Result<Order> {
    let context = (&**app, reach, id);
    app.database
        .transaction(context, |tx, (app, reach, id)| write(app, reach, tx, id).boxed())
        .await
}

async fn write(app: &App, reach: &Reach, tx: &mut Tx, id: &OrderId) -> Result<Order> {
    let database = &app.database;
    let order = store::find_in(database, reach, tx, id).await?;
    let order = order.ok_or_else(refusal::not_found)?;
    if order.status == OrderStatus::Cancelled {
        return Ok(order);
    }
    let customer = match &order.customer_id {
        Some(customer) => Some(address::store::customer_in(database, reach, tx, customer).await?),
        None => None,
    };
    let now = app.clock.now();
    if let Some(customer) = customer {
        store::count_orders_in(database, reach, tx, &customer, customer.order_count - 1, now).await?;
    }
    store::cancel_in(database, reach, tx, id, now).await
}
