//! A customer's custom field values: checked when they are sent, and again in the transaction that writes them.

use super::Customer;
use crate::app::App;
use crate::custom_field::{
    assignment::{self, Assignment, CustomFieldInput, ValueWriter},
    store,
};
use crate::error::{Faults, Result};
use crate::platform::{database::Tx, id::StorefrontId};
use crate::reach::scope::Scope;
use crate::reach::{Confine, Reach, StorefrontReach};
use crate::storefront::Storefront;

fn writer(reach: &Reach) -> ValueWriter {
    match reach.has(Scope::CustomersWrite) {
        true => ValueWriter::Backend,
        false => ValueWriter::Customer,
    }
}

/// Checks the values of a registration, which must include every required field that the caller may write. Adds the
/// errors to `faults`.
///
/// # Errors
/// Any database error.
pub async fn of_new(
    app: &App,
    place: &StorefrontReach,
    storefront: &Storefront,
    sent: &[CustomFieldInput],
    faults: &mut Faults,
) -> Result<Vec<Assignment>> {
    if sent.is_empty() && storefront.custom_field_count == 0 {
        return Ok(Vec::new());
    }
    let fields = store::of_storefront(&app.database, place.reach(), place.id()).await?;
    let writer = writer(place.reach());
    assignment::check_complete(&fields, writer, sent, faults);
    Ok(assignment::check(&fields, writer, sent, faults))
}

/// Checks the values of an update. Adds the errors to `faults`.
///
/// # Errors
/// Any database error.
pub async fn of_update(
    app: &App,
    reach: &Reach,
    storefront: &StorefrontId,
    sent: &[CustomFieldInput],
    faults: &mut Faults,
) -> Result<Vec<Assignment>> {
    if sent.is_empty() {
        return Ok(Vec::new());
    }
    let fields = store::of_storefront(&app.database, reach, storefront).await?;
    Ok(assignment::check(&fields, writer(reach), sent, faults))
}

/// Locks the custom fields of which the customer receives values within this transaction. Must be called last.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID if a field or an option was deleted meanwhile.
pub async fn hold(
    app: &App,
    reach: &impl Confine,
    tx: &mut Tx,
    customer: &Customer,
    assignments: &[Assignment],
) -> Result<()> {
    if assignments.is_empty() {
        return Ok(());
    }
    store::hold(&app.database, reach, tx, customer, assignments).await
}
