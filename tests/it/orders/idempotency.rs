//! The same order sent again succeeds with the same content and is refused with other content (ORD-01).

use std::time::Duration;

use serde_json::{Value, json};

use super::{ada, by_default, cancel, guests, in_storefront, order_count_and_status, record};
use crate::addresses::{customer, home};
use crate::customers::patched;
use crate::kit::{self, Setup, Shop};

const TAKEN: [&str; 1] = ["ORDER_NUMBER_TAKEN number"];

/// Repeats an order, which must return the existing one and change nothing.
async fn repeat(shop: &Shop, order: &Value, input: Value) {
    let before = shop.gateway.store.dump().await;
    let again = record(shop, input).await;
    assert_eq!(again["id"], order["id"]);
    assert_eq!(again["placedAt"], order["placedAt"]);
    assert_eq!(again["shippingAddress"], order["shippingAddress"]);
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

async fn refuse(shop: &Shop, input: Value) {
    let before = shop.gateway.store.dump().await;
    let refused = shop
        .backend
        .user_errors("orderRecord", in_storefront(shop, input.clone()))
        .await;
    assert_eq!(refused, TAKEN, "{input}");
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

// ORD-01
#[tokio::test]
async fn ord_01_the_same_content_succeeds_and_different_content_is_refused() {
    let shop = Setup::new().manual_clock().start().await;
    let (id, ada) = ada(&shop).await;
    let (other, bob) = customer(&shop, "bob@example.com").await;
    bob.mutate_ok("customerAddressCreate", home()).await;
    let base = patched(
        by_default("1001"),
        json!({ "customerId": id, "email": "ada@example.com" }),
    );
    let order = record(&shop, base.clone()).await;
    shop.gateway.advance(Duration::from_secs(60));
    for same in [
        json!({}),
        json!({ "email": " ada@example.com" }),
        json!({ "placedAt": order["placedAt"] }),
        json!({ "total": { "amount": "10.5", "currencyCode": "EUR" } }),
        json!({ "total": { "amount": "10.500", "currencyCode": "EUR" } }),
        // The same addresses as literal input instead of the defaults.
        json!({ "shippingAddress": home() }),
        json!({ "shippingAddress": home(), "billingAddress": home() }),
    ] {
        repeat(&shop, &order, patched(base.clone(), same)).await;
    }
    let line = &base["lines"][0];
    let with_line = |changes: Value| json!({ "lines": [patched(line.clone(), changes)] });
    for different in [
        json!({ "customerId": other }),
        json!({ "customerId": null, "shippingAddress": home(), "billingAddress": home() }),
        json!({ "email": null }),
        json!({ "email": "Ada@example.com" }),
        json!({ "placedAt": "2020-01-01T00:00:00Z" }),
        json!({ "total": { "amount": "10.51", "currencyCode": "EUR" } }),
        json!({ "total": { "amount": "10.50", "currencyCode": "USD" } }),
        json!({ "shippingAddress": patched(home(), json!({ "city": "Leipzig" })) }),
        json!({ "billingAddress": patched(home(), json!({ "phone": "1" })) }),
        json!({ "lines": [line, line] }),
        with_line(json!({ "sku": "mug" })),
        with_line(json!({ "name": "Mug " })),
        with_line(json!({ "quantity": 3 })),
        with_line(json!({ "unitPrice": { "amount": "5.24", "currencyCode": "EUR" } })),
    ] {
        refuse(&shop, patched(base.clone(), different)).await;
    }
    // Invalid input is reported before a number that is taken.
    let wrong = in_storefront(&shop, patched(base.clone(), json!({ "lines": [] })));
    assert_eq!(
        shop.backend.user_errors("orderRecord", wrong).await,
        ["REQUIRED lines"]
    );
    assert_eq!(order_count_and_status(&ada).await.0, 1, "counted once");
    // A cancelled order is returned, and not placed again.
    let cancelled = cancel(&shop, &order).await;
    let again = record(&shop, base).await;
    assert_eq!(
        (&again["id"], &again["status"]),
        (&order["id"], &json!("CANCELLED"))
    );
    assert_eq!(again["cancelledAt"], cancelled["cancelledAt"]);
    assert_eq!(order_count_and_status(&ada).await.0, 0);
    shop.gateway.store.assert_consistent().await;
}

// ORD-01, EPC-22
#[tokio::test]
async fn ord_01_a_repetition_matches_the_address_at_the_time_of_recording() {
    let shop = kit::shop().await;
    let (id, ada) = ada(&shop).await;
    let studio = json!({ "address1": "Studio", "isDefaultShipping": false, "isDefaultBilling": false });
    let studio = ada
        .mutate_ok("customerAddressCreate", patched(home(), studio))
        .await["address"]["id"]
        .take();
    let by_default = patched(by_default("default"), json!({ "customerId": id }));
    let by_id = patched(
        by_default.clone(),
        json!({ "number": "by id", "shippingAddressId": studio, "billingAddressId": studio }),
    );
    let orders = [
        record(&shop, by_default.clone()).await,
        record(&shop, by_id.clone()).await,
    ];
    let inputs = [by_default.clone(), by_id.clone()];
    for change in [
        // The address is edited.
        (
            "customerAddressUpdate",
            json!({ "id": studio, "address1": "Elsewhere" }),
        ),
        // It becomes the default.
        (
            "customerAddressUpdate",
            json!({ "id": studio, "isDefaultShipping": true }),
        ),
        // It is deleted.
        ("customerAddressDelete", json!({ "id": studio })),
    ] {
        let (field, input) = change;
        ada.mutate_ok(field, input).await;
        for (order, input) in orders.iter().zip(&inputs) {
            repeat(&shop, order, input.clone()).await;
        }
    }
    // The customer has no default address any more.
    let seen = ada
        .query("{ viewer { customer { addresses { nodes { id } } } } }")
        .await;
    for address in seen["viewer"]["customer"]["addresses"]["nodes"]
        .as_array()
        .expect("nodes")
    {
        ada.mutate_ok("customerAddressDelete", json!({ "id": address["id"] }))
            .await;
    }
    repeat(&shop, &orders[0], by_default.clone()).await;
    repeat(&shop, &orders[1], by_id.clone()).await;
    // An input that was never recorded is validated against the current addresses.
    let other = patched(by_id, json!({ "number": "another" }));
    let refused = shop
        .backend
        .user_errors("orderRecord", in_storefront(&shop, other))
        .await;
    assert_eq!(
        refused,
        [
            "ADDRESS_NOT_FOUND shippingAddressId (404)",
            "ADDRESS_NOT_FOUND billingAddressId (404)"
        ]
    );
}

// ORD-01
#[tokio::test]
async fn ord_01_an_omitted_time_is_not_different_content() {
    let shop = Setup::new().manual_clock().start().await;
    let then = json!({ "placedAt": "2026-01-01T00:00:00.123Z" });
    let with = patched(guests("with"), then.clone());
    let order = record(&shop, with.clone()).await;
    shop.gateway.advance(Duration::from_secs(1));
    repeat(&shop, &order, with).await;
    repeat(&shop, &order, guests("with")).await;
    let without = record(&shop, guests("without")).await;
    shop.gateway.advance(Duration::from_secs(1));
    repeat(&shop, &without, guests("without")).await;
    refuse(&shop, patched(guests("without"), then)).await;
}
