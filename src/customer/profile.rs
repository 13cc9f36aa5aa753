//! Changing a customer's profile: only what is sent (SPR-33).

use bson::{Document, doc};
use futures_util::FutureExt;

use super::anonymization::open;
use super::custom_fields;
use super::unique::{self, Unique, taken};
use super::{Customer, Gender, Salutation, refusal};
use crate::access::reach::Reach;
use crate::app::App;
use crate::custom_field::assignment::{Assignment, applied};
use crate::error::{Faults, Result, UserError, UserErrorCode};
use crate::platform::{
    change::Change,
    database::Tx,
    scalar::{Date, wire_count},
};

/// What to change, checked. The outer `None`: as it is; the inner one: cleared.
#[derive(Debug, Default)]
pub struct Changes {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Salutation.
    pub salutation: Option<Option<Salutation>>,
    /// Gender.
    pub gender: Option<Option<Gender>>,
    /// Birth date.
    pub date_of_birth: Option<Option<Date>>,
    /// Shopper reference; and the address, unverified from then on unless it differs in case only.
    pub unique: Unique,
    /// Values of custom fields.
    pub custom_fields: Vec<Assignment>,
}

/// What of the changes cannot be, by what is stored at the moment.
///
/// # Errors
/// VERSION_CONFLICT with the stored version, EMAIL_TAKEN (400), SHOPPER_REFERENCE_TAKEN: all that apply.
pub async fn check(
    app: &App,
    reach: &Reach,
    customer: &Customer,
    changes: &Changes,
    expected_version: Option<i64>,
) -> Result<()> {
    let mut faults = Faults::default();
    if expected_version.is_some_and(|expected| expected != customer.version) {
        faults.push(conflict(customer.version));
    }
    let place = reach.only(&customer.storefront_id);
    let place = place.ok_or_else(|| refusal::not_found("customerId"))?;
    faults.absorb(unique::check(app, &place, &changes.unique, Some(&customer.id)).await)?;
    faults.check()
}

/// Changes a customer, if it is still as it was checked, and gives what is stored then.
///
/// # Errors
/// VERSION_CONFLICT with the stored version, EMAIL_TAKEN (400), SHOPPER_REFERENCE_TAKEN, CUSTOMER_NOT_FOUND (402),
/// CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID where a field or an option went meanwhile, SAVE_FAILED (410).
pub async fn update(
    app: &App,
    reach: &Reach,
    customer: &Customer,
    changes: Changes,
    expected_version: Option<i64>,
) -> Result<Customer> {
    let mut filter = open(doc! { "_id": &customer.id });
    if let Some(expected) = expected_version {
        filter.insert("version", expected);
    }
    let customers = app.database.open::<Customer>(reach);
    let updated = if changes.custom_fields.is_empty() {
        let update = written(customer, &changes)?.into_update(app.clock.now());
        customers.update(filter, update).await
    } else {
        let context = (app, reach, &filter, &changes);
        let written = app
            .database
            .transaction(context, |tx, (app, reach, filter, changes)| {
                write_with_custom_fields(app, reach, tx, filter, changes).boxed()
            });
        written.await
    };
    let updated = updated.map_err(taken);
    if let Some(updated) = updated.map_err(|error| refusal::save_failed(error, 410))? {
        return Ok(updated);
    }
    Err(match customers.get(&customer.id).await? {
        Some(stored) if stored.is_being_erased() => refusal::anonymized(["customerId"]).into(),
        Some(stored) => conflict(stored.version).into(),
        None => refusal::not_found("customerId").into(),
    })
}

/// The same where values of custom fields are among the changes. `None` when the filter does not find the customer.
async fn write_with_custom_fields(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    filter: &Document,
    changes: &Changes,
) -> Result<Option<Customer>> {
    let customers = app.database.open::<Customer>(reach);
    let Some(stored) = customers.find_one_in(tx, filter.clone()).await? else {
        return Ok(None);
    };
    let mut change = written(&stored, changes)?;
    let values = applied(&stored.custom_fields, &changes.custom_fields);
    let values = (!values.is_empty()).then_some(values);
    change.keep_or_clear("customFields", Some(values))?;
    let named = doc! { "_id": &stored.id };
    let updated = customers
        .update_in(tx, named, change.into_update(app.clock.now()))
        .await?;
    custom_fields::hold(app, reach, tx, &stored, &changes.custom_fields).await?;
    Ok(updated)
}

/// Somebody changed it since (CST-03): what VERSION_CONFLICT tells, with the version that is stored.
#[must_use]
pub fn conflict(stored: i64) -> UserError {
    let message = "Somebody has changed this since; read it again.";
    UserError {
        current_version: Some(wire_count(stored)),
        ..UserError::new(UserErrorCode::VersionConflict, ["expectedVersion"], message)
    }
}

/// The changes but for custom fields.
fn written(customer: &Customer, changes: &Changes) -> Result<Change> {
    let Changes {
        first_name,
        last_name,
        salutation,
        gender,
        date_of_birth,
        unique: Unique {
            email,
            shopper_reference,
        },
        // They are known within the transaction.
        custom_fields: _,
    } = changes;
    let mut change = Change::default();
    change.keep("firstName", first_name.as_ref())?;
    change.keep("lastName", last_name.as_ref())?;
    change.keep("shopperReference", shopper_reference.as_ref())?;
    change.keep_or_clear("salutation", *salutation)?;
    change.keep_or_clear("gender", *gender)?;
    change.keep_or_clear("dateOfBirth", *date_of_birth)?;
    if let Some(email) = email {
        if customer.email_key.as_ref() != Some(&email.key) {
            change.keep("isEmailVerified", Some(false))?;
        }
        change.keep("email", Some(&email.written))?;
        change.keep("emailKey", Some(&email.key))?;
    }
    Ok(change)
}
