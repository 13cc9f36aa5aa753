//! Inputs and payloads of the custom fields' mutations, and the checks of the inputs.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::define::NewDefinition;
use super::node::CustomFieldDefinitionNode;
use super::update::DefinitionChanges;
use super::{CustomFieldType, Definition, MAX_DESCRIPTION, MAX_NAME, check_key, check_options, refusal};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::{scalar::Json, text};

/// A value of a custom field of a customer.
#[derive(InputObject)]
pub struct CustomFieldInput {
    /// Key of the field. A list may contain each key at most once.
    pub(super) key: String,
    /// Value, of the type of the field (see `CustomFieldType`). Null removes the stored value; a missing value is
    /// rejected (REQUIRED).
    pub(super) value: MaybeUndefined<Json>,
}

impl CustomFieldInput {
    /// A value for the field with this key.
    pub fn new(key: &str, value: async_graphql::Value) -> Self {
        Self {
            key: key.to_owned(),
            value: MaybeUndefined::Value(Json(value)),
        }
    }
}

/// Input of `customFieldDefine`: the field to define.
#[derive(InputObject)]
pub struct CustomFieldDefineInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Key of the field for programs: a letter, then letters, digits and `_` (ASCII), at most 64 characters. Unique in
    /// the storefront; it never changes.
    pub(super) key: String,
    /// Display name, 1 to 255 characters.
    name: String,
    /// Purpose of the field, at most 1,000 characters.
    description: Option<String>,
    /// Type of the values. It never changes.
    #[graphql(name = "type")]
    kind: CustomFieldType,
    /// Whether the field is required: every caller that may write it must set a value at registration and cannot remove
    /// it.
    #[graphql(default_with = "Some(false)")]
    is_required: Option<bool>,
    /// Allowed values of a SELECT: 1 to 200 different strings of 1 to 255 characters (TOO_MANY for more than 200).
    /// Rejected for any other type.
    options: Option<Vec<String>>,
    /// Whether customers and the public may read the field: every credential if true, only integration tokens and
    /// client secrets if false.
    #[graphql(default_with = "Some(false)")]
    is_public: Option<bool>,
    /// Whether a customer token, and a publishable key that registers a customer, may write the field. If false, only
    /// integration tokens and client secrets may.
    #[graphql(default_with = "Some(false)")]
    is_customer_writable: Option<bool>,
}

impl CustomFieldDefineInput {
    /// The checked definition; `None` if errors were noted in `faults`.
    pub(super) fn checked(self, faults: &mut Faults) -> Option<NewDefinition> {
        let key = faults.take(check_key(&self.key));
        let name = faults.take(text::required(&self.name, "name", MAX_NAME));
        let description = self
            .description
            .and_then(|text| faults.take(text::optional(&text, "description", MAX_DESCRIPTION)));
        let options = check_options(self.kind, self.options, faults);
        Some(NewDefinition {
            key: key?,
            name: name?,
            description,
            kind: self.kind,
            is_required: self.is_required.unwrap_or_default(),
            options,
            is_public: self.is_public.unwrap_or_default(),
            is_customer_writable: self.is_customer_writable.unwrap_or_default(),
        })
    }
}

/// Payload of `customFieldDefine`.
#[derive(SimpleObject)]
pub struct CustomFieldDefinePayload {
    /// The new definition; null when there are user errors.
    pub(super) definition: Option<CustomFieldDefinitionNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customFieldUpdate`: the field and its new values.
/// Omitted fields are unchanged. Key and type never change.
#[derive(InputObject)]
pub struct CustomFieldUpdateInput {
    /// Id of the definition.
    pub(super) id: ID,
    /// Display name, 1 to 255 characters; cannot be removed.
    name: MaybeUndefined<String>,
    /// Purpose of the field, at most 1,000 characters; null removes it.
    description: MaybeUndefined<String>,
    /// Whether the field is required; null is rejected (REQUIRED). Customers without a value stay without one.
    is_required: MaybeUndefined<bool>,
    /// All options of a SELECT, in the order in which they are displayed; cannot be removed. An option that customers
    /// have cannot be omitted (CUSTOM_FIELD_IN_USE).
    options: MaybeUndefined<Vec<String>>,
    /// Whether customers and the public may read the field; null is rejected (REQUIRED).
    is_public: MaybeUndefined<bool>,
    /// Whether a customer token, and a publishable key that registers a customer, may write the field; null is rejected
    /// (REQUIRED).
    is_customer_writable: MaybeUndefined<bool>,
}

impl CustomFieldUpdateInput {
    fn names_nothing(&self) -> bool {
        let flags = [&self.is_required, &self.is_public, &self.is_customer_writable];
        self.name.is_undefined()
            && self.description.is_undefined()
            && self.options.is_undefined()
            && flags.iter().all(|flag| flag.is_undefined())
    }

    /// The checked changes of the stored field, if it exists; not usable if errors were noted in `faults`.
    pub(super) fn checked(self, stored: Option<&Definition>, faults: &mut Faults) -> DefinitionChanges {
        if self.names_nothing() {
            faults.push(refusal::no_changes());
        }
        // The outer `None` means omitted, the inner one null.
        let name = Option::<Option<_>>::from(self.name)
            .and_then(|name| faults.take(text::required(&name.unwrap_or_default(), "name", MAX_NAME)));
        let description = Option::<Option<_>>::from(self.description).map(|text| {
            text.and_then(|text| faults.take(text::optional(&text, "description", MAX_DESCRIPTION)))
        });
        let options = Option::<Option<_>>::from(self.options).map(|options| match stored {
            Some(stored) => check_options(stored.kind, options, faults),
            // The options cannot be checked, because the type is unknown.
            None => Vec::new(),
        });
        let mut flag = |value: MaybeUndefined<bool>, field: &str| {
            let cleared = || UserError::new(UserErrorCode::Required, [field], "This is true or false.");
            Option::<Option<_>>::from(value).and_then(|flag| faults.take(flag.ok_or_else(cleared)))
        };
        DefinitionChanges {
            name,
            description,
            is_required: flag(self.is_required, "isRequired"),
            options,
            is_public: flag(self.is_public, "isPublic"),
            is_customer_writable: flag(self.is_customer_writable, "isCustomerWritable"),
        }
    }
}

/// Payload of `customFieldUpdate`.
#[derive(SimpleObject)]
pub struct CustomFieldUpdatePayload {
    /// The definition as stored after the update; null when there are user errors.
    pub(super) definition: Option<CustomFieldDefinitionNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customFieldDelete`: the field to delete.
#[derive(InputObject)]
pub struct CustomFieldDeleteInput {
    /// Id of the definition.
    pub(super) id: ID,
}

/// Payload of `customFieldDelete`.
#[derive(SimpleObject)]
pub struct CustomFieldDeletePayload {
    /// Id of the deleted definition; null when there are user errors.
    pub(super) deleted_custom_field_id: Option<ID>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}
