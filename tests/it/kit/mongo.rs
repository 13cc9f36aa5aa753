//! Looking into a test's database, past the gateway.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};
use futures_util::TryStreamExt;
use mongodb::{Collection, Database};

use super::profile::scan;

/// A test's database.
#[derive(Clone)]
pub(crate) struct Store(Database);

impl Store {
    pub(crate) fn new(database: Database) -> Self {
        Self(database)
    }

    /// The database itself.
    pub(crate) fn database(&self) -> &Database {
        &self.0
    }

    /// A collection.
    pub(crate) fn collection(&self, name: &str) -> Collection<Document> {
        self.0.collection(name)
    }

    /// All documents of a collection that meet a filter, by id.
    pub(crate) async fn documents(&self, collection: &str, filter: Document) -> Vec<Document> {
        let collection = self.collection(collection);
        let found = collection.find(filter).sort(doc! { "_id": 1 }).await;
        found.expect("found").try_collect().await.expect("read")
    }

    /// How many documents of a collection meet a filter.
    pub(crate) async fn count(&self, collection: &str, filter: Document) -> u64 {
        self.collection(collection)
            .count_documents(filter)
            .await
            .expect("counted")
    }

    /// The collections, but for the database's own.
    pub(crate) async fn collections(&self) -> Vec<String> {
        let mut names = self.0.list_collection_names().await.expect("named");
        names.retain(|name| !name.starts_with("system."));
        names
    }

    /// Commands of the gateway for which the database looked at a whole collection.
    pub(crate) async fn scans(&self) -> Vec<Document> {
        self.documents("system.profile", scan(&self.0)).await
    }

    /// Everything that is stored, a collection a key, to compare before and after. What happens by itself is left out:
    /// recurring jobs.
    pub(crate) async fn dump(&self) -> BTreeMap<String, Vec<Document>> {
        let mut dump = BTreeMap::new();
        for name in self.collections().await {
            let filter = match name.as_str() {
                "jobs" => doc! { "$expr": { "$ne": ["$_id", "$kind"] } },
                _ => doc! {},
            };
            let documents = self.documents(&name, filter).await;
            dump.insert(name, documents);
        }
        dump
    }

    /// Jobs that are not done, recurring ones aside.
    pub(crate) async fn open_jobs(&self) -> Vec<Document> {
        let open = doc! { "state": { "$ne": "DONE" }, "$expr": { "$ne": ["$_id", "$kind"] } };
        self.documents("jobs", open).await
    }
}

/// A whole number, however wide it is stored.
pub(crate) fn number(document: &Document, field: &str) -> i64 {
    match document.get(field) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        other => panic!("{field} is {other:?}"),
    }
}

/// A text.
pub(crate) fn text<'a>(document: &'a Document, field: &str) -> &'a str {
    let text = document.get_str(field);
    text.unwrap_or_else(|_| panic!("{field} is no text in {document}"))
}
