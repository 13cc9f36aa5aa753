//! Updates of an address: only fields that are sent change.

use std::sync::Arc;

use bson::Document;
use futures_util::FutureExt;

use super::country::CountryCode;
use super::{Address, Defaults, Flags, refusal, store};
use crate::app::App;
use crate::audit::Action;
use crate::customer::{Customer, Salutation, profile::conflict, refusal::save_failed};
use crate::error::{Error, Result};
use crate::platform::{
    change::Change,
    clock::Timestamp,
    database::Tx,
    id::{AddressId, CustomerId},
};
use crate::reach::Reach;

/// The checked changes. The outer `None` means unchanged, the inner one removed.
#[derive(Default)]
pub struct AddressChanges {
    /// Label that the customer chose.
    pub label: Option<Option<String>>,
    /// Salutation.
    pub salutation: Option<Option<Salutation>>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Company.
    pub company: Option<Option<String>>,
    /// First line.
    pub address1: Option<String>,
    /// Second line.
    pub address2: Option<Option<String>>,
    /// Third line.
    pub address3: Option<Option<String>>,
    /// Zip code.
    pub zip_code: Option<Option<String>>,
    /// City.
    pub city: Option<String>,
    /// State, province or similar region.
    pub region: Option<Option<String>>,
    /// Country.
    pub iso2_code: Option<CountryCode>,
    /// Name of the country; if removed, it follows from the code.
    pub country: Option<Option<String>>,
    /// Phone number.
    pub phone: Option<Option<String>>,
    /// The flags that select the defaults.
    pub flags: Flags,
}

/// Updates an address and returns it and its customer as stored.
///
/// # Errors
/// CUSTOMER_NOT_FOUND (402), ADDRESS_NOT_FOUND (404), VERSION_CONFLICT with the stored version, INVALID on a flag that
/// would leave the customer without a default, SAVE_FAILED (409).
pub async fn update(
    app: &Arc<App>,
    reach: &Reach,
    (customer, id): (&CustomerId, &AddressId),
    changes: AddressChanges,
    expected_version: Option<i64>,
) -> Result<(Address, Customer)> {
    let context = (&**app, reach, (customer, id), changes, expected_version);
    let written = app
        .database
        .transaction(context, |tx, (app, reach, whose, changes, expected)| {
            write(app, reach, tx, *whose, changes, *expected).boxed()
        });
    written.await.map_err(|error| save_failed(error, 409))
}

async fn write(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    (customer, id): (&CustomerId, &AddressId),
    changes: &AddressChanges,
    expected_version: Option<i64>,
) -> Result<(Address, Customer)> {
    let database = &app.database;
    let customer = store::customer_in(database, reach, tx, customer).await?;
    let stored = store::find_in(database, reach, tx, &customer.id, id).await?;
    let stored = stored.ok_or_else(refusal::not_found)?;
    if expected_version.is_some_and(|expected| expected != stored.version) {
        return Err(conflict(stored.version).into());
    }
    let defaults = Defaults::of(&customer);
    let oldest_other = if defaults.are_left_by(id, changes.flags) {
        store::oldest_other(database, reach, tx, &customer, id).await?
    } else {
        None
    };
    let defaults = match defaults.after_update(id, changes.flags, oldest_other.as_ref()) {
        Ok(defaults) => defaults,
        Err(faults) => return Err(faults.into()),
    };
    let now = app.clock.now();
    let customer = store::note_change(database, reach, tx, &customer, defaults, now).await?;
    let addresses = database.open::<Address>(reach);
    let changed = addresses
        .update_in(tx, store::of(&customer.id, id), written(changes, now)?)
        .await?;
    let address = changed.ok_or_else(|| Error::internal("an address disappeared during a transaction"))?;
    let entry = customer.entry(Action::AddressUpdated).on(&address.id);
    app.audit.note_in(tx, reach, [entry]).await?;
    Ok((address, customer))
}

/// Builds the update from the changes.
fn written(changes: &AddressChanges, now: Timestamp) -> Result<Document> {
    let AddressChanges {
        label,
        salutation,
        first_name,
        last_name,
        company,
        address1,
        address2,
        address3,
        zip_code,
        city,
        region,
        iso2_code,
        country,
        phone,
        // They are stored with the customer.
        flags: _,
    } = changes;
    let mut change = Change::default();
    for (field, text) in [
        ("firstName", first_name),
        ("lastName", last_name),
        ("address1", address1),
        ("city", city),
    ] {
        change.keep(field, text.as_ref())?;
    }
    for (field, text) in [
        ("label", label),
        ("company", company),
        ("address2", address2),
        ("address3", address3),
        ("zipCode", zip_code),
        ("region", region),
        ("country", country),
        ("phone", phone),
    ] {
        change.keep_or_clear(field, text.as_ref().map(Option::as_ref))?;
    }
    change.keep_or_clear("salutation", *salutation)?;
    change.keep("iso2Code", *iso2_code)?;
    Ok(change.into_update(now))
}
