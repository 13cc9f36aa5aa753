//! The visibility of markets, by every path to them.

use serde_json::{Value, json};
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::reach::scope::Scope;

use super::{group, join, leave, market, names};
use crate::addresses::customer;
use crate::kit::{self, Caller, Shop};

/// Ada is in the group that opens `Studio`; Bob is in another group; `Closed` has lost its only group.
pub(super) struct Stage {
    pub(super) shop: Shop,
    pub(super) ada: (Value, Caller),
    pub(super) bob: (Value, Caller),
    pub(super) group: Value,
    pub(super) others: Value,
    pub(super) studio: Value,
    pub(super) public: Value,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let shop = kit::shop().await;
        let ada = customer(&shop, "ada@example.com").await;
        let bob = customer(&shop, "bob@example.com").await;
        let (group_, others) = (group(&shop, "Printers").await, group(&shop, "Others").await);
        let gone = group(&shop, "Gone").await;
        join(&shop, &group_, &[&ada.0]).await;
        join(&shop, &gone, &[&ada.0]).await;
        join(&shop, &others, &[&bob.0]).await;
        let public = market(&shop, "Public", &[]).await;
        let studio = market(&shop, "Studio", &[&group_]).await;
        market(&shop, "Others'", &[&others]).await;
        market(&shop, "Closed", &[&gone]).await;
        shop.backend
            .mutate_ok("customerGroupDelete", json!({ "id": gone }))
            .await;
        shop.gateway.run_jobs().await;
        Self {
            shop,
            ada,
            bob,
            group: group_,
            others,
            studio,
            public,
        }
    }
}

async fn storefronts_markets(caller: &Caller) -> Vec<String> {
    let seen = caller
        .query("{ storefront { markets { totalCount nodes { name } } } }")
        .await;
    let markets = &seen["storefront"]["markets"];
    let names: Vec<String> = names(markets).into_iter().map(str::to_owned).collect();
    assert_eq!(markets["totalCount"], names.len());
    names
}

/// Returns what a query finds at a JSON pointer, or the code of its first error.
pub(super) async fn at(caller: &Caller, query: &str, place: &str) -> Value {
    let answer = caller.send(query, json!({})).await;
    match answer.codes().first() {
        Some(code) => json!(code),
        None => answer.body["data"].pointer(place).cloned().unwrap_or_default(),
    }
}

// CLY-15
#[tokio::test]
async fn cly_15_each_caller_sees_only_its_markets_on_every_path() {
    let stage = Stage::new().await;
    let shop = &stage.shop;
    let rival = shop.rival().await;
    let linked = shop.token("DE--1").await;
    let reader = shop.backend_with(&[Scope::StorefrontsRead]).await;
    let all = ["Public", "Studio", "Others'", "Closed"];
    let studio = stage.studio.as_str().expect("an id");
    for (who, caller, expected) in [
        ("ada", &stage.ada.1, &["Public", "Studio"][..]),
        ("bob", &stage.bob.1, &["Public", "Others'"]),
        ("ada's storefront user", &linked, &["Public"]),
        ("a storefront user", &shop.ann("ann").await, &["Public"]),
        ("a guest", &shop.guest("guest").await, &["Public"]),
        ("a browser", &shop.browser, &["Public"]),
        ("a backend", &reader, &all),
        ("a rival", &rival.backend, &[]),
    ] {
        assert_eq!(storefronts_markets(caller).await, expected, "{who}");
        let sees = expected.contains(&"Studio");
        let found = json!(sees.then_some(studio));
        let node = format!(
            "{{ node(id: {studio:?}) {{ id }} nodes(ids: [{studio:?}, {}]) {{ id }} }}",
            stage.public
        );
        assert_eq!(
            at(caller, &node, "/node/id").await.as_str(),
            found.as_str(),
            "{who}"
        );
        assert_eq!(
            at(caller, &node, "/nodes/0/id").await.as_str(),
            found.as_str(),
            "{who}"
        );
        let all_valid_inputs = at(caller, &node, "/nodes/1/id").await;
        assert_eq!(all_valid_inputs.is_string(), !expected.is_empty(), "{who}");
    }
    let unauthenticated = shop.unauthenticated();
    assert_eq!(
        at(
            &unauthenticated,
            &format!("{{ node(id: {studio:?}) {{ id }} }}"),
            "/node"
        )
        .await,
        Value::Null
    );
    let other = shop
        .client(
            ClientKind::Public,
            Some(&shop.add_storefront("Prints AT", "AT").await.id),
            &[],
        )
        .await;
    assert_eq!(storefronts_markets(&other.caller).await, [""; 0]);
}

// CLY-15
#[tokio::test]
async fn cly_15_leaving_a_group_hides_its_markets_immediately_on_every_node() {
    let stage = Stage::new().await;
    let (shop, (id, ada)) = (&stage.shop, &stage.ada);
    let node = shop.gateway.another_node().await;
    let there = ada.at(&node);
    for _ in 0..3 {
        for caller in [ada, &there] {
            assert_eq!(storefronts_markets(caller).await, ["Public", "Studio"]);
        }
        leave(shop, &stage.group, &[id]).await;
        for caller in [&there, ada] {
            assert_eq!(storefronts_markets(caller).await, ["Public"]);
            let query = format!("{{ node(id: {}) {{ id }} }}", stage.studio);
            assert_eq!(at(caller, &query, "/node").await, Value::Null);
        }
        join(shop, &stage.group, &[id]).await;
    }
    // Within one request too, what was loaded before a change is loaded again.
    let query = "mutation { a: customerUpdate(input: { firstName: \"A\" }) { customer { markets { nodes { name } } } } \
                 b: customerUpdate(input: { firstName: \"B\" }) { customer { groups { nodes { name } } } } }";
    let seen = ada.query(query).await;
    assert_eq!(names(&seen["a"]["customer"]["markets"]), ["Public", "Studio"]);
    assert_eq!(names(&seen["b"]["customer"]["groups"]), ["Printers"]);
}
