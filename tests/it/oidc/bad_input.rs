//! Bad input: each field missing, blank, too long or malformed. Every error has its path, the provider is not asked,
//! and nothing changes.

use serde_json::json;

use super::test_provider::TOKEN;
use super::{REDIRECT_URI, VERIFIER, WITH_OIDC, add, back_in, provider, shop_and_op};
use crate::customers::but;
use crate::kit::Shop;

const MARK: &str = "hunter2";

/// Returns, for each case, a field, a bad value of it, and the error code expected on the field.
fn bads(rival: &Shop) -> Vec<(&'static str, String, &'static str)> {
    let (long, control) = (MARK.repeat(1000), format!("{MARK}\u{7}"));
    let mut bads = Vec::new();
    for field in ["provider", "code", "redirectUri", "codeVerifier", "nonce"] {
        bads.extend(["", " ", "\t\n"].map(|blank| (field, blank.to_owned(), "REQUIRED")));
    }
    for id in [
        "",
        " ",
        MARK,
        "sto_01h00000000000000000000000",
        rival.id(),
        "\u{0}",
    ] {
        bads.push(("storefrontId", id.to_owned(), "STOREFRONT_NOT_FOUND"));
    }
    for key in [MARK, "OP", "op ", "$gt", "op.key", "theirs", &long, &control] {
        bads.push(("provider", key.to_owned(), "IDENTITY_PROVIDER_NOT_FOUND"));
    }
    for uri in [
        MARK,
        "https://shop.example/signed-in/",
        "https://shop.example/signed-in?x=1",
        "HTTPS://shop.example/signed-in",
        "https://evil.example/signed-in",
        " https://shop.example/signed-in",
    ] {
        bads.push(("redirectUri", uri.to_owned(), "REDIRECT_URI_NOT_ALLOWED"));
    }
    for field in ["code", "redirectUri", "codeVerifier", "nonce"] {
        bads.push((field, long.clone(), "TOO_LONG"));
        bads.push((field, control.clone(), "INVALID"));
        bads.push((field, format!("{MARK}\u{0}{}", "x".repeat(40)), "INVALID"));
    }
    for verifier in [
        VERIFIER.replace('-', "+"),
        VERIFIER.replace('-', "ä"),
        format!("{VERIFIER} "),
    ] {
        bads.push(("codeVerifier", verifier, "INVALID"));
    }
    bads.push(("codeVerifier", "x".repeat(42), "TOO_SHORT"));
    bads.push(("nonce", MARK.to_owned(), "TOO_SHORT"));
    for nonce in ["hunter2 hunter2", "ääääääääää"] {
        bads.push(("nonce", nonce.to_owned(), "INVALID"));
    }
    bads
}

// ERR-01, EPC-09
#[tokio::test]
async fn err_01_each_invalid_value_of_a_single_sign_on_is_reported_and_nothing_changes() {
    let (shop, op) = shop_and_op().await;
    let rival = shop.rival().await;
    add(&rival, provider(&rival.storefront.id, "theirs", &op.issuer)).await;
    let good = back_in(shop.id(), "ada");
    let before = shop.gateway.store.dump().await;
    for (field, bad, code) in bads(&rival) {
        let payload = shop
            .backend
            .change(WITH_OIDC, but(good.clone(), json!({ field: bad })))
            .await;
        let faults = crate::kit::faults(&payload);
        assert_eq!(faults, [format!("{code} {field}")], "{field}: {bad:?}");
        assert!(!payload.to_string().contains(MARK), "{payload}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
    assert_eq!(op.asked(TOKEN), 0, "nobody was asked");
    shop.backend.done(WITH_OIDC, good).await;
}

// ERR-01
#[tokio::test]
async fn err_01_all_errors_of_a_single_sign_on_are_returned_together() {
    let (shop, op) = shop_and_op().await;
    shop.add_storefront("Prints AT", "AT").await;
    let all = json!({
        "storefrontId": shop.id(), "provider": "op", "code": " ", "redirectUri": "https://evil.example", "codeVerifier": "x",
        "nonce": "", "anonymousUserToken": MARK,
    });
    assert_eq!(
        shop.backend.refused(WITH_OIDC, all.clone()).await,
        [
            "REDIRECT_URI_NOT_ALLOWED redirectUri",
            "REQUIRED code",
            "TOO_SHORT codeVerifier",
            "REQUIRED nonce",
        ]
    );
    let elsewhere = but(all, json!({ "storefrontId": MARK, "provider": "" }));
    assert_eq!(
        shop.backend.refused(WITH_OIDC, elsewhere).await,
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
        shop.backend.refused(WITH_OIDC, unnamed).await,
        ["STOREFRONT_REQUIRED storefrontId"]
    );
    assert_eq!(op.asked(TOKEN), 0);
}

// A credential mutation may occur only once in a document, so that one request is one attempt.
#[tokio::test]
async fn a_document_signs_on_at_most_once() {
    let (shop, op) = shop_and_op().await;
    let one = "customerTokenCreateWithOidc(input: $input) { userErrors { code } }";
    let query = format!("mutation ($input: CustomerTokenCreateWithOidcInput!) {{ a: {one} b: {one} }}");
    let answer = shop
        .browser
        .send(&query, json!({ "input": super::back_with("ada") }))
        .await;
    assert_eq!(answer.codes(), ["LIMIT_EXCEEDED"], "{}", answer.body);
    assert_eq!(op.asked(TOKEN), 0);
}
