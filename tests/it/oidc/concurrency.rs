//! Concurrent sign-ins, and the limits on identities, providers and sessions.

use std::sync::Arc;

use futures_util::future::join_all;
use storefront_gateway::oidc::store::{self, NotAdded};
use storefront_gateway::reach::HouseReach;

use super::test_provider::{DISCOVERY, JWKS, TOKEN};
use super::{Reply, WITH_OIDC, add, callback_input, counts, open, provider, shop_and_provider, signed_in_id};
use crate::customers::setup;
use crate::kit::faults;

// EPC-09
#[tokio::test]
async fn epc_09_concurrent_first_sign_ins_create_one_customer() {
    let (shop, op) = shop_and_provider().await;
    let other = shop.gateway.another_node().await;
    for round in 0..3 {
        let code = format!("ada{round}");
        let all = (0..12).map(|number| {
            let node = if number % 2 == 0 { &shop.gateway } else { &other };
            let browser = shop.browser.at(node);
            let code = &code;
            async move { browser.mutate(WITH_OIDC, callback_input(code)).await }
        });
        let payloads = join_all(all).await;
        for payload in &payloads {
            assert_eq!(faults(payload), [""; 0]);
            assert_eq!(payload["customer"]["id"], payloads[0]["customer"]["id"]);
        }
        assert_eq!(counts(&shop).await, (round + 1, round + 1));
    }
    assert_eq!(
        (op.asked(DISCOVERY), op.asked(JWKS)),
        (2, 2),
        "each node asks once"
    );
    shop.gateway.store.assert_consistent().await;
}

// EPC-09
#[tokio::test]
async fn epc_09_concurrent_identities_of_one_address_belong_to_one_customer() {
    let (shop, _op) = shop_and_provider().await;
    let codes = ["ada", "twin {\"email\": \"ada@example.com\"}"];
    let both = join_all(codes.map(|code| shop.browser.mutate(WITH_OIDC, callback_input(code)))).await;
    for payload in &both {
        assert_eq!(faults(payload), [""; 0]);
        assert_eq!(payload["customer"]["id"], both[0]["customer"]["id"]);
    }
    assert_eq!(counts(&shop).await, (1, 2));
    shop.gateway.store.assert_consistent().await;
}

// DEF-11
#[tokio::test]
async fn def_11_an_account_has_at_most_20_identities() {
    let (shop, _op) = shop_and_provider().await;
    signed_in_id(&shop, "ada").await;
    let twin = |number: usize| format!("twin{number} {{\"email\": \"ada@example.com\"}}");
    for number in 0..17 {
        signed_in_id(&shop, &twin(number)).await;
    }
    let codes: Vec<String> = (17..22).map(twin).collect();
    let payloads = join_all(
        codes
            .iter()
            .map(|code| shop.browser.mutate(WITH_OIDC, callback_input(code))),
    )
    .await;
    let linked = payloads.iter().filter(|payload| faults(payload).is_empty());
    assert_eq!(linked.count(), 2);
    let refused = payloads.iter().map(faults).filter(|faults| !faults.is_empty());
    for refused in refused {
        assert_eq!(refused, ["TOO_MANY"]);
    }
    assert_eq!(counts(&shop).await, (1, 20));
    // Linked identities still sign in.
    signed_in_id(&shop, "ada").await;
    shop.gateway.store.assert_consistent().await;
}

// DEF-11
#[tokio::test]
async fn def_11_a_storefront_has_at_most_50_identity_providers() {
    let shop = setup().start().await;
    for number in 0..47 {
        add(
            &shop,
            provider(&shop.storefront.id, &format!("op{number}"), "https://op.example"),
        )
        .await;
    }
    let adding = (47..53).map(|number| {
        let (app, new) = (
            Arc::clone(&shop.gateway.app),
            provider(&shop.storefront.id, &format!("op{number}"), "https://op.example"),
        );
        let adding = async move { store::add(&app, &HouseReach::everywhere(), new).await };
        shop.gateway.inside(adding)
    });
    let added = join_all(adding).await;
    let mut made = 0;
    for added in added {
        match added.expect("the database answers") {
            Ok(_) => made += 1,
            Err(reason) => assert_eq!(reason, NotAdded::TooMany),
        }
    }
    assert_eq!(made, 3);
    let providers = shop
        .backend
        .query("{ storefront { identityProviders { key } } }")
        .await;
    let providers = providers["storefront"]["identityProviders"]
        .as_array()
        .map(Vec::len);
    assert_eq!(providers, Some(50));
}

// TOK-03
#[tokio::test]
async fn tok_03_sign_ins_are_limited_by_network_without_a_lockout() {
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .manual_clock()
        .start()
        .await;
    let op = open(&shop).await;
    op.reply(
        TOKEN,
        Reply::Json(400, serde_json::json!({ "error": "invalid_grant" })),
    );
    for _ in 0..20 {
        let refused = shop.browser.user_errors(WITH_OIDC, callback_input("ada")).await;
        assert_eq!(refused, ["IDENTITY_PROVIDER_REJECTED code"]);
    }
    op.reply(TOKEN, Reply::ByCode);
    for _ in 20..100 {
        signed_in_id(&shop, "ada").await;
    }
    let asked = op.asked(TOKEN);
    let payload = shop.browser.mutate(WITH_OIDC, callback_input("ada")).await;
    assert_eq!(faults(&payload), ["RATE_LIMITED"]);
    let wait = payload["userErrors"][0]["retryAfterSeconds"]
        .as_u64()
        .expect("a wait");
    assert_eq!(op.asked(TOKEN), asked, "the code is not used up");
    shop.gateway.advance(std::time::Duration::from_secs(wait));
    signed_in_id(&shop, "ada").await;
}
