//! Invalid input: for every mutation each field missing, blank, too long, of another tenant, of the wrong type, with
//! control characters. Every error is returned with its path, nothing is changed, no value is echoed.

mod custom_fields;
mod customers;
mod erasure;
mod markets;
mod notes;
mod oidc;
mod orders;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kit::{self, Caller, Setup, Shop, Upload, faults, png};

/// A mutation with an input that would succeed, the fields that a caller may omit, and the caller.
struct ValidInput {
    field: &'static str,
    input: Value,
    optional: &'static [&'static str],
    caller: Caller,
}

/// A marker in invalid values, which no response may contain.
const MARK: &str = "hunter2";

async fn all(shop: &Shop, rival: &Shop) -> Vec<ValidInput> {
    let ann = shop.ann("ann").await;
    shop.guest("guest").await;
    rival.ann("theirs").await;
    let item = ann.upload("cat.png", &png(1)).await["id"].take();
    let good = |field, input, optional| ValidInput {
        field,
        input,
        optional,
        caller: shop.backend.clone(),
    };
    let storefront = &["storefrontId"];
    vec![
        good(
            "storefrontUserRegister",
            shop.user("new", true),
            &["storefrontId", "storefrontUserId"],
        ),
        good("storefrontUserEnsure", shop.user("new", true), storefront),
        good("storefrontUserTokenIssue", shop.named("ann"), storefront),
        good(
            "storefrontUserMergeAnonymous",
            shop.pair("guest", "ann"),
            storefront,
        ),
        good("storefrontUserPromote", shop.pair("guest", "new"), storefront),
        good("storefrontUserDelete", shop.named("ann"), storefront),
        good(
            "storageItemUpdate",
            json!({ "id": item, "name": "x", "folder": "y" }),
            &["name", "folder"],
        ),
        good("storageItemDelete", json!({ "id": item }), &[]),
    ]
}

/// The same for all domains.
async fn all_valid_inputs(shop: &Shop, rival: &Shop) -> Vec<ValidInput> {
    let mut valid_inputs = all(shop, rival).await;
    valid_inputs.extend(customers::all(shop).await);
    valid_inputs.extend(orders::all(shop).await);
    valid_inputs.extend(custom_fields::all(shop).await);
    valid_inputs.extend(markets::all(shop).await);
    valid_inputs.extend(notes::all(shop).await);
    valid_inputs.extend(erasure::all(shop).await);
    valid_inputs.extend(oidc::all(shop).await);
    valid_inputs
}

/// Invalid values for a text field, with the expected code on the field.
fn bad_texts(field: &str) -> Vec<(Value, &'static str)> {
    let long = |length: usize| json!(MARK.repeat(length / MARK.len() + 1));
    let control = json!(format!("{MARK}\u{7}"));
    let zero = json!(format!("{MARK}\u{0}"));
    match field {
        "storefrontId" => [
            "",
            " ",
            MARK,
            "sto_01h00000000000000000000000",
            "sfu_01h00000000000000000000000",
            "\u{0}",
        ]
        .map(|id| (json!(id), "STOREFRONT_NOT_FOUND"))
        .to_vec(),
        "id" => [
            "",
            " ",
            MARK,
            "itm_01h00000000000000000000000",
            "sto_01h00000000000000000000000",
            "\u{0}",
        ]
        .map(|id| (json!(id), "STORAGE_ITEM_NOT_FOUND"))
        .to_vec(),
        "folder" => vec![(long(256), "TOO_LONG"), (control, "INVALID"), (zero, "INVALID")],
        "name" => vec![
            (json!(""), "REQUIRED"),
            (json!(" \t"), "REQUIRED"),
            (json!(null), "REQUIRED"),
            (long(256), "TOO_LONG"),
            (control, "INVALID"),
            (zero, "INVALID"),
        ],
        _ => vec![
            (json!(""), "REQUIRED"),
            (json!("  "), "REQUIRED"),
            (long(257), "TOO_LONG"),
            (control, "INVALID"),
            (zero, "INVALID"),
            (json!("line\nline"), "INVALID"),
        ],
    }
}

// ERR-01, ERR-02
#[tokio::test]
async fn err_01_each_invalid_value_is_reported_and_nothing_changes() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let valid_inputs = all(&shop, &rival).await;
    let before = shop.gateway.store.dump().await;
    for good in &valid_inputs {
        for (field, value) in good.input.as_object().expect("an object") {
            if !value.is_string() {
                continue;
            }
            for (bad, code) in bad_texts(field) {
                let mut input = good.input.clone();
                input[field] = bad.clone();
                let payload = good.caller.mutate(good.field, input).await;
                assert_eq!(
                    faults(&payload),
                    [format!("{code} {field}")],
                    "{}.{field}: {bad}",
                    good.field
                );
                assert!(!payload.to_string().contains(MARK), "{payload}");
            }
        }
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

// ERR-02
#[tokio::test]
async fn err_02_a_missing_field_or_a_wrong_type_is_a_top_level_error() {
    let shop = crate::customers::setup().start().await;
    shop.gateway.expect_jobs();
    let rival = shop.rival().await;
    let valid_inputs = all_valid_inputs(&shop, &rival).await;
    let before = shop.gateway.store.dump().await;
    for good in &valid_inputs {
        let fields: Vec<String> = good
            .input
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        for field in fields {
            let mut inputs = Vec::new();
            // For a field of a list type a list of texts would be valid.
            let several = match good.input[&field].is_array() {
                true => json!([[MARK], [MARK]]),
                false => json!([MARK, MARK]),
            };
            for wrong in [json!({ "a": MARK }), several, json!(1.5)] {
                let mut input = good.input.clone();
                input[&field] = wrong;
                inputs.push(input);
            }
            if !good.optional.contains(&field.as_str()) {
                let mut input = good.input.clone();
                input.as_object_mut().expect("an object").remove(&field);
                inputs.push(input.clone());
                input[&field] = Value::Null;
                inputs.push(input);
            }
            for input in inputs {
                assert_top_level_error(good, &input).await;
            }
        }
        let mut unknown = good.input.clone();
        unknown["nonsense"] = json!(MARK);
        assert_top_level_error(good, &unknown).await;
        assert_top_level_error(good, &json!(null)).await;
        assert_top_level_error(good, &json!(MARK)).await;
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

async fn assert_top_level_error(good: &ValidInput, input: &Value) {
    let answer = good
        .caller
        .send(&kit::mutation(good.field), json!({ "input": input }))
        .await;
    let codes = answer.codes();
    let expected = |code: &&str| ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(code);
    assert!(
        !codes.is_empty() && codes.iter().all(expected),
        "{} {input}: {:#}",
        good.field,
        answer.body
    );
    assert!(!answer.body.to_string().contains(MARK), "{:#}", answer.body);
}

// ERR-01, SFR-01
#[tokio::test]
async fn err_01_all_errors_of_an_input_are_returned_together() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    all(&shop, &rival).await;
    let before = shop.gateway.store.dump().await;
    let theirs = rival.id();
    for (field, input, expected) in [
        (
            "storefrontUserRegister",
            json!({ "storefrontId": theirs, "storefrontUserId": "", "isAnonymous": true }),
            vec!["STOREFRONT_NOT_FOUND storefrontId", "REQUIRED storefrontUserId"],
        ),
        (
            "storefrontUserEnsure",
            json!({ "storefrontId": "", "storefrontUserId": "a\u{1}", "isAnonymous": true }),
            vec!["STOREFRONT_NOT_FOUND storefrontId", "INVALID storefrontUserId"],
        ),
        (
            "storefrontUserMergeAnonymous",
            json!({
                "storefrontId": theirs, "anonymousStorefrontUserId": " ",
                "regularStorefrontUserId": "x".repeat(257),
            }),
            vec![
                "STOREFRONT_NOT_FOUND storefrontId",
                "REQUIRED anonymousStorefrontUserId",
                "TOO_LONG regularStorefrontUserId",
            ],
        ),
        (
            "storefrontUserPromote",
            json!({ "storefrontId": theirs, "anonymousStorefrontUserId": "", "regularStorefrontUserId": "" }),
            vec![
                "STOREFRONT_NOT_FOUND storefrontId",
                "REQUIRED anonymousStorefrontUserId",
                "REQUIRED regularStorefrontUserId",
            ],
        ),
        (
            "storageItemUpdate",
            json!({ "id": "x", "name": "", "folder": "a\tb" }),
            vec!["REQUIRED name", "INVALID folder", "STORAGE_ITEM_NOT_FOUND id"],
        ),
    ] {
        assert_eq!(shop.backend.user_errors(field, input).await, expected, "{field}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

// ERR-01, SFU-21
#[tokio::test]
async fn err_01_another_tenants_objects_are_not_found() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let valid_inputs = all(&shop, &rival).await;
    let before = shop.gateway.store.dump().await;
    for good in &valid_inputs {
        let expected = if good.input.get("id").is_some() {
            "STORAGE_ITEM_NOT_FOUND id"
        } else {
            "STOREFRONT_NOT_FOUND storefrontId"
        };
        assert_eq!(
            rival.backend.user_errors(good.field, good.input.clone()).await,
            [expected],
            "{}",
            good.field
        );
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

// ERR-01, STO-01
#[tokio::test]
async fn err_01_all_errors_of_an_upload_are_returned_together() {
    let setup = Setup::new().set("GATEWAY_STORAGE_TYPES", "image/png");
    let shop = setup.start().await;
    let ann = shop.ann("ann").await;
    let before = shop.gateway.store.dump().await;
    let long = "x".repeat(256);
    for (bytes, input, expected) in [
        (
            png(1),
            json!({ "name": "", "folder": "a\u{0}" }),
            vec!["REQUIRED name", "INVALID folder"],
        ),
        (Vec::new(), json!({ "name": " ", "folder": long }), {
            vec!["REQUIRED name", "TOO_LONG folder", "FILE_EMPTY file"]
        }),
        (
            b"hello".to_vec(),
            json!({ "name": long }),
            vec!["TOO_LONG name", "FILE_TYPE_NOT_ALLOWED file"],
        ),
        (png(1), json!({ "owner": { "id": "x" } }), vec!["FORBIDDEN owner"]),
    ] {
        let upload = Upload {
            file_name: "cat.png",
            bytes,
            input,
        };
        assert_eq!(faults(&ann.send_upload(upload).await), expected);
    }
    let answer = ann
        .send(
            &kit::mutation("storageItemUpload"),
            json!({ "input": { "file": MARK } }),
        )
        .await;
    assert!(
        !answer.codes().is_empty() && !answer.body.to_string().contains(MARK),
        "{:#}",
        answer.body
    );
    for input in [
        json!({ "kind": "PAINTING" }),
        json!({ "owner": {} }),
        json!({ "name": 1 }),
    ] {
        let upload = Upload {
            file_name: "cat.png",
            bytes: png(1),
            input,
        };
        assert!(!ann.send_file(upload).await.codes().is_empty());
    }
    assert_eq!(
        shop.gateway.store.dump().await,
        before,
        "nothing changed, nothing left of the files"
    );
}

#[tokio::test]
async fn every_mutation_is_tested_with_invalid_input() {
    let shop = crate::customers::setup().start().await;
    shop.gateway.expect_jobs();
    let rival = shop.rival().await;
    let seen = shop
        .unauthenticated()
        .query("{ __schema { mutationType { fields { name } } } }")
        .await;
    let fields = seen["__schema"]["mutationType"]["fields"]
        .as_array()
        .expect("fields");
    let fields: BTreeSet<&str> = fields.iter().filter_map(|field| field["name"].as_str()).collect();
    let valid_inputs = all_valid_inputs(&shop, &rival).await;
    let mut given: BTreeSet<&str> = valid_inputs.iter().map(|good| good.field).collect();
    given.insert("storageItemUpload");
    assert_eq!(fields, given);
    // Each of them succeeds unchanged, so that only the invalid value can be the reason of a refusal.
    for good in [
        "storageItemUpdate",
        "storefrontUserEnsure",
        "storefrontUserTokenIssue",
        "storageItemDelete",
        "customerRegister",
        "customerTokenCreate",
        "customerTokenCreateWithOidc",
        "customerTokenIssue",
        "customerTokenRefresh",
        "customerPasswordSet",
        "customerUpdate",
        "customerPasswordResetRequest",
        "customerEmailVerificationRequest",
        "customerEmailChangeRequest",
        "customerAddressCreate",
        "customerAddressUpdate",
        "customerAddressDelete",
        "customerPasswordChange",
        "customerTokenRevoke",
        "orderRecord",
        "orderCancel",
        "customFieldDefine",
        "customFieldUpdate",
        "customFieldDelete",
        "customerGroupCreate",
        "customerGroupUpdate",
        "customerGroupAddCustomers",
        "customerGroupRemoveCustomers",
        "marketCreate",
        "marketUpdate",
        "marketDelete",
        "customerGroupDelete",
        "customerNoteCreate",
        "customerNoteDelete",
    ] {
        let good = valid_inputs
            .iter()
            .find(|known| known.field == good)
            .expect("it exists");
        good.caller.mutate_ok(good.field, good.input.clone()).await;
    }
}
