//! Erasures concurrent with each other, with cancellations, and with every mutation that adds to a customer.

use std::time::Duration;

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{of, on_behalf, status};
use crate::addresses::{customer, home};
use crate::customers::{PASSWORD, ada, id_of, patched, setup};
use crate::kit::{Caller, Shop, Upload, faults, mutation, number, png};
use crate::orders::{by_default, in_storefront};

/// The result of a mutation by a caller whose token may be revoked concurrently.
async fn tried(by: &Caller, field: &str, input: Value) -> Value {
    let body = by.try_send(&mutation(field), json!({ "input": input })).await;
    body.expect("an answer")["data"][field].take()
}

/// The receipt of a customer's own erasure, if it succeeded.
async fn erase(by: &Caller, input: &Value) -> Option<Value> {
    let receipt = tried(by, "customerAnonymize", input.clone()).await["receipt"].take();
    receipt.is_object().then_some(receipt)
}

// CLY-18
#[tokio::test]
async fn cly_18_concurrent_cancellation_and_start_have_one_winner() {
    let shop = setup()
        .set("GATEWAY_ANONYMIZATION_GRACE", "1s")
        .manual_clock()
        .start()
        .await;
    let (backend, _) = on_behalf(&shop).await;
    let mut outcomes = Vec::new();
    for round in 0..50 {
        let (id, _) = customer(&shop, &format!("ada{round}@example.com")).await;
        backend.mutate_ok("customerAnonymizationRequest", of(&id)).await;
        shop.gateway.advance(Duration::from_secs(1));
        let cancel = backend.mutate("customerAnonymizationCancel", of(&id));
        let (cancelled, ()) = join(cancel, shop.gateway.run_jobs()).await;
        shop.gateway.run_jobs().await;
        let cancelled = faults(&cancelled);
        let expected = match status(&backend, &id).await {
            status if status == "CANCELLED" => vec![],
            status if status == "COMPLETED" => vec!["ANONYMIZATION_ALREADY_STARTED customerId".to_owned()],
            other => panic!("{other}"),
        };
        assert_eq!(cancelled, expected, "round {round}");
        outcomes.push(cancelled.is_empty());
        let is_there = shop.gateway.store.count(
            "customers",
            doc! { "_id": id.as_str(), "email": { "$exists": true } },
        );
        assert_eq!(is_there.await == 1, cancelled.is_empty(), "round {round}");
    }
    shop.gateway.store.assert_consistent().await;
}

// ERA-01
#[tokio::test]
async fn era_01_concurrent_erasure_mutations_erase_once() {
    let shop = setup().start().await;
    let there = shop.gateway.another_node().await;
    for round in 0..5 {
        let (ada, _) = ada(&shop, &format!("ada{round}@example.com")).await;
        let id = id_of(&ada).await;
        for item in 0..3 {
            ada.upload(&format!("{item}.png"), &png(item)).await;
        }
        let own = json!({ "password": PASSWORD });
        let callers = [ada.clone(), ada.at(&there), ada.clone()];
        let done = join_all(callers.iter().map(|ada| erase(ada, &own))).await;
        let receipts: Vec<&Value> = done.iter().flatten().collect();
        assert_eq!(receipts.len(), 1, "round {round}: {done:?}");
        assert_eq!(receipts[0]["storageItems"], 3);
        assert_eq!(status(&shop.backend, &id).await, "COMPLETED");
    }
    shop.gateway.store.assert_consistent().await;
}

// EPC-04
#[tokio::test]
async fn epc_04_concurrent_erasure_and_deletion_end_in_deletion() {
    let shop = setup().start().await;
    for round in 0..10 {
        let (ada, _) = ada(&shop, &format!("ada{round}@example.com")).await;
        let id = id_of(&ada).await;
        ada.mutate_ok("customerAddressCreate", home()).await;
        let own = json!({ "password": PASSWORD });
        let deleting = shop.backend.mutate("customerDelete", of(&id));
        let (_, deleted) = join(erase(&ada, &own), deleting).await;
        assert_eq!(faults(&deleted), [""; 0], "round {round}");
        assert_eq!(
            shop.gateway
                .store
                .count("customers", doc! { "_id": id.as_str() })
                .await,
            0
        );
    }
    assert_eq!(shop.gateway.store.count("storefrontUsers", doc! {}).await, 0);
    shop.gateway.store.assert_consistent().await;
}

/// Every mutation that adds to a customer or changes it, during the erasure.
async fn everything(shop: &Shop, id: &Value, ada: &Caller, round: usize) {
    let (backend, id) = (&shop.backend, of(id));
    let secret = format!("geheim{round}@example.com");
    let update = patched(id.clone(), json!({ "firstName": "geheim" }));
    let order = patched(
        by_default(&format!("A-{round}")),
        json!({
            "shippingAddress": patched(home(), json!({ "city": "geheim" })),
            "billingAddress": patched(home(), json!({ "city": "geheim" })), "email": secret,
        }),
    );
    let order = in_storefront(shop, patched(order, id.clone()));
    let address = patched(home(), json!({ "city": "geheim" }));
    let change = json!({ "newEmail": secret, "password": PASSWORD });
    let ask = json!({ "email": format!("ada{round}@example.com") });
    let guest = format!("geheim guest {round}");
    shop.guest(&guest).await.upload("geheim.png", &png(1)).await;
    let user = ada
        .query("{ viewer { storefrontUser { storefrontUserId } } }")
        .await;
    let user = user["viewer"]["storefrontUser"]["storefrontUserId"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let own = json!({ "password": PASSWORD });
    let upload = Upload {
        file_name: "geheim.png",
        bytes: png(2),
        input: json!({}),
    };
    let changes = async {
        let one = join(
            backend.mutate("customerUpdate", update),
            backend.mutate("orderRecord", order),
        );
        let two = join(
            tried(ada, "customerAddressCreate", address),
            tried(ada, "customerEmailChangeRequest", change),
        );
        let three = join(
            shop.browser.mutate("customerPasswordResetRequest", ask),
            backend.mutate("storefrontUserMergeAnonymous", shop.pair(&guest, &user)),
        );
        join(join(one, two), join(three, ada.try_send_file(upload))).await
    };
    let (_, erased) = join(changes, erase(ada, &own)).await;
    assert!(erased.is_some(), "round {round}");
}

// ERA-01, ERA-04
#[tokio::test]
async fn era_04_writes_concurrent_with_an_erasure_are_erased_or_refused() {
    let shop = setup().start().await;
    for round in 0..8 {
        let (ada, _) = ada(&shop, &format!("ada{round}@example.com")).await;
        let id = id_of(&ada).await;
        everything(&shop, &id, &ada, round).await;
        shop.gateway.run_jobs().await;
        assert_eq!(status(&shop.backend, &id).await, "COMPLETED");
        for (collection, documents) in shop.gateway.store.dump().await {
            // A guest whose merge was refused is another person.
            if collection == "storefrontUsers" || collection == "storageItems" {
                continue;
            }
            let text = format!("{documents:?}");
            assert!(!text.contains("geheim"), "round {round}: in {collection}: {text}");
        }
        let user = shop
            .gateway
            .store
            .documents("customers", doc! { "_id": id.as_str() })
            .await;
        let user = user[0].get_str("userId").expect("an id").to_owned();
        let storages = shop
            .gateway
            .store
            .documents("privateStorages", doc! { "ownerId": &user })
            .await;
        for storage in storages {
            assert_eq!(number(&storage, "itemCount"), 0, "round {round}");
        }
        let merged = shop
            .gateway
            .store
            .count("storefrontUsers", doc! { "mergedInto": &user })
            .await;
        assert_eq!(merged, 0, "round {round}");
        shop.gateway.store.assert_consistent().await;
    }
}
