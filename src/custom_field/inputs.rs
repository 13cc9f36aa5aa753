//! What custom fields' mutations take and give, and what is checked of it.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::define::NewDefinition;
use super::graphql::CustomFieldDefinition;
use super::update::Changes;
use super::{CustomFieldType, Definition, MAX_DESCRIPTION, MAX_NAME, check_key, check_options, refusal};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::{scalar::Json, text};

/// A value for a custom field of a customer.
#[derive(InputObject)]
pub struct CustomFieldInput {
    /// Which field; each at most once.
    pub(super) key: String,
    /// Of the field's type: see CustomFieldType. Null removes the value; one of the two is sent (REQUIRED).
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

/// A new custom field.
#[derive(InputObject)]
pub struct CustomFieldDefineInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// What programs call it: a letter, then letters, digits and `_` (ASCII), at most 64. Unique in the storefront; never
    /// changes.
    pub(super) key: String,
    /// What people call it, 1 to 255 characters.
    name: String,
    /// What it is for, at most 1,000 characters.
    description: Option<String>,
    /// What its values are; never changes.
    #[graphql(name = "type")]
    kind: CustomFieldType,
    /// Whether whoever may write it must: it is asked for at registration, and its value cannot be removed.
    #[graphql(default_with = "Some(false)")]
    is_required: Option<bool>,
    /// For a SELECT, and only there: 1 to 200 different texts of 1 to 255 characters (TOO_MANY beyond that).
    options: Option<Vec<String>>,
    /// Whether customers and the public may read it; else backends only.
    #[graphql(default_with = "Some(false)")]
    is_public: Option<bool>,
    /// Whether customers may write it, and browsers that register them; else backends only.
    #[graphql(default_with = "Some(false)")]
    is_customer_writable: Option<bool>,
}

impl CustomFieldDefineInput {
    /// What the field is to be; `None` where a fault was noted.
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

/// What defining a custom field came to.
#[derive(SimpleObject)]
pub struct CustomFieldDefinePayload {
    /// The new field; null when there are user errors.
    pub(super) definition: Option<CustomFieldDefinition>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// What to change of a custom field. Absent fields stay as they are; null clears a clearable one. Key and type never change.
#[derive(InputObject)]
pub struct CustomFieldUpdateInput {
    /// Which field.
    pub(super) id: ID,
    /// What people call it, 1 to 255 characters; cannot be cleared.
    name: MaybeUndefined<String>,
    /// What it is for, at most 1,000 characters.
    description: MaybeUndefined<String>,
    /// Whether whoever may write it must; cannot be cleared. Customers who have no value stay without one.
    is_required: MaybeUndefined<bool>,
    /// All options of a SELECT, in the order in which they are to be shown; cannot be cleared. One that customers have
    /// cannot be left out (CUSTOM_FIELD_IN_USE).
    options: MaybeUndefined<Vec<String>>,
    /// Whether customers and the public may read it; cannot be cleared.
    is_public: MaybeUndefined<bool>,
    /// Whether customers may write it; cannot be cleared.
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

    /// What to change of the field as it is stored, where there is one; worth nothing where a fault was noted.
    pub(super) fn checked(self, stored: Option<&Definition>, faults: &mut Faults) -> Changes {
        if self.names_nothing() {
            faults.push(refusal::no_changes());
        }
        // The outer `None`: left out; the inner one: null.
        let name = Option::<Option<_>>::from(self.name)
            .and_then(|name| faults.take(text::required(&name.unwrap_or_default(), "name", MAX_NAME)));
        let description = Option::<Option<_>>::from(self.description).map(|text| {
            text.and_then(|text| faults.take(text::optional(&text, "description", MAX_DESCRIPTION)))
        });
        let options = Option::<Option<_>>::from(self.options).map(|options| match stored {
            Some(stored) => check_options(stored.kind, options, faults),
            // Of what type it would be is not known.
            None => Vec::new(),
        });
        let mut flag = |value: MaybeUndefined<bool>, field: &str| {
            let cleared = || UserError::new(UserErrorCode::Required, [field], "This is true or false.");
            Option::<Option<_>>::from(value).and_then(|flag| faults.take(flag.ok_or_else(cleared)))
        };
        Changes {
            name,
            description,
            is_required: flag(self.is_required, "isRequired"),
            options,
            is_public: flag(self.is_public, "isPublic"),
            is_customer_writable: flag(self.is_customer_writable, "isCustomerWritable"),
        }
    }
}

/// What changing a custom field came to.
#[derive(SimpleObject)]
pub struct CustomFieldUpdatePayload {
    /// The field as it is stored now; null when there are user errors.
    pub(super) definition: Option<CustomFieldDefinition>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Which custom field to delete.
#[derive(InputObject)]
pub struct CustomFieldDeleteInput {
    /// Which field.
    pub(super) id: ID,
}

/// What deleting a custom field came to.
#[derive(SimpleObject)]
pub struct CustomFieldDeletePayload {
    /// Id of the deleted field; null when there are user errors.
    pub(super) deleted_custom_field_id: Option<ID>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}
