//! Invalid registrations and profiles.

use serde_json::json;

use super::super::MARK;
use super::*;

// ERR-01, SPR-07, SPR-09, SPR-10, SPR-11, SPR-13, CLY-06
#[tokio::test]
async fn err_01_each_invalid_registration_value_is_reported() {
    let (shop, rival, _) = shops().await;
    let mut invalid_cases = bad_storefronts(&rival);
    invalid_cases.extend(bad_addresses());
    invalid_cases.extend(each("email", &["TAKEN@example.com"], "EMAIL_TAKEN email (400)"));
    let names = ["REQUIRED firstName", "TOO_LONG firstName", "INVALID firstName"];
    invalid_cases.extend(bad_names("firstName", names));
    invalid_cases.extend(bad_names(
        "lastName",
        ["REQUIRED lastName", "TOO_LONG lastName", "INVALID lastName"],
    ));
    let versions = [
        "REQUIRED termsVersion",
        "TOO_LONG termsVersion",
        "INVALID termsVersion",
    ];
    invalid_cases.extend(bad_names("termsVersion", versions));
    invalid_cases.extend(bad_birth_dates());
    invalid_cases.extend(bad_shopper_references());
    let passwords = [
        "PASSWORD_TOO_SHORT password",
        "PASSWORD_TOO_LONG password",
        "PASSWORD_TOO_COMMON password",
    ];
    invalid_cases.extend(bad_passwords("password", passwords));
    let mismatch = "PASSWORDS_DO_NOT_MATCH confirmPassword (406)";
    invalid_cases.extend([
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
    check(
        &shop,
        &shop.backend,
        "customerRegister",
        &new_customer(&shop),
        invalid_cases,
    )
    .await;
}

/// Invalid profile changes, for backends and customers.
fn bad_profiles() -> Vec<InvalidCase> {
    let mut invalid_cases = bad_names(
        "firstName",
        ["REQUIRED firstName", "TOO_LONG firstName", "INVALID firstName"],
    );
    invalid_cases.extend(bad_names(
        "lastName",
        ["REQUIRED lastName", "TOO_LONG lastName", "INVALID lastName"],
    ));
    invalid_cases.extend(bad_birth_dates());
    invalid_cases.extend([
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
    invalid_cases
}

// ERR-01, SPR-31, SPR-32, SPR-33, CST-03
#[tokio::test]
async fn err_01_each_invalid_update_value_is_reported() {
    let (shop, _, theirs) = shops().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let good = json!({ "customerId": id_of(&ada).await, "firstName": "Grace" });
    let mut invalid_cases = bad_profiles();
    invalid_cases.extend(bad_customers(&theirs, MISSING));
    invalid_cases.extend(bad_addresses());
    invalid_cases.extend(bad_shopper_references());
    invalid_cases.extend([
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
    check(&shop, &shop.backend, "customerUpdate", &good, invalid_cases).await;

    let mut invalid_cases = bad_profiles();
    invalid_cases.extend(bad_customers(&theirs, "CUSTOMER_NOT_FOUND customerId (402)"));
    invalid_cases.extend([
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
    check(&shop, &ada, "customerUpdate", &good, invalid_cases).await;
    for nothing in [json!({}), json!({ "expectedVersion": 1 })] {
        assert_eq!(ada.user_errors("customerUpdate", nothing).await, ["NO_CHANGES"]);
    }
}

// ERR-02, SPR-42
#[tokio::test]
async fn err_02_a_value_of_another_type_is_a_top_level_error_without_the_value() {
    let (shop, _, _) = shops().await;
    let before = stored_documents(&shop).await;
    let good = new_customer(&shop);
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
        let input = patched(good.clone(), changes.clone());
        let query = crate::kit::mutation("customerRegister");
        let answer = shop.backend.send(&query, json!({ "input": input })).await;
        let codes = answer.codes();
        let expected = |code: &&str| ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(code);
        assert!(
            !codes.is_empty() && codes.iter().all(expected),
            "{changes}: {:#}",
            answer.body
        );
        let message = answer.body.to_string();
        for sent in [MARK, PASSWORD, "1990-02", "28.02", "new@example.com"] {
            assert!(!message.contains(sent), "{changes}: {message}");
        }
    }
    assert_eq!(stored_documents(&shop).await, before, "nothing changed");
}
