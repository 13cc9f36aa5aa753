//! Migrations: in order, once per database regardless of the number of nodes, and never to an older version.

use std::sync::atomic::{AtomicU32, Ordering};

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};
use storefront_gateway::error::{Error, Result};
use storefront_gateway::platform::database::Database;
use storefront_gateway::platform::migration::{Migration, migrate};
use storefront_gateway::schema;

use crate::kit::{self, Shop};

fn applied_in_order(_: &Database) -> BoxFuture<'_, Result<()>> {
    async { Ok(()) }.boxed()
}

// Numbered above the gateway's own migrations.
const FIRST: Migration = Migration {
    number: 1001,
    name: "first",
    run: applied_in_order,
};
const SECOND: Migration = Migration {
    number: 1002,
    name: "second",
    run: applied_in_order,
};

async fn migrated(shop: &Shop, node: &'static str, migrations: &'static [Migration]) -> Result<()> {
    let app = shop.gateway.app.clone();
    let work = async move { migrate(&app.database, &app.clock, node, migrations).await };
    shop.gateway.inside(work).await
}

async fn recorded(shop: &Shop) -> Vec<Document> {
    let documents = shop.gateway.store.documents("migrations", doc! {}).await;
    let ours = |document: &Document| {
        schema::migrations()
            .iter()
            .any(|one| document.get_str("name").is_ok_and(|name| name == one.name))
    };
    documents.into_iter().filter(|document| !ours(document)).collect()
}

fn names(documents: &[Document]) -> Vec<&str> {
    documents
        .iter()
        .filter_map(|document| document.get_str("name").ok())
        .collect()
}

#[tokio::test]
async fn each_migration_runs_once_and_in_order() {
    let shop = kit::shop().await;
    migrated(&shop, "a", &[FIRST]).await.expect("migrated");
    assert_eq!(names(&recorded(&shop).await), ["first"]);
    migrated(&shop, "a", &[FIRST, SECOND]).await.expect("migrated");
    let all = recorded(&shop).await;
    assert_eq!(names(&all), ["first", "second"]);
    assert_eq!(all.len(), 2, "the lock is released: {all:?}");
    assert!(all[0].get_datetime("at").expect("a date") <= all[1].get_datetime("at").expect("a date"));
}

static RUNS: AtomicU32 = AtomicU32::new(0);

fn counted(_: &Database) -> BoxFuture<'_, Result<()>> {
    async {
        RUNS.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok(())
    }
    .boxed()
}

#[tokio::test]
async fn two_nodes_starting_concurrently_run_a_migration_once() {
    const COUNTED: &[Migration] = &[Migration {
        number: 1007,
        name: "counted",
        run: counted,
    }];
    let shop = kit::shop().await;
    let nodes = ["a", "b", "c", "d"].map(|node| migrated(&shop, node, COUNTED));
    for done in futures_util::future::join_all(nodes).await {
        done.expect("migrated");
    }
    assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    assert_eq!(names(&recorded(&shop).await), ["counted"]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let shop = kit::shop().await;
    migrated(&shop, "a", &[FIRST, SECOND]).await.expect("migrated");
    let Err(Error::Internal(cause)) = migrated(&shop, "a", &[FIRST]).await else {
        panic!("must refuse")
    };
    insta::assert_snapshot!(cause, @"the database was migrated by a newer version of the gateway (migration 1002; this version knows up to 1001). Start that version or a later one");
}

// SPR-17
#[tokio::test]
async fn customers_of_an_earlier_version_get_reference_numbers() {
    let shop = crate::customers::shop().await;
    // A migration scans a whole collection, once.
    shop.gateway.expect_scans();
    for email in ["ada@example.com", "bob@example.com"] {
        shop.browser
            .mutate_ok("customerRegister", crate::customers::person(email))
            .await;
    }
    let store = &shop.gateway.store;
    let before = store.documents("customers", doc! {}).await;
    let forget = doc! { "$unset": { "referenceNumber": "" } };
    let forgotten = store.collection("customers").update_many(doc! {}, forget).await;
    assert_eq!(forgotten.expect("updated").modified_count, 2);
    let again = store
        .collection("migrations")
        .delete_one(doc! { "number": 1 })
        .await;
    assert_eq!(again.expect("deleted").deleted_count, 1);
    migrated(&shop, "a", schema::migrations())
        .await
        .expect("migrated");
    assert_eq!(store.documents("customers", doc! {}).await, before);
}
