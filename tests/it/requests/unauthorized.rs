//! Refused credentials, and what the errors say (GQL-07).

use std::time::Duration;

use serde_json::json;
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::reach::scope::Scope;

use crate::customers::{ada, setup};
use crate::kit::{Answer, Caller, Shop};

const VIEWER: &str = "{ viewer { kind } }";

async fn refused(caller: &Caller) -> Answer {
    let answer = caller.send(VIEWER, json!({})).await;
    assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]));
    let challenge = answer.headers["www-authenticate"].to_str().expect("text");
    let begin = "Bearer error=\"invalid_token\", error_description=\"";
    let formatted_response = challenge.strip_prefix(begin).expect(challenge);
    let formatted_response = formatted_response.strip_suffix('"').expect(challenge);
    assert!(
        answer.message().starts_with(formatted_response),
        "{challenge}: {}",
        answer.message()
    );
    answer
}

/// Returns a caller with this Authorization header.
fn with_header(shop: &Shop, value: &str) -> Caller {
    shop.unauthenticated().with_header("authorization", value)
}

// GQL-07
#[tokio::test]
async fn gql_07_a_header_without_a_token_and_an_invalid_token_are_distinguished() {
    let shop = setup().start().await;
    let key = shop.browser.credential.clone().expect("a key");
    let secret = shop.backend.credential.clone().expect("a secret");
    for (header, expected) in [
        ("", "The token is missing"),
        ("Bearer", "The token is missing"),
        ("Bearer undefined", "The token is missing"),
        ("Bearer null", "The token is missing"),
        ("bearer [object Object]", "The token is missing"),
        (&key, "The word Bearer is missing"),
        (&secret, "The word Bearer is missing"),
        ("Basic czNjcmV0OnMzY3JldA==", "HTTP Basic is for /oauth/token"),
        ("Token s3cret", "another scheme than Bearer"),
        (&format!("Bearer Bearer {key}"), "the word Bearer twice"),
        (&format!("Bearer \"{key}\""), "The token is malformed"),
        (&format!("Bearer {key} s3cret"), "The token is malformed"),
        ("Bearer s3cret", "The token is malformed"),
        ("Bearer s3cret.s3cret.s3cret", "The token is malformed"),
        ("Bearer rt_s3cret", "a refresh token"),
        ("Bearer pk_s3cret", "unknown, or was revoked"),
        ("Bearer sk_s3cret", "unknown, or was revoked"),
    ] {
        let answer = refused(&with_header(&shop, header)).await;
        assert!(
            answer.message().contains(expected),
            "{header}: {}",
            answer.message()
        );
        for sent in ["s3cret", key.as_str(), secret.as_str()] {
            assert!(
                !answer.body.to_string().contains(sent),
                "{header}: {}",
                answer.body
            );
        }
    }
    let twice =
        with_header(&shop, &format!("Bearer {key}")).with_header("authorization", &format!("Bearer {key}"));
    assert!(refused(&twice).await.message().contains("more than once"));
    // Authentication schemes are case-insensitive.
    let lower = with_header(&shop, &format!("bearer {key}"));
    assert_eq!(
        lower.query(VIEWER).await,
        json!({ "viewer": { "kind": "PUBLIC" } })
    );
}

// GQL-07
#[tokio::test]
async fn gql_07_expired_revoked_and_foreign_tokens_are_distinguished() {
    let shop = setup().manual_clock().start().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let (bob, refresh) = crate::customers::ada(&shop, "bob@example.com").await;
    let input = json!({ "refreshToken": refresh });
    shop.unauthenticated()
        .mutate_ok("customerTokenRevoke", input)
        .await;
    assert!(refused(&bob).await.message().contains("was revoked"));
    let token = ada.credential.clone().expect("a token");
    let mut changed = token.clone();
    let last = if changed.ends_with('A') { "Q" } else { "A" };
    changed.replace_range(changed.len() - 10..changed.len() - 9, last);
    let changed = shop.unauthenticated().with(Some(&changed));
    assert!(
        refused(&changed)
            .await
            .message()
            .contains("not issued it, or it was changed")
    );
    shop.gateway.advance(Duration::from_secs(16 * 60));
    assert!(refused(&ada).await.message().contains("has expired"));
    assert!(
        refused(&changed)
            .await
            .message()
            .contains("not issued it, or it was changed")
    );
    // The key that signed it is deleted by then, so that only the token's own claims show that the gateway issued it.
    shop.gateway.advance(Duration::from_secs(90 * 24 * 60 * 60));
    assert!(refused(&ada).await.message().contains("has expired"));
}

// GQL-07, ERR-03
#[tokio::test]
async fn gql_07_a_forbidden_error_names_the_sent_and_the_required_credential() {
    let shop = setup().start().await;
    let guest = shop.guest("guest").await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let orders_only = shop
        .client(
            ClientKind::Integration,
            None,
            &[Scope::StorefrontsRead, Scope::OrdersRead],
        )
        .await;
    let customers = "{ storefront { customers { totalCount } } }";
    let register = "mutation { customerRegister(input: { email: \"a@b.co\", acceptedTerms: true, firstName: \"A\", \
                    lastName: \"B\" }) { userErrors { code } } }";
    let backend = "an integration token or client secret";
    for (caller, query, code, expected) in [
        (
            &shop.browser,
            customers,
            "FORBIDDEN",
            format!("{backend} with the scope customers:read; this request was sent with a publishable key."),
        ),
        (
            &orders_only.caller,
            customers,
            "FORBIDDEN",
            format!("with the scope customers:read; this request was sent with {backend} with the scopes storefronts:read, orders:read."),
        ),
        (
            &guest,
            register,
            "FORBIDDEN",
            "a publishable key, or an integration token or client secret with the scope customers:write; this request was \
             sent with a storefront user token."
                .to_owned(),
        ),
        (&ada, register, "FORBIDDEN", "was sent with a customer token.".to_owned()),
        (
            &shop.unauthenticated(),
            customers,
            "UNAUTHENTICATED",
            "this request has no credential. Send one as \"Authorization: Bearer …\".".to_owned(),
        ),
    ] {
        let answer = caller.send(query, json!({})).await;
        assert_eq!((answer.status, answer.codes()), (200, vec![code]));
        assert!(answer.message().contains(&expected), "{expected}: {}", answer.message());
    }
}
