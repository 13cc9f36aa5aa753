//! Addresses that denote the same mailbox are equal, on every path (UNI-02).

use std::sync::Arc;

use bson::{Document, doc};
use serde_json::json;
use storefront_gateway::platform::migration::migrate;
use storefront_gateway::schema;

use super::{PASSWORD, ada, credentials, id_of, person, shop};
use crate::kit::{Shop, text};

// UNI-02, SPR-10
#[tokio::test]
async fn uni_02_a_lookalike_letter_does_not_match_an_address() {
    let shop = shop().await;
    ada(&shop, "kai@example.com").await;
    let before = shop.gateway.store.count("customers", doc! {}).await;
    for address in [
        "\u{212a}ai@example.com",
        "ｋai@example.com",
        "k\u{200b}ai@example.com",
    ] {
        let refused = shop
            .browser
            .user_errors("customerRegister", person(address))
            .await;
        assert_eq!(refused, ["EMAIL_INVALID email"]);
        let refused = shop
            .browser
            .user_errors("customerTokenCreate", credentials(address, PASSWORD))
            .await;
        assert_eq!(refused, ["CREDENTIALS_INVALID"]);
        let found = "{ customer(by: { email: { email: $email } }) { id } }";
        let found = shop
            .backend
            .query(&found.replace("$email", &json!(address).to_string()))
            .await;
        assert!(found["customer"].is_null());
    }
    assert_eq!(shop.gateway.store.count("customers", doc! {}).await, before);
    let pasted = "\u{feff} Kai@EXAMPLE.com\u{200b}";
    let refused = shop.browser.user_errors("customerRegister", person(pasted)).await;
    assert_eq!(refused, ["EMAIL_TAKEN email (400)"]);
}

// UNI-02, EPC-32
#[tokio::test]
async fn uni_02_a_domain_in_ascii_and_unicode_form_is_equal() {
    let shop = shop().await;
    let (jo, _) = ada(&shop, "Jörg@Müller.example").await;
    let id = id_of(&jo).await;
    for same in ["jörg@xn--mller-kva.example", "JO\u{308}RG@mu\u{308}ller.EXAMPLE"] {
        let refused = shop.browser.user_errors("customerRegister", person(same)).await;
        assert_eq!(refused, ["EMAIL_TAKEN email (400)"]);
        let login = credentials(same, PASSWORD);
        let payload = shop.browser.mutate_ok("customerTokenCreate", login).await;
        assert_eq!(payload["customer"]["id"], id);
        for filter in [
            json!({ "eq": same }),
            json!({ "in": [same] }),
            json!({ "startsWith": "JÖRG@" }),
            json!({ "like": "*@müller.example" }),
        ] {
            let found = shop
                .backend
                .send(
                    "query ($id: ID!, $email: StringFilter!) { storefront(by: { id: $id }) \
                     { customers(filter: { email: $email }) { nodes { id email } } } }",
                    json!({ "id": shop.id(), "email": filter }),
                )
                .await
                .data();
            let nodes = &found["storefront"]["customers"]["nodes"];
            assert_eq!(nodes[0]["id"], id, "{filter}");
            assert_eq!(nodes[0]["email"], "Jörg@Müller.example");
        }
    }
}

async fn migrated(shop: &Shop) {
    let store = &shop.gateway.store;
    let again = store
        .collection("migrations")
        .delete_one(doc! { "number": 5 })
        .await;
    assert_eq!(again.expect("deleted").deleted_count, 1);
    let app = Arc::clone(&shop.gateway.app);
    let work = async move { migrate(&app.database, &app.clock, "a", schema::migrations()).await };
    shop.gateway.inside(work).await.expect("migrated");
}

/// Stores an address as an earlier version did.
async fn stored_before(shop: &Shop, email: &str, written: &str) -> String {
    let customers = shop.gateway.store.collection("customers");
    let before = doc! { "$set": { "email": written, "emailKey": written.to_lowercase() } };
    let named = doc! { "email": email };
    let updated = customers
        .find_one_and_update(named, before)
        .await
        .expect("updated");
    text(&updated.expect("a customer"), "_id").to_owned()
}

// UNI-02
#[tokio::test]
async fn uni_02_addresses_of_an_earlier_version_are_migrated() {
    let shop = shop().await;
    shop.gateway.expect_scans();
    for number in 0..6 {
        let email = format!("n{number}@example.com");
        shop.browser.mutate_ok("customerRegister", person(&email)).await;
    }
    let written = [
        // The older of two customers keeps the address, regardless of the spelling.
        "a@müller.example",
        "a@xn--mller-kva.example",
        "b@xn--mller-kva.example",
        "b@müller.example",
        // Its key collides with the next one.
        "\u{212a}ai@example.com",
        "plain@example.com",
    ];
    let mut ids = Vec::new();
    for (number, written) in written.iter().enumerate() {
        ids.push(stored_before(&shop, &format!("n{number}@example.com"), written).await);
    }
    migrated(&shop).await;
    let store = &shop.gateway.store;
    let keys = async || -> Vec<String> {
        let mut found: Vec<Document> = store.documents("customers", doc! {}).await;
        found.sort_by_key(|customer| text(customer, "_id").to_owned());
        found
            .iter()
            .map(|customer| text(customer, "emailKey").to_owned())
            .collect()
    };
    let expected = [
        "a@xn--mller-kva.example",
        ids[1].as_str(),
        "b@xn--mller-kva.example",
        ids[3].as_str(),
        ids[4].as_str(),
        "plain@example.com",
    ];
    assert_eq!(keys().await, expected);
    let stored = store.documents("customers", doc! {}).await;
    migrated(&shop).await;
    assert_eq!(
        store.documents("customers", doc! {}).await,
        stored,
        "once is enough"
    );
    shop.browser
        .mutate_ok("customerRegister", person("kai@example.com"))
        .await;
    let log = shop.gateway.logs.lines().join("\n");
    assert!(
        log.contains(&ids[1]) && !log.contains("example.com") && !log.contains("kva"),
        "ids only"
    );
}
