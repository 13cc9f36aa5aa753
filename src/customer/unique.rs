//! What only one customer of a storefront has: its e-mail address and its shopper reference. What is taken is looked up, so
//! that it is told together with all else that is wrong (ERR-01); when it is written, the indexes decide.

use super::email::Email;
use super::store::{self, UNIQUE_EMAIL, UNIQUE_SHOPPER_REFERENCE};
use super::{Customer, refusal};
use crate::access::reach::StorefrontReach;
use crate::app::App;
use crate::error::{Error, Faults, Result};
use crate::platform::{database::violated_index, id::CustomerId};

/// What a customer is to have, as far as it was sent and is good.
#[derive(Clone, Debug, Default)]
pub struct Unique {
    /// The address.
    pub email: Option<Email>,
    /// The shopper reference.
    pub shopper_reference: Option<String>,
}

/// Looks up whether others have it; `own` is the customer who may have it already.
///
/// # Errors
/// EMAIL_TAKEN (400) and SHOPPER_REFERENCE_TAKEN, both where both are.
pub async fn check(
    app: &App,
    place: &StorefrontReach,
    unique: &Unique,
    own: Option<&CustomerId>,
) -> Result<()> {
    let (database, house) = (&app.database, place.of_the_house());
    let is_others = |found: Option<Customer>| found.is_some_and(|other| Some(&other.id) != own);
    let mut faults = Faults::default();
    if let Some(email) = &unique.email
        && is_others(store::by_email(database, &house, email).await?)
    {
        faults.push(refusal::email_taken("email"));
    }
    if let Some(reference) = &unique.shopper_reference
        && is_others(store::by_shopper_reference(database, &house, reference).await?)
    {
        faults.push(refusal::shopper_reference_taken());
    }
    faults.check()
}

/// A violated index as the field's error.
pub fn taken(error: Error) -> Error {
    match violated_index(&error) {
        Some(UNIQUE_EMAIL) => refusal::email_taken("email").into(),
        Some(UNIQUE_SHOPPER_REFERENCE) => refusal::shopper_reference_taken().into(),
        _ => error,
    }
}
