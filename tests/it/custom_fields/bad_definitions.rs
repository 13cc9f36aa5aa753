//! Invalid definitions: every error is returned with its path, no value is echoed, nothing is changed.

use serde_json::{Value, json};

use super::{define, field};
use crate::customers::{patched, shop};
use crate::kit::{Shop, faults};

/// A text of more than `length` characters that contains the marker.
fn long(length: usize) -> Value {
    json!("hunter2".repeat(length / 7 + 1))
}

/// Changes to a valid input, and the expected errors.
type InvalidCase = (Value, &'static str);

fn bad_keys() -> Vec<InvalidCase> {
    let keys = [
        "",
        " ",
        "1a",
        "_a",
        "$where",
        "a.b",
        "a$b",
        "a b",
        "é",
        "a\u{0}",
        "a\n",
        "__proto__",
    ];
    let mut invalid_cases: Vec<InvalidCase> = keys.map(|key| (json!({ "key": key }), "INVALID key")).to_vec();
    invalid_cases.push((json!({ "key": long(64) }), "INVALID key"));
    invalid_cases.push((json!({ "key": "taken" }), "CUSTOM_FIELD_KEY_TAKEN key"));
    invalid_cases
}

fn bad_texts() -> Vec<InvalidCase> {
    vec![
        (json!({ "name": "" }), "REQUIRED name"),
        (json!({ "name": "\u{a0}" }), "REQUIRED name"),
        (json!({ "name": long(255) }), "TOO_LONG name"),
        (json!({ "name": "a\u{0}" }), "INVALID name"),
        (json!({ "description": long(1000) }), "TOO_LONG description"),
        (json!({ "description": "a\u{7}" }), "INVALID description"),
    ]
}

fn bad_options() -> Vec<InvalidCase> {
    let select = |options: Value| json!({ "type": "SELECT", "options": options });
    vec![
        (json!({ "options": ["a"] }), "INVALID options"),
        (json!({ "type": "SELECT" }), "REQUIRED options"),
        (select(Value::Null), "REQUIRED options"),
        (select(json!([])), "REQUIRED options"),
        (select(json!(vec!["a"; 201])), "TOO_MANY options"),
        (
            select(json!(["a", " ", long(255), "b\u{0}", "a"])),
            "REQUIRED options.1, TOO_LONG options.2, INVALID options.3, INVALID options.4",
        ),
    ]
}

async fn check(shop: &Shop, mutation: &str, good: &Value, invalid_cases: Vec<InvalidCase>) {
    let before = shop.gateway.store.dump().await;
    for (changes, expected) in invalid_cases {
        let input = patched(good.clone(), changes.clone());
        let payload = shop.backend.mutate(mutation, input).await;
        assert_eq!(faults(&payload).join(", "), expected, "{mutation} {changes}");
        assert!(!payload.to_string().contains("hunter2"), "{payload}");
    }
    assert_eq!(
        shop.gateway.store.dump().await,
        before,
        "{mutation}: nothing changed"
    );
}

// EPC-30, ERR-01, SFR-01
#[tokio::test]
async fn err_01_each_invalid_value_of_a_definition_is_reported() {
    let shop = shop().await;
    let rival = shop.rival().await;
    define(&shop, "taken", "SELECT", json!({ "options": ["a"] })).await;
    let good = patched(field("good", "STRING"), json!({ "storefrontId": shop.id() }));
    let nowhere = |id: &str| (json!({ "storefrontId": id }), "STOREFRONT_NOT_FOUND storefrontId");
    let mut invalid_cases = [bad_keys(), bad_texts(), bad_options()].concat();
    invalid_cases.extend([rival.id(), "", "$ne", "\u{0}"].map(nowhere));
    invalid_cases.push((
        json!({ "key": "taken", "name": "", "description": "\u{0}", "options": ["x"] }),
        "CUSTOM_FIELD_KEY_TAKEN key, REQUIRED name, INVALID description, INVALID options",
    ));
    check(&shop, "customFieldDefine", &good, invalid_cases).await;
}

// EPC-30, ERR-01
#[tokio::test]
async fn err_01_each_invalid_value_of_a_definition_update_is_reported() {
    let shop = shop().await;
    let rival = shop.rival().await;
    let select = define(&shop, "tier", "SELECT", json!({ "options": ["a", "b"] })).await;
    let text = define(&shop, "vatId", "STRING", json!({})).await;
    let theirs = define(&rival, "theirs", "STRING", json!({})).await;
    let mut invalid_cases = bad_texts();
    invalid_cases.extend([
        (json!({}), "NO_CHANGES"),
        (json!({ "name": null }), "REQUIRED name"),
        (json!({ "options": ["a"] }), "INVALID options"),
        (
            json!({ "isRequired": null, "isPublic": null, "isCustomerWritable": null }),
            "REQUIRED isRequired, REQUIRED isPublic, REQUIRED isCustomerWritable",
        ),
        (
            json!({ "id": theirs["id"], "name": "" }),
            "CUSTOM_FIELD_NOT_FOUND id, REQUIRED name",
        ),
        (
            json!({ "id": "cfd_$gt", "options": [] }),
            "CUSTOM_FIELD_NOT_FOUND id",
        ),
        (json!({ "id": "" }), "CUSTOM_FIELD_NOT_FOUND id, NO_CHANGES"),
    ]);
    check(
        &shop,
        "customFieldUpdate",
        &json!({ "id": text["id"] }),
        invalid_cases,
    )
    .await;
    let options = bad_options()
        .into_iter()
        .filter(|(changes, _)| changes.get("options").is_some());
    let options = options.skip(1).map(|(mut changes, faults)| {
        changes.as_object_mut().expect("an object").remove("type");
        (changes, faults)
    });
    check(
        &shop,
        "customFieldUpdate",
        &json!({ "id": select["id"] }),
        options.collect(),
    )
    .await;
    let unauthenticated = [theirs["id"].clone(), json!(""), json!("\u{0}"), json!(shop.id())];
    let unauthenticated = unauthenticated.map(|id| (json!({ "id": id }), "CUSTOM_FIELD_NOT_FOUND id"));
    check(&shop, "customFieldDelete", &json!({}), unauthenticated.to_vec()).await;
}
