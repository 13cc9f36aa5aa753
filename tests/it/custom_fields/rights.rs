//! Who may read and write the values of custom fields, and for whom they are required.

use serde_json::{Map, Value, json};
use storefront_gateway::reach::scope::Scope;

use super::{customer, define, open, seen, signed_in, values};
use crate::customers::{patched, person, shop};
use crate::kit::{Caller, Shop};

/// A shop with a field of each visibility, and a customer with a value of each.
async fn shop_of_all_rights() -> (Shop, Value) {
    let shop = shop().await;
    for (key, is_public, is_customer_writable) in [
        ("hidden", false, false),
        ("shown", true, false),
        ("asked", false, true),
        ("own", true, true),
    ] {
        let rights = json!({ "isPublic": is_public, "isCustomerWritable": is_customer_writable });
        define(&shop, key, "STRING", rights).await;
    }
    let given = ["hidden", "shown", "asked", "own"].map(|key| (key, json!(format!("value of {key}"))));
    let id = customer(&shop, "ada@example.com", &given).await;
    (shop, id)
}

// EPC-30, ERR-03
#[tokio::test]
async fn epc_30_a_customer_reads_public_fields_and_writes_writable_fields() {
    let (shop, id) = shop_of_all_rights().await;
    let ada = signed_in(&shop, &id).await;
    let public = json!({ "shown": "value of shown", "own": "value of own" });
    assert_eq!(seen(&ada, &id).await, public);
    assert_eq!(
        seen(&shop.backend, &id).await,
        patched(
            public,
            json!({ "hidden": "value of hidden", "asked": "value of asked" })
        )
    );
    let forbidden = ["FORBIDDEN customFields.0.key"];
    for key in ["hidden", "shown"] {
        for value in [json!("new"), Value::Null, json!(1)] {
            let refused = ada
                .user_errors("customerUpdate", values(&[(key, value.clone())]))
                .await;
            assert_eq!(refused, forbidden, "{key} {value}");
        }
        let input = patched(person("bob@example.com"), values(&[(key, json!("new"))]));
        assert_eq!(
            shop.browser.user_errors("customerRegister", input).await,
            forbidden,
            "{key}"
        );
    }
    let own = values(&[("asked", json!("new")), ("own", json!("new"))]);
    ada.mutate_ok("customerUpdate", own.clone()).await;
    let all = seen(&shop.backend, &id).await;
    assert_eq!((&all["asked"], &all["own"]), (&json!("new"), &json!("new")));
    let input = patched(person("bob@example.com"), own);
    shop.browser.mutate_ok("customerRegister", input).await;
    shop.gateway.store.assert_consistent().await;
}

// EPC-30, ERR-03
#[tokio::test]
async fn epc_30_a_payload_shows_fields_as_the_customer_or_the_read_scope_would() {
    let (shop, id) = shop_of_all_rights().await;
    let ada = signed_in(&shop, &id).await;
    let writer = shop.backend_with(&[Scope::CustomersWrite]).await;
    let shown = "customFields { key definition { key isPublic } }";
    let register = format!(
        "mutation ($input: CustomerRegisterInput!) {{ customerRegister(input: $input) {{ customer {{ {shown} }} }} }}"
    );
    let update = format!(
        "mutation ($input: CustomerUpdateInput!) {{ customerUpdate(input: $input) {{ customer {{ {shown} }} }} }}"
    );
    let new = |email: &str| patched(person(email), json!({ "storefrontId": shop.id() }));
    for (caller, field, query, input, count) in [
        (
            &shop.browser,
            "customerRegister",
            &register,
            new("b@example.com"),
            2,
        ),
        (&writer, "customerRegister", &register, new("c@example.com"), 4),
        (
            &ada,
            "customerUpdate",
            &update,
            json!({ "firstName": "Grace" }),
            2,
        ),
        (
            &writer,
            "customerUpdate",
            &update,
            json!({ "customerId": id, "firstName": "Ada" }),
            4,
        ),
    ] {
        let seen = caller.send(query, json!({ "input": input })).await.data();
        let fields = seen[field]["customer"]["customFields"]
            .as_array()
            .expect("fields");
        assert_eq!(fields.len(), count, "{field}: {seen}");
        for field in fields {
            assert_eq!(field["key"], field["definition"]["key"]);
            assert!(count == 4 || field["definition"]["isPublic"] == true, "{seen}");
        }
    }
    // A backend needs another scope to read the definition of a customer's value.
    let query =
        format!("{{ customer(by: {{ id: {id} }}) {{ customFields {{ key definition {{ id }} }} }} }}");
    let reader = shop.backend_with(&[Scope::CustomersRead]).await;
    assert_eq!(reader.send(&query, json!({})).await.codes()[0], "FORBIDDEN");
    assert_eq!(seen(&reader, &id).await.as_object().map(Map::len), Some(4));
    assert!(ada.query(&query).await["customer"]["customFields"][0]["definition"]["id"].is_string());
}

// EPC-30
#[tokio::test]
async fn epc_30_fields_selected_by_key_are_in_definition_order() {
    let (shop, id) = shop_of_all_rights().await;
    let ada = signed_in(&shop, &id).await;
    let chosen = async |caller: &Caller, keys: Value| {
        let query = format!("{{ customer(by: {{ id: {id} }}) {{ customFields(keys: {keys}) {{ key }} }} }}");
        let seen = caller.query(&query).await;
        let fields = seen["customer"]["customFields"]
            .as_array()
            .expect("fields")
            .iter();
        fields
            .map(|field| field["key"].as_str().expect("a key").to_owned())
            .collect::<Vec<_>>()
    };
    let some = json!(["own", "hidden", "own", "unknown", "$ne"]);
    assert_eq!(chosen(&shop.backend, some.clone()).await, ["hidden", "own"]);
    assert_eq!(chosen(&ada, some).await, ["own"]);
    assert_eq!(chosen(&shop.backend, json!([])).await, [""; 0]);
    assert_eq!(chosen(&shop.backend, Value::Null).await.len(), 4);
}

/// A shop where a VAT id, a consent and a colour are required; the last two are required of customers as well.
async fn shop_of_requirements() -> Shop {
    let shop = shop().await;
    let required = json!({ "isRequired": true });
    define(&shop, "vatId", "STRING", required.clone()).await;
    define(&shop, "consent", "BOOLEAN", patched(open(), required.clone())).await;
    let asked = patched(required, json!({ "isCustomerWritable": true }));
    define(&shop, "colour", "STRING", asked).await;
    define(&shop, "motto", "STRING", open()).await;
    shop
}

// EPC-30
#[tokio::test]
async fn epc_30_a_required_field_binds_registrations_by_callers_that_may_write_it() {
    let shop = shop_of_requirements().await;
    let new = |given: &[(&str, Value)]| {
        let ada = patched(person("ada@example.com"), json!({ "storefrontId": shop.id() }));
        patched(ada, values(given))
    };
    let red = ("colour", json!("red"));
    let missing = "CUSTOM_FIELD_REQUIRED customFields";
    for (caller, consent, expected) in [
        (&shop.browser, None, missing),
        (
            &shop.browser,
            Some(Value::Null),
            "CUSTOM_FIELD_REQUIRED customFields.1.value",
        ),
        (
            &shop.browser,
            Some(json!("yes")),
            "CUSTOM_FIELD_VALUE_INVALID customFields.1.value",
        ),
        (&shop.backend, Some(json!(true)), missing),
    ] {
        let consent = consent.map(|value| ("consent", value));
        let given: Vec<_> = [Some(red.clone()), consent].into_iter().flatten().collect();
        let refused = caller.user_errors("customerRegister", new(&given)).await;
        assert_eq!(refused, [expected], "{given:?}");
    }
    let none = json!({ "customFields": null });
    let payload = shop
        .browser
        .mutate("customerRegister", patched(new(&[]), none))
        .await;
    let reported = payload["userErrors"].as_array().expect("errors").iter();
    let reported: Vec<_> = reported
        .map(|error| (&error["code"], &error["message"]))
        .collect();
    insta::assert_json_snapshot!(reported, @r#"
    [
      [
        "CUSTOM_FIELD_REQUIRED",
        "The custom field consent must have a value."
      ],
      [
        "CUSTOM_FIELD_REQUIRED",
        "The custom field colour must have a value."
      ]
    ]
    "#);
    let both = [red, ("consent", json!(false))];
    let all = [&both[..], &[("vatId", json!("DE1"))]].concat();
    let bob = patched(new(&all), json!({ "email": "bob@example.com" }));
    shop.backend.mutate_ok("customerRegister", bob).await;
    shop.browser.mutate_ok("customerRegister", new(&both)).await;
}

// EPC-30
#[tokio::test]
async fn epc_30_a_required_value_cannot_be_removed_but_other_updates_may_omit_it() {
    let shop = shop().await;
    let before = customer(&shop, "before@example.com", &[]).await;
    for (key, rights) in [("vatId", json!({})), ("consent", open()), ("motto", open())] {
        let required = json!({ "isRequired": key != "motto" });
        define(&shop, key, "STRING", patched(rights, required)).await;
    }
    let ada = signed_in(&shop, &before).await;
    ada.mutate_ok("customerUpdate", json!({ "firstName": "Grace" }))
        .await;
    ada.mutate_ok("customerUpdate", values(&[("motto", json!("a"))]))
        .await;
    for given in ["yes", "no"] {
        ada.mutate_ok("customerUpdate", values(&[("consent", json!(given))]))
            .await;
    }
    let none = values(&[("motto", Value::Null), ("consent", Value::Null)]);
    let refused = ada.user_errors("customerUpdate", none).await;
    assert_eq!(refused, ["CUSTOM_FIELD_REQUIRED customFields.1.value"]);
    let none = values(&[("vatId", Value::Null)]);
    let refused = ada.user_errors("customerUpdate", none.clone()).await;
    assert_eq!(refused, ["FORBIDDEN customFields.0.key"]);
    let none = patched(none, json!({ "customerId": before }));
    let refused = shop.backend.user_errors("customerUpdate", none).await;
    assert_eq!(refused, ["CUSTOM_FIELD_REQUIRED customFields.0.value"]);
    let kept = json!({ "vatId": null, "consent": "no", "motto": "a" });
    assert_eq!(seen(&shop.backend, &before).await, kept);
}
