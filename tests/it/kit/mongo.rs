//! Looking into a test's database, past the gateway.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};
use futures_util::TryStreamExt;
use mongodb::{Collection, Database};

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

    /// Everything that is stored, a collection a key, to compare before and after. What happens by itself is left out:
    /// recurring jobs.
    pub(crate) async fn dump(&self) -> BTreeMap<String, Vec<Document>> {
        let mut dump = BTreeMap::new();
        for name in self.0.list_collection_names().await.expect("named") {
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

    /// Checks what must hold at any time when nothing runs: counts equal items, each item has its whole content and its
    /// storage, each storage an owner (or a job that empties it), each user one storage or, merged, none; no content
    /// without an item unless the ledger knows it.
    pub(crate) async fn assert_whole(&self) {
        let items = self.documents("storageItems", doc! {}).await;
        let storages = self.documents("privateStorages", doc! {}).await;
        let users = self.documents("storefrontUsers", doc! {}).await;
        let files = self.documents("content.files", doc! {}).await;
        let ledger = self.ids("unclaimedContent").await;
        let ids = |documents: &[Document]| documents.iter().map(id).collect::<Vec<_>>();
        for storage in &storages {
            let inside: Vec<&Document> = items
                .iter()
                .filter(|item| item.get("storageId") == storage.get("_id"))
                .collect();
            let bytes: i64 = inside.iter().map(|item| number(item, "byteSize")).sum();
            let owner = storage.get("ownerId");
            if owner.is_some() {
                assert_eq!(
                    number(storage, "itemCount"),
                    i64::try_from(inside.len()).expect("few")
                );
                assert_eq!(number(storage, "totalBytes"), bytes, "{storage}");
            }
            let owned = owner.is_none_or(|owner| users.iter().any(|user| id(user) == *owner));
            assert!(owned, "a storage's owner is gone: {storage}");
        }
        for user in &users {
            let own = storages
                .iter()
                .filter(|storage| storage.get("ownerId") == user.get("_id"));
            let merged = user.contains_key("mergedInto");
            let own = own.count();
            assert!(
                if merged { own == 0 } else { own >= 1 },
                "{user} has {own} storages"
            );
        }
        let contents: Vec<Bson> = items.iter().map(|item| item["blobId"].clone()).collect();
        for item in &items {
            assert!(
                ids(&storages).contains(&item["storageId"]),
                "an item without storage: {item}"
            );
            let file = files.iter().find(|file| id(file) == item["blobId"]);
            let file = file.unwrap_or_else(|| panic!("an item without content: {item}"));
            assert_eq!(number(file, "length"), number(item, "byteSize"));
        }
        for file in &files {
            let known = contents.contains(&id(file)) || ledger.contains(&id(file));
            assert!(known, "content of no item: {file}");
        }
        let chunks = self.0.collection::<Document>("content.chunks");
        for content in chunks.distinct("files_id", doc! {}).await.expect("read") {
            let known = contents.contains(&content) || ledger.contains(&content);
            assert!(known, "chunks of no item: {content}");
        }
    }

    async fn ids(&self, collection: &str) -> Vec<Bson> {
        let documents = self.documents(collection, doc! {}).await;
        documents.iter().map(id).collect()
    }
}

fn id(document: &Document) -> Bson {
    document.get("_id").cloned().unwrap_or(Bson::Null)
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
