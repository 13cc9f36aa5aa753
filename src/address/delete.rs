//! Deleting an address of a customer.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{Address, Defaults, refusal, store};
use crate::app::App;
use crate::audit::Action;
use crate::customer::{Customer, refusal::save_failed};
use crate::error::Result;
use crate::platform::{
    database::Tx,
    id::{AddressId, CustomerId},
};
use crate::reach::Reach;

/// Deletes an address and returns its customer as stored.
///
/// # Errors
/// CUSTOMER_NOT_FOUND (402), ADDRESS_NOT_FOUND (404), SAVE_FAILED (409).
pub async fn delete(
    app: &Arc<App>,
    reach: &Reach,
    customer: &CustomerId,
    id: &AddressId,
) -> Result<Customer> {
    let context = (&**app, reach, customer, id);
    let written = app
        .database
        .transaction(context, |tx, (app, reach, customer, id)| {
            write(app, reach, tx, customer, id).boxed()
        });
    written.await.map_err(|error| save_failed(error, 409))
}

async fn write(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    customer: &CustomerId,
    id: &AddressId,
) -> Result<Customer> {
    let database = &app.database;
    let customer = store::customer_in(database, reach, tx, customer).await?;
    let addresses = database.open::<Address>(reach);
    let removed = addresses.delete_in(tx, store::of(&customer.id, id)).await?;
    removed.ok_or_else(refusal::not_found)?;
    let defaults = Defaults::of(&customer);
    let oldest_remaining = if defaults.include(id) {
        store::oldest_other(database, reach, tx, &customer, id).await?
    } else {
        None
    };
    let defaults = defaults.without(id, oldest_remaining.as_ref());
    let entry = customer.entry(Action::AddressDeleted).on(id);
    app.audit.note_in(tx, reach, [entry]).await?;
    store::note_change(database, reach, tx, &customer, defaults, app.clock.now()).await
}
