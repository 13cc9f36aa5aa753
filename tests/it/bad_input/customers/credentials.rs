//! Invalid sign-ins, tokens and passwords.

use serde_json::json;

use super::super::MARK;
use super::*;

// EPC-08, ERR-01
#[tokio::test]
async fn err_01_a_sign_in_distinguishes_only_a_wrong_storefront() {
    let (shop, rival, _) = shops().await;
    ada(&shop, "ada@example.com").await;
    let good = credentials("ada@example.com", PASSWORD);
    let long = MARK.repeat(2000);
    let mut invalid_cases = bad_storefronts(&rival);
    for field in ["email", "password"] {
        let bad = ["", " ", MARK, "hunter2\u{0}", "hunter2\n@example.com", &long];
        invalid_cases.extend(each(field, &bad, "CREDENTIALS_INVALID"));
    }
    invalid_cases.extend(each(
        "email",
        &["theirs@example.com", "ada"],
        "CREDENTIALS_INVALID",
    ));
    check(&shop, &shop.browser, "customerTokenCreate", &good, invalid_cases).await;
}

// TOK-01, TOK-02, SPR-31
#[tokio::test]
async fn err_01_invalid_tokens_and_session_ids_change_nothing() {
    let (shop, _, theirs) = shops().await;
    let (ada, refresh) = ada(&shop, "ada@example.com").await;
    let (id, token) = (id_of(&ada).await, ada.credential.clone().expect("a token"));
    let issue = json!({ "customerId": id });
    let invalid_cases = bad_customers(&theirs, MISSING);
    check(&shop, &shop.backend, "customerTokenIssue", &issue, invalid_cases).await;

    let (long, shorter) = (
        MARK.repeat(2000),
        refresh.trim_end_matches(|last| refresh.ends_with(last)),
    );
    let (longer, upper) = (format!("{refresh}x"), refresh.to_uppercase());
    let none = [
        "",
        " ",
        MARK,
        "rt_",
        "rt_hunter2.hunter2",
        "hunter2\u{0}",
        &long,
        shorter,
        &longer,
        &upper,
        &token,
    ];
    let good = json!({ "refreshToken": refresh });
    let invalid_cases = each("refreshToken", &none, "TOKEN_INVALID refreshToken");
    check(&shop, &shop.browser, "customerTokenRefresh", &good, invalid_cases).await;
}

// TOK-02, SPR-31, SPR-32
#[tokio::test]
async fn tok_02_sign_out_succeeds_without_a_session_but_not_for_another_customer() {
    let (shop, _, theirs) = shops().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let unknown = |field: &str, values: &[&str]| -> Vec<InvalidCase> {
        let none = |value: &&str| (json!({ field: value }), Vec::new());
        values.iter().map(none).collect()
    };
    check(
        &shop,
        &shop.unauthenticated(),
        "customerTokenRevoke",
        &json!({}),
        unknown(
            "refreshToken",
            &["", " ", MARK, "rt_", "rt_hunter2.hunter2", "hunter2\u{0}"],
        ),
    )
    .await;
    let none = [
        "",
        " ",
        MARK,
        "ses_01h00000000000000000000000",
        "cus_01h00000000000000000000000",
        "\u{0}",
    ];
    for caller in [&ada, &shop.backend] {
        check(
            &shop,
            caller,
            "customerTokenRevoke",
            &json!({}),
            unknown("sessionId", &none),
        )
        .await;
    }

    let all = json!({ "all": true, "customerId": id });
    check(
        &shop,
        &shop.backend,
        "customerTokenRevoke",
        &all,
        bad_customers(&theirs, MISSING),
    )
    .await;
    let invalid_cases = bad_customers(&theirs, "CUSTOMER_NOT_FOUND customerId (402)");
    check(&shop, &ada, "customerTokenRevoke", &all, invalid_cases).await;
    // A customer cannot sign out with another customer's id either.
    let invalid_cases = bad_customers(&theirs, "CUSTOMER_NOT_FOUND customerId (402)");
    check(&shop, &ada, "customerTokenRevoke", &json!({}), invalid_cases).await;
}

// SPR-80, SPR-13, EPC-07, SPR-32
#[tokio::test]
async fn err_01_a_new_password_is_rejected_with_every_violated_rule() {
    let (shop, _, theirs) = shops().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let faults = [
        "PASSWORD_TOO_SHORT newPassword (408)",
        "PASSWORD_TOO_LONG newPassword (408)",
        "PASSWORD_TOO_COMMON newPassword (408)",
    ];
    let long = MARK.repeat(2000);
    let mut invalid_cases = bad_passwords("newPassword", faults);
    let wrong = ["", " ", MARK, "hunter2\u{0}", &long, "Correct horse"];
    invalid_cases.extend(each("password", &wrong, "PASSWORD_INVALID password (408)"));
    check(
        &shop,
        &ada,
        "customerPasswordChange",
        &change(PASSWORD, OTHER_PASSWORD),
        invalid_cases,
    )
    .await;

    let mut bare = shop
        .browser
        .mutate_ok("customerRegister", person("bare@example.com"))
        .await;
    let good = json!({
        "customerId": bare["customer"]["id"].take(), "newPassword": PASSWORD, "confirmPassword": PASSWORD,
    });
    let mut invalid_cases = bad_passwords("newPassword", faults);
    invalid_cases.extend(bad_customers(&theirs, MISSING));
    invalid_cases.push((
        json!({ "customerId": id_of(&ada).await }),
        vec!["PASSWORD_ALREADY_SET"],
    ));
    invalid_cases.push((
        json!({ "customerId": theirs, "newPassword": "x", "confirmPassword": "y" }),
        vec![
            "CUSTOMER_NOT_FOUND customerId (402)",
            faults[0],
            "PASSWORDS_DO_NOT_MATCH confirmPassword (406)",
        ],
    ));
    check(&shop, &shop.backend, "customerPasswordSet", &good, invalid_cases).await;
}
