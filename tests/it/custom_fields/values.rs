//! Customers' values: set, changed and removed.

use bson::{Bson, doc, spec::ElementType};
use serde_json::{Value, json};

use super::{by_key, customer, define, give, open, seen, signed_in, values};
use crate::customers::{patched, person, shop};
use crate::kit::{Shop, number};

/// A shop with a field of each type that all callers may read and write.
pub(super) async fn shop_of_all_types() -> Shop {
    let shop = shop().await;
    for (key, kind) in [
        ("motto", "STRING"),
        ("score", "INTEGER"),
        ("height", "FLOAT"),
        ("newsletter", "BOOLEAN"),
        ("since", "DATE"),
        ("seen", "DATE_TIME"),
    ] {
        define(&shop, key, kind, open()).await;
    }
    let tier = patched(json!({ "options": ["bronze", "$gt"] }), open());
    define(&shop, "tier", "SELECT", tier).await;
    shop
}

// EPC-30
#[tokio::test]
async fn epc_30_values_of_each_type_are_stored_and_returned() {
    let shop = shop_of_all_types().await;
    let given = [
        ("motto", json!("Ein „Motto“ \\ { $ne: 1 }")),
        ("score", json!(-9_007_199_254_740_991_i64)),
        ("height", json!(1.5)),
        ("newsletter", json!(false)),
        ("since", json!("2024-02-29")),
        ("seen", json!("2026-11-21T10:00:00.1239+01:00")),
        ("tier", json!("$gt")),
    ];
    let input = patched(person("ada@example.com"), values(&given));
    let query = "mutation ($input: CustomerRegisterInput!) { customerRegister(input: $input) {
        customer { customFields { key value } } userErrors { code } } }";
    let answer = shop.browser.send(query, json!({ "input": input })).await;
    let payload = answer.data()["customerRegister"].take();
    insta::assert_json_snapshot!(by_key(&payload["customer"]["customFields"]), @r#"
    {
      "height": 1.5,
      "motto": "Ein „Motto“ \\ { $ne: 1 }",
      "newsletter": false,
      "score": -9007199254740991,
      "seen": "2026-11-21T09:00:00.123Z",
      "since": "2024-02-29",
      "tier": "$gt"
    }
    "#);
    let stored = shop.gateway.store.documents("customers", doc! {}).await;
    let kinds = stored[0].get_array("customFields").expect("values").iter();
    let kinds: Vec<_> = kinds
        .map(|value| {
            let value = value.as_document().expect("a document");
            assert!(value.get_str("f").expect("a field").starts_with("cfd_"));
            assert_eq!(value.len(), 2);
            value["v"].element_type()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ElementType::String,
            ElementType::Int64,
            ElementType::Double,
            ElementType::Boolean,
            ElementType::String,
            ElementType::DateTime,
            ElementType::String,
        ]
    );
    shop.gateway.store.assert_consistent().await;
}

// EPC-30, SPR-33, SPR-20
#[tokio::test]
async fn epc_30_an_update_changes_only_the_fields_that_it_names() {
    let shop = shop_of_all_types().await;
    let ada = customer(
        &shop,
        "ada@example.com",
        &[("score", json!(1)), ("motto", json!("a"))],
    )
    .await;
    let all = |changes: Value| {
        let none = json!({
            "motto": null, "score": null, "height": null, "newsletter": null, "since": null, "seen": null, "tier": null,
        });
        patched(none, changes)
    };
    assert_eq!(
        seen(&shop.backend, &ada).await,
        all(json!({ "score": 1, "motto": "a" }))
    );
    let given = [
        ("score", json!(2.0)),
        ("newsletter", json!(true)),
        ("since", Value::Null),
    ];
    let updated = give(&shop, &ada, &given).await;
    assert_eq!(updated["version"], 2);
    assert!(updated["updatedAt"].as_str() > updated["createdAt"].as_str());
    assert_eq!(
        seen(&shop.backend, &ada).await,
        all(json!({ "score": 2, "motto": "a", "newsletter": true }))
    );
    let removed = [
        ("score", Value::Null),
        ("motto", Value::Null),
        ("newsletter", Value::Null),
    ];
    give(&shop, &ada, &removed).await;
    assert_eq!(seen(&shop.backend, &ada).await, all(json!({})));
    let stored = shop.gateway.store.documents("customers", doc! {}).await;
    assert!(!stored[0].contains_key("customFields"), "{}", stored[0]);
    // A profile change in the same call.
    let both = patched(
        values(&[("score", json!(3))]),
        json!({ "customerId": ada, "firstName": "Grace", "expectedVersion": 3 }),
    );
    let payload = shop.backend.mutate_ok("customerUpdate", both.clone()).await;
    assert_eq!(payload["customer"]["firstName"], "Grace");
    assert_eq!(payload["customer"]["version"], 4);
    let refused = shop.backend.user_errors("customerUpdate", both).await;
    assert_eq!(refused, ["VERSION_CONFLICT expectedVersion"]);
    for nothing in [json!([]), Value::Null] {
        let input = json!({ "customerId": ada, "customFields": nothing });
        assert_eq!(
            shop.backend.user_errors("customerUpdate", input).await,
            ["NO_CHANGES"]
        );
    }
    assert_eq!(seen(&shop.backend, &ada).await, all(json!({ "score": 3 })));
}

// EPC-30
#[tokio::test]
async fn epc_30_literal_values_are_accepted_like_variables() {
    let shop = shop_of_all_types().await;
    let id = customer(&shop, "ada@example.com", &[]).await;
    let ada = signed_in(&shop, &id).await;
    let update = async |value: &str| {
        let query = format!(
            "mutation {{ customerUpdate(input: {{ customFields: [{value}] }}) {{ userErrors {{ code field }} }} }}"
        );
        ada.send(&query, json!({})).await
    };
    for good in [
        "{ key: \"score\", value: 5 }",
        "{ key: \"height\", value: 0.25 }",
        "{ key: \"newsletter\", value: true }",
        "{ key: \"tier\", value: \"bronze\" }",
    ] {
        let payload = update(good).await.data();
        assert_eq!(payload["customerUpdate"]["userErrors"], json!([]), "{good}");
    }
    for bad in [
        "{ key: \"tier\", value: bronze }",
        "{ key: \"score\", value: [5] }",
        "{ key: \"score\", value: { a: 5 } }",
    ] {
        let payload = update(bad).await.data();
        let fault =
            json!([{ "code": "CUSTOM_FIELD_VALUE_INVALID", "field": ["customFields", "0", "value"] }]);
        assert_eq!(payload["customerUpdate"]["userErrors"], fault, "{bad}");
    }
    assert_eq!(
        update("{ key: \"height\", value: 1e400 }").await.codes(),
        ["GRAPHQL_PARSE_FAILED"]
    );
    let mine = seen(&ada, &id).await;
    assert_eq!((&mine["score"], &mine["height"]), (&json!(5), &json!(0.25)));
    assert_eq!(
        (&mine["newsletter"], &mine["tier"]),
        (&json!(true), &json!("bronze"))
    );
}

// EPC-30
#[tokio::test]
async fn epc_30_input_never_becomes_a_field_name_or_an_operator() {
    let shop = shop_of_all_types().await;
    let id = customer(&shop, "ada@example.com", &[]).await;
    for evil in [
        "$where",
        "a.b.c",
        "__proto__",
        "function() { return true }",
        "{ \"$gt\": \"\" }",
        "$",
        ".",
    ] {
        give(&shop, &id, &[("motto", json!(evil))]).await;
        assert_eq!(seen(&shop.backend, &id).await["motto"], evil);
        let stored = shop.gateway.store.documents("customers", doc! {}).await;
        let values = stored[0].get_array("customFields").expect("values");
        assert_eq!(values.len(), 1);
        let value = values[0].as_document().expect("a value");
        assert_eq!(value["v"], Bson::from(evil));
        assert_eq!(value.keys().collect::<Vec<_>>(), ["f", "v"]);
    }
    let stored = shop.gateway.store.documents("customers", doc! {}).await;
    assert_eq!(number(&stored[0], "version"), 8);
}

// EPC-30
#[tokio::test]
async fn epc_30_values_of_fifty_customers_cost_one_command() {
    let mut counts = Vec::new();
    for customers in [2, 50] {
        let shop = shop_of_all_types().await;
        for number in 0..customers {
            customer(
                &shop,
                &format!("c{number}@example.com"),
                &[("score", json!(number))],
            )
            .await;
        }
        let query = "{ storefront { customFieldDefinitions { key } \
                     customers(first: 50) { nodes { customFields { key value definition { name } } } } } }";
        let (seen, mut commands) = shop.gateway.commands.during(shop.backend.query(query)).await;
        // The lists of the storefront are read at the same time.
        commands.sort();
        let nodes = seen["storefront"]["customers"]["nodes"]
            .as_array()
            .expect("nodes");
        assert_eq!(nodes.len(), customers);
        for (number, node) in nodes.iter().enumerate() {
            assert_eq!(by_key(&node["customFields"])["score"], number);
        }
        counts.push(commands);
    }
    assert_eq!(counts[0], counts[1]);
    insta::assert_json_snapshot!(counts[0], @r#"
    [
      "find customFields",
      "find customers"
    ]
    "#);
}
