//! Cancelling an order.

use std::sync::Arc;

use bson::doc;
use futures_util::FutureExt;

use super::{Order, OrderStatus, refusal, store};
use crate::app::App;
use crate::audit::Action;
use crate::customer::Customer;
use crate::error::Result;
use crate::platform::{database::Tx, id::OrderId};
use crate::reach::Reach;

/// Cancels an order and returns it as stored. Its customer has one order less, however often the request is repeated
/// (ORD-01, CLY-10).
///
/// # Errors
/// `ORDER_NOT_FOUND`.
pub async fn cancel(app: &Arc<App>, reach: &Reach, id: &OrderId) -> Result<Order> {
    // A repetition needs no transaction. The read also reports an unavailable database at once, whereas a transaction
    // would be retried.
    let known = app.database.open::<Order>(reach).get(id).await?;
    let known = known.ok_or_else(refusal::not_found)?;
    if known.status == OrderStatus::Cancelled {
        return Ok(known);
    }
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
    // A customer that was deleted has no count.
    let customer = match &order.customer_id {
        Some(id) => {
            database
                .open::<Customer>(reach)
                .find_one_in(tx, doc! { "_id": id })
                .await?
        }
        None => None,
    };
    let now = app.clock.now();
    if let Some(customer) = customer {
        store::count_orders_in(database, reach, tx, &customer, customer.order_count - 1, now).await?;
        let entry = customer.entry(Action::OrderCancelled).on(id);
        app.audit.note_in(tx, reach, [entry]).await?;
    }
    store::cancel_in(database, reach, tx, id, now).await
}
