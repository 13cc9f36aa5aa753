//! Indexes: their declarations, and the creation and comparison of the stored ones.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures_util::{StreamExt, stream};

use super::{Database, fault::command_code};
use crate::error::{Error, Result};

/// Error code of a collection that does not exist (`NamespaceNotFound`).
const NOT_THERE: i32 = 26;

/// Collections whose indexes are created at the same time. The database syncs its journal for each.
const AT_ONCE: usize = 4;

/// An index that a store needs.
#[derive(Debug)]
pub struct Index {
    /// Collection.
    pub collection: &'static str,
    /// Name, unique in the collection. A changed definition needs a new name.
    pub name: &'static str,
    /// Fields in order, each with 1 (ascending) or -1 (descending).
    pub keys: &'static [(&'static str, i32)],
    /// What the index guarantees or leaves out.
    pub kind: IndexKind,
}

/// The properties of an index beyond lookup.
#[derive(Debug, Clone, Copy)]
pub enum IndexKind {
    /// Lookup and sorting only.
    Plain,
    /// No two documents have the same keys.
    Unique,
    /// Contains only documents that have the field.
    Having(&'static str),
    /// Unique among the documents that have the field.
    UniqueHaving(&'static str),
    /// Removes a document this long after the date in its key.
    Expiry(Duration),
}

/// How the stored indexes differ from the required ones, each as `collection.name`.
#[derive(Clone, Debug, Default)]
pub struct IndexState {
    /// Indexes that do not exist.
    pub missing: Vec<String>,
    /// Indexes that exist with another definition.
    pub drifted: Vec<String>,
}

impl Index {
    /// Declares an index of a collection by its name, its keys and its properties.
    #[must_use]
    pub const fn new(
        collection: &'static str,
        name: &'static str,
        keys: &'static [(&'static str, i32)],
        kind: IndexKind,
    ) -> Self {
        Self {
            collection,
            name,
            keys,
            kind,
        }
    }

    fn specification(&self) -> Document {
        let keys = self.keys.iter();
        let keys: Document = keys
            .map(|(field, order)| ((*field).to_owned(), (*order).into()))
            .collect();
        let mut specification = doc! { "key": keys, "name": self.name };
        if let IndexKind::Unique | IndexKind::UniqueHaving(_) = self.kind {
            specification.insert("unique", true);
        }
        if let IndexKind::Having(field) | IndexKind::UniqueHaving(field) = self.kind {
            specification.insert("partialFilterExpression", doc! { field: { "$exists": true } });
        }
        if let IndexKind::Expiry(after) = self.kind {
            let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
            specification.insert("expireAfterSeconds", seconds);
        }
        specification
    }

    /// Returns whether a stored index has the same name or the same fields; either prevents the creation of another
    /// definition.
    fn is_rival(&self, stored: &Document) -> bool {
        stored.get_str("name").is_ok_and(|name| name == self.name)
            || stored.get_document("key").ok() == self.specification().get_document("key").ok()
    }

    fn is_defined_as(&self, stored: &Document) -> bool {
        let wanted = self.specification();
        wanted.iter().all(|(key, value)| match (stored.get(key), value) {
            (Some(Bson::Int32(a)), Bson::Int64(b)) => i64::from(*a) == *b,
            (stored, value) => stored == Some(value),
        })
    }
}

fn by_collection<'a>(indexes: &[&'a Index]) -> BTreeMap<&'static str, Vec<&'a Index>> {
    let mut grouped = BTreeMap::<_, Vec<_>>::new();
    for index in indexes {
        grouped.entry(index.collection).or_default().push(*index);
    }
    grouped
}

/// Creates the indexes that are missing. Idempotent, also when two nodes run it concurrently.
///
/// # Errors
/// An index with the same name or keys exists with another definition: the message names it and the command that
/// removes it.
pub async fn ensure_indexes(database: &Database, indexes: &[&Index]) -> Result<()> {
    let mut creating = Vec::new();
    for (collection, wanted) in by_collection(indexes) {
        creating.push(of_collection(database, collection, wanted));
    }
    // All of them to their ends: a future of the driver must not be dropped halfway.
    let created: Vec<Result<()>> = stream::iter(creating).buffered(AT_ONCE).collect().await;
    created.into_iter().collect()
}

async fn of_collection(database: &Database, collection: &str, wanted: Vec<&Index>) -> Result<()> {
    let specifications: Vec<Document> = wanted.iter().map(|index| index.specification()).collect();
    let creation = doc! { "createIndexes": collection, "indexes": specifications };
    let Err(error) = database.raw().run_command(creation).await else {
        return Ok(());
    };
    // `IndexOptionsConflict` and `IndexKeySpecsConflict`
    Err(match command_code(&error) {
        Some(85 | 86) => drift(database, collection, &wanted).await?,
        _ => error.into(),
    })
}

/// Returns an error that names the conflicting indexes.
async fn drift(database: &Database, collection: &str, wanted: &[&Index]) -> Result<Error> {
    let stored = database.stored_indexes(collection).await?;
    let is_in_the_way = |stored: &Document| {
        wanted
            .iter()
            .any(|index| index.is_rival(stored) && !index.is_defined_as(stored))
    };
    let in_the_way = stored.iter().filter(|stored| is_in_the_way(stored));
    let mut names: Vec<&str> = in_the_way
        .map(|stored| stored.get_str("name").unwrap_or("?"))
        .collect();
    names.sort_unstable();
    let commands: Vec<String> = names
        .iter()
        .map(|name| format!("db.{collection}.dropIndex(\"{name}\")"))
        .collect();
    Ok(Error::internal(format!(
        "the collection {collection} has indexes that differ from the definitions in this version: {}. Drop them and \
         start again: {}",
        names.join(", "),
        commands.join("; "),
    )))
}

impl Database {
    /// Compares the stored indexes with the required ones.
    pub async fn index_state(&self, needed: &[&Index]) -> Result<IndexState> {
        let mut state = IndexState::default();
        for (collection, wanted) in by_collection(needed) {
            let stored = self.stored_indexes(collection).await?;
            for index in wanted {
                let name = format!("{collection}.{}", index.name);
                match stored.iter().find(|stored| index.is_rival(stored)) {
                    None => state.missing.push(name),
                    Some(stored) if !index.is_defined_as(stored) => state.drifted.push(name),
                    Some(_) => {}
                }
            }
        }
        Ok(state)
    }

    async fn stored_indexes(&self, collection: &str) -> Result<Vec<Document>> {
        let listed = self.raw().run_command(doc! { "listIndexes": collection }).await;
        let reply = match listed {
            Err(error) if command_code(&error) == Some(NOT_THERE) => return Ok(Vec::new()),
            listed => listed?,
        };
        let cursor = reply.get_document("cursor").map_err(Error::internal)?;
        let batch = cursor.get_array("firstBatch").map_err(Error::internal)?;
        Ok(batch.iter().filter_map(Bson::as_document).cloned().collect())
    }
}
