//! Sign-in, refresh and sign-out.

use std::time::Duration;

use bson::doc;
use serde_json::json;

use super::{OTHER_PASSWORD, PASSWORD, ada, credentials, is_signed_in, person, setup, shop, signed_in};
use crate::kit::redact;

fn refresh(token: &str) -> serde_json::Value {
    json!({ "refreshToken": token })
}

// EPC-08
#[tokio::test]
async fn epc_08_a_sign_in_needs_address_and_password_together() {
    let shop = shop().await;
    ada(&shop, "ada@example.com").await;
    shop.browser
        .mutate_ok("customerRegister", person("bob@example.com"))
        .await;
    let payload = shop
        .browser
        .mutate_ok("customerTokenCreate", credentials(" Ada@EXAMPLE.com", PASSWORD))
        .await;
    let (ada, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&ada).await);
    insta::assert_json_snapshot!(redact(payload), @r#"
    {
      "customer": {
        "id": "[cus 1]",
        "reference": "DE--1"
      },
      "mergedItemCount": 0,
      "token": {
        "accessToken": "[token 1]",
        "refreshToken": "[refresh token 1]",
        "tokenType": "Bearer"
      },
      "userErrors": [],
      "warnings": []
    }
    "#);
    for (email, password) in [
        ("ada@example.com", OTHER_PASSWORD),
        ("ada@example.com", ""),
        ("bob@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
    ] {
        let payload = shop
            .browser
            .mutate("customerTokenCreate", credentials(email, password))
            .await;
        assert_eq!(payload["userErrors"][0]["code"], "CREDENTIALS_INVALID", "{email}");
        assert_eq!(payload["userErrors"].as_array().map(Vec::len), Some(1));
        assert!(payload["userErrors"][0]["field"].is_null());
    }
}

// TOK-01
#[tokio::test]
async fn tok_01_a_refresh_token_is_accepted_once() {
    let shop = setup().manual_clock().start().await;
    let (ada, first) = ada(&shop, "ada@example.com").await;
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerTokenRefresh", refresh(&first))
        .await;
    let (again, second) = signed_in(&shop, &payload);
    assert!(is_signed_in(&again).await && is_signed_in(&ada).await);
    assert_ne!(first, second);

    // For ten seconds a client that did not receive the response gets the same tokens again.
    shop.gateway.advance(Duration::from_secs(9));
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerTokenRefresh", refresh(&first))
        .await;
    assert_eq!(payload["token"]["refreshToken"], json!(second));

    // Later the reuse counts as theft.
    shop.gateway.advance(Duration::from_secs(2));
    let refused = shop
        .unauthenticated()
        .user_errors("customerTokenRefresh", refresh(&first))
        .await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    let refused = shop
        .unauthenticated()
        .user_errors("customerTokenRefresh", refresh(&second))
        .await;
    assert_eq!(
        refused,
        ["TOKEN_INVALID refreshToken"],
        "the whole session has ended"
    );
    assert!(!is_signed_in(&again).await);
}

// TOK-01
#[tokio::test]
async fn tok_01_a_reused_token_ends_the_session_and_a_forged_one_does_not() {
    let shop = setup().manual_clock().start().await;
    let (_, first) = ada(&shop, "ada@example.com").await;
    let mut newest = first.clone();
    for _ in 0..3 {
        let payload = shop
            .unauthenticated()
            .mutate_ok("customerTokenRefresh", refresh(&newest))
            .await;
        newest = signed_in(&shop, &payload).1;
    }
    let (session, _) = first.split_once('.').expect("two parts");
    let made_up = format!("{session}.{}", "x".repeat(43));
    for token in ["", "nonsense", &made_up] {
        let refused = shop
            .unauthenticated()
            .user_errors("customerTokenRefresh", refresh(token))
            .await;
        assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    }
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerTokenRefresh", refresh(&newest))
        .await;
    let (ada, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&ada).await, "a made-up token ends nothing");
    let refused = shop
        .unauthenticated()
        .user_errors("customerTokenRefresh", refresh(&first))
        .await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    assert!(
        is_signed_in(&ada).await,
        "a call that was made before the last refresh ends nothing"
    );
    shop.gateway.advance(Duration::from_millis(1));
    shop.unauthenticated()
        .user_errors("customerTokenRefresh", refresh(&first))
        .await;
    assert!(!is_signed_in(&ada).await, "one from long ago does");
}

// TOK-01
#[tokio::test]
async fn tok_01_a_token_belongs_to_the_client_that_it_was_issued_to() {
    let shop = shop().await;
    let (_, token) = ada(&shop, "ada@example.com").await;
    let rival = shop.rival().await;
    let refused = rival
        .browser
        .user_errors("customerTokenRefresh", refresh(&token))
        .await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    let refused = shop
        .backend
        .user_errors("customerTokenRefresh", refresh(&token))
        .await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    shop.browser
        .mutate_ok("customerTokenRefresh", refresh(&token))
        .await;
}

// TOK-01
#[tokio::test]
async fn tok_01_concurrent_refreshes_do_not_end_the_session() {
    let shop = shop().await;
    let (ada, token) = ada(&shop, "ada@example.com").await;
    let unauthenticated = shop.unauthenticated();
    let tries = (0..20).map(|_| unauthenticated.mutate_ok("customerTokenRefresh", refresh(&token)));
    let payloads = futures_util::future::join_all(tries).await;
    let mut given: Vec<_> = payloads
        .iter()
        .map(|payload| payload["token"]["refreshToken"].as_str())
        .collect();
    given.dedup();
    assert_eq!(given.len(), 1, "all get the winner's token");
    assert_eq!(shop.gateway.store.count("sessions", doc! {}).await, 1);
    assert!(is_signed_in(&ada).await);
}

// TOK-01
#[tokio::test]
async fn tok_01_a_refresh_token_expires() {
    let shop = setup()
        .set("GATEWAY_REFRESH_TOKEN_TTL", "1h")
        .manual_clock()
        .start()
        .await;
    let (ada, token) = ada(&shop, "ada@example.com").await;
    shop.gateway.advance(Duration::from_secs(3599));
    assert!(!is_signed_in(&ada).await, "the access token is long over");
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerTokenRefresh", refresh(&token))
        .await;
    let (_, token) = signed_in(&shop, &payload);
    shop.gateway.advance(Duration::from_secs(3601));
    let refused = shop
        .unauthenticated()
        .user_errors("customerTokenRefresh", refresh(&token))
        .await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
}

// TOK-02
#[tokio::test]
async fn tok_02_sessions_end_immediately_by_token_by_id_or_all_together() {
    let shop = shop().await;
    let (first, _) = ada(&shop, "ada@example.com").await;
    let sign_in = async || {
        let payload = shop
            .browser
            .mutate_ok("customerTokenCreate", credentials("ada@example.com", PASSWORD))
            .await;
        signed_in(&shop, &payload)
    };
    let (second, token) = sign_in().await;
    let (third, _) = sign_in().await;
    let seen = first
        .query("{ viewer { customer { sessions { id isCurrent } } } }")
        .await;
    let sessions = seen["viewer"]["customer"]["sessions"]
        .as_array()
        .expect("a list")
        .clone();
    let current: Vec<_> = sessions
        .iter()
        .map(|session| session["isCurrent"] == true)
        .collect();
    assert_eq!(current, [true, false, false]);

    shop.unauthenticated()
        .mutate_ok("customerTokenRevoke", json!({ "refreshToken": token }))
        .await;
    assert!(!is_signed_in(&second).await && is_signed_in(&third).await);
    first
        .mutate_ok(
            "customerTokenRevoke",
            json!({ "sessionId": sessions[2]["id"], "all": null }),
        )
        .await;
    assert!(!is_signed_in(&third).await && is_signed_in(&first).await);
    // Another customer's session cannot be ended.
    let (bob, _) = ada(&shop, "bob@example.com").await;
    bob.mutate_ok("customerTokenRevoke", json!({ "sessionId": sessions[0]["id"] }))
        .await;
    assert!(is_signed_in(&first).await);

    let (fourth, _) = sign_in().await;
    first
        .mutate_ok("customerTokenRevoke", json!({ "all": true }))
        .await;
    assert!(!is_signed_in(&first).await && !is_signed_in(&fourth).await);
    assert!(is_signed_in(&bob).await);
    bob.mutate_ok("customerTokenRevoke", json!({})).await;
    assert!(!is_signed_in(&bob).await);
    // A client that did not receive the response to its last refresh signs out with its previous token.
    let (fifth, lost) = sign_in().await;
    shop.browser
        .mutate_ok("customerTokenRefresh", refresh(&lost))
        .await;
    shop.unauthenticated()
        .mutate_ok("customerTokenRevoke", json!({ "refreshToken": lost }))
        .await;
    assert!(!is_signed_in(&fifth).await);
    // Revoking an unknown token succeeds.
    shop.unauthenticated()
        .mutate_ok("customerTokenRevoke", json!({ "refreshToken": token }))
        .await;
}

// TOK-02, SPR-32
#[tokio::test]
async fn tok_02_a_backend_signs_a_customer_out() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    for input in [
        json!({ "all": true }),
        json!({ "all": true, "customerId": null }),
        json!({ "all": true, "customerId": "" }),
        json!({ "all": true, "customerId": " " }),
    ] {
        let refused = shop.backend.user_errors("customerTokenRevoke", input).await;
        assert_eq!(refused, ["CUSTOMER_REFERENCE_MISSING customerId (405)"]);
    }
    let refused = shop.backend.user_errors("customerTokenRevoke", json!({})).await;
    assert_eq!(refused, ["REQUIRED refreshToken"]);
    let id = ada.query("{ viewer { customer { id } } }").await["viewer"]["customer"]["id"].take();
    let rival = shop.rival().await;
    let all = json!({ "all": true, "customerId": id });
    let refused = rival
        .backend
        .user_errors("customerTokenRevoke", all.clone())
        .await;
    assert_eq!(refused, ["CUSTOMER_NOT_FOUND customerId (402)"]);
    assert!(is_signed_in(&ada).await);
    shop.backend.mutate_ok("customerTokenRevoke", all).await;
    assert!(!is_signed_in(&ada).await);
}

// TOK-02
#[tokio::test]
async fn tok_02_an_ended_session_is_refused_by_other_nodes_within_seconds() {
    let shop = shop().await;
    let node = shop.gateway.another_node().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let there = ada.at(&node);
    assert!(is_signed_in(&there).await);
    ada.mutate_ok("customerTokenRevoke", json!({})).await;
    crate::kit::eventually("the other node hears of it", async || !is_signed_in(&there).await).await;
}

// TOK-08
#[tokio::test]
async fn tok_08_a_token_issued_by_a_backend_names_its_owner() {
    let shop = shop().await;
    let registered = shop
        .browser
        .mutate_ok("customerRegister", person("ada@example.com"))
        .await;
    let issue = json!({ "customerId": registered["customer"]["id"] });
    let payload = shop.backend.mutate_ok("customerTokenIssue", issue.clone()).await;
    let (ada, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&ada).await);
    let rival = shop.rival().await;
    let refused = rival.backend.user_errors("customerTokenIssue", issue).await;
    assert_eq!(refused, ["CUSTOMER_NOT_FOUND customerId (402)"]);
    let refused = shop
        .backend
        .user_errors("customerTokenIssue", json!({ "customerId": " " }))
        .await;
    assert_eq!(refused, ["CUSTOMER_REFERENCE_MISSING customerId (405)"]);
}

// SPR-31, ERR-03
#[tokio::test]
async fn spr_31_a_customer_can_access_its_own_account_only() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let bob = shop
        .browser
        .mutate_ok("customerRegister", person("bob@example.com"))
        .await;
    let bobs = bob["customer"]["id"].clone();
    let seen = ada
        .query(&format!(
            "{{ customer(by: {{ id: {bobs} }}) {{ id }} node(id: {bobs}) {{ id }} }}"
        ))
        .await;
    assert!(seen["customer"].is_null() && seen["node"].is_null());
    let update = json!({ "customerId": bobs, "firstName": "Eve" });
    let refused = ada.user_errors("customerUpdate", update).await;
    assert_eq!(refused, ["CUSTOMER_NOT_FOUND customerId (402)"]);
    for caller in [&shop.browser, &shop.unauthenticated()] {
        let answer = caller
            .send(
                "mutation { customerUpdate(input: { firstName: \"Eve\" }) { userErrors { code } } }",
                json!({}),
            )
            .await;
        let expected = if caller.credential.is_some() {
            "FORBIDDEN"
        } else {
            "UNAUTHENTICATED"
        };
        assert_eq!(answer.codes(), [expected]);
    }
}
