//! Invalid values: every error is returned with its path, no value is echoed, nothing is changed.

use serde_json::{Value, json};

use super::values::shop_of_all_types;
use super::{customer, define, signed_in, values};
use crate::customers::{patched, person};
use crate::kit::{self, faults};

/// Values that a field of one type rejects, in addition to those that every type rejects.
fn bad_values() -> Vec<(&'static str, Value)> {
    let long = "hunter2".repeat(143);
    vec![
        ("motto", json!(["", " ", 1, "hunter2\u{0}", "hunter2\n", long])),
        (
            "score",
            json!([1.5, "hunter2", true, 9_007_199_254_740_992_i64, 1e300]),
        ),
        ("height", json!(["hunter2", "1.5", false])),
        ("newsletter", json!(["hunter2", 0, "true"])),
        (
            "since",
            json!(["2023-02-29", "hunter2", 2024, "2024-02-29T00:00:00Z"]),
        ),
        (
            "seen",
            json!(["2024-02-29", "2024-02-29T25:00:00Z", "hunter2", 0]),
        ),
        ("tier", json!(["hunter2", "Bronze", 0, "$GT"])),
    ]
}

// EPC-30, ERR-01, ERR-02
#[tokio::test]
async fn err_01_each_invalid_value_is_reported_with_its_path() {
    let shop = shop_of_all_types().await;
    let id = customer(&shop, "ada@example.com", &[("score", json!(1))]).await;
    let ada = signed_in(&shop, &id).await;
    let before = shop.gateway.store.dump().await;
    let never = json!([[], ["bronze"], {}, { "$gt": "hunter2" }, { "$ne": null }]);
    for (key, bad) in bad_values() {
        for value in [&bad, &never]
            .into_iter()
            .flat_map(|list| list.as_array().expect("a list"))
        {
            let given = values(&[(key, value.clone())]);
            let update = patched(given.clone(), json!({ "customerId": id }));
            let new_customer = patched(person("bob@example.com"), given);
            for (caller, field, input) in [
                (&ada, "customerUpdate", &update),
                (&shop.backend, "customerUpdate", &update),
                (&shop.browser, "customerRegister", &new_customer),
            ] {
                let payload = caller.mutate(field, input.clone()).await;
                let expected = ["CUSTOM_FIELD_VALUE_INVALID customFields.0.value"];
                assert_eq!(faults(&payload), expected, "{field} {key} {value}");
                assert!(!payload.to_string().contains("hunter2"), "{payload}");
            }
        }
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

// EPC-30, ERR-01
#[tokio::test]
async fn err_01_value_errors_are_returned_with_all_other_errors() {
    let shop = shop_of_all_types().await;
    define(&shop, "vatId", "STRING", json!({})).await;
    let id = customer(&shop, "ada@example.com", &[]).await;
    let ada = signed_in(&shop, &id).await;
    let before = shop.gateway.store.dump().await;
    let many = [
        ("score", json!("x")),
        ("hunter2", json!(1)),
        ("vatId", json!("x")),
        ("motto", json!("fine")),
        ("motto", json!("again")),
        ("$where", json!("x")),
        ("customFields.0.v", json!("x")),
        ("", json!("x")),
        ("Score", Value::Null),
        ("score\u{0}", json!(1)),
    ];
    let expected = [
        "REQUIRED firstName",
        "CUSTOM_FIELD_VALUE_INVALID customFields.0.value",
        "CUSTOM_FIELD_NOT_FOUND customFields.1.key",
        "FORBIDDEN customFields.2.key",
        "INVALID customFields.4.key",
        "CUSTOM_FIELD_NOT_FOUND customFields.5.key",
        "CUSTOM_FIELD_NOT_FOUND customFields.6.key",
        "CUSTOM_FIELD_NOT_FOUND customFields.7.key",
        "CUSTOM_FIELD_NOT_FOUND customFields.8.key",
        "CUSTOM_FIELD_NOT_FOUND customFields.9.key",
    ];
    let nameless = patched(values(&many), json!({ "firstName": "" }));
    let payload = ada.mutate("customerUpdate", nameless.clone()).await;
    assert_eq!(faults(&payload), expected);
    assert!(!payload.to_string().contains("hunter2"), "{payload}");
    let new_customer = patched(person("bob@example.com"), nameless);
    assert_eq!(
        shop.browser.user_errors("customerRegister", new_customer).await,
        expected
    );
    let without_value = json!({ "customFields": [{ "key": "score" }] });
    let refused = ada.user_errors("customerUpdate", without_value).await;
    assert_eq!(refused, ["REQUIRED customFields.0.value"]);
    let crowd = (0..201).map(|number| json!({ "key": format!("k{number}"), "value": 1 }));
    let crowd = json!({ "customFields": crowd.collect::<Vec<_>>() });
    assert_eq!(
        ada.user_errors("customerUpdate", crowd).await,
        ["TOO_LONG customFields"]
    );
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

// ERR-02
#[tokio::test]
async fn err_02_a_list_of_another_type_is_a_top_level_error() {
    let shop = shop_of_all_types().await;
    let id = customer(&shop, "ada@example.com", &[]).await;
    let ada = signed_in(&shop, &id).await;
    let before = shop.gateway.store.dump().await;
    for wrong in [
        json!({ "key": 1, "value": 1 }),
        json!({ "value": "hunter2" }),
        json!({ "key": null, "value": "hunter2" }),
        json!({ "key": "score", "value": "hunter2", "nonsense": 1 }),
        json!("hunter2"),
        json!([null]),
        json!([[]]),
    ] {
        let input = json!({ "input": { "customFields": wrong } });
        let answer = ada.send(&kit::mutation("customerUpdate"), input).await;
        assert!(!answer.codes().is_empty(), "{wrong}: {}", answer.body);
        assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}
