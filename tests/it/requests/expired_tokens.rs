//! Expired and revoked access tokens on requests that need no credential (TOK-07).

use std::time::Duration;

use serde_json::{Value, json};

use super::JSON;
use crate::customers::{OTHER_PASSWORD, ada, id_of, is_signed_in, redeem, setup, signed_in};
use crate::kit::{Answer, Binary, Caller, MailFolder, Raw, Shop, mutation};

const LIFETIME: Duration = Duration::from_secs(16 * 60);

fn refresh(token: &str) -> Value {
    json!({ "refreshToken": token })
}

/// Asserts that a request is refused because of its token.
fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(
        (answer.status, answer.codes()),
        (401, vec!["UNAUTHENTICATED"]),
        "{what}"
    );
    let challenge = answer.headers["www-authenticate"].to_str().expect("text");
    assert!(
        challenge.starts_with("Bearer error=\"invalid_token\""),
        "{what}: {challenge}"
    );
    assert!(answer.body.get("data").is_none(), "{what}");
}

/// Returns a customer whose access token has expired, and a valid refresh token.
async fn expired_customer(shop: &Shop, email: &str) -> (Caller, String) {
    let (customer, refresh) = ada(shop, email).await;
    shop.gateway.advance(LIFETIME);
    assert!(!is_signed_in(&customer).await);
    (customer, refresh)
}

// TOK-07
#[tokio::test]
async fn tok_07_an_expired_token_does_not_prevent_a_refresh() {
    let shop = setup().manual_clock().start().await;
    let (ada, token) = expired_customer(&shop, "ada@example.com").await;
    let payload = ada.mutate_ok("customerTokenRefresh", refresh(&token)).await;
    let (again, token) = signed_in(&shop, &payload);
    assert!(is_signed_in(&again).await);
    // One document with several operations, of which `operationName` chooses one.
    let several = format!(
        "{} query Viewer {{ viewer {{ kind }} }}",
        mutation("customerTokenRefresh").replace("mutation", "mutation Refresh")
    );
    shop.gateway.advance(LIFETIME);
    let asked = |operation: &str, token: &str| {
        let body =
            json!({ "query": several, "operationName": operation, "variables": { "input": refresh(token) } });
        again.send_body(Some(JSON), body.to_string())
    };
    assert_refused(&asked("Viewer", &token).await, "another operation");
    let mut refreshed = asked("Refresh", &token).await.data();
    let (_, token) = signed_in(&shop, &refreshed["customerTokenRefresh"].take());
    // Sign-out with an expired access token.
    shop.gateway.advance(LIFETIME);
    again.mutate_ok("customerTokenRevoke", refresh(&token)).await;
    let refused = again.user_errors("customerTokenRefresh", refresh(&token)).await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
}

// TOK-07
#[tokio::test]
async fn tok_07_a_token_of_an_ended_session_is_ignored() {
    let shop = setup().start().await;
    let (ada, first) = ada(&shop, "ada@example.com").await;
    let (bob, _) = crate::customers::ada(&shop, "bob@example.com").await;
    bob.mutate_ok("customerTokenRevoke", json!({})).await;
    assert!(!is_signed_in(&bob).await);
    // The refresh token of another session, with an access token that was revoked.
    let payload = bob.mutate_ok("customerTokenRefresh", refresh(&first)).await;
    let (again, _) = signed_in(&shop, &payload);
    assert_eq!(id_of(&again).await, id_of(&ada).await);
    // Access tokens of a storefront user and of a backend client.
    let ann = shop.ann("ann").await;
    shop.backend
        .mutate_ok("storefrontUserDelete", shop.named("ann"))
        .await;
    let second = signed_in(&shop, &payload).1;
    ann.mutate_ok("customerTokenRefresh", refresh(&second)).await;
    assert_refused(&ann.send("{ viewer { kind } }", json!({})).await, "viewer");
}

// TOK-07
#[tokio::test]
async fn tok_07_mailed_keys_are_accepted_with_an_expired_token() {
    let shop = setup().manual_clock().start().await;
    shop.open_account_page().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let to = json!({ "email": "ada@example.com" });
    let mut mails = shop.gateway.mails();
    shop.browser
        .mutate_ok("customerEmailVerificationRequest", to.clone())
        .await;
    shop.gateway.run_jobs().await;
    let token = mailed(&mut mails, "token").await;
    shop.gateway.advance(LIFETIME);
    assert!(!is_signed_in(&ada).await);
    let payload = ada
        .mutate_ok("customerEmailVerify", json!({ "token": token }))
        .await;
    assert_eq!(payload["customer"]["isEmailVerified"], true);
    shop.browser.mutate_ok("customerPasswordResetRequest", to).await;
    shop.gateway.run_jobs().await;
    let key = mailed(&mut mails, "key").await;
    let payload = ada
        .mutate_ok("customerPasswordReset", redeem(&key, OTHER_PASSWORD))
        .await;
    assert!(is_signed_in(&signed_in(&shop, &payload).0).await);
    shop.gateway.run_jobs().await;
}

/// Returns the named parameter of the link in the next mail that has it.
async fn mailed(mails: &mut MailFolder, name: &str) -> String {
    loop {
        let mail = mails.next().await;
        if mail.text.contains(&format!("{name}=")) {
            return mail.parameter(name);
        }
    }
}

// TOK-07
#[tokio::test]
async fn tok_07_other_operations_with_an_expired_token_are_refused() {
    let shop = setup().manual_clock().start().await;
    let (ada, token) = expired_customer(&shop, "ada@example.com").await;
    let refresh_and = |more: &str| {
        format!(
            "mutation($t: String!) {{ customerTokenRefresh(input: {{ refreshToken: $t }}) {{ token {{ expiresAt }} }} {more} }}"
        )
    };
    for query in [
        "{ viewer { kind } }".to_owned(),
        "{ __typename }".to_owned(),
        "mutation { __typename }".to_owned(),
        "mutation { customerTokenRevoke(input: { all: true }) { userErrors { code } } }".to_owned(),
        "mutation { customerTokenRevoke(input: {}) { userErrors { code } } }".to_owned(),
        "mutation($t: String!) { customerTokenRevoke(input: { refreshToken: $t, all: true }) { userErrors { code } } }".to_owned(),
        "mutation { customerUpdate(input: { firstName: \"A\" }) { userErrors { code } } }".to_owned(),
        refresh_and("customerUpdate(input: { firstName: \"A\" }) { userErrors { code } }"),
        refresh_and("... on Mutation { customerUpdate(input: { firstName: \"A\" }) { userErrors { code } } }"),
        "this is no GraphQL".to_owned(),
        "{a".repeat(2000),
    ] {
        let answer = ada.send(&query, json!({ "t": token })).await;
        assert_refused(&answer, &query);
    }
    for body in [
        "",
        "{",
        "[]",
        "{}",
        "\u{feff}{}",
        r#"{"extensions":{"persistedQuery":{}}}"#,
    ] {
        assert_refused(&ada.send_body(Some(JSON), body).await, body);
    }
    assert_refused(&ada.send_body(Some("text/plain"), "{}").await, "text/plain");
    assert_refused(
        &ada.send_body(Some("multipart/form-data; boundary=x"), "--x--")
            .await,
        "multipart",
    );
    assert_refused(&ada.get("/graphql?query=%7B__typename%7D").await, "GET");
    // Above 256 KiB, the limit of a body without a credential, the error is about the token.
    let large = json!({ "query": mutation("customerTokenRefresh"), "variables": { "input": refresh(&token) },
        "extensions": { "x": "x".repeat(300 * 1024) } });
    assert_refused(&ada.send_body(Some(JSON), large.to_string()).await, "too large");
    // `__typename` beside it discloses nothing.
    let answer = ada.send(&refresh_and("__typename"), json!({ "t": token })).await;
    assert_eq!(answer.data()["__typename"], "Mutation");
}

// TOK-07
#[tokio::test]
async fn tok_07_a_forged_token_is_refused_also_with_a_redemption() {
    let shop = setup().start().await;
    let (ada, token) = ada(&shop, "ada@example.com").await;
    let access = ada.credential.clone().expect("a token");
    let (signed, _) = access.rsplit_once('.').expect("three parts");
    let forged = format!("{signed}.{}", "A".repeat(86));
    for credential in [
        &forged,
        "undefined",
        "pk_unknown",
        "sk_unknown",
        "rt_unknown",
        "nonsense",
    ] {
        let caller = ada.with(Some(credential));
        let input = json!({ "input": refresh(&token) });
        let answer = caller.send(&mutation("customerTokenRefresh"), input).await;
        assert_refused(&answer, credential);
    }
    ada.mutate_ok("customerTokenRefresh", refresh(&token)).await;
}

// TOK-07, DEF-01
#[tokio::test]
async fn tok_07_a_body_with_an_expired_token_has_the_limit_of_an_unauthenticated_one() {
    let shop = setup().start().await;
    let (_, good) = ada(&shop, "ada@example.com").await;
    let (bob, _) = ada(&shop, "bob@example.com").await;
    bob.mutate_ok("customerTokenRevoke", json!({})).await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let token = bob.credential.as_deref().expect("a token");
    let head = |length: usize| {
        format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    // Refused by the announced length, before any of the body has arrived.
    let mut raw = Raw::connect(binary.address).await;
    raw.send(head(256 * 1024 + 1)).await;
    assert_eq!(raw.answer().await.expect("an answer").status, 401);
    let mut raw = Raw::connect(binary.address).await;
    raw.send(head(256 * 1024)).await;
    raw.send(" ".repeat(256 * 1024)).await;
    assert_eq!(raw.answer().await.expect("an answer").status, 401);
    // The limit on values in JSON applies too.
    let many = format!(
        "{{\"query\":\"{{a}}\",\"variables\":{{\"a\":[1{}]}}}}",
        ",1".repeat(2000)
    );
    let mut raw = Raw::connect(binary.address).await;
    raw.send(head(many.len()) + &many).await;
    assert_eq!(raw.answer().await.expect("an answer").status, 401);
    binary
        .caller(&bob)
        .mutate_ok("customerTokenRefresh", refresh(&good))
        .await;
}
