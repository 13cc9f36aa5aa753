//! The values that are unique in a storefront: a customer's e-mail address and shopper reference. They are looked up
//! first, so that a conflict is reported together with all other errors (ERR-01); at the write, the indexes decide.

use bson::doc;

use super::email::Email;
use super::store::{self, UNIQUE_EMAIL, UNIQUE_SHOPPER_REFERENCE};
use super::{Customer, check_shopper_reference, refusal};
use crate::app::App;
use crate::error::{Error, Faults, Result, UserError};
use crate::platform::{
    database::violated_index,
    id::{CustomerId, StorefrontId},
};
use crate::reach::{HouseReach, Reach, scope::Scope};

/// The valid unique values of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unique {
    /// The e-mail address.
    pub email: Option<Email>,
    /// The shopper reference.
    pub shopper_reference: Option<String>,
}

impl Unique {
    /// Looks up whether another customer of the storefront has the values; `own` is the customer who may have them
    /// already.
    ///
    /// # Errors
    /// EMAIL_TAKEN (400) and SHOPPER_REFERENCE_TAKEN; both if both are taken.
    pub async fn check(&self, app: &App, storefront: &StorefrontId, own: Option<&CustomerId>) -> Result<()> {
        // The caller does not reach the other customers.
        let (database, reach) = (&app.database, HouseReach::within(storefront));
        let is_others = |found: Option<Customer>| found.is_some_and(|other| Some(&other.id) != own);
        let mut faults = Faults::default();
        if let Some(email) = &self.email
            && is_others(store::by_email(database, &reach, email).await?)
        {
            faults.push(refusal::email_taken("email"));
        }
        if let Some(reference) = &self.shopper_reference {
            let customers = database.open::<Customer>(&reach);
            let known = doc! { "shopperReference": reference };
            if is_others(customers.find_one(known).await?) {
                faults.push(refusal::shopper_reference_taken());
            }
        }
        faults.check()
    }
}

/// Checks a shopper reference, which only a backend may send.
///
/// # Errors
/// FORBIDDEN, SHOPPER_REFERENCE_INVALID.
pub fn shopper_reference(reach: &Reach, value: &str) -> Result<String, UserError> {
    if reach.has(Scope::CustomersWrite) {
        check_shopper_reference(value)
    } else {
        Err(refusal::forbidden("shopperReference"))
    }
}

/// Maps the violation of a unique index to the error of the field.
pub fn taken(error: Error) -> Error {
    match violated_index(&error) {
        Some(UNIQUE_EMAIL) => refusal::email_taken("email").into(),
        Some(UNIQUE_SHOPPER_REFERENCE) => refusal::shopper_reference_taken().into(),
        _ => error,
    }
}
