//! Invalid registrations and profiles.

use serde_json::json;

use super::super::MARK;
use super::*;

// ERR-01, SPR-07, SPR-09, SPR-10, SPR-11, SPR-13, CLY-06
#[tokio::test]
async fn err_01_each_invalid_registration_value_is_reported() {
    let (shop, rival, _) = shops().await;
    let mut bads = bad_storefronts(&rival);
    bads.extend(bad_addresses());
    bads.extend(each("email", &["TAKEN@example.com"], "EMAIL_TAKEN email (400)"));
    let names = ["REQUIRED firstName", "TOO_LONG firstName", "INVALID firstName"];
    bads.extend(bad_names("firstName", names));
    bads.extend(bad_names(
        "lastName",
        ["REQUIRED lastName", "TOO_LONG lastName", "INVALID lastName"],
    ));
    let versions = [
        "REQUIRED termsVersion",
        "TOO_LONG termsVersion",
        "INVALID termsVersion",
    ];
    bads.extend(bad_names("termsVersion", versions));
    bads.extend(bad_birth_dates());
    bads.extend(bad_shopper_references());
    let passwords = [
        "PASSWORD_TOO_SHORT password",
        "PASSWORD_TOO_LONG password",
        "PASSWORD_TOO_COMMON password",
    ];
    bads.extend(bad_passwords("password", passwords));
    let mismatch = "PASSWORDS_DO_NOT_MATCH confirmPassword (406)";
    bads.extend([
        (json!({ "confirmPassword": null }), vec![mismatch]),
        (
            json!({ "password": null }),
            vec!["PASSWORD_TOO_SHORT password", mismatch],
        ),
        (
            json!({ "acceptedTerms": false }),
            vec!["TERMS_NOT_ACCEPTED acceptedTerms (422)"],
        ),
    ]);
    check(&shop, &shop.backend, "customerRegister", &newcomer(&shop), bads).await;
}

/// Invalid profile changes, for backends and customers alike.
fn bad_profiles() -> Vec<Bad> {
    let mut bads = bad_names(
        "firstName",
        ["REQUIRED firstName", "TOO_LONG firstName", "INVALID firstName"],
    );
    bads.extend(bad_names(
        "lastName",
        ["REQUIRED lastName", "TOO_LONG lastName", "INVALID lastName"],
    ));
    bads.extend(bad_birth_dates());
    bads.extend([
        (json!({ "firstName": null }), vec!["REQUIRED firstName"]),
        (json!({ "lastName": null }), vec!["REQUIRED lastName"]),
        (
            json!({ "expectedVersion": 2 }),
            vec!["VERSION_CONFLICT expectedVersion"],
        ),
        (
            json!({ "expectedVersion": -1 }),
            vec!["VERSION_CONFLICT expectedVersion"],
        ),
    ]);
    bads
}

// ERR-01, SPR-31, SPR-32, SPR-33, CST-03
#[tokio::test]
async fn err_01_each_invalid_update_value_is_reported() {
    let (shop, _, theirs) = shops().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let good = json!({ "customerId": id_of(&ada).await, "firstName": "Grace" });
    let mut bads = bad_profiles();
    bads.extend(bad_customers(&theirs, MISSING));
    bads.extend(bad_addresses());
    bads.extend(bad_shopper_references());
    bads.extend([
        (json!({ "customerId": null }), vec![MISSING]),
        (json!({ "email": null }), vec!["REQUIRED email"]),
        (json!({ "email": "Taken@example.com" }), vec!["EMAIL_TAKEN email (400)"]),
        (json!({ "shopperReference": null }), vec!["SHOPPER_REFERENCE_INVALID shopperReference"]),
        (
            json!({ "customerId": "", "firstName": "", "lastName": null, "dateOfBirth": "1899-12-31", "email": "x" }),
            vec![
                MISSING, "REQUIRED firstName", "REQUIRED lastName", "DATE_OF_BIRTH_INVALID dateOfBirth",
                "EMAIL_INVALID email",
            ],
        ),
    ]);
    check(&shop, &shop.backend, "customerUpdate", &good, bads).await;

    let mut bads = bad_profiles();
    bads.extend(bad_customers(&theirs, "CUSTOMER_NOT_FOUND customerId (402)"));
    bads.extend([
        (json!({ "email": "hunter2@example.com" }), vec!["FORBIDDEN email"]),
        (json!({ "email": "hunter2" }), vec!["FORBIDDEN email"]),
        (
            json!({ "email": null, "shopperReference": "x", "lastName": "" }),
            vec![
                "REQUIRED lastName",
                "FORBIDDEN email",
                "FORBIDDEN shopperReference",
            ],
        ),
    ]);
    check(&shop, &ada, "customerUpdate", &good, bads).await;
    for nothing in [json!({}), json!({ "expectedVersion": 1 })] {
        assert_eq!(ada.refused("customerUpdate", nothing).await, ["NO_CHANGES"]);
    }
}

// ERR-02, SPR-42
#[tokio::test]
async fn err_02_a_value_of_another_type_is_a_top_level_error_without_the_value() {
    let (shop, _, _) = shops().await;
    let before = kept(&shop).await;
    let good = newcomer(&shop);
    for changes in [
        json!({ "salutation": MARK }),
        json!({ "gender": "female" }),
        json!({ "gender": MARK }),
        json!({ "dateOfBirth": "1990-02-30" }),
        json!({ "dateOfBirth": "28.02.1990" }),
        json!({ "dateOfBirth": "1990-02-28T00:00:00Z" }),
        json!({ "dateOfBirth": MARK }),
        json!({ "dateOfBirth": "" }),
        json!({ "acceptedTerms": "true" }),
        json!({ "acceptedTerms": 1 }),
        json!({ "isEmailVerified": true }),
        json!({ "status": "REPEAT" }),
        json!({ "reference": "DE--99" }),
    ] {
        let input = but(good.clone(), changes.clone());
        let query = crate::kit::mutation("customerRegister");
        let answer = shop.backend.send(&query, json!({ "input": input })).await;
        let codes = answer.codes();
        let expected = |code: &&str| ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(code);
        assert!(
            !codes.is_empty() && codes.iter().all(expected),
            "{changes}: {:#}",
            answer.body
        );
        let said = answer.body.to_string();
        for sent in [MARK, PASSWORD, "1990-02", "28.02", "new@example.com"] {
            assert!(!said.contains(sent), "{changes}: {said}");
        }
    }
    assert_eq!(kept(&shop).await, before, "nothing changed");
}
