//! Missing credentials, invalid ones, and ones of the wrong kind.

use std::time::Duration;

use serde_json::json;

use super::{Answers, SAID};
use crate::addresses::home;
use crate::customers::{ada, setup, with_password};
use crate::kit::Shop;

const VIEWER: &str = "{ viewer { kind } }";

// GQL-07
#[tokio::test]
async fn gql_07_responses_to_invalid_credentials() {
    let shop = setup().manual_clock().start().await;
    let mut answers = Answers::default();
    headers(&mut answers, &shop).await;
    kinds(&mut answers, &shop).await;
    tokens(&mut answers, &shop).await;
    insta::assert_snapshot!(answers.0, @r#"
    # 1 no header
    200
    UNAUTHENTICATED 1:3 storefront: This needs a publishable key, or a storefront user token, or a customer token, or an integration token or client secret with the scope storefronts:read; this request has no credential. Send one as "Authorization: Bearer …".
    {"storefront":null}

    # 1b no header, viewer
    200
    {"viewer":null}

    # 2 key without Bearer
    401
    www-authenticate: Bearer error="invalid_token", error_description="The word Bearer is missing before the key or token in the Authorization header"
    UNAUTHENTICATED: The word Bearer is missing before the key or token in the Authorization header. Send the header as "Authorization: Bearer …" with a key or an access token, or leave it out.

    # 2b Basic
    401
    www-authenticate: Bearer error="invalid_token", error_description="HTTP Basic is for /oauth/token and /oauth/revoke only"
    UNAUTHENTICATED: HTTP Basic is for /oauth/token and /oauth/revoke only. Here a client secret is sent as "Authorization: Bearer sk_…", like a token from /oauth/token.

    # 2c bearer twice
    401
    www-authenticate: Bearer error="invalid_token", error_description="The Authorization header has the word Bearer twice"
    UNAUTHENTICATED: The Authorization header has the word Bearer twice. Send the header as "Authorization: Bearer …" with a key or an access token, or leave it out.

    # 2d lower-case bearer
    200
    {"viewer":{"kind":"PUBLIC"}}

    # 2e Bearer undefined
    401
    www-authenticate: Bearer error="invalid_token", error_description="The token is missing: the Authorization header contains a word such as undefined or null instead"
    UNAUTHENTICATED: The token is missing: the Authorization header contains a word such as undefined or null instead. Send the header as "Authorization: Bearer …" with a key or an access token, or leave it out.

    # 2f Bearer (empty)
    401
    www-authenticate: Bearer error="invalid_token", error_description="The token is missing: the Authorization header contains none"
    UNAUTHENTICATED: The token is missing: the Authorization header contains none. Send the header as "Authorization: Bearer …" with a key or an access token, or leave it out.

    # 3 wrong key kind: customers with pk
    200
    FORBIDDEN 1:16 storefront.customers: This needs a storefront user token, or a customer token, or an integration token or client secret with the scope customers:read; this request was sent with a publishable key.
    {"storefront":null}

    # 3b backend mutation with pk
    200
    FORBIDDEN 1:12 customerGroupCreate: This needs an integration token or client secret with the scope groups:write; this request was sent with a publishable key.
    {"customerGroupCreate":null}

    # 3c sk in the browser for upload-like viewer
    200
    {"viewer":{"customer":null}}

    # 3d customer mutation with anonymous token
    200
    FORBIDDEN 1:45 customerAddressCreate: This needs a customer token, or an integration token or client secret with the scope customers:write; this request was sent with a storefront user token.
    {"customerAddressCreate":null}

    # 3e register with customer token
    200
    FORBIDDEN 1:40 customerRegister: This needs a publishable key, or an integration token or client secret with the scope customers:write; this request was sent with a customer token.
    {"customerRegister":null}

    # 8 expired/garbled token: a letter more
    401
    www-authenticate: Bearer error="invalid_token", error_description="The token is unknown: this gateway has not issued it, or it was changed"
    UNAUTHENTICATED: The token is unknown: this gateway has not issued it, or it was changed. Send a token of this gateway as it was issued, or leave the header out.

    # 8 expired/garbled token: a part missing
    401
    www-authenticate: Bearer error="invalid_token", error_description="The token is malformed: it is neither a key (pk_ or sk_) nor a JWT"
    UNAUTHENTICATED: The token is malformed: it is neither a key (pk_ or sk_) nor a JWT. Send the complete key or token as it was issued, without quotes or spaces, or leave the header out.

    # 8 expired/garbled token: the refresh token
    401
    www-authenticate: Bearer error="invalid_token", error_description="The token is a refresh token, which is not accepted as a bearer token"
    UNAUTHENTICATED: The token is a refresh token, which is not accepted as a bearer token. Exchange it with customerTokenRefresh, and send the access token of the response.

    # 8 expired/garbled token: expired
    401
    www-authenticate: Bearer error="invalid_token", error_description="The access token has expired"
    UNAUTHENTICATED: The access token has expired. Get a new one (customerTokenRefresh for customers, storefrontUserTokenIssue for storefront users, /oauth/token for backends), or leave the header out.
    "#);
}

/// Values of the Authorization header.
async fn headers(answers: &mut Answers, shop: &Shop) {
    let unauthenticated = shop.unauthenticated();
    answers
        .query("1 no header", &unauthenticated, "{ storefront { name } }")
        .await;
    answers
        .query("1b no header, viewer", &unauthenticated, VIEWER)
        .await;
    let key = shop.browser.credential.as_deref().expect("a key");
    for (mistake, header) in [
        ("2 key without Bearer", key),
        ("2b Basic", "Basic c2hvcDpzZWNyZXQ="),
        ("2c bearer twice", &format!("Bearer Bearer {key}")),
        ("2d lower-case bearer", &format!("bearer {key}")),
        ("2e Bearer undefined", "Bearer undefined"),
        ("2f Bearer (empty)", "Bearer "),
    ] {
        let caller = unauthenticated.with_header("authorization", header);
        answers.query(mistake, &caller, VIEWER).await;
    }
}

/// Operations that a kind of caller may not use.
async fn kinds(answers: &mut Answers, shop: &Shop) {
    let customers = "{ storefront { customers(first: 1) { totalCount } } }";
    answers
        .query("3 wrong key kind: customers with pk", &shop.browser, customers)
        .await;
    let group = format!(r#"mutation {{ customerGroupCreate(input: {{ name: "VIP" }}) {{ {SAID} }} }}"#);
    answers
        .query("3b backend mutation with pk", &shop.browser, &group)
        .await;
    let customer = "{ viewer { customer { id } } }";
    answers
        .query(
            "3c sk in the browser for upload-like viewer",
            &shop.backend,
            customer,
        )
        .await;
    let guest = shop.guest("guest").await;
    let address = format!(
        "mutation($i: CustomerAddressCreateInput!) {{ customerAddressCreate(input: $i) {{ {SAID} }} }}"
    );
    answers
        .ask_with(
            "3d customer mutation with anonymous token",
            &guest,
            &address,
            json!({ "i": home() }),
        )
        .await;
    let (ada, _) = ada(shop, "ada@example.com").await;
    let register =
        format!("mutation($i: CustomerRegisterInput!) {{ customerRegister(input: $i) {{ {SAID} }} }}");
    let bob = json!({ "i": with_password("bob@example.com") });
    answers
        .ask_with("3e register with customer token", &ada, &register, bob)
        .await;
}

/// Access tokens that are garbled, of the wrong kind or expired.
async fn tokens(answers: &mut Answers, shop: &Shop) {
    let (eve, refresh) = ada(shop, "eve@example.com").await;
    let token = eve.credential.clone().expect("a token");
    for (mistake, token) in [
        ("8 expired/garbled token: a letter more", format!("{token}x")),
        ("8 expired/garbled token: a part missing", token.replace('.', "")),
        ("8 expired/garbled token: the refresh token", refresh),
    ] {
        answers.query(mistake, &eve.with(Some(&token)), VIEWER).await;
    }
    shop.gateway.advance(Duration::from_secs(16 * 60));
    answers
        .query("8 expired/garbled token: expired", &eve, VIEWER)
        .await;
}
