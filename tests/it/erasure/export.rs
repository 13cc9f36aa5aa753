//! The export: all data stored about a customer, for the customer.

use serde_json::{Value, json};

use super::full_customer::{CANARIES, FullCustomer};
use super::of;
use crate::addresses::{self, home};
use crate::customers::{patched, setup};
use crate::kit::{Caller, Shop};

async fn export(shop: &Shop, by: &Caller, input: Value) -> (Value, Value) {
    let item = by.mutate_ok("customerDataExport", input).await["storageItem"].take();
    let link = item["url"].as_str().expect("a link").to_owned();
    let link = link.replace(&shop.gateway.app.public_url, &shop.gateway.url);
    let content = shop.gateway.http.get(link).send().await.expect("answered");
    assert_eq!(content.headers()["content-type"], "application/json");
    let bytes = content.bytes().await.expect("read");
    assert_eq!(
        item["byteSize"].to_string().trim_end_matches(".0"),
        bytes.len().to_string()
    );
    (item, serde_json::from_slice(&bytes).expect("JSON"))
}

// EXP-01
#[tokio::test]
async fn exp_01_an_export_contains_all_data_of_the_customer() {
    let full_customer = FullCustomer::create().await;
    let (item, reported) = export(&full_customer.shop, &full_customer.caller, json!({})).await;
    assert_eq!(
        (&item["kind"], &item["contentType"]),
        (&json!("OTHER"), &json!("application/json"))
    );
    let text = reported.to_string().to_lowercase();
    for canary in CANARIES {
        // Not exported: the password and its hash, the previous e-mail address, the contents of stored files.
        let is_expected = ![
            "$argon2",
            "kanarie-geheim-1",
            "kanarie-inhalt",
            "kanarie.alt@zwitscher.example",
        ]
        .contains(&canary);
        assert_eq!(text.contains(canary), is_expected, "{canary}");
    }
    assert_eq!(
        reported["customer"][0]["customFields"],
        json!({ "nickname": "kanarie-spitzname" })
    );
    assert_eq!(reported["pendingEmail"], "Kanarie.Neu@zwitscher.example");
    assert_eq!(reported["orders"].as_array().map(Vec::len), Some(2));
    let lines = &reported["orders"][0]["lines"][0];
    assert_eq!(
        (&lines["sku"], &lines["unitPrice"]["amount"]),
        (&json!("MUG"), &json!("5.25"))
    );
    for secret in ["passwordHash", "refreshHash", "emailKey", "blobId"] {
        assert!(!text.contains(&secret.to_lowercase()), "{secret}");
    }
    // A backend gets the same export, and the customer has the file.
    let (again, _) = export(
        &full_customer.shop,
        &full_customer.shop.backend,
        of(&full_customer.id),
    )
    .await;
    let found = full_customer
        .caller
        .query(&format!("{{ node(id: {}) {{ id }} }}", again["id"]))
        .await;
    assert_eq!(found["node"]["id"], again["id"]);
    full_customer.shop.gateway.run_jobs().await;
    full_customer.shop.gateway.store.assert_consistent().await;
}

// EXP-01
#[tokio::test]
async fn exp_01_an_export_contains_only_its_customer_and_ignores_the_quota() {
    let shop = setup()
        .set("GATEWAY_STORAGE_QUOTA", "1KiB")
        .set("GATEWAY_STORAGE_MAX_FILE", "1KiB")
        .start()
        .await;
    let (id, ada) = addresses::customer(&shop, "ada@example.com").await;
    let (_, bob) = addresses::customer(&shop, "bob@example.com").await;
    for number in 0..30 {
        let address = patched(home(), json!({ "address1": format!("Street {number}") }));
        ada.mutate_ok("customerAddressCreate", address).await;
    }
    assert_eq!(
        bob.user_errors("customerDataExport", of(&id)).await,
        ["CUSTOMER_NOT_FOUND customerId (402)"]
    );
    let missing = shop.backend.user_errors("customerDataExport", json!({})).await;
    assert_eq!(missing, ["CUSTOMER_REFERENCE_MISSING customerId (405)"]);
    let (item, reported) = export(&shop, &ada, json!({})).await;
    assert!(
        item["byteSize"].as_f64().is_some_and(|size| size > 1024.0),
        "{item}"
    );
    assert_eq!(reported["addresses"].as_array().map(Vec::len), Some(30));
    assert_eq!(reported["customer"][0]["email"], "ada@example.com");
    assert!(!reported.to_string().contains("bob"), "{reported}");
}

// EXP-01
#[tokio::test]
async fn exp_01_exports_are_rate_limited() {
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .manual_clock()
        .start()
        .await;
    let (_, ada) = addresses::customer(&shop, "ada@example.com").await;
    for _ in 0..10 {
        ada.mutate_ok("customerDataExport", json!({})).await;
    }
    assert_eq!(
        ada.user_errors("customerDataExport", json!({})).await,
        ["RATE_LIMITED"]
    );
}
