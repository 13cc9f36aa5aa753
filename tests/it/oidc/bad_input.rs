//! Bad input: each field missing, blank, too long or malformed. Every error has its path, the provider is not asked,
//! and nothing changes.

use serde_json::json;

use super::test_provider::TOKEN;
use super::{REDIRECT_URI, VERIFIER, WITH_OIDC, add, callback_input_in, provider, shop_and_provider};
use crate::customers::patched;
use crate::kit::Shop;

const MARK: &str = "hunter2";

/// Returns, for each case, a field, a bad value of it, and the error code expected on the field.
fn invalid_cases(rival: &Shop) -> Vec<(&'static str, String, &'static str)> {
    let (long, control) = (MARK.repeat(1000), format!("{MARK}\u{7}"));
    let mut invalid_cases = Vec::new();
    for field in ["provider", "code", "redirectUri", "codeVerifier", "nonce"] {
        invalid_cases.extend(["", " ", "\t\n"].map(|blank| (field, blank.to_owned(), "REQUIRED")));
    }
    for id in [
        "",
        " ",
        MARK,
        "sto_01h00000000000000000000000",
        rival.id(),
        "\u{0}",
    ] {
        invalid_cases.push(("storefrontId", id.to_owned(), "STOREFRONT_NOT_FOUND"));
    }
    for key in [MARK, "OP", "op ", "$gt", "op.key", "theirs", &long, &control] {
        invalid_cases.push(("provider", key.to_owned(), "IDENTITY_PROVIDER_NOT_FOUND"));
    }
    for uri in [
        MARK,
        "https://shop.example/signed-in/",
        "https://shop.example/signed-in?x=1",
        "HTTPS://shop.example/signed-in",
        "https://evil.example/signed-in",
        " https://shop.example/signed-in",
    ] {
        invalid_cases.push(("redirectUri", uri.to_owned(), "REDIRECT_URI_NOT_ALLOWED"));
    }
    for field in ["code", "redirectUri", "codeVerifier", "nonce"] {
        invalid_cases.push((field, long.clone(), "TOO_LONG"));
        invalid_cases.push((field, control.clone(), "INVALID"));
        invalid_cases.push((field, format!("{MARK}\u{0}{}", "x".repeat(40)), "INVALID"));
    }
    for verifier in [
        VERIFIER.replace('-', "+"),
        VERIFIER.replace('-', "ä"),
        format!("{VERIFIER} "),
    ] {
        invalid_cases.push(("codeVerifier", verifier, "INVALID"));
    }
    invalid_cases.push(("codeVerifier", "x".repeat(42), "TOO_SHORT"));
    invalid_cases.push(("nonce", MARK.to_owned(), "TOO_SHORT"));
    for nonce in ["hunter2 hunter2", "ääääääääää"] {
        invalid_cases.push(("nonce", nonce.to_owned(), "INVALID"));
    }
    invalid_cases
}

// ERR-01, EPC-09
#[tokio::test]
async fn err_01_each_invalid_value_of_a_single_sign_on_is_reported_and_nothing_changes() {
    let (shop, op) = shop_and_provider().await;
    let rival = shop.rival().await;
    add(&rival, provider(&rival.storefront.id, "theirs", &op.issuer)).await;
    let good = callback_input_in(shop.id(), "ada");
    let before = shop.gateway.store.dump().await;
    for (field, bad, code) in invalid_cases(&rival) {
        let payload = shop
            .backend
            .mutate(WITH_OIDC, patched(good.clone(), json!({ field: bad })))
            .await;
        let faults = crate::kit::faults(&payload);
        assert_eq!(faults, [format!("{code} {field}")], "{field}: {bad:?}");
        assert!(!payload.to_string().contains(MARK), "{payload}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
    assert_eq!(op.asked(TOKEN), 0, "no request was sent");
    shop.backend.mutate_ok(WITH_OIDC, good).await;
}

// ERR-01
#[tokio::test]
async fn err_01_all_errors_of_a_single_sign_on_are_returned_together() {
    let (shop, op) = shop_and_provider().await;
    shop.add_storefront("Prints AT", "AT").await;
    let all = json!({
        "storefrontId": shop.id(), "provider": "op", "code": " ", "redirectUri": "https://evil.example", "codeVerifier": "x",
        "nonce": "", "anonymousUserToken": MARK,
    });
    assert_eq!(
        shop.backend.user_errors(WITH_OIDC, all.clone()).await,
        [
            "REDIRECT_URI_NOT_ALLOWED redirectUri",
            "REQUIRED code",
            "TOO_SHORT codeVerifier",
            "REQUIRED nonce",
        ]
    );
    let elsewhere = patched(all, json!({ "storefrontId": MARK, "provider": "" }));
    assert_eq!(
        shop.backend.user_errors(WITH_OIDC, elsewhere).await,
        [
            "STOREFRONT_NOT_FOUND storefrontId",
            "REQUIRED provider",
            "REQUIRED code",
            "TOO_SHORT codeVerifier",
            "REQUIRED nonce",
        ]
    );
    let unnamed = json!({
        "provider": "op", "code": "ada", "redirectUri": REDIRECT_URI, "codeVerifier": VERIFIER, "nonce": "nonce-123",
    });
    assert_eq!(
        shop.backend.user_errors(WITH_OIDC, unnamed).await,
        ["STOREFRONT_REQUIRED storefrontId"]
    );
    assert_eq!(op.asked(TOKEN), 0);
}

// A credential mutation may occur only once in a document, so that one request is one attempt.
#[tokio::test]
async fn a_document_signs_on_at_most_once() {
    let (shop, op) = shop_and_provider().await;
    let one = "customerTokenCreateWithOidc(input: $input) { userErrors { code } }";
    let query = format!("mutation ($input: CustomerTokenCreateWithOidcInput!) {{ a: {one} b: {one} }}");
    let answer = shop
        .browser
        .send(&query, json!({ "input": super::callback_input("ada") }))
        .await;
    assert_eq!(answer.codes(), ["LIMIT_EXCEEDED"], "{}", answer.body);
    assert_eq!(op.asked(TOKEN), 0);
}
