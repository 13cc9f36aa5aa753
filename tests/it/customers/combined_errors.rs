//! Errors that need a lookup are returned together with all others, and reveal nothing more to the caller.

use bson::doc;
use serde_json::{Value, json};

use super::{OTHER_PASSWORD, PASSWORD, ada, credentials, id_of, patched, person, setup, shop, with_password};
use crate::kit::{Caller, Shop, warnings};

/// Registers a customer with this address and shopper reference through a backend, without a password.
async fn taken(shop: &Shop, email: &str, reference: &str) {
    let input = json!({ "storefrontId": shop.id(), "shopperReference": reference });
    shop.backend
        .mutate_ok("customerRegister", patched(person(email), input))
        .await;
}

/// The user errors of a refused call; asserts that nothing was written.
async fn refused(shop: &Shop, caller: &Caller, field: &str, input: Value) -> Vec<String> {
    let before = shop.gateway.store.dump().await;
    let refused = caller.user_errors(field, input).await;
    assert_eq!(
        shop.gateway.store.dump().await,
        before,
        "{field}: nothing changed"
    );
    refused
}

/// The token of a guest that has already been merged into another user.
async fn used_token(shop: &Shop) -> Option<String> {
    let guest = shop.guest("guest").await;
    shop.ann("ann").await;
    shop.merge("guest", "ann").await;
    guest.credential
}

// ERR-01, SPR-10, CLY-06, CST-02
#[tokio::test]
async fn err_01_taken_values_are_reported_with_other_registration_errors() {
    let shop = shop().await;
    taken(&shop, "taken@example.com", "taken").await;
    let input = json!({
        "storefrontId": shop.id(), "email": "Taken@Example.com", "shopperReference": "taken", "password": "short",
        "confirmPassword": "other", "acceptedTerms": false, "firstName": "", "lastName": "Lovelace",
        "anonymousUserToken": used_token(&shop).await,
    });
    let mut reported = refused(&shop, &shop.backend, "customerRegister", input).await;
    reported.sort_unstable();
    assert_eq!(
        reported,
        [
            "EMAIL_TAKEN email (400)",
            "PASSWORDS_DO_NOT_MATCH confirmPassword (406)",
            "PASSWORD_TOO_SHORT password",
            "REQUIRED firstName",
            "SHOPPER_REFERENCE_TAKEN shopperReference",
            "TERMS_NOT_ACCEPTED acceptedTerms (422)",
        ]
    );
    // A browser only gets the error of the address; the field reserved for backends is not looked up.
    let input = patched(
        person("taken@example.com"),
        json!({ "shopperReference": "taken", "lastName": " " }),
    );
    let mut reported = refused(&shop, &shop.browser, "customerRegister", input).await;
    reported.sort_unstable();
    let expected = [
        "EMAIL_TAKEN email (400)",
        "FORBIDDEN shopperReference",
        "REQUIRED lastName",
    ];
    assert_eq!(reported, expected);
}

// ERR-01, SPR-10, CLY-06, CST-03
#[tokio::test]
async fn err_01_taken_values_are_reported_with_other_update_errors() {
    let shop = shop().await;
    shop.gateway.expect_jobs();
    taken(&shop, "taken@example.com", "taken").await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let input = json!({
        "customerId": id, "expectedVersion": 7, "firstName": null, "dateOfBirth": "1899-12-31",
        "email": "TAKEN@example.com", "shopperReference": "taken",
    });
    let reported = refused(&shop, &shop.backend, "customerUpdate", input).await;
    assert_eq!(
        reported,
        [
            "REQUIRED firstName",
            "DATE_OF_BIRTH_INVALID dateOfBirth",
            "VERSION_CONFLICT expectedVersion",
            "EMAIL_TAKEN email (400)",
            "SHOPPER_REFERENCE_TAKEN shopperReference",
        ]
    );
    // The same values in another storefront are free, and the customer's own values do not count as taken.
    let other = shop.add_storefront("Prints FR", "FR").await;
    let elsewhere = json!({ "storefrontId": other.id.to_string(), "shopperReference": "elsewhere" });
    let elsewhere = patched(person("elsewhere@example.com"), elsewhere);
    shop.backend.mutate_ok("customerRegister", elsewhere).await;
    for (email, reference) in [
        ("Elsewhere@example.com", "elsewhere"),
        ("ELSEWHERE@example.com", "elsewhere"),
    ] {
        let input = json!({ "customerId": id, "email": email, "shopperReference": reference });
        let payload = shop.backend.mutate_ok("customerUpdate", input).await;
        assert_eq!(payload["customer"]["email"], email);
    }
}

// ERR-01, SPR-80
#[tokio::test]
async fn err_01_a_wrong_password_is_reported_with_new_password_errors_and_counts() {
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .manual_clock()
        .start()
        .await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let change =
        |present: &str| json!({ "password": present, "newPassword": "short", "confirmPassword": "other" });
    let rules = [
        "PASSWORD_TOO_SHORT newPassword (408)",
        "PASSWORDS_DO_NOT_MATCH confirmPassword (406)",
    ];
    // No error is returned for the correct password.
    assert_eq!(
        ada.user_errors("customerPasswordChange", change(PASSWORD)).await,
        rules
    );
    let wrong = [&rules[..], &["PASSWORD_INVALID password (408)"]].concat();
    for _ in 0..5 {
        let reported = ada
            .user_errors("customerPasswordChange", change(OTHER_PASSWORD))
            .await;
        assert_eq!(reported, wrong);
    }
    let limited = [&rules[..], &["RATE_LIMITED"]].concat();
    for password in [OTHER_PASSWORD, PASSWORD] {
        let reported = ada.user_errors("customerPasswordChange", change(password)).await;
        assert_eq!(
            reported, limited,
            "an attempt with an invalid new password counts too"
        );
    }
}

// ERR-01, EPC-07
#[tokio::test]
async fn err_01_an_existing_password_is_reported_with_new_password_errors() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let input =
        json!({ "customerId": id_of(&ada).await, "newPassword": "short", "confirmPassword": "other" });
    let reported = refused(&shop, &shop.backend, "customerPasswordSet", input).await;
    assert_eq!(
        reported,
        [
            "PASSWORD_TOO_SHORT newPassword (408)",
            "PASSWORDS_DO_NOT_MATCH confirmPassword (406)",
            "PASSWORD_ALREADY_SET",
        ]
    );
}

// ERR-01, CST-04
#[tokio::test]
async fn err_01_a_wrong_password_is_reported_with_an_invalid_address_but_not_a_taken_one() {
    let shop = shop().await;
    taken(&shop, "taken@example.com", "taken").await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let invalid = "PASSWORD_INVALID password (408)";
    for (email, faults) in [
        ("no address", &["EMAIL_INVALID newEmail", invalid][..]),
        (" ", &["REQUIRED newEmail", invalid]),
        ("ADA@example.com", &["NO_CHANGES newEmail", invalid]),
        // Without the password, a session alone cannot find out whether an address is taken.
        ("taken@example.com", &[invalid]),
        ("free@example.com", &[invalid]),
    ] {
        for input in [
            json!({ "newEmail": email }),
            json!({ "newEmail": email, "password": OTHER_PASSWORD }),
        ] {
            let reported = refused(&shop, &ada, "customerEmailChangeRequest", input).await;
            assert_eq!(reported, faults, "{email}");
        }
    }
}

// ERR-01, SPR-90
#[tokio::test]
async fn err_01_a_key_of_a_replaced_address_is_reported_with_password_errors() {
    let shop = shop().await;
    shop.gateway.expect_jobs();
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let ask = json!({ "email": "ada@example.com" });
    shop.browser.mutate_ok("customerPasswordResetRequest", ask).await;
    shop.gateway.run_jobs().await;
    let mail = shop.gateway.mails().next().await;
    let key = mail.text.split_whitespace().find(|word| word.len() == 43);
    let redeem =
        json!({ "restorePasswordKey": key.expect("a key"), "password": "short", "confirmPassword": "short" });
    let too_short = "PASSWORD_TOO_SHORT password (408)";
    let reported = refused(
        &shop,
        &shop.unauthenticated(),
        "customerPasswordReset",
        redeem.clone(),
    )
    .await;
    assert_eq!(reported, [too_short]);
    let moved = json!({ "customerId": id, "email": "ada@new.example" });
    shop.backend.mutate_ok("customerUpdate", moved).await;
    let reported = refused(&shop, &shop.unauthenticated(), "customerPasswordReset", redeem).await;
    assert_eq!(
        reported,
        ["RESET_KEY_INVALID restorePasswordKey (415)", too_short]
    );
}

// ERR-01, SPR-10
#[tokio::test]
async fn spr_10_errors_of_a_concealed_registration_do_not_reveal_an_address() {
    let shop = shop().await;
    taken(&shop, "taken@example.com", "taken").await;
    shop.conceal_emails().await;
    shop.gateway.expect_jobs();
    let (used, guest) = (used_token(&shop).await, shop.guest("another guest").await);
    for (changes, faults) in [
        (json!({ "lastName": "" }), "REQUIRED lastName"),
        (
            json!({ "acceptedTerms": false }),
            "TERMS_NOT_ACCEPTED acceptedTerms (422)",
        ),
        (
            json!({ "shopperReference": "taken" }),
            "SHOPPER_REFERENCE_TAKEN shopperReference",
        ),
    ] {
        for email in ["taken@example.com", "free@example.com"] {
            let input = patched(
                patched(with_password(email), changes.clone()),
                json!({ "storefrontId": shop.id() }),
            );
            let reported = refused(&shop, &shop.backend, "customerRegister", input).await;
            assert_eq!(reported, [faults], "{email}");
        }
    }
    // Errors of an anonymous user's token are returned before the address is looked up, and are the same on a repeated
    // call.
    let mut answers = Vec::new();
    for token in [used.as_deref(), Some("none"), guest.credential.as_deref()] {
        for email in ["taken@example.com", "free@example.com", "free@example.com"] {
            let brought = json!({ "storefrontId": shop.id(), "anonymousUserToken": token });
            let input = patched(with_password(email), brought);
            let payload = shop.backend.mutate_ok("customerRegister", input).await;
            assert_eq!(payload["customer"], Value::Null);
            answers.push(warnings(&payload));
        }
    }
    let merged = "STOREFRONT_USER_ALREADY_MERGED anonymousUserToken (409)";
    let invalid = "ANONYMOUS_TOKEN_INVALID anonymousUserToken";
    let expected = [[Some(merged); 3], [Some(invalid); 3], [None; 3]].concat();
    let expected: Vec<Vec<&str>> = expected.into_iter().map(Vec::from_iter).collect();
    assert_eq!(answers, expected);
}

// ERR-01, TOK-03, SPR-10
#[tokio::test]
async fn tok_03_invalid_registrations_count_as_address_lookups() {
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .manual_clock()
        .start()
        .await;
    taken(&shop, "taken@example.com", "taken").await;
    let ask = || patched(person("taken@example.com"), json!({ "lastName": "" }));
    for _ in 0..60 {
        let reported = shop.browser.user_errors("customerRegister", ask()).await;
        assert_eq!(reported, ["REQUIRED lastName", "EMAIL_TAKEN email (400)"]);
    }
    let reported = shop.browser.user_errors("customerRegister", ask()).await;
    assert_eq!(reported, ["REQUIRED lastName", "RATE_LIMITED"]);
    // A request that looks up no address does not count against the limit.
    let counted = shop.gateway.store.documents("throttle", doc! {}).await;
    let nothing = patched(person("none"), json!({ "lastName": "" }));
    let reported = shop.browser.user_errors("customerRegister", nothing).await;
    assert_eq!(reported, ["EMAIL_INVALID email", "REQUIRED lastName"]);
    shop.conceal_emails().await;
    let reported = shop.browser.user_errors("customerRegister", ask()).await;
    assert_eq!(reported, ["REQUIRED lastName"]);
    assert_eq!(shop.gateway.store.documents("throttle", doc! {}).await, counted);
    // The limit of registrations does not apply to sign-ins.
    let sign_in = credentials("taken@example.com", PASSWORD);
    let reported = shop.browser.user_errors("customerTokenCreate", sign_in).await;
    assert_eq!(reported, ["CREDENTIALS_INVALID"]);
}
