//! Filtering of lists by a custom field.

use async_graphql::InputObject;
use bson::Document;

use super::{Definitions, store};
use crate::error::{Error, Result};
use crate::platform::scalar::Json;

/// Filter by a custom field. All conditions must match. An index supports `eq`, and `isNull: false`.
#[derive(Clone, Debug, InputObject)]
pub struct CustomFieldFilter {
    /// Key of a field that the caller may read (error BAD_USER_INPUT).
    key: String,
    /// Equals exactly this value, which must be of the field's type (error BAD_USER_INPUT). Null is no condition.
    eq: Option<Json>,
    /// Whether the value is missing: true matches no value, false any value.
    is_null: Option<bool>,
}

impl CustomFieldFilter {
    /// Converts the filter to conditions, by the definitions that the caller may read.
    ///
    /// # Errors
    /// [`Error::BadInput`] for an unknown key, and for a value that is not of the field's type.
    pub fn on(self, fields: &Definitions) -> Result<Vec<Document>> {
        let Self { key, eq, is_null } = self;
        let field = fields.with_key(&key).ok_or_else(|| {
            Error::BadInput(
                "The filter's customField.key is not the key of a custom field that this credential can read."
                    .to_owned(),
            )
        })?;
        let mut conditions = Vec::new();
        if let Some(Json(sent)) = eq {
            let value = field.read(&sent).ok_or_else(|| {
                Error::BadInput(format!(
                    "The filter's customField.eq is not a valid value of this field. {}",
                    field.accepted_values()
                ))
            })?;
            conditions.push(store::has_one_of(&field.id, vec![value]));
        }
        match is_null {
            Some(true) => conditions.push(store::has_no_value(&field.id)),
            Some(false) => conditions.push(store::has_value(&field.id)),
            None => {}
        }
        Ok(conditions)
    }
}
