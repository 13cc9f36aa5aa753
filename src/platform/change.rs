//! An update of some fields of a versioned document.

use async_graphql::MaybeUndefined;
use bson::{Document, doc};
use serde::Serialize;

use super::clock::Timestamp;
use crate::error::Result;

/// The fields that are set, and the fields that are removed.
#[derive(Clone, Debug, Default)]
pub struct Change {
    set: Document,
    unset: Document,
}

impl Change {
    /// Sets the field; `None` leaves it as it is.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for a value that cannot be serialized.
    pub fn keep<T: Serialize>(&mut self, field: &str, value: Option<T>) -> Result<()> {
        if let Some(value) = value {
            let value = bson::serialize_to_bson(&value)?;
            self.set.insert(field, value);
        }
        Ok(())
    }

    /// Sets an optional field; the inner `None` removes the field.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for a value that cannot be serialized.
    pub fn keep_or_clear<T: Serialize>(&mut self, field: &str, value: Option<Option<T>>) -> Result<()> {
        match value {
            Some(None) => {
                self.unset.insert(field, "");
                Ok(())
            }
            Some(value) => self.keep(field, value),
            None => Ok(()),
        }
    }

    /// Whether no field changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }

    /// Returns the update document, which also sets the time of the change to `now` and increments the version.
    #[must_use]
    pub fn into_update(mut self, now: Timestamp) -> Document {
        self.set.insert("updatedAt", now);
        let mut update = doc! { "$set": self.set, "$inc": { "version": 1_i64 } };
        if !self.unset.is_empty() {
            update.insert("$unset", self.unset);
        }
        update
    }
}

/// `None` for an omitted value; the inner `None` for null.
pub fn sent<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    value.into()
}
