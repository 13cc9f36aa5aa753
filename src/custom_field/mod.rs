//! Custom fields: what a storefront stores about its customers beyond their profile. A backend defines them; the values
//! are stored with the customer.

pub mod assignment;
pub mod define;
pub mod delete;
pub mod filter;
pub mod named;
pub mod node;
pub mod store;
pub mod update;
pub mod value;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_graphql::{EmptyMutation, Enum, MergedObject};
use bson::Bson;
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    id::{CustomFieldGuardId, CustomFieldId, StorefrontId},
    text,
};
use crate::reach::{Holder, principal::Policy, scope::Scope, tenant::TenantDocument};

/// The declaration of custom fields.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    stored: &[store::STORED],
    ..Domain::EMPTY
};

/// The mutations of custom fields.
#[derive(MergedObject, Default)]
#[graphql(name = "CustomFieldMutation")]
pub struct Mutation(
    define::CustomFieldDefine,
    update::CustomFieldUpdate,
    delete::CustomFieldDelete,
);

/// Who may define, update and delete custom fields.
const WRITE: Policy = Policy::backend(Scope::CustomFieldsWrite);

/// It has no queries.
pub type Query = EmptyMutation;

/// Maximum number of custom fields of a storefront: all of them are read wherever a customer's fields are shown.
pub const MAX_DEFINITIONS: i64 = 200;
/// Maximum length of a key, in characters (EPC-30).
pub const MAX_KEY: usize = 64;
/// Maximum length of a name, in characters.
pub const MAX_NAME: usize = 255;
/// Maximum length of a description, in characters.
pub const MAX_DESCRIPTION: usize = 1000;
/// Maximum number of options of a SELECT.
pub const MAX_OPTIONS: usize = 200;
/// Maximum length of an option, in characters.
pub const MAX_OPTION: usize = 255;
/// Number of guards of a storefront: as many customers can receive values concurrently without a conflict.
pub const GUARDS: i32 = 16;

/// Type of the values of a custom field. It never changes, so that stored values stay readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CustomFieldType {
    /// A string of 1 to 1,000 characters, not blank, without control characters.
    String,
    /// A whole number from -(2^53 - 1) to 2^53 - 1, which every client reads exactly. `1.0` and `1e3` are whole numbers
    /// too.
    Integer,
    /// A floating-point number of 64 bits (IEEE 754).
    Float,
    /// true or false.
    Boolean,
    /// A date as a string: `2026-11-21` (RFC 3339 full-date).
    Date,
    /// A date and time as a string: `2026-11-21T09:00:00Z`, with any offset (RFC 3339). Returned in UTC with
    /// milliseconds.
    DateTime,
    /// One of the options of the field, as a string.
    Select,
}

/// Definition of a custom field.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// Id. A key that is defined again after a deletion has a new id, so that no old value belongs to it.
    #[serde(rename = "_id")]
    pub id: CustomFieldId,
    /// The storefront.
    pub storefront_id: StorefrontId,
    /// Key for programs; unique in the storefront.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Purpose of the field.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// Type of the values.
    #[serde(rename = "type")]
    pub kind: CustomFieldType,
    /// Whether every caller that may write the field must set a value.
    pub is_required: bool,
    /// The options of a SELECT; empty for any other type.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub options: Vec<String>,
    /// Whether callers other than backends may read it.
    pub is_public: bool,
    /// Whether customers may write it.
    pub is_customer_writable: bool,
    /// When it was defined.
    pub created_at: Timestamp,
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Definition({})", self.id)
    }
}

impl TenantDocument for Definition {
    type Id = CustomFieldId;
    const COLLECTION: &'static str = "customFields";
    const HOLDER: Holder = Holder::Storefront;

    fn id(&self) -> &CustomFieldId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

/// A customer's value of a field, stored with the field's id: no key from an input becomes the name of a stored field.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomFieldValue {
    /// The field.
    #[serde(rename = "f")]
    pub field: CustomFieldId,
    /// The value, in the form that [`value`] defines.
    #[serde(rename = "v")]
    pub value: Bson,
}

// A value is personal data.
impl fmt::Debug for CustomFieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomFieldValue({})", self.field)
    }
}

/// The field of a customer's document that holds its [`CustomFieldValue`]s.
pub const VALUES: &str = "customFields";

/// A document of a storefront that makes writes of values conflict with changes of definitions. A transaction that
/// writes a customer's values changes one guard; one that deletes a field or an option changes all. So of two
/// concurrent transactions one is retried and sees the other's result, while customers seldom wait for each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionsGuard {
    /// Id.
    #[serde(rename = "_id")]
    pub id: CustomFieldGuardId,
    /// The storefront.
    pub storefront_id: StorefrontId,
    /// Number of the guard: 0 up to [`GUARDS`].
    pub number: i32,
    /// How often it was changed.
    pub touched: i64,
}

impl TenantDocument for DefinitionsGuard {
    type Id = CustomFieldGuardId;
    const COLLECTION: &'static str = "customFieldGuards";
    const HOLDER: Holder = Holder::Storefront;

    fn id(&self) -> &CustomFieldGuardId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

/// The fields of a storefront, in the order in which they were defined.
#[derive(Clone, Debug, Default)]
pub struct Definitions(Vec<Arc<Definition>>);

impl Definitions {
    /// Sorts the definitions by their ids, which start with the time.
    #[must_use]
    pub fn new(mut definitions: Vec<Arc<Definition>>) -> Self {
        definitions.sort_by(|a, b| a.id.cmp(&b.id));
        Self(definitions)
    }

    /// Iterates over the definitions.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.0.iter()
    }

    /// The definition with this key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Option<&Arc<Definition>> {
        self.iter().find(|definition| definition.key == key)
    }

    /// The definition with this id.
    #[must_use]
    pub fn with_id(&self, id: &CustomFieldId) -> Option<&Arc<Definition>> {
        self.iter().find(|definition| definition.id == *id)
    }

    /// Number of definitions.
    #[must_use]
    pub fn count(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }
}

/// Checks a key: a letter, then letters, digits and `_`, all ASCII, at most 64 (EPC-30).
///
/// # Errors
/// INVALID.
pub fn check_key(key: &str) -> Result<String, UserError> {
    let good = key.len() <= MAX_KEY
        && key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if good {
        return Ok(key.to_owned());
    }
    let message = "A key is a letter, then letters of the English alphabet, digits and _, at most 64 in all.";
    Err(UserError::new(UserErrorCode::Invalid, ["key"], message))
}

/// Checks the options of a field of this type: 1 to 200 different ones for a SELECT, none for any other type. Adds
/// REQUIRED, TOO_MANY, TOO_LONG and INVALID on `options`, or on the option concerned.
pub fn check_options(
    kind: CustomFieldType,
    options: Option<Vec<String>>,
    faults: &mut Faults,
) -> Vec<String> {
    let options = options.unwrap_or_default();
    let mut refuse = |code, message: &str| faults.push(UserError::new(code, ["options"], message));
    let too_many = format!("A SELECT has at most {MAX_OPTIONS} options.");
    match kind {
        CustomFieldType::Select if options.is_empty() => {
            refuse(UserErrorCode::Required, "A SELECT needs at least one option.");
        }
        CustomFieldType::Select if options.len() > MAX_OPTIONS => {
            refuse(UserErrorCode::TooMany, &too_many);
        }
        CustomFieldType::Select => check_each(&options, faults),
        _ if !options.is_empty() => refuse(UserErrorCode::Invalid, "Only a SELECT has options."),
        _ => {}
    }
    options
}

fn check_each(options: &[String], faults: &mut Faults) {
    let mut known = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let index = index.to_string();
        let path = ["options", &index];
        if let Err(fault) = text::required(option, "options", MAX_OPTION) {
            faults.push(fault.at(&path));
        } else if !known.insert(option) {
            let message = "The list contains this option more than once.";
            faults.push(UserError::new(UserErrorCode::Invalid, path, message));
        }
    }
}

/// The user errors of custom fields' operations.
pub mod refusal {
    use super::{MAX_DEFINITIONS, UserError, UserErrorCode};

    /// The field does not exist, or is outside the caller's reach.
    #[must_use]
    pub fn not_found() -> UserError {
        let message = "No custom field with this id was found for this credential. Send one that \
                       storefront.customFieldDefinitions lists (cfd_…).";
        UserError::new(UserErrorCode::CustomFieldNotFound, ["id"], message)
    }

    /// Another field of the storefront has the key.
    #[must_use]
    pub fn key_taken() -> UserError {
        let message = "Another custom field of this storefront has this key.";
        UserError::new(UserErrorCode::CustomFieldKeyTaken, ["key"], message)
    }

    /// The storefront has the maximum number of fields.
    #[must_use]
    pub fn too_many() -> UserError {
        let message = format!("A storefront has at most {MAX_DEFINITIONS} custom fields. Delete one first.");
        UserError::new(UserErrorCode::TooMany, [], message)
    }

    /// Customers have values of the field.
    #[must_use]
    pub fn in_use() -> UserError {
        let message = "Customers have values of this custom field. Remove the values first.";
        UserError::new(UserErrorCode::CustomFieldInUse, ["id"], message)
    }

    /// Customers have one of the options that the update removes.
    #[must_use]
    pub fn options_in_use() -> UserError {
        let message = "Customers have one of the options that the update removes. Keep it, or change their values first.";
        UserError::new(UserErrorCode::CustomFieldInUse, ["options"], message)
    }

    /// The input of an update names no change.
    #[must_use]
    pub fn no_changes() -> UserError {
        let message = "The input contains no change. Send at least one field in addition to the id.";
        UserError::new(UserErrorCode::NoChanges, [], message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    // EPC-30
    #[test]
    fn epc_30_a_key_is_a_letter_then_letters_digits_and_underscores() {
        let longest = "k".repeat(64);
        for good in ["a", "Z", "vatId", "vat_id", "tier2", "a__", longest.as_str()] {
            assert!(check_key(good).is_ok(), "{good}");
        }
        let too_long = "k".repeat(65);
        for bad in [
            "",
            " ",
            "1a",
            "_a",
            "$gt",
            "a.b",
            "a$",
            "a b",
            "a-b",
            "ä",
            "aß",
            "a\0",
            "a\n",
            "K\u{212a}",
            too_long.as_str(),
        ] {
            assert!(check_key(bad).is_err(), "{bad:?}");
        }
    }

    fn faults(kind: CustomFieldType, options: &[&str]) -> Vec<String> {
        let mut faults = Faults::default();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        check_options(kind, Some(options), &mut faults);
        let Err(Error::Rejected(errors)) = faults.check() else {
            return Vec::new();
        };
        let reported = |error: &UserError| {
            format!(
                "{:?} {}",
                error.code,
                error.field.clone().unwrap_or_default().join(".")
            )
        };
        errors.iter().map(reported).collect()
    }

    #[test]
    fn a_select_has_different_options_and_nothing_else_has_any() {
        assert_eq!(faults(CustomFieldType::Select, &["a", "b", "A"]), [""; 0]);
        assert_eq!(faults(CustomFieldType::Select, &[]), ["Required options"]);
        assert_eq!(faults(CustomFieldType::Select, &["a"; 201]), ["TooMany options"]);
        let long = "x".repeat(256);
        assert_eq!(
            faults(CustomFieldType::Select, &["a", "", &long, "b\n", "a", "$gt"]),
            [
                "Required options.1",
                "TooLong options.2",
                "Invalid options.3",
                "Invalid options.4"
            ]
        );
        assert_eq!(faults(CustomFieldType::Boolean, &[]), [""; 0]);
        assert_eq!(faults(CustomFieldType::Boolean, &["a"]), ["Invalid options"]);
    }
}
