//! Forged refresh tokens, and refresh tokens issued by an earlier version.

use std::time::Duration;

use bson::doc;
use serde_json::json;
use storefront_gateway::platform::crypto::fingerprint;

use super::{ada, is_signed_in, setup, shop, signed_in};
use crate::kit::{Shop, text};

fn refresh(token: &str) -> serde_json::Value {
    json!({ "refreshToken": token })
}

async fn next(shop: &Shop, token: &str) -> String {
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerTokenRefresh", refresh(token))
        .await;
    signed_in(shop, &payload).1
}

/// Turns the one session into one of an earlier version, which issued tokens without a tag, and refreshes it this many
/// times. Returns all tokens, the last of which is valid.
async fn tokens_of_earlier_version(shop: &Shop, refreshes: usize) -> Vec<String> {
    let store = &shop.gateway.store;
    let session = store.documents("sessions", doc! {}).await.remove(0);
    let body = text(&session, "_id").trim_start_matches("ses_").to_owned();
    let mut tokens = vec![format!("rt_{body}.{}", "A".repeat(43))];
    for at in 0..refreshes {
        let secret = shop.gateway.app.vault.next_refresh(&tokens[at]);
        tokens.push(format!("rt_{body}.{secret}"));
    }
    let change = doc! { "$set": { "refreshHash": fingerprint(&tokens[refreshes]) } };
    let changed = store.collection("sessions").update_one(doc! {}, change).await;
    assert_eq!(changed.expect("changed").matched_count, 1);
    tokens
}

// TOK-01, DEF-01
#[tokio::test]
async fn tok_01_a_forged_token_is_refused_without_a_database_command() {
    let shop = shop().await;
    let (ada, token) = ada(&shop, "ada@example.com").await;
    let mut newest = token.clone();
    for _ in 0..5 {
        newest = next(&shop, &newest).await;
    }
    let (signed, tag) = token.rsplit_once('.').expect("a tag");
    let (session, _) = signed.split_once('.').expect("a secret");
    let forged = format!("{session}.{}.{tag}", "x".repeat(43));
    let unauthenticated = shop.unauthenticated();
    for made_up in ["rt_nonsense", &forged] {
        let revoking = unauthenticated.mutate_ok("customerTokenRevoke", refresh(made_up));
        let (_, commands) = shop.gateway.commands.during(revoking).await;
        assert!(commands.is_empty(), "{commands:?}");
    }
    let forging = unauthenticated.user_errors("customerTokenRefresh", refresh(&forged));
    let (refused, commands) = shop.gateway.commands.during(forging).await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    assert!(commands.is_empty(), "{commands:?}");
    assert!(is_signed_in(&ada).await);
    // Every token that was ever issued signs out, however old.
    unauthenticated
        .mutate_ok("customerTokenRevoke", refresh(&token))
        .await;
    assert!(!is_signed_in(&ada).await);
}

// TOK-01
#[tokio::test]
async fn tok_01_a_token_of_an_earlier_version_is_refreshed_in_the_new_format() {
    let shop = setup().manual_clock().start().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let old = tokens_of_earlier_version(&shop, 3).await;
    let first = next(&shop, &old[3]).await;
    assert_eq!(first.split('.').count(), 3, "{first}");
    assert_eq!(next(&shop, &old[3]).await, first, "an answer that was lost");
    let second = next(&shop, &first).await;
    assert!(is_signed_in(&ada).await);
    let unauthenticated = shop.unauthenticated();
    let made_up = format!("{}.{}", second.split_once('.').expect("parts").0, "x".repeat(43));
    assert_eq!(
        unauthenticated
            .user_errors("customerTokenRefresh", refresh(&made_up))
            .await,
        ["TOKEN_INVALID refreshToken"]
    );
    assert!(is_signed_in(&ada).await, "a made-up one ends nothing");
    // Reuse of an earlier version's token counts as theft.
    shop.gateway.advance(Duration::from_secs(11));
    assert_eq!(
        unauthenticated
            .user_errors("customerTokenRefresh", refresh(&old[1]))
            .await,
        ["TOKEN_INVALID refreshToken"]
    );
    assert!(!is_signed_in(&ada).await);
}

// TOK-01, TOK-02
#[tokio::test]
async fn tok_01_revoking_a_used_token_of_an_earlier_version_ends_the_session_if_recognized() {
    for used in [20, 19, 5, 4] {
        let shop = shop().await;
        let (ada, _) = ada(&shop, "ada@example.com").await;
        let old = tokens_of_earlier_version(&shop, 20).await;
        shop.unauthenticated()
            .mutate_ok("customerTokenRevoke", refresh(&old[used]))
            .await;
        // The last sixteen used tokens and the valid one are recognised.
        assert_eq!(is_signed_in(&ada).await, used < 4, "{used}");
    }
}
