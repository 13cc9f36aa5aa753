//! An update of some fields of a document that counts its versions.

use bson::{Document, doc};
use serde::Serialize;

use super::clock::Timestamp;
use crate::error::Result;

/// Which fields get a value, and which lose theirs.
#[derive(Debug, Default)]
pub struct Change {
    set: Document,
    unset: Document,
}

impl Change {
    /// Gives the field a value; `None`: it stays as it is.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for what cannot be stored.
    pub fn keep<T: Serialize>(&mut self, field: &str, value: Option<T>) -> Result<()> {
        if let Some(value) = value {
            let value = bson::serialize_to_bson(&value)?;
            self.set.insert(field, value);
        }
        Ok(())
    }

    /// The same for a field that may be without a value: the inner `None` takes it away.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for what cannot be stored.
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

    /// As the database takes it: the document was changed at `now` and its version grows.
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
