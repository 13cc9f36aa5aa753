//! Counters whose numbers are issued only once: a number is never issued again, even if the object it was issued for
//! was not created.

use bson::{Document, doc};
use mongodb::options::ReturnDocument;

use super::database::Database;
use crate::error::{Error, Result};
use crate::platform::stored::{Stored, all_free};

const COLLECTION: &str = "counters";

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: "counters",
    fields: &all_free(["_id", "last"]),
}];

/// Returns the next number of the counter with this name, starting at 1.
pub async fn next(database: &Database, name: &str) -> Result<i64> {
    next_of(database, name, 1).await
}

/// Reserves `many` consecutive numbers of the counter with this name and returns the first one.
pub async fn next_of(database: &Database, name: &str, many: i64) -> Result<i64> {
    let counted = database
        .internal::<Document>(COLLECTION)
        .find_one_and_update(doc! { "_id": name }, doc! { "$inc": { "last": many } })
        .upsert(true)
        .return_document(ReturnDocument::After)
        .await?;
    let last = counted.and_then(|counter| counter.get_i64("last").ok());
    last.map(|last| last - many + 1)
        .ok_or_else(|| Error::internal("a counter has no value"))
}
