//! The maximum number of sessions per customer, regardless of how they begin.

use std::time::Duration;

use bson::doc;
use futures_util::future::join_all;
use serde_json::{Value, json};
use storefront_gateway::platform::migration::migrate;
use storefront_gateway::schema;

use super::{PASSWORD, ada, credentials, id_of, is_signed_in, setup, shop, signed_in};
use crate::kit::{Caller, Shop, text};

/// Contract: the maximum number of live sessions of a customer.
const MOST: usize = 100;

async fn sessions(customer: &Caller) -> Vec<Value> {
    let seen = customer
        .query("{ viewer { customer { sessions { id } } } }")
        .await;
    let sessions = seen["viewer"]["customer"]["sessions"].as_array();
    sessions.expect("a list").clone()
}

async fn stored(shop: &Shop) -> u64 {
    shop.gateway.store.count("sessions", doc! {}).await
}

/// Adds this many sessions to the customer of the one stored session, each used less recently than the one before, as
/// an earlier version would have left them.
async fn add_sessions(shop: &Shop, many: usize) {
    let store = &shop.gateway.store;
    let session = store.documents("sessions", doc! {}).await.remove(0);
    let last = session
        .get_datetime("lastUsedAt")
        .expect("a time")
        .timestamp_millis();
    let older = (1..=many).map(|number| {
        let mut older = session.clone();
        older.insert("_id", format!("ses_{number:026}"));
        let at = last - i64::try_from(number).expect("few");
        older.insert("lastUsedAt", bson::DateTime::from_millis(at));
        older
    });
    let sessions = store.collection("sessions");
    sessions
        .insert_many(older.collect::<Vec<_>>())
        .await
        .expect("inserted");
}

// TOK-05, TOK-02
#[tokio::test]
async fn tok_05_the_least_recently_used_session_ends_for_a_new_one() {
    let shop = setup().manual_clock().start().await;
    let (first, refresh) = ada(&shop, "ada@example.com").await;
    let id = id_of(&first).await;
    let issue = async || {
        shop.gateway.advance(Duration::from_millis(10));
        let issued = shop
            .backend
            .mutate_ok("customerTokenIssue", json!({ "customerId": id }))
            .await;
        signed_in(&shop, &issued).0
    };
    let second = issue().await;
    let third = issue().await;
    let fourth = issue().await;
    for _ in 4..MOST {
        issue().await;
    }
    assert_eq!(sessions(&first).await.len(), MOST);
    // The first session is used again, so that the second is the least recently used.
    shop.gateway.advance(Duration::from_millis(10));
    shop.unauthenticated()
        .mutate_ok("customerTokenRefresh", json!({ "refreshToken": refresh }))
        .await;
    assert!(is_signed_in(&second).await && is_signed_in(&third).await && is_signed_in(&fourth).await);
    let ended = text(&shop.gateway.store.documents("sessions", doc! {}).await[1], "_id").to_owned();
    issue().await;
    assert!(!is_signed_in(&second).await, "it ends at once here");
    assert!(is_signed_in(&first).await && is_signed_in(&third).await);
    // Every other way to sign in counts as well.
    let signs_in = credentials("ada@example.com", PASSWORD);
    shop.gateway.advance(Duration::from_millis(10));
    shop.browser.mutate_ok("customerTokenCreate", signs_in).await;
    assert!(!is_signed_in(&third).await);
    let form = [
        ("grant_type", "password"),
        (
            "client_id",
            shop.browser.credential.as_deref().unwrap_or_default(),
        ),
        ("username", "ada@example.com"),
        ("password", PASSWORD),
    ];
    let asked = shop
        .gateway
        .http
        .post(format!("{}/oauth/token", shop.gateway.url));
    assert_eq!(asked.form(&form).send().await.expect("answered").status(), 200);
    assert!(!is_signed_in(&fourth).await && is_signed_in(&first).await);
    assert_eq!(sessions(&first).await.len(), MOST);
    let reported = shop.gateway.store.audit().await;
    let reported: Vec<_> = (reported.iter())
        .filter(|entry| text(entry, "action") == "SESSION_ENDED")
        .collect();
    assert_eq!((reported.len(), text(reported[0], "object")), (3, ended.as_str()));
    shop.gateway.store.assert_consistent().await;
}

// TOK-05
#[tokio::test]
async fn tok_05_concurrent_sign_ins_never_exceed_the_session_limit() {
    let shop = shop().await;
    let node = shop.gateway.another_node().await;
    let (first, _) = ada(&shop, "ada@example.com").await;
    add_sessions(&shop, MOST - 5).await;
    let id = id_of(&first).await;
    let there = shop.backend.at(&node);
    let sign_ins = (0..16).map(async |number: usize| {
        let by = if number.is_multiple_of(2) {
            &shop.backend
        } else {
            &there
        };
        let issued = by
            .mutate_ok("customerTokenIssue", json!({ "customerId": id }))
            .await;
        signed_in(&shop, &issued).0
    });
    let signed_in = join_all(sign_ins).await;
    assert_eq!(stored(&shop).await, 100);
    for customer in &signed_in {
        assert!(is_signed_in(customer).await, "the new ones stay");
    }
}

// TOK-05, DEF-11
#[tokio::test]
async fn tok_05_excess_sessions_of_an_earlier_version_are_hidden_and_ended() {
    let shop = shop().await;
    // A migration scans a whole collection, once.
    shop.gateway.expect_scans();
    let (first, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&first).await;
    add_sessions(&shop, 2500).await;
    assert_eq!(sessions(&first).await.len(), MOST);
    let aliases: String = (0..20)
        .map(|number| format!("a{number}: sessions {{ id }} "))
        .collect();
    let seen = first
        .query(&format!("{{ viewer {{ customer {{ {aliases} }} }} }}"))
        .await;
    let customer = seen["viewer"]["customer"].as_object().expect("a customer");
    assert!(
        customer
            .values()
            .all(|list| list.as_array().map(Vec::len) == Some(MOST))
    );
    shop.backend
        .mutate_ok("customerTokenIssue", json!({ "customerId": id }))
        .await;
    assert_eq!(stored(&shop).await, 1502, "a bounded number with each sign-in");

    let again = doc! { "number": 2 };
    let migrations = shop.gateway.store.collection("migrations");
    assert_eq!(
        migrations.delete_one(again).await.expect("deleted").deleted_count,
        1
    );
    let app = shop.gateway.app.clone();
    let migrating = async move { migrate(&app.database, &app.clock, "a", schema::migrations()).await };
    shop.gateway.inside(migrating).await.expect("migrated");
    assert_eq!(stored(&shop).await, 100);
    assert!(is_signed_in(&first).await, "the one used last stays");
}
