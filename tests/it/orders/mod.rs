//! Orders: their content, their effect on the customer's count and status, and that each is recorded once.

mod concurrency;
mod idempotency;
mod lists;
mod money;

use bson::doc;
use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;

use crate::addresses::{customer, home};
use crate::customers::patched;
use crate::kit::{self, Caller, Shop, redact};

/// Returns valid input for an order whose addresses are the customer's defaults.
pub(crate) fn by_default(number: &str) -> Value {
    json!({
        "number": number,
        "lines": [{
            "sku": "MUG", "name": "Mug", "quantity": 2, "unitPrice": { "amount": "5.25", "currencyCode": "EUR" },
        }],
        "total": { "amount": "10.50", "currencyCode": "EUR" },
    })
}

/// Returns valid input for a guest's order.
pub(crate) fn guests(number: &str) -> Value {
    patched(
        by_default(number),
        json!({ "shippingAddress": home(), "billingAddress": home() }),
    )
}

/// Adds the shop's storefront to the input.
pub(crate) fn in_storefront(shop: &Shop, input: Value) -> Value {
    patched(input, json!({ "storefrontId": shop.id() }))
}

/// Records an order, which must succeed, and returns it.
async fn record(shop: &Shop, input: Value) -> Value {
    let input = in_storefront(shop, input);
    shop.backend.mutate_ok("orderRecord", input).await["order"].take()
}

async fn cancel(shop: &Shop, order: &Value) -> Value {
    let input = json!({ "id": order["id"] });
    shop.backend.mutate_ok("orderCancel", input).await["order"].take()
}

/// Registers a customer with an address.
async fn ada(shop: &Shop) -> (Value, Caller) {
    let (id, ada) = customer(shop, "ada@example.com").await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    (id, ada)
}

/// Returns the streets of the order's shipping and billing addresses.
fn streets(order: &Value) -> [Value; 2] {
    ["shippingAddress", "billingAddress"].map(|role| order[role]["address1"].clone())
}

/// Returns the customer's order count and status.
async fn order_count_and_status(customer: &Caller) -> (i64, String) {
    let seen = customer
        .query("{ viewer { customer { orderCount status } } }")
        .await;
    let seen = &seen["viewer"]["customer"];
    let status = seen["status"].as_str().expect("a status").to_owned();
    (seen["orderCount"].as_i64().expect("a count"), status)
}

// EPC-22
#[tokio::test]
async fn epc_22_an_order_copies_an_address_given_in_full_by_id_or_by_default() {
    let shop = kit::shop().await;
    let (id, ada) = ada(&shop).await;
    let studio = json!({ "address1": "Studio", "isDefaultShipping": false, "isDefaultBilling": false });
    let studio = ada
        .mutate_ok("customerAddressCreate", patched(home(), studio))
        .await["address"]["id"]
        .take();
    let elsewhere = patched(
        home(),
        json!({ "address1": "12 Square", "city": "London", "iso2Code": "GB" }),
    );
    let mut orders = Vec::new();
    for (number, given) in [
        ("default", json!({})),
        (
            "by id",
            json!({ "shippingAddressId": studio, "billingAddressId": studio }),
        ),
        (
            "in full",
            json!({ "shippingAddress": elsewhere, "billingAddress": elsewhere }),
        ),
        (
            "mixed",
            json!({ "shippingAddress": elsewhere, "billingAddressId": studio }),
        ),
    ] {
        let input = patched(by_default(number), patched(given, json!({ "customerId": id })));
        orders.push(record(&shop, input).await);
    }
    let [main, square, studio_street] = ["Main Street 1", "12 Square", "Studio"].map(Value::from);
    assert_eq!(
        orders.iter().map(streets).collect::<Vec<_>>(),
        [
            [main.clone(), main],
            [studio_street.clone(), studio_street.clone()],
            [square.clone(), square.clone()],
            [square, studio_street],
        ]
    );
    // The address is edited, loses its default and is deleted.
    let change = json!({ "id": studio, "address1": "gone", "isDefaultShipping": true });
    ada.mutate_ok("customerAddressUpdate", change).await;
    ada.mutate_ok("customerAddressDelete", json!({ "id": studio }))
        .await;
    for order in &orders {
        let query = "query ($id: ID!) { order(by: { id: $id }) { shippingAddress { address1 } billingAddress { address1 } } }";
        let seen = shop
            .backend
            .send(query, json!({ "id": order["id"] }))
            .await
            .data();
        assert_eq!(streets(&seen["order"]), streets(order));
    }
}

// EPC-22
#[tokio::test]
async fn epc_22_an_orders_copy_of_an_address_omits_only_its_label() {
    let shop = kit::shop().await;
    let (id, ada) = ada(&shop).await;
    let studio = json!({
        "label": "studio", "company": "Engines", "zipCode": "01067", "phone": "+49 1", "salutation": "DR",
    });
    ada.mutate_ok("customerAddressCreate", patched(home(), studio))
        .await;
    let order = record(&shop, patched(by_default("1001"), json!({ "customerId": id }))).await;
    insta::assert_json_snapshot!(order["shippingAddress"], @r#"
    {
      "address1": "Main Street 1",
      "address2": null,
      "address3": null,
      "city": "Dresden",
      "company": "Engines",
      "country": "Germany",
      "firstName": "Ada",
      "iso2Code": "DE",
      "lastName": "Lovelace",
      "phone": "+49 1",
      "region": null,
      "salutation": "DR",
      "zipCode": "01067"
    }
    "#);
    let stored = shop.gateway.store.documents("orders", doc! {}).await;
    let copies = stored[0].get_document("personal").expect("personal data");
    let copy = copies.get_document("shippingAddress").expect("a copy");
    assert!(!copy.contains_key("label"));
}

// EPC-28, EPC-29
#[tokio::test]
async fn epc_29_a_guest_order_has_no_customer_and_changes_no_status() {
    let shop = kit::shop().await;
    let (_, ada) = ada(&shop).await;
    let email = json!({ "email": " Ada@Example.com " });
    let mut order = record(&shop, patched(guests("1001"), email)).await;
    let addresses = ["shippingAddress", "billingAddress"].map(|role| order[role].take());
    assert!(addresses.iter().all(|address| address["city"] == "Dresden"));
    insta::assert_json_snapshot!(redact(order.clone()), @r#"
    {
      "billingAddress": null,
      "cancelledAt": null,
      "createdAt": "[moment 1]",
      "customer": null,
      "email": "Ada@Example.com",
      "id": "[ord 1]",
      "lines": [
        {
          "name": "Mug",
          "quantity": 2,
          "sku": "MUG",
          "unitPrice": {
            "amount": "5.25",
            "currencyCode": "EUR"
          }
        }
      ],
      "number": "1001",
      "placedAt": "[moment 1]",
      "shippingAddress": null,
      "status": "PLACED",
      "total": {
        "amount": "10.50",
        "currencyCode": "EUR"
      }
    }
    "#);
    assert_eq!(order_count_and_status(&ada).await, (0, "PROSPECT".to_owned()));
    let seen = ada
        .query("{ viewer { customer { orders { totalCount } } } }")
        .await;
    assert_eq!(seen["viewer"]["customer"]["orders"]["totalCount"], 0);
    let node = format!(
        "{{ node(id: {}) {{ id }} order(by: {{ id: {} }}) {{ id }} }}",
        order["id"], order["id"]
    );
    assert_eq!(ada.query(&node).await, json!({ "node": null, "order": null }));
    assert_eq!(cancel(&shop, &order).await["status"], "CANCELLED");
    shop.gateway.store.assert_consistent().await;
}

// CLY-10, ORD-01, SPR-20
#[tokio::test]
async fn cly_10_the_status_depends_on_the_number_of_placed_orders() {
    let shop = kit::shop().await;
    let (id, ada) = ada(&shop).await;
    let mut orders = Vec::new();
    for (number, count, status) in [("1", 1, "ACQUIRED"), ("2", 2, "REPEAT"), ("3", 3, "REPEAT")] {
        let order = record(&shop, patched(by_default(number), json!({ "customerId": id }))).await;
        assert_eq!(order["customer"]["orderCount"], count, "in the payload too");
        assert_eq!(order["customer"]["status"], status);
        assert_eq!(order_count_and_status(&ada).await, (count, status.to_owned()));
        orders.push(order);
    }
    for (order, count, status) in [
        (&orders[1], 2, "REPEAT"),
        (&orders[0], 1, "ACQUIRED"),
        // Cancelled again: nothing changes.
        (&orders[0], 1, "ACQUIRED"),
        (&orders[2], 0, "PROSPECT"),
    ] {
        let cancelled = cancel(&shop, order).await;
        assert_eq!(cancelled["status"], "CANCELLED");
        assert!(cancelled["cancelledAt"].is_string());
        assert_eq!(order_count_and_status(&ada).await, (count, status.to_owned()));
        let before = shop.gateway.store.dump().await;
        assert_eq!(cancel(&shop, order).await, cancelled);
        assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
    }
    // The version counts one change for each order, one for each cancellation, and one for the address.
    let seen = ada.query("{ viewer { customer { version } } }").await;
    assert_eq!(seen["viewer"]["customer"]["version"], 1 + 1 + 3 + 3);
    let refused = shop
        .backend
        .send(
            "mutation { customerUpdate(input: { status: REPEAT }) { userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(refused.codes(), ["BAD_USER_INPUT"], "no input sets it");
    shop.gateway.store.assert_consistent().await;
}

// SFR-01, SFR-02
#[tokio::test]
async fn sfr_02_an_order_number_is_unique_per_storefront() {
    let shop = kit::shop().await;
    let fr = shop.add_storefront("Prints FR", "FR").await;
    let (id, _) = ada(&shop).await;
    let there = patched(guests("1001"), json!({ "storefrontId": fr.id.to_string() }));
    let (here, theirs) = (
        record(&shop, guests("1001")).await,
        shop.backend.mutate_ok("orderRecord", there.clone()).await,
    );
    assert_ne!(here["id"], theirs["order"]["id"]);
    let by_number =
        "query ($id: ID) { order(by: { number: { storefrontId: $id, number: \"1001\" } }) { id } }";
    let seen = shop
        .backend
        .send(by_number, json!({ "id": fr.id.to_string() }))
        .await
        .data();
    assert_eq!(seen["order"]["id"], theirs["order"]["id"]);
    let unnamed = shop.backend.send(by_number, json!({})).await;
    assert_eq!(unnamed.codes(), ["STOREFRONT_REQUIRED"]);
    let unnamed = shop.backend.user_errors("orderRecord", guests("1002")).await;
    assert_eq!(unnamed, ["STOREFRONT_REQUIRED storefrontId"]);
    let abroad = patched(there, json!({ "customerId": id }));
    let refused = shop.backend.user_errors("orderRecord", abroad).await;
    assert_eq!(refused, ["CUSTOMER_NOT_FOUND customerId (402)"]);
}

#[tokio::test]
async fn text_is_returned_unchanged_and_never_interpreted_by_the_database() {
    let shop = kit::shop().await;
    let longest = "日".repeat(255);
    for written in ["$gt", "a.b.c", "  padded  ", "{\"$ne\":1}", "1001-é🏠", &longest] {
        let line = json!({
            "sku": written, "name": written, "quantity": 1, "unitPrice": { "amount": "1", "currencyCode": "EUR" },
        });
        let order = record(&shop, patched(guests(written), json!({ "lines": [line] }))).await;
        assert_eq!(order["number"], written);
        assert_eq!(
            (&order["lines"][0]["sku"], &order["lines"][0]["name"]),
            (&json!(written), &json!(written))
        );
        let query = "query ($number: String!) { order(by: { number: { number: $number } }) { number } }";
        let seen = shop
            .backend
            .send(query, json!({ "number": written }))
            .await
            .data();
        assert_eq!(seen["order"]["number"], written);
    }
    let query = "query ($number: String!) { order(by: { number: { number: $number } }) { number } }";
    for unknown in ["", "\u{0}", "padded", &"x".repeat(10_000)] {
        let seen = shop
            .backend
            .send(query, json!({ "number": unknown }))
            .await
            .data();
        assert_eq!(seen["order"], Value::Null);
    }
}

// ERR-03
#[tokio::test]
async fn err_03_a_payload_shows_an_order_without_the_read_scopes() {
    let shop = kit::shop().await;
    let (id, _) = ada(&shop).await;
    let writer = shop.backend_with(&[Scope::OrdersWrite]).await;
    let query = "mutation ($input: OrderRecordInput!) { orderRecord(input: $input) { order { id storefront { id } \
                 customer { id shopperReference orders { nodes { number customer { id } } } } } userErrors { code } } }";
    let input = patched(
        by_default("1001"),
        json!({ "storefrontId": shop.id(), "customerId": id }),
    );
    let mut seen = writer.send(query, json!({ "input": input })).await.data();
    let order = seen["orderRecord"]["order"].take();
    assert_eq!(order["storefront"]["id"], shop.id());
    assert!(order["customer"]["shopperReference"].is_string(), "{order}");
    let orders = json!([{ "number": "1001", "customer": { "id": id } }]);
    assert_eq!(order["customer"]["orders"]["nodes"], orders);
    let again = writer
        .query(&format!("{{ node(id: {}) {{ id }} }}", order["id"]))
        .await;
    assert_eq!(again["node"], Value::Null);
}
