//! The proof of the erasure: after each way of erasing, none of the customer's data is found anywhere, and every stored
//! field is covered.

use std::collections::{BTreeMap, BTreeSet};

use bson::{Bson, doc};
use serde_json::{Value, json};
use storefront_gateway::platform::stored::{Stored, StoredField};
use storefront_gateway::schema;

use super::full_customer::{CANARIES, FullCustomer, PASSWORD, paths};
use super::{of, on_behalf, state, status};
use crate::customers::{credentials, is_signed_in};

/// Asserts that all data is found before the erasure: otherwise the search would prove nothing.
async fn assert_everything_is_there(full_customer: &FullCustomer) {
    let found = full_customer.found().await;
    for canary in CANARIES {
        let is_there = found
            .iter()
            .any(|found| found.starts_with(&format!("{canary} in ")));
        // The password itself is never stored.
        assert_eq!(is_there, canary != PASSWORD, "{canary}: {found:#?}");
    }
    for place in [
        "customers's index",
        "storefrontUsers's index",
        "content.chunks",
        "a mail",
        "oneTimeKeys",
    ] {
        assert!(
            found.iter().any(|found| found.contains(place)),
            "{place}: {found:#?}"
        );
    }
}

/// Asserts that all sessions are revoked and the e-mail address is free.
async fn assert_closed(full_customer: &FullCustomer) {
    let FullCustomer {
        shop,
        caller,
        refresh,
        guest,
        ..
    } = full_customer;
    assert!(!is_signed_in(caller).await, "the access token is revoked");
    let refused = shop
        .unauthenticated()
        .user_errors("customerTokenRefresh", json!({ "refreshToken": refresh }))
        .await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    let sign_in = credentials("kanarie.post@zwitscher.example", PASSWORD);
    assert_eq!(
        shop.browser.user_errors("customerTokenCreate", sign_in).await,
        ["CREDENTIALS_INVALID"]
    );
    let status = guest.send("{ viewer { kind } }", json!({})).await.status;
    assert_eq!(status, 401, "the guest's former token is revoked too");
}

fn receipt() -> Value {
    json!({ "addresses": 1, "orders": 2, "storageItems": 3, "sessions": 2, "customFields": 1 })
}

fn counts(mut receipt: Value) -> Value {
    let erased_at = receipt
        .as_object_mut()
        .and_then(|receipt| receipt.remove("erasedAt"));
    assert!(erased_at.is_some_and(|at| at.is_string()), "{receipt}");
    receipt
}

// ERA-01, ERA-02, CLY-17, CLY-20
#[tokio::test]
async fn era_01_a_due_request_erases_all_data() {
    let full_customer = FullCustomer::create().await;
    assert_everything_is_there(&full_customer).await;
    let (backend, member) = on_behalf(&full_customer.shop).await;
    backend
        .mutate_ok("customerAnonymizationRequest", of(&full_customer.id))
        .await;
    assert_eq!(status(&backend, &full_customer.id).await, "REQUESTED");
    full_customer.shop.gateway.run_jobs().await;
    assert_eq!(full_customer.found().await, [""; 0]);
    assert_closed(&full_customer).await;
    let state = state(&backend, &full_customer.id).await;
    let info = &state["anonymizationInfo"];
    assert_eq!(
        (&state["isAnonymized"], &info["status"]),
        (&json!(true), &json!("COMPLETED"))
    );
    assert_eq!(
        info["requester"],
        json!({ "kind": "MEMBER", "id": member, "name": "Grace" })
    );
    assert_eq!(counts(info["receipt"].clone()), receipt());
    assert_kept(&full_customer).await;
    full_customer.shop.gateway.store.assert_consistent().await;
}

// SPR-92, ERA-01, ERA-02
#[tokio::test]
async fn spr_92_the_customers_own_request_erases_all_data_before_the_response() {
    let full_customer = FullCustomer::create().await;
    let refused = full_customer
        .caller
        .user_errors("customerAnonymize", json!({ "password": "wrong" }))
        .await;
    assert_eq!(refused, ["PASSWORD_INVALID password (408)"]);
    assert_eq!(
        full_customer
            .caller
            .user_errors("customerAnonymize", json!({}))
            .await,
        ["PASSWORD_INVALID password (408)"]
    );
    let payload = full_customer
        .caller
        .mutate_ok("customerAnonymize", json!({ "password": PASSWORD }))
        .await;
    assert_eq!(counts(payload["receipt"].clone()), receipt());
    assert_eq!(full_customer.found().await, [""; 0]);
    assert_closed(&full_customer).await;
    let state = state(&full_customer.shop.backend, &full_customer.id).await;
    let info = &state["anonymizationInfo"];
    assert_eq!(
        info["requester"],
        json!({ "kind": "CUSTOMER", "id": full_customer.id, "name": null })
    );
    assert_eq!(info["scheduledFor"], info["requestedAt"]);
    assert_kept(&full_customer).await;
    full_customer.shop.gateway.store.assert_consistent().await;
}

// EPC-04, ERA-01, ERA-02
#[tokio::test]
async fn epc_04_a_deletion_erases_all_data_and_the_customer() {
    for by_backend in [true, false] {
        let full_customer = FullCustomer::create().await;
        let FullCustomer { shop, id, caller, .. } = &full_customer;
        let payload = if by_backend {
            shop.backend.mutate_ok("customerDelete", of(id)).await
        } else {
            caller
                .mutate_ok("customerDelete", json!({ "password": PASSWORD }))
                .await
        };
        assert_eq!(payload["deletedCustomerId"], *id);
        assert_eq!(full_customer.found().await, [""; 0]);
        assert_closed(&full_customer).await;
        assert_eq!(state(&shop.backend, id).await, Value::Null);
        for collection in [
            "customers",
            "storefrontUsers",
            "privateStorages",
            "addresses",
            "sessions",
        ] {
            assert_eq!(
                shop.gateway.store.count(collection, doc! {}).await,
                0,
                "{collection}"
            );
        }
        let orders = shop.backend.query(
            "{ storefront { orders(first: 5) { nodes { number customer { id } email
            shippingAddress { city } total { amount } lines { sku } } } } }",
        );
        let orders = orders.await["storefront"]["orders"]["nodes"].take();
        assert_eq!(orders.as_array().map(Vec::len), Some(2), "{orders}");
        for order in orders.as_array().expect("orders") {
            assert_eq!(
                (&order["customer"], &order["email"], &order["shippingAddress"]),
                (&Value::Null, &Value::Null, &Value::Null)
            );
            assert_eq!(order["total"]["amount"], "10.50");
        }
        shop.gateway.store.assert_consistent().await;
    }
}

/// Asserts that ids, reference, times, ordered products and prices are kept.
async fn assert_kept(full_customer: &FullCustomer) {
    let query = "query ($id: ID!) { customer(by: { id: $id }) { reference email firstName lastName salutation gender
        dateOfBirth shopperReference hasPassword isEmailVerified status orderCount createdAt termsAcceptance { version }
        addresses { totalCount } defaultShippingAddress { id } customFields { value } groups { totalCount }
        sessions { id } storefrontUser { storefrontUserId privateStorage { itemCount totalBytes } }
        orders { nodes { number email shippingAddress { city } total { amount } lines { sku } } } } }";
    let answer = full_customer
        .shop
        .backend
        .send(query, json!({ "id": full_customer.id }))
        .await;
    let mut seen = answer.data()["customer"].take();
    let created_at = seen.as_object_mut().and_then(|seen| seen.remove("createdAt"));
    assert!(created_at.is_some_and(|at| at.is_string()), "{seen}");
    let order = |number: &str| {
        json!({
            "number": number, "email": null, "shippingAddress": null, "total": { "amount": "10.50" },
            "lines": [{ "sku": "MUG" }],
        })
    };
    let kept = json!({
        "reference": "DE--1", "email": null, "firstName": null, "lastName": null, "salutation": null, "gender": null,
        "dateOfBirth": null, "shopperReference": null, "hasPassword": false, "isEmailVerified": false,
        "status": "REPEAT", "orderCount": 2, "termsAcceptance": { "version": null }, "addresses": { "totalCount": 0 },
        "defaultShippingAddress": null, "customFields": [{ "value": null }], "groups": { "totalCount": 0 },
        "sessions": [], "storefrontUser": {
            "storefrontUserId": "DE--1", "privateStorage": { "itemCount": 0, "totalBytes": 0.0 },
        },
        "orders": { "nodes": [order("K-2"), order("K-1")] },
    });
    assert_eq!(seen, kept);
}

// EXP-01, ERA-01
#[tokio::test]
async fn exp_01_every_stored_field_is_declared() {
    let full_customer = FullCustomer::create().await;
    // The jobs stay in the database, so that they are examined too.
    full_customer.shop.gateway.expect_jobs();
    let (backend, _) = on_behalf(&full_customer.shop).await;
    backend
        .mutate_ok("customerAnonymizationRequest", of(&full_customer.id))
        .await;
    let declared: BTreeMap<&str, Stored> = schema::stored()
        .into_iter()
        .map(|stored| (stored.collection, stored))
        .collect();
    let (mut unknown, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (collection, documents) in full_customer.shop.gateway.store.dump().await {
        let stored = declared.get(collection.as_str());
        for document in documents {
            let mut stored_paths = Vec::new();
            paths("", &Bson::Document(document), &mut stored_paths);
            for path in stored_paths {
                match stored.and_then(|stored| stored.declared(&path)) {
                    Some(declared) => _ = seen.insert(format!("{collection}.{declared}")),
                    None => _ = unknown.insert(format!("{collection}.{path}")),
                }
            }
        }
    }
    assert_eq!(unknown, BTreeSet::new(), "say what these are: personal or not");
    let all = personal().into_iter().flat_map(|stored| {
        let fields = stored.fields.iter().map(|(path, _)| *path);
        fields.map(move |path| format!("{}.{path}", stored.collection))
    });
    let unseen: Vec<String> = all.filter(|declared| !seen.contains(declared)).collect();
    assert_eq!(
        unseen, NOT_FILLED,
        "a life has everything else, so that it is looked at"
    );
}

/// The declarations of the documents with personal data.
fn personal() -> Vec<Stored> {
    let kinds = schema::DOMAINS.iter().flat_map(|domain| domain.personal);
    let mut all: Vec<Stored> = kinds.map(|kind| kind.stored).collect();
    all.dedup_by_key(|stored| stored.collection);
    all
}

/// Stored fields that this customer does not fill.
const NOT_FILLED: [&str; 8] = [
    "storefrontUsers.expiresAt",
    "storefrontUsers.erasedAt",
    "storefrontUsers.tokenEpoch",
    "customers.awaitsProof",
    "sessions.ownerId",
    "sessions.legacyHash",
    "sessions.rotation",
    "orders.cancelledAt",
];

// EXP-01
#[test]
fn exp_01_export_names_are_unique_within_a_document() {
    for stored in schema::stored() {
        let mut names = BTreeSet::new();
        for (path, field) in stored.fields {
            if let StoredField::Personal(name) | StoredField::Kept(name) = field {
                assert!(
                    names.insert(name),
                    "{}.{path} also has the name {name}",
                    stored.collection
                );
            }
        }
    }
}
