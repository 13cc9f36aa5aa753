//! Checks the assumption of the fault tests that `assert_consistent` detects a damaged database.

use bson::{Bson, Document, doc};
use serde_json::json;

use crate::addresses::home;
use crate::custom_fields::{define, open, values};
use crate::customers::{ada, id_of, patched, setup};
use crate::kit::{Shop, png};
use crate::markets::{group, join, market};
use crate::orders::{by_default, in_storefront};

/// Returns the damages: the collection, and the update of one of its documents, or None to delete it.
fn damages() -> Vec<(&'static str, Option<Document>)> {
    let set = |field: &str, value: Bson| Some(doc! { "$set": { field: value } });
    let unset = |field: &str| Some(doc! { "$unset": { field: "" } });
    let other = || Bson::from("another");
    vec![
        ("storefrontUsers", None),
        ("storefrontUsers", unset("customerId")),
        ("storefrontUsers", set("customerId", other())),
        ("storefrontUsers", set("isAnonymous", Bson::Boolean(true))),
        ("storefrontUsers", set("storefrontUserId", other())),
        ("customers", None),
        ("customers", set("storefrontId", other())),
        ("customers", set("reference", Bson::from("DE--7"))),
        ("customers", set("status", Bson::from("REPEAT"))),
        ("customers", unset("emailKey")),
        ("customers", unset("defaultShippingAddressId")),
        ("customers", set("defaultBillingAddressId", other())),
        ("counters", set("last", Bson::Int64(0))),
        ("sessions", set("customerId", other())),
        ("sessions", set("userId", other())),
        ("sessions", set("organizationId", other())),
        ("oneTimeKeys", set("customerId", other())),
        ("customers", set("customFields.0.f", other())),
        ("customers", set("customFields.0.v", other())),
        ("customFields", None),
        ("customFields", set("storefrontId", other())),
        ("customFields", set("type", Bson::from("STRING"))),
        ("storefronts", set("customFieldCount", Bson::Int64(7))),
        ("addresses", None),
        ("addresses", set("customerId", other())),
        ("addresses", set("userId", other())),
        (
            "customers",
            Some(doc! { "$set": { "orderCount": 2_i64, "status": "REPEAT" } }),
        ),
        ("orders", None),
        ("orders", unset("customerId")),
        ("orders", set("customerId", other())),
        ("orders", set("userId", other())),
        ("orders", set("storefrontId", other())),
        ("orders", set("status", Bson::from("CANCELLED"))),
        (
            "orders",
            set("cancelledAt", Bson::DateTime(bson::DateTime::from_millis(0))),
        ),
        ("customers", set("groupIds", vec!["another"].into())),
        ("customerGroups", None),
        ("customerGroups", set("storefrontId", other())),
        ("markets", set("opensTo", vec!["another"].into())),
        ("markets", set("storefrontId", other())),
        ("privateStorages", None),
        ("privateStorages", set("itemCount", Bson::Int64(2))),
        ("privateStorages", set("totalBytes", Bson::Int64(2))),
        ("privateStorages", set("ownerId", other())),
        ("storageItems", None),
        ("storageItems", set("storageId", other())),
        ("content.files", None),
        ("content.files", set("length", Bson::Int64(2))),
    ]
}

/// Whether the check fails for this database.
async fn is_detected(shop: &Shop) -> bool {
    let store = shop.gateway.store.clone();
    let checking = tokio::spawn(async move { store.assert_consistent().await });
    checking.await.is_err()
}

#[tokio::test]
async fn a_damaged_database_is_detected() {
    let shop = setup().start().await;
    shop.open_account_page().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    let order = patched(by_default("1001"), json!({ "customerId": id_of(&ada).await }));
    shop.backend
        .mutate_ok("orderRecord", in_storefront(&shop, order))
        .await;
    ada.upload("cat.png", &png(1)).await;
    define(&shop, "score", "INTEGER", open()).await;
    ada.mutate_ok("customerUpdate", values(&[("score", json!(1))]))
        .await;
    let group = group(&shop, "Printers").await;
    join(&shop, &group, &[&id_of(&ada).await]).await;
    market(&shop, "Printers' corner", &[&group]).await;
    let asked = json!({ "email": "ada@example.com" });
    shop.browser
        .mutate_ok("customerPasswordResetRequest", asked)
        .await;
    shop.gateway.run_jobs().await;
    assert!(!is_detected(&shop).await);
    for (collection, damage) in damages() {
        let store = &shop.gateway.store;
        let found = store.documents(collection, doc! {}).await;
        let [whole] = &found[..] else {
            panic!("{collection} has one document: {found:?}")
        };
        let (documents, id) = (store.collection(collection), doc! { "_id": &whole["_id"] });
        match &damage {
            Some(update) => drop(
                documents
                    .update_one(id.clone(), update.clone())
                    .await
                    .expect("damaged"),
            ),
            None => drop(documents.delete_one(id.clone()).await.expect("deleted")),
        }
        assert!(is_detected(&shop).await, "{collection}: {damage:?}");
        documents.delete_one(id).await.expect("deleted");
        documents.insert_one(whole).await.expect("put back");
    }
    assert!(!is_detected(&shop).await);
}
