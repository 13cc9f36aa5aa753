//! The values that an input assigns to a customer's custom fields, and whether the caller may write them (EPC-30).

use std::collections::HashSet;
use std::fmt;

use async_graphql::MaybeUndefined;
use bson::Bson;

use super::inputs::CustomFieldInput;
use super::{Definition, Definitions, FieldValue, MAX_DEFINITIONS};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::{id::CustomFieldId, scalar::Json};

/// The input field that contains the values.
const INPUT: &str = "customFields";

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
    place: usize,
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
            (None, _) => Err(unknown(self.place)),
            (Some(field), Some(value)) if !field.still_takes(value) => Err(invalid(self.place, field)),
            (Some(_), _) => Ok(()),
        }
    }
}

/// Checks the sent values with the definitions. Notes errors with their paths in `faults`, and returns the valid ones.
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
    for (place, input) in sent.iter().enumerate() {
        if keys.insert(&input.key) {
            assignments.extend(faults.take(assignment(fields, writer, place, input)));
        } else {
            let message = "This key stands in the list already.";
            faults.push(fault(UserErrorCode::Invalid, place, "key", message));
        }
    }
    assignments
}

fn assignment(
    fields: &Definitions,
    writer: ValueWriter,
    place: usize,
    input: &CustomFieldInput,
) -> Result<Assignment, UserError> {
    let field = fields.with_key(&input.key).ok_or_else(|| unknown(place))?;
    if !writer.may_write(field) {
        let message = "Only a backend may write this custom field.";
        return Err(fault(UserErrorCode::Forbidden, place, "key", message));
    }
    let value = match &input.value {
        MaybeUndefined::Value(Json(sent)) => Some(field.read(sent).ok_or_else(|| invalid(place, field))?),
        MaybeUndefined::Null if field.is_required => {
            let message = "This custom field must have a value; it can be changed, but not removed.";
            return Err(fault(UserErrorCode::CustomFieldRequired, place, "value", message));
        }
        MaybeUndefined::Null => None,
        MaybeUndefined::Undefined => {
            let message = "Send a value, or null to remove the present one.";
            return Err(fault(UserErrorCode::Required, place, "value", message));
        }
    };
    Ok(Assignment {
        place,
        field: field.id.clone(),
        value,
    })
}

/// Notes each required field that a registration omits although the caller may write it.
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
pub fn applied(stored: &[FieldValue], assignments: &[Assignment]) -> Vec<FieldValue> {
    let is_assigned = |value: &&FieldValue| assignments.iter().any(|new| new.field == value.field);
    let kept = stored.iter().filter(|value| !is_assigned(value)).cloned();
    let new = assignments.iter().filter_map(|new| {
        Some(FieldValue {
            field: new.field.clone(),
            value: new.value.clone()?,
        })
    });
    kept.chain(new).collect()
}

fn unknown(place: usize) -> UserError {
    let message = "The storefront has no custom field with this key. Send one that storefront.customFieldDefinitions lists.";
    fault(UserErrorCode::CustomFieldNotFound, place, "key", message)
}

fn invalid(place: usize, field: &Definition) -> UserError {
    fault(
        UserErrorCode::CustomFieldValueInvalid,
        place,
        "value",
        field.takes(),
    )
}

fn fault(code: UserErrorCode, place: usize, part: &str, message: &str) -> UserError {
    UserError::new(code, [INPUT, &place.to_string(), part], message)
}
