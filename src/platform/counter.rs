//! Numbers that are given once: a number that was taken is never given again, also when what it was for did not come to
//! be.

use bson::{Document, doc};
use mongodb::options::ReturnDocument;

use super::database::Database;
use crate::error::{Error, Result};

const COLLECTION: &str = "counters";

/// The next number of this name, from 1 on.
pub async fn next(database: &Database, name: &str) -> Result<i64> {
    next_of(database, name, 1).await
}

/// So many numbers of this name that follow each other; the first of them.
pub async fn next_of(database: &Database, name: &str, many: i64) -> Result<i64> {
    let counted = database
        .house::<Document>(COLLECTION)
        .find_one_and_update(doc! { "_id": name }, doc! { "$inc": { "last": many } })
        .upsert(true)
        .return_document(ReturnDocument::After)
        .await?;
    let last = counted.and_then(|counter| counter.get_i64("last").ok());
    last.map(|last| last - many + 1)
        .ok_or_else(|| Error::internal("a counter has no value"))
}
