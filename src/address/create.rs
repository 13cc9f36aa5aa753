//! Adding an address to a customer.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{Address, AddressContent, Defaults, Flags, store};
use crate::app::App;
use crate::audit::Action;
use crate::customer::{Customer, refusal::save_failed};
use crate::error::Result;
use crate::platform::{
    database::Tx,
    id::{AddressId, CustomerId},
};
use crate::reach::Reach;

/// Adds an address and returns it and its customer as stored.
///
/// # Errors
/// CUSTOMER_NOT_FOUND (402), SAVE_FAILED (409).
pub async fn create(
    app: &Arc<App>,
    reach: &Reach,
    customer: &CustomerId,
    content: AddressContent,
    flags: Flags,
) -> Result<(Address, Customer)> {
    let context = (&**app, reach, customer, content, flags);
    let written = app
        .database
        .transaction(context, |tx, (app, reach, customer, content, flags)| {
            write(app, reach, tx, customer, content, *flags).boxed()
        });
    written.await.map_err(|error| save_failed(error, 409))
}

async fn write(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    customer: &CustomerId,
    content: &AddressContent,
    flags: Flags,
) -> Result<(Address, Customer)> {
    let database = &app.database;
    let customer = store::customer_in(database, reach, tx, customer).await?;
    // Read after the customer's state, so that of two concurrent calls the later one creates the younger address.
    let now = app.clock.now();
    let address = Address {
        id: AddressId::fresh(now, &app.random),
        storefront_id: customer.storefront_id.clone(),
        user_id: customer.user_id.clone(),
        customer_id: customer.id.clone(),
        content: content.clone(),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let defaults = Defaults::of(&customer).with(&address.id, flags);
    let customer = store::note_change(database, reach, tx, &customer, defaults, now).await?;
    store::insert_in(database, reach, tx, &address).await?;
    let entry = customer.entry(Action::AddressCreated).on(&address.id);
    app.audit.note_in(tx, reach, [entry]).await?;
    Ok((address, customer))
}
