//! Invalid input for order mutations.

use serde_json::{Value, json};

use super::{MARK, ValidInput};
use crate::addresses::{customer, home};
use crate::customers::patched;
use crate::kit::{self, Shop, faults};
use crate::orders::{guests, in_storefront};

/// Every order mutation with an input that would succeed.
pub(super) async fn all(shop: &Shop) -> Vec<ValidInput> {
    let (id, ada) = customer(shop, "orders@example.com").await;
    let address = ada.mutate_ok("customerAddressCreate", home()).await;
    let mut full = in_storefront(shop, guests("1001"));
    full["billingAddress"].take();
    let named = json!({
        "customerId": id, "billingAddressId": address["address"]["id"], "email": "ada@example.com",
        "placedAt": "2026-01-01T00:00:00Z",
    });
    let order = shop
        .backend
        .mutate_ok("orderRecord", in_storefront(shop, guests("1000")))
        .await;
    let good = |field, input, optional| ValidInput {
        field,
        input,
        optional,
        caller: shop.backend.clone(),
    };
    vec![
        good("orderRecord", patched(full, named), RECORD_OPTIONAL),
        good("orderCancel", json!({ "id": order["order"]["id"] }), &[]),
    ]
}

const RECORD_OPTIONAL: &[&str] = &[
    "storefrontId",
    "customerId",
    "email",
    "shippingAddress",
    "billingAddress",
    "billingAddressId",
    "placedAt",
];

/// Sets the value at a path of an input.
fn put(input: &mut Value, path: &str, value: Value) {
    let pointer = format!("/{}", path.replace('.', "/"));
    match input.pointer_mut(&pointer) {
        Some(place) => *place = value,
        None => input[path] = value,
    }
}

/// A path in an input, the value to set there, and the expected errors.
type InvalidCase<'a> = (&'a str, Value, Vec<&'a str>);

async fn refuses(shop: &Shop, good: &Value, invalid_cases: Vec<InvalidCase<'_>>) {
    let before = shop.gateway.store.dump().await;
    for (path, value, expected) in invalid_cases {
        let mut input = good.clone();
        put(&mut input, path, value.clone());
        let payload = shop.backend.mutate("orderRecord", input).await;
        assert_eq!(faults(&payload), expected, "{path}: {value}");
        assert!(!payload.to_string().contains(MARK), "{payload}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

/// Invalid values for a required text.
fn bad_texts(path: &'static str, long: usize) -> Vec<(&'static str, Value, String)> {
    let long = "x".repeat(long);
    let mut invalid_cases = Vec::new();
    for (code, texts) in [
        ("REQUIRED", &["", "  ", "\t", "\u{a0}"][..]),
        ("TOO_LONG", &[&long]),
        (
            "INVALID",
            &["hunter2\u{0}", "hun\nter2", "hunter2\u{7f}", "hunter2\u{85}"],
        ),
    ] {
        let of = |text: &&str| (path, json!(text), format!("{code} {path}"));
        invalid_cases.extend(texts.iter().map(of));
    }
    invalid_cases
}

// ERR-01
#[tokio::test]
async fn err_01_each_invalid_text_of_an_order_is_reported() {
    let shop = kit::shop().await;
    let good = in_storefront(&shop, guests("1001"));
    let paths = [
        "number",
        "lines.0.sku",
        "lines.0.name",
        "shippingAddress.firstName",
        "shippingAddress.lastName",
        "shippingAddress.address1",
        "shippingAddress.city",
        "billingAddress.firstName",
        "billingAddress.city",
    ];
    let invalid_cases: Vec<_> = paths.iter().flat_map(|path| bad_texts(path, 256)).collect();
    let invalid_cases = invalid_cases
        .iter()
        .map(|(path, value, fault)| (*path, value.clone(), vec![fault.as_str()]));
    refuses(&shop, &good, invalid_cases.collect()).await;
    let before = shop.gateway.store.dump().await;
    for path in ["company", "address2", "address3", "zipCode", "region", "phone"] {
        for (value, code) in [
            (json!("x".repeat(256)), "TOO_LONG"),
            (json!("hunter2\u{0}"), "INVALID"),
        ] {
            let mut input = good.clone();
            input["billingAddress"][path] = value;
            let refused = shop.backend.user_errors("orderRecord", input).await;
            assert_eq!(refused, [format!("{code} billingAddress.{path}")]);
        }
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

/// The same error for each of the values at one path.
fn each<'a>(path: &'a str, values: &[Value], fault: &'a str) -> Vec<InvalidCase<'a>> {
    let bad = |value: &Value| (path, value.clone(), vec![fault]);
    values.iter().map(bad).collect()
}

/// Values that are invalid in every order.
fn bad_for_all(rival: &Shop) -> Vec<InvalidCase<'static>> {
    let long = format!("{MARK}@{}.example", "x".repeat(250));
    let times = ["1969-12-31T23:59:59.999Z", "2999-01-01T00:00:00Z"].map(Value::from);
    let storefronts = [
        "",
        " ",
        MARK,
        "sto_01h00000000000000000000000",
        "\u{0}",
        rival.id(),
    ]
    .map(Value::from);
    [
        each("email", &[json!(" ")], "REQUIRED email"),
        each("email", &[json!(MARK), json!(long)], "EMAIL_INVALID email"),
        each("lines", &[json!([])], "REQUIRED lines"),
        each(
            "lines.0.quantity",
            &[json!(0), json!(-1)],
            "INVALID lines.0.quantity",
        ),
        each(
            "total.amount",
            &[json!("-0.01"), json!("0.005")],
            "INVALID total.amount",
        ),
        each("total.currencyCode", &[json!("JPY")], "INVALID total.amount"),
        each("placedAt", &times, "INVALID placedAt"),
        each("storefrontId", &storefronts, "STOREFRONT_NOT_FOUND storefrontId"),
    ]
    .concat()
}

/// The address of a customer other than the one that orders.
async fn bobs_address(shop: &Shop) -> Value {
    let (_, bob) = customer(shop, "bob@example.com").await;
    bob.mutate_ok("customerAddressCreate", home()).await["address"]["id"].take()
}

// ERR-01, EPC-28, SFR-01
#[tokio::test]
async fn epc_28_each_invalid_value_of_a_guest_order_is_reported() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let ids = [json!(""), json!(MARK), bobs_address(&shop).await];
    let mut invalid_cases = bad_for_all(&rival);
    invalid_cases.extend(each("shippingAddressId", &ids, "INVALID shippingAddressId"));
    invalid_cases.extend(each("billingAddressId", &ids, "INVALID billingAddressId"));
    let missing = [Value::Null];
    invalid_cases.extend(each("shippingAddress", &missing, "REQUIRED shippingAddress"));
    invalid_cases.extend(each("billingAddress", &missing, "REQUIRED billingAddress"));
    let good = in_storefront(&shop, guests("1001"));
    refuses(&shop, &good, invalid_cases).await;
    // For a guest an address id is invalid, and the address itself is still required.
    let mut by_id = patched(good, json!({ "billingAddressId": ids[2] }));
    by_id["billingAddress"].take();
    let refused = shop.backend.user_errors("orderRecord", by_id).await;
    assert_eq!(refused, ["INVALID billingAddressId", "REQUIRED billingAddress"]);
}

// ERR-01, SFR-01, SPR-31, SPR-32, SPR-75, SPR-79
#[tokio::test]
async fn err_01_each_invalid_value_of_a_customers_order_is_reported() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let (id, ada) = customer(&shop, "ada@example.com").await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    let (theirs, _) = customer(&rival, "theirs@example.com").await;
    let bobs = bobs_address(&shop).await;
    let blank = [json!(""), json!(" \t")];
    let customers = [
        json!(MARK),
        json!("cus_01h00000000000000000000000"),
        json!("sfu_01h00000000000000000000000"),
        json!("\u{0}"),
        theirs,
    ];
    let addresses = [
        json!(MARK),
        json!("adr_01h00000000000000000000000"),
        json!("\u{0}"),
        bobs.clone(),
    ];
    let missing = "CUSTOMER_REFERENCE_MISSING customerId (405)";
    let id_missing = "ADDRESS_ID_MISSING shippingAddressId (412)";
    let not_found = "ADDRESS_NOT_FOUND shippingAddressId (404)";
    let invalid_cases = [
        bad_for_all(&rival),
        each("customerId", &blank, missing),
        each("customerId", &customers, "CUSTOMER_NOT_FOUND customerId (402)"),
        each("shippingAddressId", &blank, id_missing),
        each("shippingAddressId", &addresses, not_found),
        // Both in full and by id.
        each("billingAddressId", &[bobs], "INVALID billingAddressId"),
    ];
    let mut good = patched(in_storefront(&shop, guests("1001")), json!({ "customerId": id }));
    good["shippingAddress"].take();
    refuses(&shop, &good, invalid_cases.concat()).await;
}

// ERR-01
#[tokio::test]
async fn err_01_all_errors_of_an_order_are_returned_together() {
    let shop = kit::shop().await;
    let (id, _) = customer(&shop, "ada@example.com").await;
    let before = shop.gateway.store.dump().await;
    let line = json!({ "sku": "", "name": "x\u{1}", "quantity": 0, "unitPrice": { "amount": "1", "currencyCode": "EUR" } });
    let good = guests("1001")["lines"][0].take();
    let input = json!({
        "storefrontId": shop.id(), "number": "", "email": MARK, "lines": [good, line], "placedAt": "1900-01-01T00:00:00Z",
        "total": { "amount": "-1", "currencyCode": "EUR" },
        "shippingAddress": patched(home(), json!({ "firstName": "", "phone": "x".repeat(256) })),
    });
    let common = ["REQUIRED number", "EMAIL_INVALID email"];
    let shipping = [
        "REQUIRED shippingAddress.firstName",
        "TOO_LONG shippingAddress.phone",
    ];
    let rest = [
        "REQUIRED lines.1.sku",
        "INVALID lines.1.name",
        "INVALID lines.1.quantity",
        "INVALID total.amount",
        "INVALID placedAt",
    ];
    let refused = shop.backend.user_errors("orderRecord", input.clone()).await;
    let billing = ["REQUIRED billingAddress"];
    assert_eq!(refused, [&common[..], &shipping, &billing, &rest].concat());
    // Errors that need a lookup are returned together with the others: the customer has no addresses.
    let customers = patched(input, json!({ "customerId": id }));
    let refused = shop.backend.user_errors("orderRecord", customers.clone()).await;
    assert_eq!(refused, [&common[..], &shipping, &rest, &billing].concat());
    let unknown = json!({ "customerId": "cus_01h00000000000000000000000", "billingAddressId": "adr_1" });
    let refused = shop
        .backend
        .user_errors("orderRecord", patched(customers, unknown))
        .await;
    let names = ["CUSTOMER_NOT_FOUND customerId (402)"];
    let billing = ["ADDRESS_NOT_FOUND billingAddressId (404)"];
    assert_eq!(
        refused,
        [&names[..], &common, &shipping, &billing, &rest].concat()
    );
    // Both default addresses of a customer without any.
    let mut neither = patched(
        guests("1001"),
        json!({ "storefrontId": shop.id(), "customerId": id }),
    );
    neither["shippingAddress"].take();
    neither["billingAddress"].take();
    let refused = shop.backend.user_errors("orderRecord", neither).await;
    assert_eq!(refused, ["REQUIRED shippingAddress", "REQUIRED billingAddress"]);
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

/// Values that do not match the schema.
fn mistyped_values() -> Vec<(&'static str, Value)> {
    let (amounts, currencies) = (
        [
            json!(""),
            json!(" "),
            json!(MARK),
            json!("1e400"),
            json!("NaN"),
            json!("Infinity"),
            json!("1,5"),
            json!("+1"),
            json!("01"),
            json!("1".repeat(40)),
            json!(1.5),
            json!(1e30),
            json!(true),
            json!({ "$gt": "0" }),
            json!(["1"]),
            json!(null),
        ],
        ["", "eur", "EURO", "XXX", "ABC", " EUR", MARK].map(Value::from),
    );
    let mut mistyped_values = vec![
        ("lines.0.sku", json!(1)),
        ("lines.0", json!({})),
        ("lines.0", json!(null)),
        ("lines.0", json!({ "sku": MARK })),
        ("shippingAddress.iso2Code", json!("XX")),
        ("shippingAddress.firstName", json!(null)),
        ("shippingAddress", json!({ "label": MARK })),
        ("placedAt", json!("yesterday")),
        ("placedAt", json!("2026-13-01T00:00:00Z")),
        ("total", json!({ "amount": "1" })),
        ("total.currencyCode", json!(978)),
        ("total.currencyCode", json!({ "$ne": "" })),
    ];
    for quantity in [json!(1.5), json!("1"), json!(null), json!(2_147_483_648_i64)] {
        mistyped_values.push(("lines.0.quantity", quantity));
    }
    for amount in amounts {
        mistyped_values.push(("total.amount", amount.clone()));
        mistyped_values.push(("lines.0.unitPrice.amount", amount));
    }
    for currency in currencies {
        mistyped_values.push(("total.currencyCode", currency.clone()));
        mistyped_values.push(("lines.0.unitPrice.currencyCode", currency));
    }
    mistyped_values
}

// ERR-02
#[tokio::test]
async fn err_02_a_wrong_type_in_an_order_is_a_top_level_error() {
    let shop = kit::shop().await;
    let good = in_storefront(&shop, guests("1001"));
    let before = shop.gateway.store.dump().await;
    let send = async |path: &str, value: Value| {
        let mut input = good.clone();
        put(&mut input, path, value);
        let variables = json!({ "input": input });
        shop.backend.send(&kit::mutation("orderRecord"), variables).await
    };
    for (path, value) in mistyped_values() {
        let answer = send(path, value.clone()).await;
        let codes = answer.codes();
        assert!(
            !codes.is_empty() && codes.iter().all(|code| *code == "BAD_USER_INPUT"),
            "{path}: {value}: {}",
            answer.body
        );
        let message = answer.body.to_string();
        assert!(!message.contains(MARK) && !message.contains("1111"), "{message}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
    let answer = send("total.amount", json!(10.5)).await;
    insta::assert_snapshot!(answer.body["errors"][0]["message"].as_str().expect("words"), @r#""$input.total.amount" takes a decimal number as a text, such as "5.25": its type is "Decimal"."#);
}

// ERR-01
#[tokio::test]
async fn err_01_an_unknown_order_is_not_cancelled() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let theirs = rival
        .backend
        .mutate_ok("orderRecord", in_storefront(&rival, guests("1")))
        .await;
    let before = shop.gateway.store.dump().await;
    for id in [
        json!(""),
        json!(" "),
        json!(MARK),
        json!("ord_01h00000000000000000000000"),
        json!("cus_01h00000000000000000000000"),
        json!("\u{0}"),
        theirs["order"]["id"].clone(),
    ] {
        let payload = shop.backend.mutate("orderCancel", json!({ "id": id })).await;
        assert_eq!(faults(&payload), ["ORDER_NOT_FOUND id"], "{id}");
        assert!(!payload.to_string().contains(MARK), "{payload}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}
