//! Personal data and secrets are not logged, regardless of the outcome of a sign-in.

use serde_json::json;

use super::test_provider::{TOKEN, USERINFO};
use super::{CLIENT_SECRET, NONCE, Reply, VERIFIER, WITH_OIDC, add, callback_input, open, provider};
use crate::customers::setup;

// ERR-02, EPC-09
#[tokio::test]
async fn err_02_no_log_line_contains_codes_tokens_secrets_or_personal_data() {
    let shop = setup().log("debug").manual_clock().start().await;
    let op = open(&shop).await;
    let code = "kanarie {\"given_name\": \"Zwitscherling\"}";
    let payload = shop.browser.mutate_ok(WITH_OIDC, callback_input(code)).await;
    shop.browser.mutate_ok(WITH_OIDC, callback_input(code)).await;
    let unlinked = callback_input("kanarie2 {\"email\": \"kanarie@example.com\", \"email_verified\": false}");
    shop.browser.user_errors(WITH_OIDC, unlinked).await;
    let id_token = op
        .key()
        .sign(&op.claims(&json!({ "sub": "sub-kanarie", "nonce": "another-nonce" })));
    op.give(&id_token);
    shop.browser.user_errors(WITH_OIDC, callback_input(code)).await;
    let description = json!({ "error": "kanarie", "error_description": "sub-kanarie" });
    op.reply(TOKEN, Reply::Json(400, description));
    shop.browser.user_errors(WITH_OIDC, callback_input(code)).await;
    op.reply(TOKEN, Reply::ByCode);
    op.reply(USERINFO, Reply::Json(200, json!({ "sub": "sub-kanarie-2" })));
    let userinfo = callback_input("kanarie3 {\"email\": null}");
    shop.browser.user_errors(WITH_OIDC, userinfo).await;
    op.stop().await;
    shop.browser.user_errors(WITH_OIDC, callback_input(code)).await;
    add(&shop, provider(&shop.storefront.id, "other", &op.issuer)).await;

    let lines = shop.gateway.logs.lines();
    let reported = lines
        .iter()
        .filter(|line| line.contains("authentication by an identity provider failed"));
    assert_eq!(reported.count(), 4, "an operator learns why: {lines:#?}");
    let access_token = payload["token"]["accessToken"].as_str().expect("a token");
    let refresh_token = payload["token"]["refreshToken"].as_str().expect("a token");
    // No other part of the gateway logs these values.
    for secret in [
        "kanarie",
        "Kanarie",
        "Zwitscherling",
        VERIFIER,
        NONCE,
        CLIENT_SECRET,
        &id_token,
        "an access token",
        access_token,
        refresh_token,
    ] {
        let found: Vec<&String> = lines.iter().filter(|line| line.contains(secret)).collect();
        assert!(found.is_empty(), "{secret}: {found:#?}");
    }
}
