//! Creating, changing and deleting fields.

use bson::doc;
use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;

use super::{customer, define, field, give, open, seen, values};
use crate::customers::{ada, patched, shop};
use crate::kit::{Caller, Shop, redact};

const DEFINITIONS: &str = "{ storefront { customFieldDefinitions { key name description type isRequired options isPublic \
                           isCustomerWritable } } }";

async fn keys(caller: &Caller) -> Vec<String> {
    let seen = caller.query(DEFINITIONS).await;
    let listed = seen["storefront"]["customFieldDefinitions"]
        .as_array()
        .expect("definitions");
    let keys = listed.iter().filter_map(|field| field["key"].as_str());
    keys.map(str::to_owned).collect()
}

// EPC-30
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the snapshots")]
async fn epc_30_a_backend_creates_updates_and_deletes_definitions() {
    let shop = shop().await;
    let tier = json!({
        "storefrontId": shop.id(), "key": "tier", "name": "Tier", "description": "How loyal they are", "type": "SELECT",
        "options": ["bronze", "silver"], "isRequired": true, "isPublic": true,
    });
    let payload = shop.backend.mutate_ok("customFieldDefine", tier).await;
    let id = payload["definition"]["id"].clone();
    insta::assert_json_snapshot!(redact(payload), @r#"
    {
      "definition": {
        "description": "How loyal they are",
        "id": "[cfd 1]",
        "isCustomerWritable": false,
        "isPublic": true,
        "isRequired": true,
        "key": "tier",
        "name": "Tier",
        "options": [
          "bronze",
          "silver"
        ],
        "type": "SELECT"
      },
      "userErrors": []
    }
    "#);
    define(&shop, "vatId", "STRING", json!({})).await;
    let changes = json!({
        "id": id, "name": "Loyalty", "description": null, "options": ["gold", "silver", "bronze"], "isRequired": false,
    });
    shop.backend.mutate_ok("customFieldUpdate", changes).await;
    insta::assert_json_snapshot!(shop.backend.query(DEFINITIONS).await, @r#"
    {
      "storefront": {
        "customFieldDefinitions": [
          {
            "description": null,
            "isCustomerWritable": false,
            "isPublic": true,
            "isRequired": false,
            "key": "tier",
            "name": "Loyalty",
            "options": [
              "gold",
              "silver",
              "bronze"
            ],
            "type": "SELECT"
          },
          {
            "description": null,
            "isCustomerWritable": false,
            "isPublic": false,
            "isRequired": false,
            "key": "vatId",
            "name": "A field",
            "options": null,
            "type": "STRING"
          }
        ]
      }
    }
    "#);
    let node = format!("{{ node(id: {id}) {{ id ... on CustomFieldDefinition {{ key }} }} }}");
    let found = shop.backend.query(&node).await;
    assert_eq!(found["node"], json!({ "id": id, "key": "tier" }));
    let payload = shop
        .backend
        .mutate_ok("customFieldDelete", json!({ "id": id }))
        .await;
    assert_eq!(payload["deletedCustomFieldId"], id);
    assert_eq!(keys(&shop.backend).await, ["vatId"]);
    assert_eq!(shop.backend.query(&node).await["node"], Value::Null);
    let again = shop
        .backend
        .user_errors("customFieldDelete", json!({ "id": id }))
        .await;
    assert_eq!(again, ["CUSTOM_FIELD_NOT_FOUND id"]);
    shop.gateway.store.assert_consistent().await;
}

// EPC-30
#[tokio::test]
async fn epc_30_each_caller_sees_only_the_definitions_it_may_read() {
    let shop = shop().await;
    let rival = shop.rival().await;
    let hidden = define(&shop, "hidden", "STRING", json!({})).await;
    define(&shop, "written", "STRING", json!({ "isCustomerWritable": true })).await;
    let public = define(&shop, "public", "STRING", json!({ "isPublic": true })).await;
    define(&rival, "theirs", "STRING", open()).await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let ann = shop.ann("ann").await;
    let reader = shop.backend_with(&[Scope::StorefrontsRead]).await;
    let without = shop
        .backend_with(&[Scope::CustomersRead, Scope::CustomFieldsWrite])
        .await;
    for caller in [&shop.backend, &reader] {
        assert_eq!(keys(caller).await, ["hidden", "written", "public"]);
    }
    for caller in [&shop.browser, &ada, &ann] {
        assert_eq!(keys(caller).await, ["public"]);
    }
    assert_eq!(keys(&rival.backend).await, ["theirs"]);
    let both = format!("{{ nodes(ids: [{}, {}]) {{ id }} }}", hidden["id"], public["id"]);
    let (hidden, public) = (json!({ "id": hidden["id"] }), json!({ "id": public["id"] }));
    for (caller, expected) in [
        (&reader, json!([hidden, public])),
        (&ada, json!([null, public])),
        (&shop.browser, json!([null, public])),
        (&without, json!([null, null])),
        (&rival.backend, json!([null, null])),
        (&shop.unauthenticated(), json!([null, null])),
    ] {
        assert_eq!(caller.query(&both).await["nodes"], expected);
    }
}

// EPC-30
#[tokio::test]
async fn epc_30_a_field_or_option_in_use_is_not_deleted() {
    let shop = shop().await;
    let tier = define(&shop, "tier", "SELECT", json!({ "options": ["a", "b", "c"] })).await;
    let id = &tier["id"];
    let ada = customer(&shop, "ada@example.com", &[("tier", json!("b"))]).await;
    let refused = shop
        .backend
        .user_errors("customFieldDelete", json!({ "id": id }))
        .await;
    assert_eq!(refused, ["CUSTOM_FIELD_IN_USE id"]);
    let options = |options: Value| json!({ "id": id, "options": options });
    for without in [json!(["a", "c"]), json!(["B"])] {
        let refused = shop
            .backend
            .user_errors("customFieldUpdate", options(without))
            .await;
        assert_eq!(refused, ["CUSTOM_FIELD_IN_USE options"]);
    }
    shop.backend
        .mutate_ok("customFieldUpdate", options(json!(["d", "b"])))
        .await;
    give(&shop, &ada, &[("tier", json!("d"))]).await;
    shop.backend
        .mutate_ok("customFieldUpdate", options(json!(["d"])))
        .await;
    assert_eq!(seen(&shop.backend, &ada).await, json!({ "tier": "d" }));
    give(&shop, &ada, &[("tier", Value::Null)]).await;
    shop.backend
        .mutate_ok("customFieldDelete", json!({ "id": id }))
        .await;
    shop.gateway.store.assert_consistent().await;
}

// EPC-30
#[tokio::test]
async fn epc_30_a_redefined_key_has_no_earlier_values() {
    let shop = shop().await;
    let old = define(&shop, "score", "INTEGER", json!({})).await;
    let ada = customer(&shop, "ada@example.com", &[("score", json!(7))]).await;
    // Simulates a value that was not removed with its field.
    let customers = shop.gateway.store.collection("customers");
    let kept = customers.find_one(doc! {}).await.expect("found").expect("ada");
    give(&shop, &ada, &[("score", Value::Null)]).await;
    shop.backend
        .mutate_ok("customFieldDelete", json!({ "id": old["id"] }))
        .await;
    customers
        .update_one(
            doc! {},
            doc! { "$set": { "customFields": &kept["customFields"] } },
        )
        .await
        .expect("updated");
    let new = define(&shop, "score", "INTEGER", json!({})).await;
    assert_ne!(old["id"], new["id"]);
    assert_eq!(seen(&shop.backend, &ada).await, json!({ "score": null }));
    give(&shop, &ada, &[("score", json!(8))]).await;
    assert_eq!(seen(&shop.backend, &ada).await, json!({ "score": 8 }));
}

// EPC-30, SFR-02
#[tokio::test]
async fn sfr_02_each_storefront_has_its_own_fields() {
    let shop = shop().await;
    let austria = shop.add_storefront("Prints AT", "AT").await;
    define(&shop, "score", "INTEGER", json!({})).await;
    let there = json!({ "storefrontId": austria.id.to_string() });
    define(&shop, "score", "STRING", there.clone()).await;
    define(&shop, "colour", "STRING", there.clone()).await;
    let ada = customer(&shop, "ada@example.com", &[("score", json!(1))]).await;
    let bob = patched(crate::customers::person("bob@example.com"), there);
    let bob = patched(bob, values(&[("score", json!("one"))]));
    let bob = shop.backend.mutate_ok("customerRegister", bob).await["customer"]["id"].take();
    assert_eq!(seen(&shop.backend, &ada).await, json!({ "score": 1 }));
    assert_eq!(
        seen(&shop.backend, &bob).await,
        json!({ "score": "one", "colour": null })
    );
    let colour = patched(values(&[("colour", json!("red"))]), json!({ "customerId": ada }));
    let refused = shop.backend.user_errors("customerUpdate", colour).await;
    assert_eq!(refused, ["CUSTOM_FIELD_NOT_FOUND customFields.0.key"]);
    let no_storefront = shop
        .backend
        .user_errors("customFieldDefine", field("x", "STRING"))
        .await;
    assert_eq!(no_storefront, ["STOREFRONT_REQUIRED storefrontId"]);
    shop.gateway.store.assert_consistent().await;
}

/// Fills a storefront up to this number of fields.
pub(super) async fn fill(shop: &Shop, count: usize) {
    for number in 0..count {
        define(shop, &format!("field{number}"), "BOOLEAN", json!({})).await;
    }
}

// DEF-11, EPC-30
#[tokio::test]
async fn def_11_a_storefront_has_at_most_200_fields() {
    let shop = shop().await;
    fill(&shop, 200).await;
    let one_more = patched(field("more", "STRING"), json!({ "storefrontId": shop.id() }));
    let payload = shop.backend.mutate("customFieldDefine", one_more.clone()).await;
    insta::assert_json_snapshot!(payload["userErrors"], @r#"
    [
      {
        "code": "TOO_MANY",
        "field": null,
        "legacyCode": null,
        "message": "A storefront has at most 200 custom fields. Delete one first.",
        "retryAfterSeconds": null
      }
    ]
    "#);
    let first = shop
        .gateway
        .store
        .documents("customFields", doc! { "key": "field0" })
        .await;
    let id = first[0].get_str("_id").expect("an id");
    shop.backend
        .mutate_ok("customFieldDelete", json!({ "id": id }))
        .await;
    shop.backend.mutate_ok("customFieldDefine", one_more).await;
    assert_eq!(keys(&shop.backend).await.len(), 200);
    // A customer may have a value for every field.
    let all = (1..200).map(|number| json!({ "key": format!("field{number}"), "value": true }));
    let input = patched(
        crate::customers::person("ada@example.com"),
        json!({ "storefrontId": shop.id(), "customFields": all.collect::<Vec<_>>() }),
    );
    shop.backend.mutate_ok("customerRegister", input).await;
    shop.gateway.store.assert_consistent().await;
}
