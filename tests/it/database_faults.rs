//! Error messages of the database server contain keys and documents; neither a response nor a log shows them (EPC-05).

use std::sync::Arc;

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::error::Error as DriverError;
use mongodb::options::IndexOptions;
use serde::Deserialize;
use serde_json::json;
use storefront_gateway::customer::Customer;
use storefront_gateway::error::Error;
use storefront_gateway::platform::database::violated_index;
use storefront_gateway::reach::HouseReach;

use crate::customers::{person, with_password};
use crate::kit::{self, Shop};

const CANARY: &str = "Kanarina";
const EMAIL: &str = "kanarie@zwitscher.example";

/// Creates an index that the schema does not declare.
async fn unforeseen(shop: &Shop, collection: &str, keys: Document, having: Option<&str>) {
    let options = IndexOptions::builder()
        .unique(true)
        .name("unforeseen".to_owned())
        .partial_filter_expression(having.map(|field| doc! { field: { "$exists": true } }))
        .build();
    let index = IndexModel::builder().keys(keys).options(options).build();
    let collection = shop.gateway.store.collection(collection);
    collection.create_index(index).await.expect("made");
}

#[derive(Debug, Deserialize)]
struct Number {
    #[serde(rename = "name")]
    _name: i64,
}

/// Database errors of every kind whose server message contains values, each with a label, from a collection with a
/// unique index on `name`.
async fn errors(shop: &Shop) -> Vec<(&'static str, DriverError)> {
    let store = &shop.gateway.store;
    let things = store.collection("things");
    let named = |id: i32| doc! { "_id": format!("{CANARY} {id}"), "name": CANARY };
    things.insert_one(named(1)).await.expect("inserted");
    unforeseen(shop, "things", doc! { "name": 1 }, None).await;
    let doubled = store.collection("doubled");
    doubled.insert_many([named(1), named(2)]).await.expect("inserted");
    let again = doc! { "$set": { "name": CANARY } };
    let upsert = things.find_one_and_update(doc! { "_id": 2 }, again).upsert(true);
    let index = doc! { "key": { "name": 1 }, "name": "unforeseen", "unique": true };
    let create = doc! { "createIndexes": "doubled", "indexes": [index] };
    let number = doc! { "$inc": { "name": 1 } };
    let parsed = doc! { "$expr": { "$toInt": "$name" } };
    vec![
        ("insert", things.insert_one(named(2)).await.expect_err("insert")),
        (
            "insert many",
            things
                .insert_many([named(2), named(3)])
                .await
                .expect_err("insert many"),
        ),
        ("upsert", upsert.await.expect_err("upsert")),
        (
            "create index",
            store
                .database()
                .run_command(create)
                .await
                .expect_err("create index"),
        ),
        (
            "no number",
            things.update_one(named(1), number).await.expect_err("no number"),
        ),
        (
            "cannot convert",
            things.find_one(parsed).await.expect_err("cannot convert"),
        ),
        (
            "another form",
            things
                .clone_with_type::<Number>()
                .find_one(doc! {})
                .await
                .expect_err("another form"),
        ),
    ]
}

// EPC-05
#[tokio::test]
async fn epc_05_a_logged_database_error_has_code_and_index_but_no_value() {
    let shop = kit::shop().await;
    let mut reported = Vec::new();
    for (what, driver) in errors(&shop).await {
        let plain = format!("{driver:?}");
        assert!(
            plain.contains(CANARY),
            "{what}: the driver's error contains it: {plain}"
        );
        let error = Error::from(driver);
        let (Error::Internal(cause) | Error::Unavailable(cause)) = &error else {
            panic!("{what}: {error:?}")
        };
        let all = format!("{error:?} {cause} {cause:?} {:?}", cause.source());
        // Nor in another encoding: the driver prints the bytes of a reply in hexadecimal.
        let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!all.contains(CANARY) && !all.contains(&hex), "{what}: {all}");
        reported.push(format!("{what}: {cause}, violated: {:?}", violated_index(&error)));
    }
    insta::assert_snapshot!(reported.join("\n"), @r#"
    insert: the server refused a write: code 11000, index unforeseen, violated: Some("unforeseen")
    insert many: the server refused one of several writes: code 11000, index unforeseen, violated: None
    upsert: the server refused a command: code 11000 (DuplicateKey), index unforeseen, violated: Some("unforeseen")
    create index: the server refused a command: code 11000 (DuplicateKey), index unforeseen, violated: Some("unforeseen")
    no number: the server refused a write: code 14, violated: None
    cannot convert: the server refused a command: code 241 (ConversionFailure), violated: None
    another form: a document cannot be converted from or to its type, violated: None
    "#);
}

// EPC-05
#[tokio::test]
async fn epc_05_a_violation_of_an_unknown_index_logs_no_value() {
    let shop = crate::customers::setup().log("debug").start().await;
    shop.gateway.expect_errors();
    shop.gateway.expect_jobs();
    unforeseen(&shop, "customers", doc! { "firstName": 1, "email": 1 }, None).await;
    unforeseen(&shop, "oneTimeKeys", doc! { "email": 1 }, Some("hash")).await;
    let other = shop.add_storefront("Prints FR", "FR").await;
    let bird = |storefront: &str| {
        let mut input = person(EMAIL);
        input["firstName"] = json!(CANARY);
        input["storefrontId"] = json!(storefront);
        input
    };
    shop.backend.mutate_ok("customerRegister", bird(shop.id())).await;
    // In a transaction, which aborts.
    let payload = shop
        .backend
        .mutate("customerRegister", bird(&other.id.to_string()))
        .await;
    assert_eq!(payload["userErrors"][0]["code"], "SAVE_FAILED", "{payload}");
    // In a job: the second one-time key of two for the same address.
    let mut elsewhere = with_password(EMAIL);
    elsewhere["storefrontId"] = json!(other.id.to_string());
    shop.backend.mutate_ok("customerRegister", elsewhere).await;
    for storefront in [shop.id(), &other.id.to_string()] {
        let ask = json!({ "storefrontId": storefront, "email": EMAIL });
        shop.backend.mutate_ok("customerPasswordResetRequest", ask).await;
    }
    shop.gateway.run_jobs().await;
    assert_eq!(shop.gateway.mails().all().len(), 1);

    let log = shop.gateway.logs.lines();
    let reported: Vec<&String> = log.iter().filter(|line| line.contains("unforeseen")).collect();
    let failed = [
        "cannot save a change of a customer: the database refused it",
        "job failed",
    ];
    assert!(
        reported.len() == 2
            && failed
                .iter()
                .all(|what| reported.iter().any(|line| line.contains(what))),
        "each names the index: {reported:#?}"
    );
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for canary in [CANARY, EMAIL, &hex(CANARY), &hex(EMAIL)] {
        let found = log.iter().find(|line| line.contains(canary));
        assert!(found.is_none(), "{canary}: {found:?}");
    }
    let jobs = format!("{:?}", shop.gateway.store.open_jobs().await);
    assert!(!jobs.contains(EMAIL), "{jobs}");
}

// EPC-05
#[tokio::test]
async fn epc_05_a_malformed_stored_document_is_not_in_the_error() {
    let shop = kit::shop().await;
    let id = shop.browser.mutate_ok("customerRegister", person(EMAIL)).await["customer"]["id"].take();
    let broken = doc! { "$set": { "orderCount": CANARY } };
    let customers = shop.gateway.store.collection("customers");
    let id = id.as_str().expect("an id");
    customers
        .update_one(doc! { "_id": id }, broken)
        .await
        .expect("updated");
    let app = Arc::clone(&shop.gateway.app);
    let reading = async move {
        let system = HouseReach::everywhere();
        app.database.open::<Customer>(&system).find_one(doc! {}).await
    };
    let read = shop.gateway.inside(reading).await;
    let Err(Error::Internal(cause)) = read else {
        panic!("it cannot be read")
    };
    insta::assert_snapshot!(cause, @"a document cannot be converted from or to its type");
}
