//! What a command costs the database, by its own account.

use bson::{Document, doc};
use mongodb::Database;

use super::{Shop, number, text};

/// Collections of a few documents, which are read whole.
const SMALL: [&str; 2] = ["organizations", "migrations"];

/// Lets the database note each command of a gateway for which it looks at a whole collection.
pub(crate) async fn watch_for_scans(database: &Database) {
    profile(database, doc! { "profile": 1, "filter": scan(database) }).await;
}

/// The notes of such commands.
pub(crate) fn scan(database: &Database) -> Document {
    let small = SMALL.map(|name| format!("{}.{name}", database.name()));
    doc! {
        "appName": { "$exists": true }, "planSummary": { "$regex": "COLLSCAN" }, "ns": { "$nin": small.to_vec() },
        // Whether there is anything at all is told by the first document.
        "$nor": [{ "command.filter": {}, "command.limit": 1 }],
    }
}

async fn profile(database: &Database, how: Document) {
    database.run_command(how).await.expect("profiled");
}

/// A collection, and how many index keys and documents the database looked at for one command on it.
pub(crate) type Cost = (String, i64, i64);

/// Whether a command looked at no more than that many keys and documents.
pub(crate) fn is_within((_, keys, documents): &Cost, most: i64) -> bool {
    *keys <= most && *documents <= most
}

/// What each command of the gateway cost during `work`, by the database's own account.
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

/// What the database noted of the gateway's commands during `work`.
pub(crate) async fn profiled<T>(shop: &Shop, work: impl Future<Output = T>) -> (T, Vec<Document>) {
    let store = &shop.gateway.store;
    profile(store.database(), doc! { "profile": 2, "filter": "unset" }).await;
    let done = work.await;
    profile(store.database(), doc! { "profile": 0 }).await;
    // The gateway gives its name; the tests' own client has none.
    let of_the_gateway = doc! { "appName": { "$exists": true }, "docsExamined": { "$exists": true } };
    let notes = store.documents("system.profile", of_the_gateway).await;
    let scans = store.scans().await;
    assert!(scans.is_empty(), "a whole collection was looked at: {scans:#?}");
    let dropped = store.collection("system.profile").drop().await;
    dropped.expect("dropped");
    watch_for_scans(store.database()).await;
    (done, notes)
}
