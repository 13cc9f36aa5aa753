//! Invalid or missing responses of a provider: the sign-in is refused, and nothing is stored.

use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::test_provider::{DISCOVERY, JWKS, Key, TOKEN, USERINFO, published};
use super::{Reply, TestProvider, WITH_OIDC, callback_input, counts, shop_and_provider, signed_in_id};
use crate::kit::Shop;

const BY_PROVIDER: &str = "IDENTITY_PROVIDER_REJECTED provider";
const BY_NONCE: &str = "IDENTITY_PROVIDER_REJECTED nonce";
const BY_CODE: &str = "IDENTITY_PROVIDER_REJECTED code";

/// Asserts that the sign-in is refused and that nothing is stored.
async fn assert_refused(shop: &Shop, what: &str, expected: &str) {
    let before = shop.gateway.store.dump().await;
    let refused = shop.browser.user_errors(WITH_OIDC, callback_input("ada")).await;
    assert_eq!(refused, [expected], "{what}");
    assert_eq!(shop.gateway.store.dump().await, before, "{what}: nothing changed");
}

/// Asserts that the same setup signs in with a valid token, so that the refusal before it had the expected cause.
async fn assert_valid_token_accepted(shop: &Shop, op: &TestProvider, what: &str) {
    op.give(&op.key().sign(&op.claims(&json!({}))));
    let payload = shop.browser.mutate(WITH_OIDC, callback_input("ada")).await;
    assert_eq!(payload["userErrors"], json!([]), "after {what}");
    assert!(payload["token"]["accessToken"].is_string(), "after {what}");
}

/// Asserts that each token is refused for the reason given beside it, and that a valid token is accepted in between.
async fn assert_each_is_refused<const N: usize>(
    shop: &Shop,
    op: &TestProvider,
    lies: [([&str; 2], String, &str); N],
) {
    for ([what, reason], id_token, expected) in lies {
        op.give(&id_token);
        assert_refused(shop, what, expected).await;
        let lines = shop.gateway.logs.lines();
        let reported = lines
            .iter()
            .rfind(|line| line.contains("authentication by an identity provider failed"));
        let reported = reported.expect("a log line");
        assert!(reported.contains(reason), "{what}: {reported}");
        assert_valid_token_accepted(shop, op, what).await;
    }
    assert_eq!(counts(shop).await, (1, 1), "one customer all along");
}

/// Returns a token with these header and claims and without a signature.
fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
    format!("{header}.{claims}")
}

// EPC-09
#[tokio::test]
async fn epc_09_an_id_token_with_invalid_claims_is_refused() {
    let (shop, op) = shop_and_provider().await;
    let now = shop.gateway.app.clock.now().seconds();
    let (other_nonce, others) = (
        "its nonce differs",
        "the id token is for another client (aud or azp)",
    );
    let ended = json!({ "iat": now - 400, "exp": now - 100 });
    let foreign = json!({ "iss": "https://evil.example" });
    let mixed_up = json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" });
    let several = json!({ "aud": ["gateway", "somebody"] });
    let lies = [
        (
            ["another nonce", other_nonce],
            json!({ "nonce": "n-another-one" }),
        ),
        (["no nonce", other_nonce], json!({ "nonce": null })),
        (
            ["another issuer", "the id token has another issuer (iss)"],
            foreign,
        ),
        (["another audience", others], json!({ "aud": "somebody" })),
        (["several audiences", others], several),
        (["another party", others], json!({ "azp": "somebody" })),
        (["expired", "the id token has expired"], ended),
        (
            ["without an end", "the id token has expired"],
            json!({ "exp": null }),
        ),
        (
            ["of tomorrow", "is from the future"],
            json!({ "iat": now + 86_400 }),
        ),
        (
            ["nobody's", "the id token has no valid subject (sub)"],
            json!({ "sub": null }),
        ),
        (["mixed up", "belongs to another access token"], mixed_up),
    ];
    let lies = lies.map(|(what, changes)| {
        let reported = if what[1] == other_nonce {
            BY_NONCE
        } else {
            BY_PROVIDER
        };
        (what, op.key().sign(&op.claims(&changes)), reported)
    });
    assert_each_is_refused(&shop, &op, lies).await;
}

// EPC-09
#[tokio::test]
async fn epc_09_an_id_token_with_an_invalid_signature_is_refused() {
    let (shop, op) = shop_and_provider().await;
    let other = Key::new("first");
    let public = op.key().public();
    let hs256 = unsigned(&json!({ "alg": "HS256", "kid": "first" }), &op.claims(&json!({})));
    let mac = hmac::Key::new(hmac::HMAC_SHA256, public.to_string().as_bytes());
    let mac = BASE64URL_NOPAD.encode(hmac::sign(&mac, hs256.as_bytes()).as_ref());
    let lies = [
        (
            [
                "another key of the same id",
                "the signature of the id token is not valid",
            ],
            other.sign(&op.claims(&json!({}))),
            BY_PROVIDER,
        ),
        (
            [
                "a key of another id",
                "the key of the id token is not a key of the provider",
            ],
            Key::new("second").sign(&op.claims(&json!({}))),
            BY_PROVIDER,
        ),
        (
            ["unsigned", "with an unsupported algorithm"],
            format!("{}.", unsigned(&json!({ "alg": "none" }), &op.claims(&json!({})))),
            BY_PROVIDER,
        ),
        (
            ["signed with the public key", "with an unsupported algorithm"],
            format!("{hs256}.{mac}"),
            BY_PROVIDER,
        ),
        (
            ["none", "the id token is not valid"],
            "an id token".to_owned(),
            BY_PROVIDER,
        ),
        (["empty", "the id token is not valid"], String::new(), BY_PROVIDER),
    ];
    assert_each_is_refused(&shop, &op, lies).await;
}

// EPC-09
#[tokio::test]
async fn epc_09_an_invalid_token_response_is_refused() {
    let (shop, op) = shop_and_provider().await;
    let goal = TestProvider::start().await;
    let error = |code: &str| Reply::Json(400, json!({ "error": code, "error_description": "Kanarie" }));
    let good = json!({ "access_token": "a", "id_token": op.key().sign(&op.claims(&json!({}))) });
    for (what, reply, expected) in [
        ("a used code", error("invalid_grant"), BY_CODE),
        (
            "a wrong secret",
            Reply::Json(401, json!({ "error": "invalid_client" })),
            BY_PROVIDER,
        ),
        ("a refusal of its own", error("kanarie"), BY_PROVIDER),
        (
            "no id token",
            Reply::Json(200, json!({ "access_token": "a" })),
            BY_PROVIDER,
        ),
        ("a page", Reply::Text(200, "<html>".to_owned()), BY_PROVIDER),
        ("a failure", Reply::Text(500, String::new()), BY_PROVIDER),
        ("another success", Reply::Json(203, good.clone()), BY_PROVIDER),
        (
            "a redirection",
            Reply::To(format!("{}{TOKEN}", goal.issuer)),
            BY_PROVIDER,
        ),
        ("a flood", Reply::Text(200, " ".repeat(300 * 1024)), BY_PROVIDER),
        (
            "a good answer after a flood",
            Reply::Text(200, format!("{}{good}", " ".repeat(256 * 1024))),
            BY_PROVIDER,
        ),
    ] {
        op.reply(TOKEN, reply);
        assert_refused(&shop, what, expected).await;
        assert_valid_token_accepted(&shop, &op, what).await;
    }
    assert_eq!(goal.asked(TOKEN), 0, "no redirection is followed");
}

// EPC-09
#[tokio::test]
async fn epc_09_invalid_metadata_or_keys_are_refused() {
    let (shop, op) = shop_and_provider().await;
    let goal = TestProvider::start().await;
    let patched = |field: &str, value: Value| {
        let mut document = published(&op.issuer);
        document[field] = value;
        Reply::Json(200, document)
    };
    let good = [
        (DISCOVERY, Reply::Json(200, published(&op.issuer))),
        (JWKS, Reply::Json(200, json!({ "keys": [op.key().public()] }))),
    ];
    for (path, what, reply) in [
        (
            DISCOVERY,
            "another issuer's",
            patched("issuer", json!(goal.issuer)),
        ),
        (
            DISCOVERY,
            "no token endpoint",
            patched("token_endpoint", json!(null)),
        ),
        (
            DISCOVERY,
            "in the clear",
            patched("token_endpoint", json!("http://op.example/token")),
        ),
        (
            DISCOVERY,
            "a redirection",
            Reply::To(format!("{}{DISCOVERY}", goal.issuer)),
        ),
        (DISCOVERY, "a page", Reply::Text(200, "<html>".to_owned())),
        (DISCOVERY, "nothing", Reply::Text(404, String::new())),
        (DISCOVERY, "a flood", Reply::Text(200, " ".repeat(300 * 1024))),
        (JWKS, "a redirection", Reply::To(format!("{}{JWKS}", goal.issuer))),
        (JWKS, "no keys", Reply::Json(200, json!({ "keys": [] }))),
        (JWKS, "a flood", Reply::Text(200, " ".repeat(300 * 1024))),
    ] {
        op.reply(path, reply);
        // The cached documents of the provider have expired.
        shop.gateway.advance(Duration::from_secs(3601));
        assert_refused(&shop, what, BY_PROVIDER).await;
        for (path, reply) in good.clone() {
            op.reply(path, reply);
        }
        shop.gateway.advance(Duration::from_secs(61));
        assert_valid_token_accepted(&shop, &op, what).await;
    }
    assert_eq!(
        goal.asked(DISCOVERY) + goal.asked(JWKS),
        0,
        "no redirection is followed"
    );
}

// EPC-09
#[tokio::test]
async fn epc_09_unknown_keys_are_fetched_at_most_once_a_minute() {
    let (shop, op) = shop_and_provider().await;
    signed_in_id(&shop, "ada").await;
    assert_eq!((op.asked(DISCOVERY), op.asked(JWKS)), (1, 1));
    let unknown = Key::new("unknown");
    let flood = async |times: usize| {
        op.give(&unknown.sign(&op.claims(&json!({}))));
        for _ in 0..times {
            let refused = shop.browser.user_errors(WITH_OIDC, callback_input("ada")).await;
            assert_eq!(refused, [BY_PROVIDER]);
        }
    };
    flood(10).await;
    assert_eq!(op.asked(JWKS), 1, "they were just read");
    shop.gateway.advance(Duration::from_secs(60));
    flood(10).await;
    assert_eq!(op.asked(JWKS), 2);
    shop.gateway.advance(Duration::from_secs(59));
    flood(10).await;
    assert_eq!(op.asked(JWKS), 2, "not yet");
    shop.gateway.advance(Duration::from_secs(1));
    op.rotate(&Key::new("second"));
    op.reply(TOKEN, Reply::ByCode);
    signed_in_id(&shop, "ada").await;
    assert_eq!(op.asked(JWKS), 3, "the new key was found");
    signed_in_id(&shop, "ada").await;
    assert_eq!((op.asked(DISCOVERY), op.asked(JWKS)), (1, 3), "and kept");
}

// EPC-09: waits for the gateway's own limit once.
#[tokio::test]
async fn epc_09_a_hanging_or_unreachable_provider_is_reported() {
    let (shop, op) = shop_and_provider().await;
    op.reply(TOKEN, Reply::Silence);
    assert_refused(&shop, "silence", BY_PROVIDER).await;
    op.reply(TOKEN, Reply::ByCode);
    signed_in_id(&shop, "ada").await;
    op.stop().await;
    assert_refused(&shop, "gone", BY_PROVIDER).await;
    // The discovery document is still cached.
    let url = "authorizationUrl(redirectUri: \"https://shop.example/signed-in\", state: \"state-123\", \
               nonce: \"nonce-123\", codeChallenge: \"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\")";
    shop.gateway.advance(Duration::from_secs(7200));
    let seen = shop
        .browser
        .query(&format!("{{ storefront {{ identityProviders {{ {url} }} }} }}"))
        .await;
    let url = seen["storefront"]["identityProviders"][0]["authorizationUrl"].as_str();
    assert!(url.is_some_and(|url| url.starts_with(&op.issuer)), "{seen}");
}

// EPC-09
#[tokio::test]
async fn epc_09_userinfo_of_another_subject_is_ignored() {
    let (shop, op) = shop_and_provider().await;
    let without = callback_input("ada {\"email\": null}");
    for (what, reply) in [
        (
            "another's",
            Reply::Json(200, json!({ "sub": "sub-bob", "email": "bob@example.com" })),
        ),
        (
            "nobody's",
            Reply::Json(200, json!({ "email": "ada@example.com" })),
        ),
        ("a refusal", Reply::Text(401, String::new())),
        ("a token", Reply::Text(200, "\"eyJ\"".to_owned())),
    ] {
        op.reply(USERINFO, reply);
        let refused = shop.browser.user_errors(WITH_OIDC, without.clone()).await;
        assert_eq!(refused, [BY_PROVIDER], "{what}");
    }
    assert_eq!(counts(&shop).await, (0, 0));
    let own = json!({ "sub": "sub-ada", "email": "ada@example.com", "email_verified": true });
    op.reply(USERINFO, Reply::Json(200, own));
    let payload = shop.browser.mutate_ok(WITH_OIDC, without).await;
    assert!(payload["customer"]["id"].is_string());
    let bearer = op.last(USERINFO).headers["authorization"]
        .to_str()
        .expect("a text")
        .to_owned();
    assert_eq!(bearer, "Bearer an access token");
}
