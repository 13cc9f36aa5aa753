//! Changing passwords, and setting a first one.

use std::sync::Arc;

use bson::doc;
use serde_json::json;

use super::{OTHER_PASSWORD, PASSWORD, ada, credentials, is_signed_in, patched, person, shop, signed_in};
use crate::kit::{Gateway, Shop, text};

// SPR-80, TOK-02
#[tokio::test]
async fn spr_80_a_password_change_needs_the_current_password_and_revokes_all_sessions() {
    let shop = shop().await;
    shop.gateway.expect_jobs();
    let (ada, refresh) = ada(&shop, "ada@example.com").await;
    let change = |password: &str, new: &str, confirm: &str| json!({ "password": password, "newPassword": new, "confirmPassword": confirm });
    for (input, faults) in [
        (
            change(OTHER_PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD),
            vec!["PASSWORD_INVALID password (408)"],
        ),
        (
            change(PASSWORD, "short", "other"),
            vec![
                "PASSWORD_TOO_SHORT newPassword (408)",
                "PASSWORDS_DO_NOT_MATCH confirmPassword (406)",
            ],
        ),
        (
            change(PASSWORD, "password1", "password1"),
            vec!["PASSWORD_TOO_COMMON newPassword (408)"],
        ),
    ] {
        assert_eq!(ada.user_errors("customerPasswordChange", input).await, faults);
    }
    assert!(is_signed_in(&ada).await);
    let payload = ada
        .mutate_ok(
            "customerPasswordChange",
            change(PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD),
        )
        .await;
    let (fresh, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&fresh).await && !is_signed_in(&ada).await);
    let refused = shop
        .unauthenticated()
        .user_errors("customerTokenRefresh", json!({ "refreshToken": refresh }))
        .await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    let refused = shop
        .browser
        .user_errors("customerTokenCreate", credentials("ada@example.com", PASSWORD))
        .await;
    assert_eq!(refused, ["CREDENTIALS_INVALID"]);
    shop.browser
        .mutate_ok(
            "customerTokenCreate",
            credentials("ada@example.com", OTHER_PASSWORD),
        )
        .await;
}

// SPR-80
#[tokio::test]
async fn spr_80_one_of_several_concurrent_password_changes_succeeds() {
    let shop = shop().await;
    shop.gateway.expect_jobs();
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let tries = (0..8).map(|number| {
        let new = format!("new password {number}");
        ada.mutate(
            "customerPasswordChange",
            json!({ "password": PASSWORD, "newPassword": new, "confirmPassword": new }),
        )
    });
    let payloads = futures_util::future::join_all(tries).await;
    let won = payloads
        .iter()
        .filter(|payload| payload["token"]["accessToken"].is_string());
    assert_eq!(won.count(), 1);
    assert_eq!(shop.gateway.store.count("sessions", doc! {}).await, 1);
}

// EPC-07
#[tokio::test]
async fn epc_07_a_backend_sets_a_password_only_if_none_exists() {
    let shop = shop().await;
    let registered = shop
        .browser
        .mutate_ok("customerRegister", person("ada@example.com"))
        .await;
    let input = json!({
        "customerId": registered["customer"]["id"], "newPassword": PASSWORD, "confirmPassword": PASSWORD,
    });
    let refused = shop
        .backend
        .user_errors(
            "customerPasswordSet",
            patched(input.clone(), json!({ "customerId": "" })),
        )
        .await;
    assert_eq!(refused, ["CUSTOMER_REFERENCE_MISSING customerId (405)"]);
    let tries = (0..5).map(|_| shop.backend.mutate("customerPasswordSet", input.clone()));
    let payloads = futures_util::future::join_all(tries).await;
    let won = payloads
        .iter()
        .filter(|payload| payload["customer"]["hasPassword"] == true);
    assert_eq!(won.count(), 1);
    shop.browser
        .mutate_ok("customerTokenCreate", credentials("ada@example.com", PASSWORD))
        .await;
    assert_eq!(
        shop.backend.user_errors("customerPasswordSet", input).await,
        ["PASSWORD_ALREADY_SET"]
    );
}

/// The parameters of the stored hash: the part before the salt.
async fn hash_settings(shop: &Shop) -> String {
    let customer = &shop.gateway.store.documents("customers", doc! {}).await[0];
    let hash = text(customer, "passwordHash");
    hash.split('$').take(4).collect::<Vec<_>>().join("$")
}

const YESTERDAY: &str = "$argon2id$v=19$m=64,t=1,p=1";
const TODAY: &str = "$argon2id$v=19$m=128,t=2,p=1";

/// A node with stronger hash parameters.
async fn stronger(shop: &Shop) -> Arc<Gateway> {
    let settings = [
        ("GATEWAY_ARGON2_MEMORY_KIB", "128"),
        ("GATEWAY_ARGON2_ITERATIONS", "2"),
    ];
    shop.gateway.another_node_with(&settings).await
}

// EPC-08
#[tokio::test]
async fn epc_08_a_weaker_hash_is_replaced_at_the_next_successful_sign_in() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let (right, wrong) = (
        credentials("ada@example.com", PASSWORD),
        credentials("ada@example.com", OTHER_PASSWORD),
    );
    let node = stronger(&shop).await;
    let there = shop.browser.at(&node);
    let before = shop.gateway.store.documents("customers", doc! {}).await;
    there.user_errors("customerTokenCreate", wrong.clone()).await;
    assert_eq!(shop.gateway.store.documents("customers", doc! {}).await, before);
    assert_eq!(hash_settings(&shop).await, YESTERDAY);

    there.mutate_ok("customerTokenCreate", right.clone()).await;
    assert_eq!(hash_settings(&shop).await, TODAY);
    assert!(is_signed_in(&ada).await, "it is no change of the password");
    let seen = ada.query("{ viewer { customer { version } } }").await;
    assert_eq!(seen["viewer"]["customer"]["version"], 1, "nor one of the profile");

    // The new hash is accepted on every node, and a node with weaker parameters does not replace it.
    let refused = shop.browser.user_errors("customerTokenCreate", wrong).await;
    assert_eq!(refused, ["CREDENTIALS_INVALID"]);
    let stored = shop.gateway.store.documents("customers", doc! {}).await;
    for browser in [&shop.browser, &there] {
        browser.mutate_ok("customerTokenCreate", right.clone()).await;
    }
    let again = shop.gateway.store.documents("customers", doc! {}).await;
    assert_eq!(text(&again[0], "passwordHash"), text(&stored[0], "passwordHash"));
}

// EPC-08
#[tokio::test]
async fn epc_08_concurrent_sign_ins_that_replace_a_hash_all_succeed() {
    let shop = shop().await;
    ada(&shop, "ada@example.com").await;
    let node = stronger(&shop).await;
    let there = shop.browser.at(&node);
    let right = || credentials("ada@example.com", PASSWORD);
    let at_once = (0..4).map(|_| there.mutate_ok("customerTokenCreate", right()));
    for payload in futures_util::future::join_all(at_once).await {
        assert!(is_signed_in(&signed_in(&shop, &payload).0).await);
    }
    assert_eq!(hash_settings(&shop).await, TODAY);
    for browser in [&shop.browser, &there] {
        browser.mutate_ok("customerTokenCreate", right()).await;
    }
    assert_eq!(shop.gateway.store.count("sessions", doc! {}).await, 7);
}
