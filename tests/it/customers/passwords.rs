//! Changing passwords, and giving one.

use bson::doc;
use serde_json::json;

use super::{OTHER_PASSWORD, PASSWORD, ada, but, credentials, is_signed_in, person, shop, signed_in};

// SPR-80, TOK-02
#[tokio::test]
async fn spr_80_a_change_needs_the_present_password_and_ends_all_sessions() {
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
        assert_eq!(ada.refused("customerPasswordChange", input).await, faults);
    }
    assert!(is_signed_in(&ada).await);
    let payload = ada
        .done(
            "customerPasswordChange",
            change(PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD),
        )
        .await;
    let (fresh, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&fresh).await && !is_signed_in(&ada).await);
    let refused = shop
        .nobody()
        .refused("customerTokenRefresh", json!({ "refreshToken": refresh }))
        .await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    let refused = shop
        .browser
        .refused("customerTokenCreate", credentials("ada@example.com", PASSWORD))
        .await;
    assert_eq!(refused, ["CREDENTIALS_INVALID"]);
    shop.browser
        .done(
            "customerTokenCreate",
            credentials("ada@example.com", OTHER_PASSWORD),
        )
        .await;
}

// SPR-80
#[tokio::test]
async fn spr_80_of_many_changes_at_once_one_wins() {
    let shop = shop().await;
    shop.gateway.expect_jobs();
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let tries = (0..8).map(|number| {
        let new = format!("new password {number}");
        ada.change(
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
async fn epc_07_a_backend_gives_a_password_only_where_there_is_none() {
    let shop = shop().await;
    let registered = shop
        .browser
        .done("customerRegister", person("ada@example.com"))
        .await;
    let input = json!({
        "customerId": registered["customer"]["id"], "newPassword": PASSWORD, "confirmPassword": PASSWORD,
    });
    let refused = shop
        .backend
        .refused(
            "customerPasswordSet",
            but(input.clone(), json!({ "customerId": "" })),
        )
        .await;
    assert_eq!(refused, ["CUSTOMER_REFERENCE_MISSING customerId (405)"]);
    let tries = (0..5).map(|_| shop.backend.change("customerPasswordSet", input.clone()));
    let payloads = futures_util::future::join_all(tries).await;
    let won = payloads
        .iter()
        .filter(|payload| payload["customer"]["hasPassword"] == true);
    assert_eq!(won.count(), 1);
    shop.browser
        .done("customerTokenCreate", credentials("ada@example.com", PASSWORD))
        .await;
    assert_eq!(
        shop.backend.refused("customerPasswordSet", input).await,
        ["PASSWORD_ALREADY_SET"]
    );
}
