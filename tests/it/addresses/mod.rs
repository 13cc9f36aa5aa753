//! Addresses of customers: stored values, rejected input, and the defaults.

mod large_lists;

use bson::doc;
use futures_util::future::join_all;
use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;

use crate::kit::{self, Caller, Shop, faults};

/// Registers a customer without a password; returns the id and a signed-in caller.
pub(crate) async fn customer(shop: &Shop, email: &str) -> (Value, Caller) {
    let input = json!({
        "storefrontId": shop.id(), "email": email, "acceptedTerms": true, "firstName": "Ada", "lastName": "Lovelace",
    });
    let id = shop.backend.mutate_ok("customerRegister", input).await["customer"]["id"].take();
    let issued = shop
        .backend
        .mutate_ok("customerTokenIssue", json!({ "customerId": id }))
        .await;
    let caller = shop
        .unauthenticated()
        .with(issued["token"]["accessToken"].as_str());
    (id, caller)
}

async fn ada(shop: &Shop) -> Caller {
    customer(shop, "ada@example.com").await.1
}

/// Valid input for an address.
pub(crate) fn home() -> Value {
    json!({
        "firstName": "Ada", "lastName": "Lovelace", "address1": "Main Street 1", "city": "Dresden", "iso2Code": "DE",
    })
}

/// The input with other values; null is a value.
fn with(mut input: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (field, value) in changes {
        input[field] = value;
    }
    input
}

/// Adds an address; the mutation must succeed.
async fn add(ada: &Caller, changes: Value) -> Value {
    ada.mutate_ok("customerAddressCreate", with(home(), changes))
        .await["address"]
        .take()
}

async fn change(ada: &Caller, id: &Value, changes: Value) -> Value {
    let input = with(json!({ "id": id }), changes);
    ada.mutate_ok("customerAddressUpdate", input).await["address"].take()
}

async fn remove(ada: &Caller, id: &Value) -> Value {
    ada.mutate_ok("customerAddressDelete", json!({ "id": id })).await
}

/// The default addresses (shipping, then billing); asserts that the customer's and the addresses' fields agree.
async fn defaults(ada: &Caller) -> [Value; 2] {
    let seen = ada
        .query(
            "{ viewer { customer { defaultShippingAddress { id } defaultBillingAddress { id } \
             addresses(first: 100) { nodes { id isDefaultShipping isDefaultBilling } } } } }",
        )
        .await;
    let customer = &seen["viewer"]["customer"];
    let nodes = customer["addresses"]["nodes"].as_array().expect("nodes");
    [
        ("defaultShippingAddress", "isDefaultShipping"),
        ("defaultBillingAddress", "isDefaultBilling"),
    ]
    .map(|(default, flag)| {
        let flagged: Vec<&Value> = nodes.iter().filter(|node| node[flag] == true).collect();
        let default = &customer[default]["id"];
        match default {
            Value::Null => assert!(nodes.is_empty(), "a customer with addresses has both: {customer}"),
            id => assert!(flagged.len() == 1 && flagged[0]["id"] == *id, "{customer}"),
        }
        default.clone()
    })
}

// SPR-47…56
#[tokio::test]
async fn spr_47_text_of_any_script_is_returned_unchanged() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let fields = [
        "label",
        "firstName",
        "lastName",
        "company",
        "address1",
        "address2",
        "address3",
        "zipCode",
        "city",
        "region",
        "country",
        "phone",
    ];
    let longest = "日".repeat(255);
    for written in [
        "〒100-0001 東京都千代田区",
        "شارع الملك فهد، الرياض",
        "🏠👩‍👩‍👧‍👦 e\u{301}",
        "00123",
        "  padded  ",
        "<b>&amp; \" ' \\ $gt {}",
        &longest,
    ] {
        let mut input = json!({ "iso2Code": "JP", "salutation": "DR" });
        for field in fields {
            input[field] = json!(written);
        }
        let added = ada.mutate_ok("customerAddressCreate", input.clone()).await;
        let added = &added["address"];
        let again = change(&ada, &added["id"], with(input.clone(), json!({}))).await;
        for (field, value) in input.as_object().expect("an object") {
            assert_eq!((&added[field], &again[field]), (value, value), "{field}");
        }
    }
}

// SPR-47…56, ERR-01
#[tokio::test]
async fn err_01_every_error_of_an_address_has_its_path() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let kept = add(&ada, json!({})).await;
    let before = shop.gateway.store.dump().await;
    let long = "x".repeat(256);
    let bad = json!({
        "label": long, "firstName": "", "lastName": " \u{3000}", "company": "a\nb", "address1": long, "address2": "\u{7}",
        "address3": long, "zipCode": "0\u{0}", "city": "\t", "region": long, "country": " ", "phone": long,
    });
    let expected = [
        "TOO_LONG label",
        "REQUIRED firstName",
        "REQUIRED lastName",
        "INVALID company",
        "TOO_LONG address1",
        "INVALID address2",
        "TOO_LONG address3",
        "INVALID zipCode",
        "REQUIRED city",
        "TOO_LONG region",
        "REQUIRED country",
        "TOO_LONG phone",
    ];
    let refused = ada
        .user_errors("customerAddressCreate", with(home(), bad.clone()))
        .await;
    assert_eq!(refused, expected);
    let refused = ada
        .user_errors(
            "customerAddressUpdate",
            with(bad.clone(), json!({ "id": kept["id"] })),
        )
        .await;
    assert_eq!(refused, expected);
    // Combined with the errors of the ids.
    let nameless = with(bad, json!({ "id": " " }));
    let refused = shop.backend.user_errors("customerAddressUpdate", nameless).await;
    let names = [
        "CUSTOMER_REFERENCE_MISSING customerId (405)",
        "ADDRESS_ID_MISSING id (412)",
    ];
    assert_eq!(refused, [&names[..], &expected[..]].concat());
    let unknown = ada
        .send(
            "mutation { customerAddressCreate(input: { firstName: \"a\", lastName: \"b\", address1: \"c\", city: \"d\", \
             iso2Code: XX }) { userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(unknown.codes(), ["BAD_USER_INPUT"]);
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

// SPR-57, SPR-63
#[tokio::test]
async fn spr_57_default_flags_are_true_when_absent_and_spr_63_the_first_address_is_both() {
    let shop = kit::shop().await;
    let none = json!({ "isDefaultShipping": false, "isDefaultBilling": false });
    for (number, sent) in [
        json!({}),
        none.clone(),
        json!({ "isDefaultShipping": null, "isDefaultBilling": false }),
    ]
    .into_iter()
    .enumerate()
    {
        let (_, ada) = customer(&shop, &format!("ada{number}@example.com")).await;
        assert_eq!(defaults(&ada).await, [Value::Null, Value::Null]);
        let first = add(&ada, sent).await;
        assert_eq!(
            (&first["isDefaultShipping"], &first["isDefaultBilling"]),
            (&json!(true), &json!(true))
        );
        let first = &first["id"];
        assert_eq!(defaults(&ada).await, [first.clone(), first.clone()]);
        add(&ada, none.clone()).await;
        assert_eq!(defaults(&ada).await, [first.clone(), first.clone()]);
        let third = add(&ada, json!({ "isDefaultBilling": false })).await["id"].take();
        assert_eq!(defaults(&ada).await, [third.clone(), first.clone()]);
        let fourth = add(&ada, json!({ "isDefaultShipping": null })).await["id"].take();
        assert_eq!(defaults(&ada).await, [fourth.clone(), fourth]);
    }
}

// SPR-68, ADR-01
#[tokio::test]
async fn spr_68_an_update_moves_a_default_only_if_its_flag_is_set() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let only = add(&ada, json!({})).await["id"].take();
    let before = shop.gateway.store.dump().await;
    for (flags, expected) in [
        (
            json!({ "isDefaultShipping": false }),
            &["INVALID isDefaultShipping"][..],
        ),
        (
            json!({ "isDefaultShipping": false, "isDefaultBilling": false, "label": "x" }),
            &["INVALID isDefaultShipping", "INVALID isDefaultBilling"],
        ),
        (json!({ "isDefaultBilling": null }), &["NO_CHANGES"]),
    ] {
        let refused = ada
            .user_errors("customerAddressUpdate", with(flags, json!({ "id": only })))
            .await;
        assert_eq!(refused, expected);
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");

    let [first, second, third] = [
        only,
        add(&ada, json!({})).await["id"].take(),
        add(&ada, json!({})).await["id"].take(),
    ];
    change(&ada, &second, json!({ "label": "office" })).await;
    assert_eq!(
        defaults(&ada).await,
        [third.clone(), third.clone()],
        "absent: unchanged"
    );
    let seen = change(
        &ada,
        &second,
        json!({ "isDefaultShipping": true, "isDefaultBilling": false }),
    )
    .await;
    assert_eq!(
        (&seen["isDefaultShipping"], &seen["isDefaultBilling"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(defaults(&ada).await, [second.clone(), third.clone()]);
    let seen = change(&ada, &second, json!({ "isDefaultShipping": false })).await;
    assert_eq!(seen["isDefaultShipping"], false);
    assert_eq!(
        defaults(&ada).await,
        [first.clone(), third.clone()],
        "to the oldest other one"
    );
    change(
        &ada,
        &first,
        json!({ "isDefaultShipping": false, "isDefaultBilling": true }),
    )
    .await;
    assert_eq!(defaults(&ada).await, [second, first]);
}

// ADR-01
#[tokio::test]
async fn adr_01_the_oldest_remaining_address_replaces_a_deleted_default() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(add(&ada, json!({})).await["id"].take());
    }
    let both = |id: &Value| [id.clone(), id.clone()];
    let payload = remove(&ada, &ids[3]).await;
    assert_eq!(payload["deletedAddressId"], ids[3]);
    assert_eq!(payload["customer"]["defaultShippingAddress"]["id"], ids[0]);
    assert_eq!(defaults(&ada).await, both(&ids[0]));
    remove(&ada, &ids[1]).await;
    assert_eq!(defaults(&ada).await, both(&ids[0]), "not a default");
    remove(&ada, &ids[0]).await;
    assert_eq!(defaults(&ada).await, both(&ids[2]));
    let payload = remove(&ada, &ids[2]).await;
    assert_eq!(payload["customer"]["defaultBillingAddress"], Value::Null);
    assert_eq!(defaults(&ada).await, [Value::Null, Value::Null]);
    let again = ada
        .user_errors("customerAddressDelete", json!({ "id": ids[2] }))
        .await;
    assert_eq!(again, ["ADDRESS_NOT_FOUND id (404)"]);
    let stored = shop.gateway.store.documents("customers", doc! {}).await;
    assert!(
        !stored[0].contains_key("defaultShippingAddressId"),
        "no null is stored"
    );
    let first = add(&ada, json!({ "isDefaultShipping": false })).await["id"].take();
    assert_eq!(defaults(&ada).await, both(&first));
}

/// Asserts that every mutation of an address refuses an input with a wrong or missing reference in the same way.
async fn refuses_alike(caller: &Caller, input: Value, expected: &str) {
    let label = with(input.clone(), json!({ "label": "x" }));
    let refused = caller.user_errors("customerAddressUpdate", label).await;
    assert_eq!(refused, [expected], "{input}");
    let refused = caller.user_errors("customerAddressDelete", input.clone()).await;
    assert_eq!(refused, [expected], "{input}");
    if expected.contains("customerId") {
        let new = with(home(), json!({ "customerId": input["customerId"] }));
        let refused = caller.user_errors("customerAddressCreate", new).await;
        assert_eq!(refused, [expected], "{input}");
    }
}

// SPR-31, SPR-32, SPR-75, SPR-79
#[tokio::test]
async fn spr_75_a_customer_can_change_only_its_own_addresses() {
    let shop = kit::shop().await;
    let (ada_id, ada) = customer(&shop, "ada@example.com").await;
    let (bob_id, bob) = customer(&shop, "bob@example.com").await;
    let address = add(&ada, json!({})).await["id"].take();
    add(&bob, json!({})).await;
    let (rival, ann) = (shop.rival().await, shop.ann("ann").await);
    let before = shop.gateway.store.dump().await;
    let (not_found, id_missing) = ("ADDRESS_NOT_FOUND id (404)", "ADDRESS_ID_MISSING id (412)");
    let unnamed = "CUSTOMER_REFERENCE_MISSING customerId (405)";
    let unknown = "CUSTOMER_NOT_FOUND customerId (402)";
    refuses_alike(&bob, json!({ "id": address }), not_found).await;
    refuses_alike(&shop.backend, json!({ "id": address }), unnamed).await;
    for (id, expected) in [("", id_missing), (" \t", id_missing), ("adr_1", not_found)] {
        refuses_alike(&ada, json!({ "id": id }), expected).await;
    }
    for (caller, customer, expected) in [
        (&bob, ada_id.clone(), unknown),
        (&ada, ada_id.clone(), not_found),
        (&shop.backend, Value::Null, unnamed),
        (&shop.backend, json!(" "), unnamed),
        (&shop.backend, json!("cus_1"), unknown),
        (&shop.backend, bob_id, not_found),
        (&rival.backend, ada_id.clone(), unknown),
    ] {
        let id = if caller.credential == ada.credential {
            &ada_id
        } else {
            &address
        };
        refuses_alike(caller, json!({ "id": id, "customerId": customer }), expected).await;
    }
    for caller in [&shop.browser, &shop.unauthenticated(), &ann] {
        let mutation = kit::mutation("customerAddressDelete");
        let input = json!({ "input": { "id": address } });
        let answer = caller.send(&mutation, input).await;
        assert!(["FORBIDDEN", "UNAUTHENTICATED"].contains(&answer.codes()[0]));
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
    let input = json!({ "id": address, "customerId": ada_id, "label": "home" });
    let changed = shop.backend.mutate_ok("customerAddressUpdate", input).await;
    assert_eq!(changed["address"]["label"], "home");
}

// SPR-75
#[tokio::test]
async fn spr_75_a_customer_can_read_only_its_own_addresses() {
    let shop = kit::shop().await;
    let (ada_id, ada) = customer(&shop, "ada@example.com").await;
    let (_, bob) = customer(&shop, "bob@example.com").await;
    let address = add(&ada, json!({})).await["id"].take();
    let (rival, ann) = (shop.rival().await, shop.ann("ann").await);
    let asked =
        format!("{{ viewer {{ customer {{ address(id: {address}) {{ id customer {{ id }} }} }} }} }}");
    let seen = bob.query(&asked).await;
    assert_eq!(seen["viewer"]["customer"]["address"], Value::Null);
    let seen = ada.query(&asked).await;
    assert_eq!(seen["viewer"]["customer"]["address"]["customer"]["id"], ada_id);
    let node = format!(
        "{{ node(id: {address}) {{ ... on Address {{ id isDefaultShipping customer {{ id }} }} }} }}"
    );
    for caller in [&bob, &rival.backend, &shop.browser, &shop.unauthenticated(), &ann] {
        assert_eq!(caller.query(&node).await["node"], Value::Null);
    }
    for caller in [&ada, &shop.backend] {
        let seen = json!({ "id": address, "isDefaultShipping": true, "customer": { "id": ada_id } });
        assert_eq!(caller.query(&node).await["node"], seen);
    }
    // The content of a payload needs no read scope.
    let writer = shop.backend_with(&[Scope::CustomersWrite]).await;
    let input = json!({ "id": address, "customerId": ada_id, "label": "home" });
    let shown = writer.mutate_ok("customerAddressUpdate", input).await;
    assert_eq!(shown["customer"]["defaultShippingAddress"]["id"], address);
    assert_eq!(writer.query(&node).await["node"], Value::Null);
}

/// The fields of an address that can be set to null.
const CLEARABLE: [&str; 9] = [
    "label",
    "salutation",
    "company",
    "address2",
    "address3",
    "zipCode",
    "region",
    "country",
    "phone",
];

fn full() -> Value {
    json!({
        "label": "home", "salutation": "MX", "company": "Engines", "address2": "2", "address3": "3", "zipCode": "01067",
        "region": "Saxony", "country": "Deutschland", "phone": "+49 351 1",
    })
}

// SPR-33, SPR-37, SPR-20
#[tokio::test]
async fn spr_33_an_update_changes_only_the_fields_sent() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let before = add(&ada, full()).await;
    assert_eq!(before["version"], 1);
    assert_eq!(before["createdAt"], before["updatedAt"]);
    let after = change(&ada, &before["id"], json!({ "city": "Leipzig", "phone": null })).await;
    let mut expected = with(before, json!({ "city": "Leipzig", "phone": null, "version": 2 }));
    expected["updatedAt"] = after["updatedAt"].clone();
    assert_eq!(after, expected);
    assert!(after["updatedAt"].as_str() > after["createdAt"].as_str());
}

// SPR-33
#[tokio::test]
async fn spr_33_null_clears_optional_fields() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let id = add(&ada, full()).await["id"].take();
    let nulls = CLEARABLE.iter().map(|field| ((*field).to_owned(), Value::Null));
    let cleared = change(&ada, &id, Value::Object(nulls.collect())).await;
    for field in CLEARABLE.iter().filter(|field| **field != "country") {
        assert_eq!(cleared[field], Value::Null, "{field}");
    }
    assert_eq!(cleared["country"], "Germany", "from the code again");
    let moved = change(&ada, &id, json!({ "iso2Code": "FR" })).await;
    assert_eq!(moved["country"], "France");
    let stored = shop.gateway.store.documents("addresses", doc! {}).await;
    for field in CLEARABLE {
        assert!(!stored[0].contains_key(field), "{field}");
    }
    let required = ["firstName", "lastName", "address1", "city", "iso2Code"];
    let nulls = required.map(|field| (field.to_owned(), Value::Null));
    let input = with(Value::Object(nulls.into_iter().collect()), json!({ "id": id }));
    let refused = ada.user_errors("customerAddressUpdate", input).await;
    assert_eq!(refused, required.map(|field| format!("REQUIRED {field}")));
    let nothing = json!({ "id": id, "expectedVersion": 3 });
    let refused = ada.user_errors("customerAddressUpdate", nothing).await;
    assert_eq!(refused, ["NO_CHANGES"]);
}

// CST-03
#[tokio::test]
async fn cst_03_one_of_two_address_updates_with_the_same_version_succeeds() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let first = add(&ada, json!({})).await["id"].take();
    // A new address takes over the defaults, which does not change the version of the first.
    add(&ada, json!({})).await;
    let mutation = "mutation ($id: ID!, $label: String!) { customerAddressUpdate(input: { id: $id, expectedVersion: 1, \
                    label: $label }) { address { version } userErrors { code field currentVersion } } }";
    let tries = (0..8).map(|number| {
        let variables = json!({ "id": first, "label": format!("label {number}") });
        ada.send(mutation, variables)
    });
    let payloads: Vec<Value> = join_all(tries)
        .await
        .into_iter()
        .map(|answer| answer.data()["customerAddressUpdate"].take())
        .collect();
    let won = payloads
        .iter()
        .filter(|payload| payload["address"]["version"] == 2);
    assert_eq!(won.count(), 1);
    let lost = json!([{ "code": "VERSION_CONFLICT", "field": ["expectedVersion"], "currentVersion": 2 }]);
    assert_eq!(
        payloads
            .iter()
            .filter(|payload| payload["userErrors"] == lost)
            .count(),
        7
    );
}

// SPR-20
#[tokio::test]
async fn spr_20_every_change_of_an_address_updates_its_customer() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let payload = ada.mutate_ok("customerAddressCreate", home()).await;
    assert_eq!(payload["customer"]["version"], 2);
    let id = payload["address"]["id"].clone();
    let changed = ada
        .mutate_ok("customerAddressUpdate", json!({ "id": id, "label": "home" }))
        .await;
    assert_eq!(changed["customer"]["version"], 3);
    assert!(changed["customer"]["updatedAt"].as_str() > payload["customer"]["updatedAt"].as_str());
    remove(&ada, &id).await;
    let refused = ada
        .user_errors("customerAddressDelete", json!({ "id": id }))
        .await;
    assert_eq!(refused.len(), 1);
    let seen = ada.query("{ viewer { customer { version } } }").await;
    assert_eq!(
        seen["viewer"]["customer"]["version"], 4,
        "a failed change is none"
    );
}

// SPR-64
#[tokio::test]
async fn spr_64_there_is_one_default_of_each_kind_under_concurrent_changes() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(add(&ada, json!({})).await["id"].take());
    }
    for round in 0..50 {
        let [one, other, doomed] = [0, 1, 2].map(|turn| ids[(round + turn) % 3].clone());
        let update = |input: Value| ada.mutate("customerAddressUpdate", input);
        let (moved, left, removed, added) = futures_util::join!(
            update(json!({ "id": one, "isDefaultShipping": true, "isDefaultBilling": false })),
            update(json!({ "id": other, "isDefaultShipping": false, "isDefaultBilling": true })),
            ada.mutate("customerAddressDelete", json!({ "id": doomed })),
            ada.mutate("customerAddressCreate", home()),
        );
        for payload in [&moved, &left, &removed, &added] {
            assert_eq!(faults(payload), [""; 0], "round {round}");
        }
        let [shipping, billing] = defaults(&ada).await;
        assert!(shipping.is_string() && billing.is_string(), "round {round}");
        ids.retain(|id| *id != doomed);
        ids.push(added["address"]["id"].clone());
    }
    let seen = ada
        .query("{ viewer { customer { addresses { totalCount } } } }")
        .await;
    assert_eq!(seen["viewer"]["customer"]["addresses"]["totalCount"], 3);
}

// SPR-63, SPR-64
#[tokio::test]
async fn spr_64_one_of_twenty_concurrent_first_addresses_is_each_default() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let none = json!({ "isDefaultShipping": false, "isDefaultBilling": false });
    let payloads =
        join_all((0..20).map(|_| ada.mutate("customerAddressCreate", with(home(), none.clone())))).await;
    assert!(payloads.iter().all(|payload| faults(payload).is_empty()));
    let first = payloads.iter().filter(|payload| {
        payload["address"]["isDefaultShipping"] == true && payload["address"]["isDefaultBilling"] == true
    });
    let first: Vec<&Value> = first.map(|payload| &payload["address"]["id"]).collect();
    assert_eq!(first.len(), 1, "the others found one there");
    assert_eq!(defaults(&ada).await, [first[0].clone(), first[0].clone()]);
    assert_eq!(shop.gateway.store.count("addresses", doc! {}).await, 20);
}
