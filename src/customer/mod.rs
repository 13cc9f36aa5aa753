//! Customers: accounts of a storefront. Each has a regular storefront user of its own, to which its storage belongs and by
//! which all that is the customer's is told from what is others'.

pub mod anonymization;
pub mod concealed;
pub mod confirmation;
pub mod credentials;
pub mod custom_fields;
pub mod email;
pub mod email_keys;
pub mod graphql;
pub mod guest;
pub mod identity;
pub mod inputs;
pub mod limits;
pub mod list;
pub mod lookup;
pub mod mail;
pub mod mail_mutations;
pub mod mailed_keys;
pub mod migrations;
pub mod mutations;
pub mod oauth;
pub mod password_mutations;
pub mod passwords;
pub mod profile;
pub mod registration;
pub mod sessions;
pub mod sign_in;
pub mod store;
pub mod terms;
pub mod token_mutations;
pub mod unique;
pub mod vouched;

use std::fmt;

use anonymization::Anonymization;
use async_graphql::Enum;
use serde::{Deserialize, Serialize};

use crate::access::{
    audit::{Action, Entry},
    membership::MemberDocument,
    password::Hashed,
    reach::Holder,
    tenant::TenantDocument,
};
use crate::custom_field::FieldValue;
use crate::error::{UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    id::{AddressId, CustomerGroupId, CustomerId, StorefrontId, StorefrontUserId},
    scalar::Date,
};

/// Longest first and last name, in characters (SPR-11).
pub const MAX_NAME: usize = 100;
/// Longest version of terms, in characters.
pub const MAX_TERMS_VERSION: usize = 100;

/// Salutation of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Salutation {
    /// Mr.
    Mr,
    /// Mrs.
    Mrs,
    /// Ms.
    Ms,
    /// Mx.
    Mx,
    /// Dr.
    Dr,
    /// Professor.
    Prof,
    /// No salutation.
    NotApplicable,
}

/// Gender of a customer, as the customer stated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Gender {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Neither female nor male, or both.
    Diverse,
    /// The customer was asked and did not state a gender.
    NotSpecified,
}

/// Purchase status of a customer. It is derived from `orderCount` and cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CustomerStatus {
    /// No orders.
    Prospect,
    /// One order.
    Acquired,
    /// Two or more orders.
    Repeat,
}

impl CustomerStatus {
    /// By the number of placed orders.
    #[must_use]
    pub const fn of(orders: i64) -> Self {
        match orders {
            ..=0 => Self::Prospect,
            1 => Self::Acquired,
            2.. => Self::Repeat,
        }
    }
}

/// Which terms were accepted, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TermsAcceptance {
    /// When.
    pub accepted_at: Timestamp,
    /// Which, as the store calls them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
}

/// A customer account. What is missing was never told or is erased.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// Id.
    #[serde(rename = "_id")]
    pub id: CustomerId,
    /// Where.
    pub storefront_id: StorefrontId,
    /// The customer's own storefront user.
    pub user_id: StorefrontUserId,
    /// The storefront's code, two dashes, a number: unique and never reused (SPR-17).
    pub reference: String,
    /// That number, to sort by.
    pub reference_number: i64,
    /// The e-mail address as it was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    /// The same as it is compared (see [`email`]); unique in the storefront.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email_key: Option<String>,
    /// Whether the address was shown to be theirs.
    pub is_email_verified: bool,
    /// Whether the account was registered by a stranger where the storefront conceals which addresses it knows, and nobody
    /// has shown yet that the address is theirs: until then nobody signs in with its password (SPR-10).
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub awaits_proof: bool,
    /// What is stored of the password, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub password_hash: Option<Hashed>,
    /// Grows when all sessions end, so that a sign-in that began before does not outlive it.
    pub credential_epoch: i64,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_name: Option<String>,
    /// Salutation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub salutation: Option<Salutation>,
    /// Gender.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gender: Option<Gender>,
    /// Birth date.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date_of_birth: Option<Date>,
    /// Identifies the shopper to payment gateways; unique in the storefront (CLY-06).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shopper_reference: Option<String>,
    /// Placed orders, cancelled ones not counted.
    pub order_count: i64,
    /// Follows the count; stored for lists to filter by.
    pub status: CustomerStatus,
    /// The terms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub terms: Option<TermsAcceptance>,
    /// The address that orders go to. Set as long as there are addresses (ADR-01); changed with them in one transaction.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_shipping_address_id: Option<AddressId>,
    /// The address that invoices go to; the same holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_billing_address_id: Option<AddressId>,
    /// Values of the storefront's custom fields, each field at most once.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub custom_fields: Vec<FieldValue>,
    /// The groups that the customer is in, some of which may be gone. Joining and leaving is the store's affair and no
    /// change of the customer: neither `version` nor `updated_at` tells of it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub group_ids: Vec<CustomerGroupId>,
    /// Where the erasure of what is personal here stands, where it was ever asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anonymization: Option<Anonymization>,
    /// The last sign-in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_login_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the profile, an address or the number of placed orders was last changed; signing in is no change.
    pub updated_at: Timestamp,
    /// Grows with each change of the profile, an address or the number of placed orders.
    pub version: i64,
}

impl Customer {
    /// What the audit trail is to tell of this customer.
    #[must_use]
    pub fn entry(&self, action: Action) -> Entry {
        Entry::new(&self.storefront_id, &self.id, action)
    }
}

// Nothing of a person reaches a log by way of its document.
impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Customer({})", self.id)
    }
}

impl TenantDocument for Customer {
    type Id = CustomerId;
    const COLLECTION: &'static str = "customers";
    const HOLDER: Holder = Holder::StorefrontUser("userId");

    fn id(&self) -> &CustomerId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl MemberDocument for Customer {
    fn groups(&self) -> &[CustomerGroupId] {
        &self.group_ids
    }
}

/// Whether this can be a birth date: from 1900-01-01 to today, both included (SPR-11).
///
/// # Errors
/// DATE_OF_BIRTH_INVALID.
pub fn check_date_of_birth(date: Date, today: Date) -> Result<Date, UserError> {
    if Date::FIRST_BIRTH <= date && date <= today {
        return Ok(date);
    }
    let message = "A birth date lies between 1900-01-01 and today.";
    Err(UserError::new(
        UserErrorCode::DateOfBirthInvalid,
        ["dateOfBirth"],
        message,
    ))
}

/// Whether this can be a shopper reference: 3 to 128 characters, none of them white space or a control character (CLY-06).
///
/// # Errors
/// SHOPPER_REFERENCE_INVALID.
pub fn check_shopper_reference(value: &str) -> Result<String, UserError> {
    let good = (3..=128).contains(&value.chars().count())
        && !(value.chars()).any(|char| char.is_control() || char.is_whitespace());
    if good {
        return Ok(value.to_owned());
    }
    let message = "A shopper reference has 3 to 128 characters, none of them white space.";
    Err(UserError::new(
        UserErrorCode::ShopperReferenceInvalid,
        ["shopperReference"],
        message,
    ))
}

/// Whether this has the form of a reference: a code, two dashes, a number without leading zeros (SPR-17).
#[must_use]
pub fn is_reference(text: &str) -> bool {
    let Some((code, number)) = text.split_once("--") else {
        return false;
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    crate::storefront::check_code(code).is_ok() && digits && !number.is_empty() && !number.starts_with('0')
}

/// What customers' operations refuse.
pub mod refusal {
    use super::{UserError, UserErrorCode};
    use crate::error::Error;
    use crate::platform::database::was_not_kept;

    /// No such customer for this caller (SPR-31).
    #[must_use]
    pub fn not_found(field: &str) -> UserError {
        UserError::new(
            UserErrorCode::CustomerNotFound,
            [field],
            "No customer with this id was found for this credential. Send an id as customer.id returns it (cus_…).",
        )
        .legacy(402)
    }

    /// A backend did not say which customer (SPR-32).
    #[must_use]
    pub fn reference_missing(field: &str) -> UserError {
        let message =
            "A backend must say which customer is meant. Send the id as customer.id returns it (cus_…).";
        UserError::new(UserErrorCode::CustomerReferenceMissing, [field], message).legacy(405)
    }

    /// The customer is erased, or being erased (ERA-04).
    #[must_use]
    pub fn anonymized<const N: usize>(field: [&str; N]) -> UserError {
        let message = "This customer's data is erased; nothing of it is changed any more.";
        UserError::new(UserErrorCode::CustomerAnonymized, field, message)
    }

    /// The address is another customer's (SPR-10).
    #[must_use]
    pub fn email_taken(field: &str) -> UserError {
        let message = "Another customer of this storefront has this e-mail address.";
        UserError::new(UserErrorCode::EmailTaken, [field], message).legacy(400)
    }

    /// The reference is another customer's.
    #[must_use]
    pub fn shopper_reference_taken() -> UserError {
        let message = "Another customer of this storefront has this shopper reference.";
        UserError::new(
            UserErrorCode::ShopperReferenceTaken,
            ["shopperReference"],
            message,
        )
    }

    /// Wrong e-mail address, wrong password, no password: the same (EPC-08).
    #[must_use]
    pub fn credentials_invalid() -> UserError {
        let message = "No customer has this e-mail address and password together.";
        UserError::new(UserErrorCode::CredentialsInvalid, [], message)
    }

    /// A field that this caller may not send (ERR-03).
    #[must_use]
    pub fn forbidden(field: &str) -> UserError {
        let message = "Only a backend may send this field. Leave it out.";
        UserError::new(UserErrorCode::Forbidden, [field], message)
    }

    /// An update that names nothing to change (SPR-33).
    #[must_use]
    pub fn no_changes() -> UserError {
        let message =
            "The input names nothing to change. Send at least one field beside the id and expectedVersion.";
        UserError::new(UserErrorCode::NoChanges, [], message)
    }

    /// The write did not go through: nothing of it was kept (SPR-41). Where that is not known, the error stays what it is.
    #[must_use]
    pub fn save_failed(error: Error, legacy: i32) -> Error {
        if !was_not_kept(&error) {
            return error;
        }
        match &error {
            Error::Unavailable(_) => tracing::warn!(
                ?error,
                "cannot save a change of a customer: the database does not answer"
            ),
            // Trying again will hardly help: the disk is full, a right was taken away.
            _ => tracing::error!(
                ?error,
                "cannot save a change of a customer: the database refused it"
            ),
        }
        let message = "This could not be saved, and nothing of it was kept; please try again.";
        UserError::new(UserErrorCode::SaveFailed, [], message)
            .legacy(legacy)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SPR-11
    #[test]
    fn a_birth_date_lies_between_1900_and_today() {
        let day = |text: &str| Date::parse_text(text).expect("a date");
        let today = day("2026-11-21");
        for good in ["1900-01-01", "1970-06-01", "2026-11-21", "2000-02-29"] {
            assert_eq!(check_date_of_birth(day(good), today), Ok(day(good)), "{good}");
        }
        for bad in ["1899-12-31", "2026-11-22", "0001-01-01"] {
            let refused = check_date_of_birth(day(bad), today).map_err(|error| error.code);
            assert_eq!(refused, Err(UserErrorCode::DateOfBirthInvalid), "{bad}");
        }
    }

    // SPR-17
    #[test]
    fn a_reference_has_exactly_its_form() {
        for good in ["DE--25", "SHOP2--1", "D--10000000000"] {
            assert!(is_reference(good), "{good}");
        }
        for bad in [
            "DE-25",
            "DE--",
            "--25",
            "de--25",
            "DE--025",
            "DE--2 5",
            " DE--25",
            "DE--25--1",
            "DE--x",
        ] {
            assert!(!is_reference(bad), "{bad}");
        }
    }

    // CLY-06
    #[test]
    fn a_shopper_reference_has_3_to_128_characters() {
        let longest = "x".repeat(128);
        for good in ["abc", "a-b_c.1", longest.as_str(), "äöü"] {
            assert!(check_shopper_reference(good).is_ok(), "{good}");
        }
        let too_long = "x".repeat(129);
        for bad in ["", "ab", "a b c", "   ", "ab\u{0}", too_long.as_str()] {
            assert!(check_shopper_reference(bad).is_err(), "{bad}");
        }
    }

    // CLY-10
    #[test]
    fn the_status_follows_the_orders() {
        let of = [0, 1, 2, 50].map(CustomerStatus::of);
        assert_eq!(
            of,
            [
                CustomerStatus::Prospect,
                CustomerStatus::Acquired,
                CustomerStatus::Repeat,
                CustomerStatus::Repeat
            ]
        );
    }
}
