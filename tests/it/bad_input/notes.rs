//! Invalid input for the mutations of customers' notes.

use serde_json::json;

use super::ValidInput;
use super::customers::{MISSING, bad_customers, check, each, shops};
use crate::customer_notes::note;
use crate::customers::{ada, id_of};
use crate::kit::Shop;

/// Every one of these mutations with an input that would succeed.
pub(super) async fn all(shop: &Shop) -> Vec<ValidInput> {
    let (noted, _) = ada(shop, "noted@example.com").await;
    let id = id_of(&noted).await;
    let old = note(&shop.backend, &id, "old").await;
    let good = |field, input| ValidInput {
        field,
        input,
        optional: &[],
        caller: shop.backend.clone(),
    };
    vec![
        good("customerNoteCreate", json!({ "customerId": id, "text": "new" })),
        good("customerNoteDelete", json!({ "id": old })),
    ]
}

// NTE-01, ERR-01
#[tokio::test]
async fn nte_01_each_invalid_note_value_is_reported() {
    let (shop, _, theirs) = shops().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let good = json!({ "customerId": id, "text": "new" });
    check(
        &shop,
        &shop.backend,
        "customerNoteCreate",
        &good,
        bad_customers(&theirs, MISSING),
    )
    .await;
    let long = "x".repeat(2_001);
    for (bad, expected) in [
        ("", "REQUIRED text"),
        (" \n\t ", "REQUIRED text"),
        (long.as_str(), "TOO_LONG text"),
        ("a\u{0}b", "INVALID text"),
        ("a\u{7}b", "INVALID text"),
    ] {
        let bad = each("text", &[bad], expected);
        check(&shop, &shop.backend, "customerNoteCreate", &good, bad).await;
    }
    let unknown = [
        "",
        " ",
        "nte_01h00000000000000000000000",
        "cus_01h00000000000000000000000",
        "\u{0}",
    ];
    let old = json!({ "id": note(&shop.backend, &id, "old").await });
    let unknown = each("id", &unknown, "CUSTOMER_NOTE_NOT_FOUND id");
    check(&shop, &shop.backend, "customerNoteDelete", &old, unknown).await;
}
