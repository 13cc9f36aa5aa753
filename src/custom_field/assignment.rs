//! The values that an input assigns to a customer's custom fields, and whether the caller may write them (EPC-30).

use std::collections::HashSet;
use std::fmt;

use async_graphql::{InputObject, MaybeUndefined};
use bson::Bson;

use super::{CustomFieldValue, Definition, Definitions, MAX_DEFINITIONS};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::{id::CustomFieldId, scalar::Json};

/// The input field that contains the values.
const INPUT: &str = "customFields";

/// A value of a custom field of a customer.
#[derive(InputObject)]
pub struct CustomFieldInput {
    /// Key of the field. A list may contain each key at most once.
    key: String,
    /// Value, of the type of the field (see `CustomFieldType`). Null removes the stored value; a missing value is
    /// rejected (REQUIRED).
    value: MaybeUndefined<Json>,
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

/// Who writes the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueWriter {
    /// A backend, which may write every field.
    Backend,
    /// The customer, or a browser that registers one; may write only fields that customers may write.
    Customer,
}

impl ValueWriter {
    fn may_write(self, field: &Definition) -> bool {
        self == Self::Backend || field.is_customer_writable
    }
}

/// A field and its new value.
#[derive(Clone)]
pub struct Assignment {
    /// Index in the input.
    index: usize,
    /// The field.
    pub field: CustomFieldId,
    /// The new value; `None` removes the stored one.
    pub value: Option<Bson>,
}

// A value is personal data.
impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assignment({})", self.field)
    }
}

impl Assignment {
    /// Checks the value again with the present definition of the field, which may have changed since the first check.
    ///
    /// # Errors
    /// CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_VALUE_INVALID.
    pub fn check_again(&self, now: Option<&Definition>) -> Result<(), UserError> {
        match (now, &self.value) {
            (None, _) => Err(unknown(self.index)),
            (Some(field), Some(value)) if !field.still_accepts(value) => Err(invalid(self.index, field)),
            (Some(_), _) => Ok(()),
        }
    }
}

/// Checks the sent values with the definitions. Adds errors with their paths to `faults`, and returns the valid
/// values.
pub fn check(
    fields: &Definitions,
    writer: ValueWriter,
    sent: &[CustomFieldInput],
    faults: &mut Faults,
) -> Vec<Assignment> {
    // No storefront has more fields.
    if i64::try_from(sent.len()).unwrap_or(i64::MAX) > MAX_DEFINITIONS {
        let message = format!("At most {MAX_DEFINITIONS} custom fields can be written at once.");
        faults.push(UserError::new(UserErrorCode::TooLong, [INPUT], message));
        return Vec::new();
    }
    let mut keys = HashSet::new();
    let mut assignments = Vec::with_capacity(sent.len());
    for (index, input) in sent.iter().enumerate() {
        if keys.insert(&input.key) {
            assignments.extend(faults.take(assignment(fields, writer, index, input)));
        } else {
            let message = "The list contains this key more than once.";
            faults.push(fault(UserErrorCode::Invalid, index, "key", message));
        }
    }
    assignments
}

fn assignment(
    fields: &Definitions,
    writer: ValueWriter,
    index: usize,
    input: &CustomFieldInput,
) -> Result<Assignment, UserError> {
    let field = fields.with_key(&input.key).ok_or_else(|| unknown(index))?;
    if !writer.may_write(field) {
        let message = "Only a backend may write this custom field.";
        return Err(fault(UserErrorCode::Forbidden, index, "key", message));
    }
    let value = match &input.value {
        MaybeUndefined::Value(Json(sent)) => Some(field.read(sent).ok_or_else(|| invalid(index, field))?),
        MaybeUndefined::Null if field.is_required => {
            let message = "This custom field must have a value; it can be changed, but not removed.";
            return Err(fault(UserErrorCode::CustomFieldRequired, index, "value", message));
        }
        MaybeUndefined::Null => None,
        MaybeUndefined::Undefined => {
            let message = "Send a value, or null to remove the stored one.";
            return Err(fault(UserErrorCode::Required, index, "value", message));
        }
    };
    Ok(Assignment {
        index,
        field: field.id.clone(),
        value,
    })
}

/// Adds CUSTOM_FIELD_REQUIRED for each required field that a registration omits although the caller may write it.
pub fn check_complete(
    fields: &Definitions,
    writer: ValueWriter,
    sent: &[CustomFieldInput],
    faults: &mut Faults,
) {
    let keys: HashSet<&str> = sent.iter().map(|input| input.key.as_str()).collect();
    for field in fields.iter() {
        if field.is_required && writer.may_write(field) && !keys.contains(field.key.as_str()) {
            let message = format!("The custom field {} must have a value.", field.key);
            faults.push(UserError::new(
                UserErrorCode::CustomFieldRequired,
                [INPUT],
                message,
            ));
        }
    }
}

/// Merges the new values into a customer's stored ones.
#[must_use]
pub fn applied(stored: &[CustomFieldValue], assignments: &[Assignment]) -> Vec<CustomFieldValue> {
    let is_assigned = |value: &&CustomFieldValue| assignments.iter().any(|new| new.field == value.field);
    let kept = stored.iter().filter(|value| !is_assigned(value)).cloned();
    let new = assignments.iter().filter_map(|new| {
        Some(CustomFieldValue {
            field: new.field.clone(),
            value: new.value.clone()?,
        })
    });
    kept.chain(new).collect()
}

fn unknown(index: usize) -> UserError {
    let message = "The storefront has no custom field with this key. Send one that storefront.customFieldDefinitions lists.";
    fault(UserErrorCode::CustomFieldNotFound, index, "key", message)
}

fn invalid(index: usize, field: &Definition) -> UserError {
    fault(
        UserErrorCode::CustomFieldValueInvalid,
        index,
        "value",
        field.accepted_values(),
    )
}

fn fault(code: UserErrorCode, index: usize, part: &str, message: &str) -> UserError {
    UserError::new(code, [INPUT, &index.to_string(), part], message)
}
