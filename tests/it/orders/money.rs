//! Amounts of money, quantities and times: which are accepted, and how they are returned.

use std::time::Duration;

use serde_json::json;

use super::{guests, in_storefront, record};
use crate::customers::patched;
use crate::kit::{self, Setup};

#[tokio::test]
async fn amounts_are_returned_as_sent() {
    let shop = kit::shop().await;
    for (number, (sent, currency, read)) in [
        (json!("10.50"), "EUR", "10.50"),
        (json!("10.5"), "EUR", "10.5"),
        (json!("10.5000"), "EUR", "10.5000"),
        (json!("0"), "USD", "0"),
        (json!(7), "GBP", "7"),
        (json!("1500"), "JPY", "1500"),
        (json!("1.234"), "KWD", "1.234"),
        (
            json!("99999999999999999999999999999999.99"),
            "EUR",
            "99999999999999999999999999999999.99",
        ),
        (
            json!("9999999999999999999999999999999999"),
            "JPY",
            "9999999999999999999999999999999999",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let total = json!({ "total": { "amount": sent, "currencyCode": currency } });
        let order = record(&shop, patched(guests(&format!("{number}")), total)).await;
        assert_eq!(
            order["total"],
            json!({ "amount": read, "currencyCode": currency })
        );
    }
    // A line's price may be negative, as a discount, and finer than the smallest unit of the currency.
    for (number, price) in ["-5.00", "0.0125", "-0.0000000000000000000000000000001"]
        .iter()
        .enumerate()
    {
        let mut input = guests(&format!("price {number}"));
        input["lines"][0]["unitPrice"]["amount"] = json!(price);
        let order = record(&shop, input).await;
        assert_eq!(order["lines"][0]["unitPrice"]["amount"], *price);
    }
}

#[tokio::test]
async fn amounts_are_accepted_as_literals() {
    let shop = kit::shop().await;
    let address =
        "{ firstName: \"Ada\", lastName: \"Lovelace\", address1: \"1\", city: \"London\", iso2Code: GB }";
    let document = |amount: &str, currency: &str| {
        format!(
            "mutation {{ orderRecord(input: {{ number: \"1\", shippingAddress: {address}, billingAddress: {address}, \
             lines: {{ sku: \"A\", name: \"A\", quantity: 1, unitPrice: {{ amount: {amount}, currencyCode: {currency} }} }}, \
             total: {{ amount: {amount}, currencyCode: {currency} }} }}) {{ order {{ number }} userErrors {{ code }} }} }}"
        )
    };
    for (amount, currency) in [
        ("\"10.50\"", "\"EUR\""),
        ("\"10.50\"", "EUR"),
        ("\"10.5\"", "EUR"),
    ] {
        let seen = shop
            .backend
            .send(&document(amount, currency), json!({}))
            .await
            .data();
        assert_eq!(
            seen["orderRecord"],
            json!({ "order": { "number": "1" }, "userErrors": [] })
        );
    }
    for (amount, currency) in [
        ("10.50", "EUR"),
        ("1e2", "EUR"),
        ("\"1\"", "\"eur\""),
        ("\"1\"", "XYZ"),
    ] {
        let answer = shop.backend.send(&document(amount, currency), json!({})).await;
        // One error for the line's price and one for the total.
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"; 2], "{amount} {currency}");
    }
}

#[tokio::test]
async fn an_order_has_up_to_a_thousand_lines() {
    let shop = kit::shop().await;
    let line = |number: usize| {
        json!({
            "sku": format!("SKU-{number}"), "name": format!("Article number {number}"), "quantity": number + 1,
            "unitPrice": { "amount": "1.00", "currencyCode": "EUR" },
        })
    };
    let of = |count: usize| {
        let lines: Vec<_> = (0..count).map(line).collect();
        in_storefront(&shop, patched(guests("1001"), json!({ "lines": lines })))
    };
    let refused = shop.backend.user_errors("orderRecord", of(1_001)).await;
    assert_eq!(refused, ["TOO_LONG lines"]);
    let order = record(&shop, of(1_000)).await;
    let lines = order["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 1_000);
    for (number, seen) in lines.iter().enumerate() {
        assert_eq!(*seen, line(number), "in the order in which they were sent");
    }
}

#[tokio::test]
async fn an_order_without_a_time_is_placed_now() {
    let shop = Setup::new().manual_clock().start().await;
    let now = record(&shop, guests("now")).await;
    assert_eq!(now["placedAt"], now["createdAt"]);
    shop.gateway.advance(Duration::from_secs(60));
    let sent = json!({ "placedAt": "2020-02-29T12:00:00.5+02:00" });
    let then = record(&shop, patched(guests("then"), sent)).await;
    assert_eq!(then["placedAt"], "2020-02-29T10:00:00.500Z");
    assert!(then["createdAt"].as_str() > now["createdAt"].as_str());
    let epoch = json!({ "placedAt": "1970-01-01T00:00:00Z" });
    record(&shop, patched(guests("epoch"), epoch)).await;
    // A store's clock may be up to five minutes ahead.
    let app = &shop.gateway.app;
    for (minutes, expected) in [(5, &[][..]), (6, &["INVALID placedAt"])] {
        let ahead = app.clock.now().after(Duration::from_secs(60 * minutes)).rfc3339();
        let input = patched(guests(&format!("in {minutes}")), json!({ "placedAt": ahead }));
        let payload = shop
            .backend
            .mutate("orderRecord", in_storefront(&shop, input))
            .await;
        assert_eq!(kit::faults(&payload), expected, "{minutes}");
    }
}
