//! A customer's values of custom fields: checked when they are sent, and once more in the transaction that writes them.

use super::Customer;
use crate::access::reach::{Reach, StorefrontReach};
use crate::access::scope::Scope;
use crate::app::App;
use crate::custom_field::{
    Bearer,
    assignment::{self, Assignment, Writer},
    inputs::CustomFieldInput,
    store,
};
use crate::error::{Faults, Result};
use crate::platform::{database::Tx, id::StorefrontId};
use crate::storefront::Storefront;

impl Bearer for Customer {}

fn writer(reach: &Reach) -> Writer {
    if reach.has(Scope::CustomersWrite) {
        Writer::Backend
    } else {
        Writer::Customer
    }
}

/// What a registration gives to custom fields: with what each has that its caller may write and must. What is wrong is
/// noted.
pub async fn of_new(
    app: &App,
    (reach, place): (&Reach, &StorefrontReach),
    storefront: &Storefront,
    sent: &[CustomFieldInput],
    faults: &mut Faults,
) -> Result<Vec<Assignment>> {
    if sent.is_empty() && storefront.custom_field_count == 0 {
        return Ok(Vec::new());
    }
    let fields = store::of_storefront(&app.database, place.reach(), place.id()).await?;
    assignment::check_complete(&fields, writer(reach), sent, faults);
    Ok(assignment::check(&fields, writer(reach), sent, faults))
}

/// What an update gives to custom fields. What is wrong is noted.
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

/// Holds the fields of which the customer is given values within this transaction; to be called last.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID where a field or an option went meanwhile.
pub async fn hold(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    customer: &Customer,
    assignments: &[Assignment],
) -> Result<()> {
    if assignments.is_empty() {
        return Ok(());
    }
    let bearer = (&customer.storefront_id, &customer.id);
    store::hold(&app.database, reach, tx, bearer, assignments).await
}
