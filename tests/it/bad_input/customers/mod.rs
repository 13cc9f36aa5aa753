//! Invalid input for customer mutations.

mod accounts;
mod credentials;

use std::collections::BTreeMap;

use bson::Document;
use serde_json::{Value, json};

use super::{MARK, ValidInput};
use crate::customers::{
    OTHER_PASSWORD, PASSWORD, ada, credentials, id_of, patched, person, setup, with_password,
};
use crate::kit::{Caller, Shop, faults};

/// Every customer mutation with an input that would succeed.
#[expect(clippy::too_many_lines, reason = "one mutation after the other")]
pub(super) async fn all(shop: &Shop) -> Vec<ValidInput> {
    let (ada, refresh) = ada(shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let bare = shop
        .browser
        .mutate_ok("customerRegister", person("bare@example.com"))
        .await;
    let home = json!({
        "firstName": "Ada", "lastName": "Lovelace", "address1": "1 Square", "city": "London", "iso2Code": "GB",
    });
    let address = ada.mutate_ok("customerAddressCreate", home).await;
    let good = |field, caller: &Caller, input, optional| ValidInput {
        field,
        input,
        optional,
        caller: caller.clone(),
    };
    vec![
        good(
            "customerRegister",
            &shop.backend,
            new_customer(shop),
            REGISTER_OPTIONAL,
        ),
        good(
            "customerUpdate",
            &shop.backend,
            json!({
                "customerId": id, "expectedVersion": 2, "firstName": "Grace", "lastName": "Hopper", "salutation": "DR",
                "gender": "FEMALE", "dateOfBirth": "1990-02-28", "email": "grace@example.com",
                "shopperReference": "grace",
            }),
            // Includes fields that cannot be cleared: null is rejected on them.
            &[
                "customerId",
                "expectedVersion",
                "firstName",
                "lastName",
                "salutation",
                "gender",
                "dateOfBirth",
                "email",
                "shopperReference",
            ],
        ),
        good(
            "customerTokenCreate",
            &shop.backend,
            patched(
                credentials("ada@example.com", PASSWORD),
                json!({ "storefrontId": shop.id(), "anonymousUserToken": null }),
            ),
            &["storefrontId", "anonymousUserToken"],
        ),
        good(
            "customerTokenIssue",
            &shop.backend,
            json!({ "customerId": id }),
            &[],
        ),
        good(
            "customerTokenRefresh",
            &shop.browser,
            json!({ "refreshToken": refresh }),
            &[],
        ),
        good(
            "customerTokenRevoke",
            &shop.backend,
            json!({ "refreshToken": null, "sessionId": null, "all": true, "customerId": id }),
            &["refreshToken", "sessionId", "customerId", "all"],
        ),
        good(
            "customerPasswordChange",
            &ada,
            change(PASSWORD, OTHER_PASSWORD),
            &[],
        ),
        good(
            "customerPasswordResetRequest",
            &shop.backend,
            json!({ "storefrontId": shop.id(), "email": "ada@example.com" }),
            &["storefrontId"],
        ),
        good(
            "customerPasswordReset",
            &shop.browser,
            json!({ "restorePasswordKey": "a key", "password": PASSWORD, "confirmPassword": PASSWORD }),
            &[],
        ),
        good(
            "customerEmailVerificationRequest",
            &shop.backend,
            json!({ "storefrontId": shop.id(), "email": "ada@example.com" }),
            &["storefrontId"],
        ),
        good(
            "customerEmailVerify",
            &shop.browser,
            json!({ "token": "a token" }),
            &[],
        ),
        good(
            "customerEmailChangeRequest",
            &ada,
            json!({ "newEmail": "grace@new.example", "password": PASSWORD }),
            &["password"],
        ),
        good(
            "customerEmailChangeConfirm",
            &shop.browser,
            json!({ "token": "a token" }),
            &[],
        ),
        good(
            "customerAddressCreate",
            &shop.backend,
            json!({
                "customerId": id, "label": "home", "firstName": "Ada", "lastName": "Lovelace", "address1": "1 Square",
                "city": "London", "iso2Code": "GB", "isDefaultShipping": true,
            }),
            &["customerId", "label", "isDefaultShipping"],
        ),
        good(
            "customerAddressUpdate",
            &shop.backend,
            json!({ "id": address["address"]["id"], "customerId": id, "expectedVersion": 1, "city": "Paris" }),
            &["customerId", "expectedVersion", "city"],
        ),
        good(
            "customerAddressDelete",
            &shop.backend,
            json!({ "id": address["address"]["id"], "customerId": id }),
            &["customerId"],
        ),
        good(
            "customerPasswordSet",
            &shop.backend,
            json!({ "customerId": bare["customer"]["id"], "newPassword": PASSWORD, "confirmPassword": PASSWORD }),
            &[],
        ),
    ]
}

const REGISTER_OPTIONAL: &[&str] = &[
    "storefrontId",
    "password",
    "confirmPassword",
    "termsVersion",
    "salutation",
    "gender",
    "dateOfBirth",
    "shopperReference",
    "anonymousUserToken",
];

fn new_customer(shop: &Shop) -> Value {
    patched(
        with_password("new@example.com"),
        json!({
            "storefrontId": shop.id(), "termsVersion": "2026-01", "salutation": "MS", "gender": "FEMALE",
            "dateOfBirth": "1990-02-28", "shopperReference": "new", "anonymousUserToken": null,
        }),
    )
}

fn change(present: &str, new: &str) -> Value {
    json!({ "password": present, "newPassword": new, "confirmPassword": new })
}

/// All stored documents, except the counters, whose numbers failed registrations use up (SPR-17).
async fn stored_documents(shop: &Shop) -> BTreeMap<String, Vec<Document>> {
    let mut dump = shop.gateway.store.dump().await;
    dump.remove("counters");
    dump
}

/// Changes to a valid input, and the expected errors.
pub(super) type InvalidCase = (Value, Vec<&'static str>);

/// The same error for each of the values in one field.
pub(super) fn each(field: &str, values: &[&str], fault: &'static str) -> Vec<InvalidCase> {
    let bad = |value: &&str| (json!({ field: value }), vec![fault]);
    values.iter().map(bad).collect()
}

/// Invalid names.
fn bad_names(field: &'static str, faults: [&'static str; 3]) -> Vec<InvalidCase> {
    let [required, too_long, invalid] = faults;
    let long = MARK.repeat(15);
    let mut invalid_cases = each(field, &["", "  ", "\t", "\u{a0}"], required);
    invalid_cases.extend(each(field, &[&long], too_long));
    invalid_cases.extend(each(
        field,
        &["hunter2\u{0}", "hun\nter2", "hunter2\u{7f}", "hunter2\u{85}"],
        invalid,
    ));
    invalid_cases
}

/// Invalid e-mail addresses.
fn bad_addresses() -> Vec<InvalidCase> {
    let long = format!("hunter2@{}.example.com", "x".repeat(250));
    let mut invalid_cases = each("email", &["", " ", "\t\n"], "REQUIRED email");
    let bad = [
        MARK,
        "hunter2@",
        "@hunter2.example",
        "hunter2@example",
        "hun ter2@example.com",
        "hun\u{0}ter2@example.com",
        "hunter2\r\nBcc:x@example.com",
        "hunter2@example.com,a@example.com",
        "<hunter2@example.com>",
        &long,
    ];
    invalid_cases.extend(each("email", &bad, "EMAIL_INVALID email"));
    invalid_cases
}

fn bad_birth_dates() -> Vec<InvalidCase> {
    each(
        "dateOfBirth",
        &["1899-12-31", "2999-01-01"],
        "DATE_OF_BIRTH_INVALID dateOfBirth",
    )
}

fn bad_shopper_references() -> Vec<InvalidCase> {
    let long = MARK.repeat(19);
    let bad = ["", "ab", "   ", "hunter 2", "hunter2\u{0}", "hunter2\n", &long];
    let mut invalid_cases = each(
        "shopperReference",
        &bad,
        "SHOPPER_REFERENCE_INVALID shopperReference",
    );
    invalid_cases.extend(each(
        "shopperReference",
        &["taken"],
        "SHOPPER_REFERENCE_TAKEN shopperReference",
    ));
    invalid_cases
}

/// Values that are not the id of a storefront of the caller.
pub(super) fn bad_storefronts(rival: &Shop) -> Vec<InvalidCase> {
    let bad = [
        "",
        " ",
        MARK,
        "sto_01h00000000000000000000000",
        "sfu_01h00000000000000000000000",
        "\u{0}",
        rival.id(),
    ];
    each("storefrontId", &bad, "STOREFRONT_NOT_FOUND storefrontId")
}

/// Values that are not the id of a customer of the caller; `missing` is the error for blank ones.
pub(super) fn bad_customers(theirs: &Value, missing: &'static str) -> Vec<InvalidCase> {
    let bad = [
        MARK,
        "cus_01h00000000000000000000000",
        "sfu_01h00000000000000000000000",
        "\u{0}",
        theirs.as_str().expect("an id"),
    ];
    let mut invalid_cases = each("customerId", &["", " "], missing);
    invalid_cases.extend(each("customerId", &bad, "CUSTOMER_NOT_FOUND customerId (402)"));
    invalid_cases
}

pub(super) const MISSING: &str = "CUSTOMER_REFERENCE_MISSING customerId (405)";

/// Passwords that violate the rules, for the named field; the legacy codes are part of the expected errors.
fn bad_passwords(field: &'static str, faults: [&'static str; 3]) -> Vec<InvalidCase> {
    let [too_short, too_long, too_common] = faults;
    let both = |password: &str| json!({ field: password, "confirmPassword": password });
    let mismatch = "PASSWORDS_DO_NOT_MATCH confirmPassword (406)";
    vec![
        (both(""), vec![too_short]),
        (both("hunt2r"), vec![too_short]),
        (both(&"x".repeat(129)), vec![too_long]),
        (both("password1"), vec![too_common]),
        (json!({ "confirmPassword": MARK }), vec![mismatch]),
        (json!({ "confirmPassword": "" }), vec![mismatch]),
        (
            json!({ field: "x", "confirmPassword": "y" }),
            vec![too_short, mismatch],
        ),
    ]
}

pub(super) async fn check(
    shop: &Shop,
    caller: &Caller,
    field: &str,
    good: &Value,
    invalid_cases: Vec<InvalidCase>,
) {
    let before = stored_documents(shop).await;
    for (changes, expected) in invalid_cases {
        let payload = caller.mutate(field, patched(good.clone(), changes.clone())).await;
        assert_eq!(faults(&payload), expected, "{field}: {changes}");
        let message = payload.to_string();
        for sent in [MARK, PASSWORD, OTHER_PASSWORD] {
            assert!(!message.contains(sent), "{field}: {message}");
        }
    }
    assert_eq!(stored_documents(shop).await, before, "{field}: nothing changed");
}

/// A shop with a customer who uses up the unique values, another organization's shop, and the id of that shop's
/// customer.
pub(super) async fn shops() -> (Shop, Shop, Value) {
    let shop = setup().start().await;
    let rival = shop.rival().await;
    let taken = patched(
        person("taken@example.com"),
        json!({ "shopperReference": "taken" }),
    );
    let taken = patched(taken, json!({ "storefrontId": shop.id() }));
    shop.backend.mutate_ok("customerRegister", taken).await;
    let mut theirs = rival
        .browser
        .mutate_ok("customerRegister", person("theirs@example.com"))
        .await;
    (shop, rival, theirs["customer"]["id"].take())
}
