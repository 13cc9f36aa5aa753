//! Updates of a customer's profile: only fields that are sent change (SPR-33).

use bson::{Document, doc};
use futures_util::FutureExt;

use super::anonymization::open;
use super::custom_fields;
use super::limits;
use super::mail::{self, About, Granted};
use super::unique::{self, Unique, taken};
use super::{Customer, Gender, Salutation, refusal};
use crate::app::App;
use crate::audit::{Action, AuditEntry};
use crate::auth::one_time::Purpose;
use crate::custom_field::assignment::{Assignment, applied};
use crate::error::{Faults, Result};
use crate::platform::{change::Change, database::Tx, scalar::Date};
use crate::reach::Reach;

/// The checked changes. The outer `None` means unchanged, the inner one removed.
#[derive(Debug, Default)]
pub struct ProfileChanges {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Salutation.
    pub salutation: Option<Option<Salutation>>,
    /// Gender.
    pub gender: Option<Option<Gender>>,
    /// Date of birth.
    pub date_of_birth: Option<Option<Date>>,
    /// Shopper reference and e-mail address; a new address is unverified unless its compared form is unchanged.
    pub unique: Unique,
    /// Values of custom fields.
    pub custom_fields: Vec<Assignment>,
}

/// Checks the changes against the stored data.
///
/// # Errors
/// VERSION_CONFLICT with the stored version, EMAIL_TAKEN (400), SHOPPER_REFERENCE_TAKEN: all that apply.
pub async fn check(
    app: &App,
    reach: &Reach,
    customer: &Customer,
    changes: &ProfileChanges,
    expected_version: Option<i64>,
) -> Result<()> {
    let mut faults = Faults::default();
    if expected_version.is_some_and(|expected| expected != customer.version) {
        faults.push(refusal::version_conflict(customer.version));
    }
    let place = reach.only(&customer.storefront_id);
    let place = place.ok_or_else(|| refusal::not_found("customerId"))?;
    faults.absorb(unique::check(app, &place, &changes.unique, Some(&customer.id)).await)?;
    faults.check()
}

/// Updates a customer, if it is unchanged since the check, and returns the stored version.
///
/// # Errors
/// VERSION_CONFLICT with the stored version, EMAIL_TAKEN (400), SHOPPER_REFERENCE_TAKEN, CUSTOMER_NOT_FOUND (402),
/// CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID if a field or an option was deleted meanwhile, SAVE_FAILED
/// (410).
pub async fn update(
    app: &App,
    reach: &Reach,
    customer: &Customer,
    changes: ProfileChanges,
    expected_version: Option<i64>,
) -> Result<Customer> {
    let mut filter = open(doc! { "_id": &customer.id });
    if let Some(expected) = expected_version {
        filter.insert("version", expected);
    }
    let notice = match &changes.unique.email {
        Some(email) if customer.email_key.as_ref() != Some(&email.key) => {
            Some(limits::notice(app, customer, About::EmailChanged).await?)
        }
        _ => None,
    };
    let context = (app, reach, (customer, &filter), &changes, notice);
    let updated = app
        .database
        .transaction(context, |tx, (app, reach, known, changes, notice)| {
            write(app, reach, tx, *known, (changes, *notice)).boxed()
        });
    let updated = updated.await.map_err(taken);
    if let Some(updated) = updated.map_err(|error| refusal::save_failed(error, 410))? {
        return Ok(updated);
    }
    let stored = app.database.open::<Customer>(reach).get(&customer.id).await?;
    Err(match stored {
        Some(stored) if stored.is_being_erased() => refusal::anonymized(["customerId"]).into(),
        Some(stored) => refusal::version_conflict(stored.version).into(),
        None => refusal::not_found("customerId").into(),
    })
}

/// Updates a customer within a transaction; `None` if the filter no longer matches.
async fn write(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    (known, filter): (&Customer, &Document),
    (changes, notice): (&ProfileChanges, Option<Granted>),
) -> Result<Option<Customer>> {
    let customers = app.database.open::<Customer>(reach);
    let has_values = !changes.custom_fields.is_empty();
    // Both depend on the stored version: the list of all values is replaced, and a changed address becomes unverified.
    let stored = if has_values || changes.unique.email.is_some() {
        let stored = customers.find_one_in(tx, filter.clone()).await?;
        if stored.is_none() {
            return Ok(None);
        }
        stored
    } else {
        None
    };
    let known = stored.as_ref().unwrap_or(known);
    let mut change = written(known, changes)?;
    if has_values {
        let values = applied(&known.custom_fields, &changes.custom_fields);
        let values = (!values.is_empty()).then_some(values);
        change.keep_or_clear("customFields", Some(values))?;
    }
    let update = change.into_update(app.clock.now());
    let Some(updated) = customers.update_in(tx, filter.clone(), update).await? else {
        return Ok(None);
    };
    app.audit.note_in(tx, reach, told(known, changes)).await?;
    if updated.email_key != known.email_key {
        leave_address_in(app, tx, known, notice).await?;
    }
    custom_fields::hold(app, reach, tx, &updated, &changes.custom_fields).await?;
    Ok(Some(updated))
}

/// Voids the keys that were mailed to, or for, an address that the store has replaced, and queues a notice to it
/// (CST-08).
async fn leave_address_in(app: &App, tx: &mut Tx, known: &Customer, notice: Option<Granted>) -> Result<()> {
    app.one_time.void_in(tx, &known.id, &Purpose::ALL).await?;
    match (&known.email, notice) {
        (Some(address), Some(granted)) => {
            let about = (About::EmailChanged, granted);
            mail::enqueue_to(app, tx, &known.id, about, address).await
        }
        _ => Ok(()),
    }
}

/// The audit entries for the changes, one for each kind.
fn told(known: &Customer, changes: &ProfileChanges) -> Vec<AuditEntry> {
    let ProfileChanges {
        first_name,
        last_name,
        salutation,
        gender,
        date_of_birth,
        unique: Unique {
            email,
            shopper_reference,
        },
        custom_fields,
    } = changes;
    let mut actions = Vec::new();
    if (email.as_ref()).is_some_and(|email| known.email.as_ref() != Some(&email.written)) {
        actions.push(Action::EmailChanged);
    }
    if !custom_fields.is_empty() {
        actions.push(Action::CustomFieldsChanged);
    }
    let is_profile = first_name.is_some()
        || last_name.is_some()
        || salutation.is_some()
        || gender.is_some()
        || date_of_birth.is_some()
        || shopper_reference.is_some();
    // An unchanged address counts as a change too, because the version increases.
    if is_profile || actions.is_empty() {
        actions.push(Action::Updated);
    }
    actions.into_iter().map(|action| known.entry(action)).collect()
}

/// The changes except those of custom fields.
fn written(customer: &Customer, changes: &ProfileChanges) -> Result<Change> {
    let ProfileChanges {
        first_name,
        last_name,
        salutation,
        gender,
        date_of_birth,
        unique: Unique {
            email,
            shopper_reference,
        },
        // Custom fields are resolved within the transaction.
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
