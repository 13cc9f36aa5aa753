//! Customers: accounts of a storefront. Each has a regular storefront user of its own, to which its storage belongs and
//! by which all documents of the customer are identified.

pub mod anonymization;
pub mod credentials;
pub mod custom_fields;
pub mod email;
pub mod guest;
pub mod identity;
pub mod limits;
pub mod list;
pub mod lockout;
pub mod lookup;
pub mod mail;
pub mod mailed;
pub mod migrations;
pub mod named;
pub mod node;
pub mod oauth;
pub mod password;
pub mod refusal;
pub mod register;
pub mod sessions;
pub mod sign_in;
pub mod store;
pub mod unique;
pub mod update;

use std::fmt;

use anonymization::{Anonymization, AnonymizationStatus};
use async_graphql::{Enum, MergedObject, SimpleObject};
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::audit::{Action, AuditEntry};
use crate::custom_field::CustomFieldValue;
use crate::domain::personal::{Erasure, PersonalKind};
use crate::error::{UserError, UserErrorCode};
use crate::password::Hashed;
use crate::platform::{
    clock::Timestamp,
    id::{AddressId, CustomerGroupId, CustomerId, StorefrontId, StorefrontUserId},
    scalar::Date,
};
use crate::reach::{Holder, membership::MemberDocument, tenant::TenantDocument};

/// The mutations of customers.
#[derive(MergedObject, Default)]
#[graphql(name = "CustomerMutation")]
pub struct Mutation(
    register::CustomerRegister,
    update::CustomerUpdate,
    sign_in::password::CustomerTokenCreate,
    sign_in::issue::CustomerTokenIssue,
    sign_in::refresh::CustomerTokenRefresh,
    sign_in::revoke::CustomerTokenRevoke,
    password::change::CustomerPasswordChange,
    password::set::CustomerPasswordSet,
    mailed::reset_request::CustomerPasswordResetRequest,
    mailed::reset::CustomerPasswordReset,
    mailed::verification_request::CustomerEmailVerificationRequest,
    mailed::verify::CustomerEmailVerify,
    mailed::change_request::CustomerEmailChangeRequest,
    mailed::change_confirm::CustomerEmailChangeConfirm,
);

/// The queries of customers.
pub type Query = lookup::CustomerQuery;

/// The declaration of customers.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    migrations: &[
        migrations::REFERENCE_NUMBERS,
        migrations::SURPLUS_SESSIONS,
        migrations::ERASED_TERMS,
        migrations::EMAIL_KEYS,
    ],
    jobs: mail::JOBS,
    personal: &[
        PersonalKind::of::<Customer>(Erasure::Elsewhere),
        PersonalKind::of::<crate::auth::session::Session>(Erasure::Elsewhere),
        PersonalKind::of::<identity::LinkedIdentity>(Erasure::Elsewhere),
    ],
    erase: Some(mail::erase),
    ..Domain::EMPTY
};

/// Longest first and last name, in characters (SPR-11).
pub const MAX_NAME: usize = 100;
/// Longest version of the terms, in characters.
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
    /// The status for a number of placed orders.
    #[must_use]
    pub const fn of(orders: i64) -> Self {
        match orders {
            ..=0 => Self::Prospect,
            1 => Self::Acquired,
            2.. => Self::Repeat,
        }
    }
}

/// Acceptance of the store's terms by a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct TermsAcceptance {
    /// Time of the acceptance.
    pub accepted_at: Timestamp,
    /// Version of the accepted terms, as the store named it; null if none was sent, and after erasure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
}

/// A customer account. Missing values were never set, or are erased.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// Id.
    #[serde(rename = "_id")]
    pub id: CustomerId,
    /// The customer's storefront.
    pub storefront_id: StorefrontId,
    /// The customer's own storefront user.
    pub user_id: StorefrontUserId,
    /// The storefront's code, two dashes and a number: unique and never reused (SPR-17).
    pub reference: String,
    /// The number in the reference, for sorting.
    pub reference_number: i64,
    /// The e-mail address as it was entered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    /// The key by which the address is compared (see [`email`]); unique in the storefront.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email_key: Option<String>,
    /// Whether the address is verified.
    pub is_email_verified: bool,
    /// Whether the account was registered with a publishable key in a storefront that conceals registered addresses,
    /// and the address is not verified yet: until then nobody can sign in with its password (SPR-10).
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub awaits_proof: bool,
    /// The hash of the password, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub password_hash: Option<Hashed>,
    /// Increases when all sessions end, so that sign-ins that started before are refused.
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
    /// Date of birth.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date_of_birth: Option<Date>,
    /// Identifies the shopper to payment gateways; unique in the storefront (CLY-06).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shopper_reference: Option<String>,
    /// Number of placed orders, without cancelled ones.
    pub order_count: i64,
    /// Derived from the number of orders; stored so that lists can be filtered by it.
    pub status: CustomerStatus,
    /// The acceptance of the store's terms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub terms: Option<TermsAcceptance>,
    /// The default address for shipping. Set as long as there are addresses (ADR-01); changed with them in one
    /// transaction.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_shipping_address_id: Option<AddressId>,
    /// The default address for billing, under the same conditions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_billing_address_id: Option<AddressId>,
    /// Values of the storefront's custom fields, at most one per field.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub custom_fields: Vec<CustomFieldValue>,
    /// The groups of the customer, some of which may be deleted. The store manages the membership; it is not a change
    /// of the customer and affects neither `version` nor `updated_at`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub group_ids: Vec<CustomerGroupId>,
    /// State of the erasure of personal data, if one was ever requested.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anonymization: Option<Anonymization>,
    /// Time of the last sign-in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_login_at: Option<Timestamp>,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When the profile, an address or the number of placed orders was last changed; a sign-in is not a change.
    pub updated_at: Timestamp,
    /// Increases with each change of the profile, an address or the number of placed orders.
    pub version: i64,
}

impl Customer {
    /// The status of the erasure; `None` if none was ever requested.
    #[must_use]
    pub fn erasure(&self) -> Option<AnonymizationStatus> {
        self.anonymization.as_ref().map(|erasure| erasure.status)
    }

    /// Whether an erasure has started, after which the customer is no longer changed.
    #[must_use]
    pub fn is_being_erased(&self) -> bool {
        let erasure = self.anonymization.as_ref();
        erasure.is_some_and(|erasure| erasure.started_at.is_some())
    }

    /// Checks that the customer may be changed.
    ///
    /// # Errors
    /// CUSTOMER_ANONYMIZED on `field` (ERA-04).
    pub fn check_open(&self, field: &str) -> Result<(), UserError> {
        match self.is_being_erased() {
            true => Err(refusal::anonymized([field])),
            false => Ok(()),
        }
    }

    /// Creates an audit entry about this customer.
    #[must_use]
    pub fn entry(&self, action: Action) -> AuditEntry {
        AuditEntry::new(&self.storefront_id, &self.id, action)
    }
}

// Personal data must not reach a log through its document.
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

/// Checks a date of birth: from 1900-01-01 to today, both included (SPR-11).
///
/// # Errors
/// DATE_OF_BIRTH_INVALID.
pub fn check_date_of_birth(date: Date, today: Date) -> Result<Date, UserError> {
    let is_valid = Date::FIRST_BIRTH <= date && date <= today;
    is_valid.then_some(date).ok_or_else(|| {
        let message = "A birth date lies between 1900-01-01 and today.";
        UserError::new(UserErrorCode::DateOfBirthInvalid, ["dateOfBirth"], message)
    })
}

/// Checks a shopper reference: 3 to 128 characters, none of them white space or a control character (CLY-06).
///
/// # Errors
/// SHOPPER_REFERENCE_INVALID.
pub fn check_shopper_reference(value: &str) -> Result<String, UserError> {
    let is_valid = (3..=128).contains(&value.chars().count())
        && !(value.chars()).any(|char| char.is_control() || char.is_whitespace());
    is_valid.then(|| value.to_owned()).ok_or_else(|| {
        let (code, field) = (UserErrorCode::ShopperReferenceInvalid, ["shopperReference"]);
        let message = "A shopper reference has 3 to 128 characters, none of them white space.";
        UserError::new(code, field, message)
    })
}

/// Whether a text has the form of a reference: a code, two dashes and a number without leading zeros (SPR-17).
#[must_use]
pub fn is_reference(text: &str) -> bool {
    let Some((code, number)) = text.split_once("--") else {
        return false;
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    crate::storefront::check_code(code).is_ok() && digits && !number.is_empty() && !number.starts_with('0')
}

crate::read::direct::stored_enums!(Salutation, Gender, CustomerStatus);

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
        use CustomerStatus::{Acquired, Prospect, Repeat};
        let of = [0, 1, 2, 50].map(CustomerStatus::of);
        assert_eq!(of, [Prospect, Acquired, Repeat, Repeat]);
    }
}
