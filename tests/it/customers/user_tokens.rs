//! The tokens of a customer's storefront user, which are revoked with the customer's sessions.

use bson::doc;
use serde_json::{Value, json};

use super::{OTHER_PASSWORD, PASSWORD, ada, id_of, is_signed_in, redeem, setup, shop};
use crate::kit::{Caller, Shop, eventually};

const POINT: &str = "{ viewer { kind storefrontUser { id } } }";

async fn is_accepted(user: &Caller) -> bool {
    match user.send(POINT, json!({})).await.status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

/// A token that a backend gets for a customer's storefront user.
async fn user_of(shop: &Shop, customer: &Caller) -> (Caller, String) {
    let seen = customer
        .query("{ viewer { customer { storefrontUser { storefrontUserId } } } }")
        .await;
    let id = seen["viewer"]["customer"]["storefrontUser"]["storefrontUserId"].as_str();
    let id = id.expect("an id").to_owned();
    (shop.token(&id).await, id)
}

fn change() -> Value {
    json!({ "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD })
}

/// The mutations that end all sessions of a customer.
const WAYS: [&str; 6] = [
    "customerPasswordChange",
    "customerPasswordReset",
    "customerTokenRevoke",
    "a backend's customerTokenRevoke",
    "customerAnonymize",
    "customerDelete",
];

async fn end_all(shop: &Shop, ada: &Caller, way: &str) {
    let id = id_of(ada).await;
    match way {
        "customerPasswordChange" => _ = ada.mutate_ok(way, change()).await,
        "customerPasswordReset" => {
            let mut mails = shop.gateway.mails();
            let ask = json!({ "email": "ada@example.com" });
            shop.browser.mutate_ok("customerPasswordResetRequest", ask).await;
            shop.gateway.run_jobs().await;
            let key = mails.next().await.parameter("key");
            shop.unauthenticated()
                .mutate_ok(way, redeem(&key, OTHER_PASSWORD))
                .await;
        }
        "customerTokenRevoke" => _ = ada.mutate_ok(way, json!({ "all": true })).await,
        "a backend's customerTokenRevoke" => {
            let all = json!({ "all": true, "customerId": id });
            shop.backend.mutate_ok("customerTokenRevoke", all).await;
        }
        _ => _ = ada.mutate_ok(way, json!({ "password": PASSWORD })).await,
    }
}

// TOK-06, TOK-02
#[tokio::test]
async fn tok_06_revoking_all_sessions_revokes_the_users_token() {
    for way in WAYS {
        let shop = setup().start().await;
        shop.open_account_page().await;
        shop.gateway.expect_jobs();
        let node = shop.gateway.another_node().await;
        let (ada, _) = ada(&shop, "ada@example.com").await;
        let (before, id) = user_of(&shop, &ada).await;
        let guest = shop.guest("guest").await;
        let there = before.at(&node);
        assert!(is_accepted(&before).await && is_accepted(&there).await, "{way}");
        end_all(&shop, &ada, way).await;
        assert!(!is_accepted(&before).await, "{way} ends it at once here");
        assert!(!is_signed_in(&ada).await, "{way}");
        if way != "customerAnonymize" && way != "customerDelete" {
            // A new token works immediately, in the same second and on every node.
            let after = shop.token(&id).await;
            assert!(
                is_accepted(&after).await && is_accepted(&after.at(&node)).await,
                "{way}"
            );
        }
        eventually("the other node hears of it", async || !is_accepted(&there).await).await;
        assert!(is_accepted(&guest).await, "no other token is revoked by {way}");
    }
}

// TOK-06
#[tokio::test]
async fn tok_06_ending_one_session_keeps_the_users_token() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let (user, _) = user_of(&shop, &ada).await;
    ada.mutate_ok("customerTokenRevoke", json!({})).await;
    assert!(!is_signed_in(&ada).await && is_accepted(&user).await);
}

// TOK-06
#[tokio::test]
async fn tok_06_the_revocation_check_adds_no_command_to_a_read() {
    let shop = shop().await;
    shop.gateway.expect_jobs();
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let (_, id) = user_of(&shop, &ada).await;
    ada.mutate_ok("customerPasswordChange", change()).await;
    let after = shop.token(&id).await;
    let guest = shop.guest("guest").await;
    assert!(is_accepted(&after).await && is_accepted(&guest).await);
    let mut costs = Vec::new();
    for user in [&after, &guest] {
        costs.push(shop.gateway.commands.during(user.query(POINT)).await.1);
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0].len(), 1, "{costs:?}");
    let epochs = doc! { "tokenEpoch": { "$exists": true } };
    assert_eq!(shop.gateway.store.count("storefrontUsers", epochs).await, 1);
}
