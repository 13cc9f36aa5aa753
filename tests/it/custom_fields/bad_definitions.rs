//! Invalid definitions: every error is returned with its path, no value is echoed, nothing is changed.

use serde_json::{Value, json};

use super::{define, field};
use crate::customers::{but, shop};
use crate::kit::{Shop, faults};

/// A text of more than `length` characters that contains the marker.
fn long(length: usize) -> Value {
    json!("hunter2".repeat(length / 7 + 1))
}

/// Changes to a valid input, and the expected errors.
type Bad = (Value, &'static str);

fn bad_keys() -> Vec<Bad> {
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
    let mut bads: Vec<Bad> = keys.map(|key| (json!({ "key": key }), "INVALID key")).to_vec();
    bads.push((json!({ "key": long(64) }), "INVALID key"));
    bads.push((json!({ "key": "taken" }), "CUSTOM_FIELD_KEY_TAKEN key"));
    bads
}

fn bad_texts() -> Vec<Bad> {
    vec![
        (json!({ "name": "" }), "REQUIRED name"),
        (json!({ "name": "\u{a0}" }), "REQUIRED name"),
        (json!({ "name": long(255) }), "TOO_LONG name"),
        (json!({ "name": "a\u{0}" }), "INVALID name"),
        (json!({ "description": long(1000) }), "TOO_LONG description"),
        (json!({ "description": "a\u{7}" }), "INVALID description"),
    ]
}

fn bad_options() -> Vec<Bad> {
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

async fn check(shop: &Shop, mutation: &str, good: &Value, bads: Vec<Bad>) {
    let before = shop.gateway.store.dump().await;
    for (changes, expected) in bads {
        let input = but(good.clone(), changes.clone());
        let payload = shop.backend.change(mutation, input).await;
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
    let good = but(field("good", "STRING"), json!({ "storefrontId": shop.id() }));
    let nowhere = |id: &str| (json!({ "storefrontId": id }), "STOREFRONT_NOT_FOUND storefrontId");
    let mut bads = [bad_keys(), bad_texts(), bad_options()].concat();
    bads.extend([rival.id(), "", "$ne", "\u{0}"].map(nowhere));
    bads.push((
        json!({ "key": "taken", "name": "", "description": "\u{0}", "options": ["x"] }),
        "CUSTOM_FIELD_KEY_TAKEN key, REQUIRED name, INVALID description, INVALID options",
    ));
    check(&shop, "customFieldDefine", &good, bads).await;
}

// EPC-30, ERR-01
#[tokio::test]
async fn err_01_each_invalid_value_of_a_definition_update_is_reported() {
    let shop = shop().await;
    let rival = shop.rival().await;
    let select = define(&shop, "tier", "SELECT", json!({ "options": ["a", "b"] })).await;
    let text = define(&shop, "vatId", "STRING", json!({})).await;
    let theirs = define(&rival, "theirs", "STRING", json!({})).await;
    let mut bads = bad_texts();
    bads.extend([
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
    check(&shop, "customFieldUpdate", &json!({ "id": text["id"] }), bads).await;
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
    let nobody = [theirs["id"].clone(), json!(""), json!("\u{0}"), json!(shop.id())];
    let nobody = nobody.map(|id| (json!({ "id": id }), "CUSTOM_FIELD_NOT_FOUND id"));
    check(&shop, "customFieldDelete", &json!({}), nobody.to_vec()).await;
}
