//! Customers' tokens through OAuth 2.0, for clients with an OAuth library and without a GraphQL one.

use serde_json::{Value, json};
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::reach::scope::Scope;

use super::{OTHER_PASSWORD, PASSWORD, ada, is_signed_in, shop};
use crate::kit::Shop;

const EMAIL: &str = "ada@example.com";

/// The status, the `Retry-After` header and the body of the response to a form.
async fn post(shop: &Shop, path: &str, form: &[(&str, &str)]) -> (u16, Option<u64>, Value) {
    let url = format!("{}/oauth/{path}", shop.gateway.url);
    let answer = shop.gateway.http.post(url).form(form).send().await;
    let answer = answer.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers());
    assert_eq!(headers["cache-control"], "no-store");
    let wait = headers.get("retry-after").map(|value| {
        let seconds = value.to_str().expect("ASCII");
        seconds.parse().expect("seconds")
    });
    let body = answer.text().await.expect("a body");
    let body = if body.is_empty() { "null".to_owned() } else { body };
    (status, wait, serde_json::from_str(&body).expect("JSON"))
}

fn key(shop: &Shop) -> &str {
    shop.browser.credential.as_deref().expect("a publishable key")
}

async fn sign_in(shop: &Shop, email: &str, password: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "password"),
        ("client_id", key(shop)),
        ("username", email),
        ("password", password),
    ];
    let (status, _, body) = post(shop, "token", &form).await;
    (status, body)
}

async fn refresh(shop: &Shop, key: &str, token: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", key),
        ("refresh_token", token),
    ];
    let (status, _, body) = post(shop, "token", &form).await;
    (status, body)
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} in {body}"))
}

// SPR-04, RFC 6749 §4.3, §5.1, §6
#[tokio::test]
async fn a_customer_signs_in_and_refreshes_its_tokens() {
    let shop = shop().await;
    ada(&shop, EMAIL).await;
    let (status, first) = sign_in(&shop, " ADA@example.com ", PASSWORD).await;
    assert_eq!(
        (status, &first["token_type"], &first["expires_in"]),
        (200, &json!("Bearer"), &json!(900)),
        "{first}"
    );
    assert_eq!(first.get("scope"), None, "a customer's token has no scopes");
    let caller = shop.unauthenticated().with(Some(text(&first, "access_token")));
    let seen = caller
        .query("{ viewer { kind customer { email sessions { isCurrent } } } }")
        .await;
    assert_eq!(
        seen["viewer"],
        json!({
            "kind": "CUSTOMER",
            "customer": { "email": EMAIL, "sessions": [{ "isCurrent": false }, { "isCurrent": true }] },
        })
    );

    // The same session is continued through OAuth and through GraphQL.
    let (status, second) = refresh(&shop, key(&shop), text(&first, "refresh_token")).await;
    assert_eq!(status, 200, "{second}");
    let input = json!({ "refreshToken": text(&second, "refresh_token") });
    let third = shop.browser.mutate_ok("customerTokenRefresh", input).await;
    let (status, fourth) = refresh(&shop, key(&shop), text(&third["token"], "refreshToken")).await;
    assert_eq!(status, 200, "{fourth}");
    let stored = shop.gateway.store.documents("sessions", bson::doc! {}).await;
    let mut rotations: Vec<i64> = stored
        .iter()
        .map(|session| session.get_i64("rotations").expect("a count"))
        .collect();
    rotations.sort_unstable();
    assert_eq!(rotations, [0, 3]);
    // Reuse of an old refresh token ends the session (TOK-01).
    let (status, reused) = refresh(&shop, key(&shop), text(&first, "refresh_token")).await;
    assert_eq!((status, text(&reused, "error")), (400, "invalid_grant"));
    assert!(!is_signed_in(&shop.unauthenticated().with(Some(text(&fourth, "access_token")))).await);
}

// SPR-04, RFC 6749 §5.2
#[tokio::test]
async fn invalid_requests_are_refused_with_the_errors_of_rfc_6749() {
    let shop = shop().await;
    ada(&shop, EMAIL).await;
    let unknown = sign_in(&shop, "bob@example.com", PASSWORD).await;
    assert_eq!((unknown.0, text(&unknown.1, "error")), (400, "invalid_grant"));
    assert_eq!(sign_in(&shop, EMAIL, OTHER_PASSWORD).await, unknown);
    assert_eq!(sign_in(&shop, "no address", PASSWORD).await, unknown);

    let backend = shop.client(ClientKind::Integration, None, Scope::ALL).await;
    let backend = [
        ("client_id", backend.id.to_string()),
        ("client_secret", backend.secret().to_owned()),
    ];
    let backend = backend.each_ref().map(|(name, value)| (*name, value.as_str()));
    let public = [("client_id", key(&shop))];
    let whole = [
        ("grant_type", "password"),
        ("username", EMAIL),
        ("password", PASSWORD),
    ];
    let with = |client: &[(&'static str, &str)], left_out: &str, more: &[(&'static str, &str)]| {
        let kept = whole.iter().filter(|(name, _)| *name != left_out);
        let form = client.iter().chain(kept).chain(more);
        form.map(|(name, value)| (*name, (*value).to_owned()))
            .collect::<Vec<_>>()
    };
    for (form, status, error) in [
        (with(&public, "username", &[]), 400, "invalid_request"),
        (with(&public, "password", &[]), 400, "invalid_request"),
        (
            with(&public, "grant_type", &[("grant_type", "refresh_token")]),
            400,
            "invalid_request",
        ),
        (
            with(&public, "", &[("scope", "customers:read")]),
            400,
            "invalid_scope",
        ),
        (
            with(&public, "", &[("client_secret", "sk_wrong")]),
            401,
            "invalid_client",
        ),
        (with(&[], "", &[]), 401, "invalid_client"),
        (with(&[("client_id", "pk_wrong")], "", &[]), 401, "invalid_client"),
        (with(&backend[..1], "", &[]), 401, "invalid_client"),
        (with(&backend, "", &[]), 400, "unauthorized_client"),
    ] {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (got, _, body) = post(&shop, "token", &form).await;
        assert_eq!((got, text(&body, "error")), (status, error), "{form:?}");
    }
    let (status, body) = sign_in(&shop, EMAIL, PASSWORD).await;
    assert_eq!(status, 200, "{body}");
}

// SPR-04, TOK-01
#[tokio::test]
async fn a_refresh_token_of_another_client_is_refused_and_remains_valid() {
    let shop = shop().await;
    let (caller, token) = ada(&shop, EMAIL).await;
    let other = shop
        .client(ClientKind::Public, Some(&shop.storefront.id), &[])
        .await;
    let other = other.caller.credential.clone().expect("a key");
    let (status, body) = refresh(&shop, &other, &token).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
    let revoking = [("client_id", &*other), ("token", &*token)];
    let (status, _, body) = post(&shop, "revoke", &revoking).await;
    assert_eq!((status, text(&body, "error")), (400, "unauthorized_client"));
    assert!(is_signed_in(&caller).await);
    let (status, body) = refresh(&shop, key(&shop), &token).await;
    assert_eq!(status, 200, "{body}");
}

// SPR-04, TOK-02, RFC 7009
#[tokio::test]
async fn revoking_a_refresh_token_ends_its_session() {
    let shop = shop().await;
    let (phone, first) = ada(&shop, EMAIL).await;
    let (_, body) = sign_in(&shop, EMAIL, PASSWORD).await;
    let laptop = shop.unauthenticated().with(Some(text(&body, "access_token")));
    let revoke = async |token: &str| {
        let form = [
            ("client_id", key(&shop)),
            ("token", token),
            ("token_type_hint", "refresh_token"),
        ];
        post(&shop, "revoke", &form).await.0
    };
    for unknown in ["nonsense", "rt_nonsense", "rt_01h00000000000000000000000.x"] {
        assert_eq!(revoke(unknown).await, 200, "{unknown}");
    }
    // Also with the refresh token before the current one.
    let (status, second) = refresh(&shop, key(&shop), &first).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(revoke(&first).await, 200);
    assert!(!is_signed_in(&phone).await);
    assert!(is_signed_in(&laptop).await, "another device stays signed in");
    let (status, body) = refresh(&shop, key(&shop), text(&second, "refresh_token")).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
    // An access token alone can be revoked as well.
    let access = laptop.credential.clone().expect("a token");
    assert_eq!(revoke(&access).await, 200);
    assert!(!is_signed_in(&laptop).await);
}

// SPR-04, TOK-03
#[tokio::test]
async fn failed_attempts_count_together_with_those_through_graphql() {
    let shop = super::setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .manual_clock()
        .start()
        .await;
    ada(&shop, EMAIL).await;
    let guess = super::credentials(EMAIL, OTHER_PASSWORD);
    let mut wait = None;
    for round in 0..20 {
        if round % 2 == 0 {
            let payload = shop.browser.mutate("customerTokenCreate", guess.clone()).await;
            wait = payload["userErrors"][0]["retryAfterSeconds"].as_u64().or(wait);
        } else {
            let form = [
                ("grant_type", "password"),
                ("client_id", key(&shop)),
                ("username", EMAIL),
                ("password", OTHER_PASSWORD),
            ];
            let (status, after, body) = post(&shop, "token", &form).await;
            if after.is_some() {
                assert_eq!((status, text(&body, "error")), (429, "temporarily_unavailable"));
                wait = after;
                break;
            }
            assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
        }
    }
    let wait = wait.expect("the guesses are stopped");
    assert_eq!(
        sign_in(&shop, EMAIL, PASSWORD).await.0,
        429,
        "the limit applies to every account"
    );
    shop.gateway.advance(std::time::Duration::from_secs(wait));
    assert_eq!(sign_in(&shop, EMAIL, PASSWORD).await.0, 200);
}
