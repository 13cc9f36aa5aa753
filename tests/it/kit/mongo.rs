//! Direct access to a test's database.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};
use futures_util::TryStreamExt;
use mongodb::{Collection, Database};

use super::profiler::scan;

/// A test's database.
#[derive(Clone)]
pub(crate) struct Store(Database);

impl Store {
    pub(crate) fn new(database: Database) -> Self {
        Self(database)
    }

    /// Returns the database itself.
    pub(crate) fn database(&self) -> &Database {
        &self.0
    }

    /// Returns a collection.
    pub(crate) fn collection(&self, name: &str) -> Collection<Document> {
        self.0.collection(name)
    }

    /// Returns all documents of a collection that match a filter, by id.
    pub(crate) async fn documents(&self, collection: &str, filter: Document) -> Vec<Document> {
        let collection = self.collection(collection);
        let found = collection.find(filter).sort(doc! { "_id": 1 }).await;
        found.expect("found").try_collect().await.expect("read")
    }

    /// Returns the number of documents of a collection that match a filter.
    pub(crate) async fn count(&self, collection: &str, filter: Document) -> u64 {
        self.collection(collection)
            .count_documents(filter)
            .await
            .expect("counted")
    }

    /// Returns the names of the collections, except the system collections.
    pub(crate) async fn collections(&self) -> Vec<String> {
        let mut names = self.0.list_collection_names().await.expect("named");
        names.retain(|name| !name.starts_with("system."));
        names
    }

    /// Returns the commands of the gateway for which the database scanned a whole collection.
    pub(crate) async fn scans(&self) -> Vec<Document> {
        self.documents("system.profile", scan(&self.0)).await
    }

    /// Returns all stored documents by collection, to compare before and after. Recurring jobs are omitted, because
    /// they change without requests.
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

    /// Returns the jobs that are not done, except recurring ones.
    pub(crate) async fn open_jobs(&self) -> Vec<Document> {
        let open = doc! { "state": { "$ne": "DONE" }, "$expr": { "$ne": ["$_id", "$kind"] } };
        self.documents("jobs", open).await
    }
}

/// Returns an integer of any stored width.
pub(crate) fn number(document: &Document, field: &str) -> i64 {
    match document.get(field) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        other => panic!("{field} is {other:?}"),
    }
}

/// Returns a string field.
pub(crate) fn text<'a>(document: &'a Document, field: &str) -> &'a str {
    let text = document.get_str(field);
    text.unwrap_or_else(|_| panic!("{field} is no text in {document}"))
}
