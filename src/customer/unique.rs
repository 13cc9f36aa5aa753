//! The values that are unique in a storefront: a customer's e-mail address and shopper reference. They are looked up
//! first, so that a conflict is reported together with all other errors (ERR-01); at the write, the indexes decide.

use super::email::Email;
use super::store::{self, UNIQUE_EMAIL, UNIQUE_SHOPPER_REFERENCE};
use super::{Customer, refusal};
use crate::app::App;
use crate::error::{Error, Faults, Result};
use crate::platform::{database::violated_index, id::CustomerId};
use crate::reach::StorefrontReach;

/// The valid unique values of an input.
#[derive(Clone, Debug, Default)]
pub struct Unique {
    /// The e-mail address.
    pub email: Option<Email>,
    /// The shopper reference.
    pub shopper_reference: Option<String>,
}

/// Looks up whether another customer has the values; `own` is the customer who may have them already.
///
/// # Errors
/// EMAIL_TAKEN (400) and SHOPPER_REFERENCE_TAKEN; both if both are taken.
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

/// Maps the violation of a unique index to the error of the field.
pub fn taken(error: Error) -> Error {
    match violated_index(&error) {
        Some(UNIQUE_EMAIL) => refusal::email_taken("email").into(),
        Some(UNIQUE_SHOPPER_REFERENCE) => refusal::shopper_reference_taken().into(),
        _ => error,
    }
}
