//! The cost of commands, as measured by the database's profiler.

use bson::{Document, doc};
use mongodb::Database;

use super::{Shop, number, text};

/// Collections with few documents, which may be scanned.
const SMALL: [&str; 2] = ["organizations", "migrations"];

/// Makes the database record each command of a gateway that scans a whole collection.
pub(crate) async fn watch_for_scans(database: &Database) {
    profile(database, doc! { "profile": 1, "filter": scan(database) }).await;
}

/// Returns the filter for such commands.
pub(crate) fn scan(database: &Database) -> Document {
    let small = SMALL.map(|name| format!("{}.{name}", database.name()));
    doc! {
        "appName": { "$exists": true }, "planSummary": { "$regex": "COLLSCAN" }, "ns": { "$nin": small.to_vec() },
        // A check whether a collection is empty reads only the first document.
        "$nor": [{ "command.filter": {}, "command.limit": 1 }],
    }
}

async fn profile(database: &Database, how: Document) {
    database.run_command(how).await.expect("profiled");
}

/// A collection, and the number of index keys and documents that the database examined for one command on it.
pub(crate) type Cost = (String, i64, i64);

/// Whether a command examined at most this many keys and documents.
pub(crate) fn is_within((_, keys, documents): &Cost, most: i64) -> bool {
    *keys <= most && *documents <= most
}

/// Returns the cost of each command that the gateway sent during `work`.
pub(crate) async fn examined<T>(shop: &Shop, work: impl Future<Output = T>) -> (T, Vec<Cost>) {
    let (done, notes) = profiled(shop, work).await;
    let looked_at = |note: &Document| {
        let collection = text(note, "ns").rsplit('.').next().unwrap_or_default().to_owned();
        (
            collection,
            number(note, "keysExamined"),
            number(note, "docsExamined"),
        )
    };
    (done, notes.iter().map(looked_at).collect())
}

/// Returns what the profiler recorded about the gateway's commands during `work`.
pub(crate) async fn profiled<T>(shop: &Shop, work: impl Future<Output = T>) -> (T, Vec<Document>) {
    let store = &shop.gateway.store;
    profile(store.database(), doc! { "profile": 2, "filter": "unset" }).await;
    let done = work.await;
    profile(store.database(), doc! { "profile": 0 }).await;
    // The gateway sets an application name; the tests' own client does not.
    let of_the_gateway = doc! { "appName": { "$exists": true }, "docsExamined": { "$exists": true } };
    let notes = store.documents("system.profile", of_the_gateway).await;
    let scans = store.scans().await;
    assert!(scans.is_empty(), "a whole collection was scanned: {scans:#?}");
    let dropped = store.collection("system.profile").drop().await;
    dropped.expect("dropped");
    watch_for_scans(store.database()).await;
    (done, notes)
}
