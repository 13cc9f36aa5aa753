//! Verifies the check that the fault tests rely on: it detects an audit trail with a missing or duplicated entry.

use bson::{Document, doc};
use serde_json::json;

use crate::addresses::home;
use crate::customers::{PASSWORD, ada, credentials, id_of, patched, shop};
use crate::kit::{Shop, text};
use crate::orders::{by_default, in_storefront};

/// Gives a customer two sessions, two addresses and an order, then removes one session and one address.
async fn create_documents(shop: &Shop) {
    let (ada, token) = ada(shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let address = ada.mutate_ok("customerAddressCreate", home()).await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    let order = patched(in_storefront(shop, by_default("1")), json!({ "customerId": id }));
    shop.backend.mutate_ok("orderRecord", order).await;
    let again = credentials("ada@example.com", PASSWORD);
    shop.browser.mutate_ok("customerTokenCreate", again).await;
    let leave = json!({ "refreshToken": token });
    shop.unauthenticated()
        .mutate_ok("customerTokenRevoke", leave)
        .await;
    let gone = json!({ "id": address["address"]["id"], "customerId": id });
    shop.backend.mutate_ok("customerAddressDelete", gone).await;
}

/// Whether the check reports an error in the database.
async fn is_detected(shop: &Shop) -> bool {
    let store = shop.gateway.store.clone();
    let checking = tokio::spawn(async move { store.assert_consistent().await });
    checking.await.is_err()
}

/// Whether the check detects that the entry is missing. A missing registration is not detected, because tests also
/// insert customers directly.
async fn is_needed(shop: &Shop, entry: &Document) -> bool {
    let store = &shop.gateway.store;
    let object = doc! { "_id": entry.get("object") };
    match text(entry, "action") {
        "SIGNED_IN" => store.count("sessions", object).await == 1,
        "ADDRESS_CREATED" => store.count("addresses", object).await == 1,
        "ORDER_RECORDED" | "ADDRESS_DELETED" => true,
        _ => false,
    }
}

#[tokio::test]
async fn an_incomplete_audit_trail_is_detected() {
    let shop = shop().await;
    create_documents(&shop).await;
    let store = &shop.gateway.store;
    assert!(!is_detected(&shop).await);
    let (audit, whole) = (store.collection("audit"), store.audit().await);
    let another = |entry: &Document, changes: Document| {
        let mut another = entry.clone();
        another.extend(doc! { "_id": "aud_another" });
        another.extend(changes);
        another
    };
    let named = doc! { "_id": "aud_another" };
    for entry in &whole {
        let twice = another(entry, doc! {});
        audit.insert_one(twice).await.expect("inserted");
        assert!(is_detected(&shop).await, "twice: {entry}");
        audit.delete_one(named.clone()).await.expect("deleted");

        let is_needed = is_needed(&shop, entry).await;
        audit
            .delete_one(doc! { "_id": &entry["_id"] })
            .await
            .expect("deleted");
        assert_eq!(is_detected(&shop).await, is_needed, "without: {entry}");
        audit.insert_one(entry).await.expect("put back");
    }
    for (action, collection) in [("SESSION_ENDED", "sessions"), ("ORDER_CANCELLED", "orders")] {
        let object = store.documents(collection, doc! {}).await;
        let lie = another(
            &whole[0],
            doc! { "action": action, "object": text(&object[0], "_id") },
        );
        audit.insert_one(lie).await.expect("inserted");
        assert!(is_detected(&shop).await, "{action}");
        audit.delete_one(named.clone()).await.expect("deleted");
    }
    assert!(!is_detected(&shop).await);
}
