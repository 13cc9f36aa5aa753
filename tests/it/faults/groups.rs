//! The gateway is killed while customers join groups, markets are linked, and groups are deleted.

use bson::{Document, doc};
use serde_json::{Value, json};

use super::assert_recovered;
use super::steps::killed_at_each_step;
use crate::customers::{person, setup};
use crate::kit::{Shop, text};
use crate::markets::{group, join, market};

/// Registers this many customers and returns their ids.
async fn people(shop: &Shop, count: usize) -> Vec<Value> {
    let mut people = Vec::new();
    for number in 0..count {
        let ada = person(&format!("ada{number}@example.com"));
        people.push(shop.browser.mutate_ok("customerRegister", ada).await["customer"]["id"].take());
    }
    people
}

async fn groups(shop: &Shop) -> Vec<Document> {
    shop.gateway.store.documents("customerGroups", doc! {}).await
}

// CLY-15
#[tokio::test]
async fn cly_15_a_crash_at_each_step_of_joining_adds_all_customers_or_none() {
    let shop = setup().manual_clock().start().await;
    let people = people(&shop, 5).await;
    let steps = killed_at_each_step(&shop, "customerGroupAddCustomers", async |step| {
        let id = group(&shop, &format!("Group {step}")).await;
        (shop.backend.clone(), json!({ "id": id, "customerIds": people }))
    })
    .await;
    assert!(steps >= 5, "joining has {steps} steps");
    let mut full = 0;
    for group in groups(&shop).await {
        let members = doc! { "groupIds": text(&group, "_id") };
        let members = shop.gateway.store.count("customers", members).await;
        assert!([0, 5].contains(&members), "{members} of 5 are in {group}");
        full += members / 5;
    }
    assert_eq!(full, 1, "the acknowledged one: the commit is the last step");
    assert_recovered(&shop).await;
}

// CLY-15
#[tokio::test]
async fn cly_15_a_crash_at_each_step_of_a_group_deletion_leaves_it_unchanged_or_deleted() {
    let shop = setup().manual_clock().start().await;
    let people = people(&shop, 3).await;
    let steps = killed_at_each_step(&shop, "customerGroupDelete", async |step| {
        let id = group(&shop, &format!("Group {step}")).await;
        join(&shop, &id, &people.iter().collect::<Vec<_>>()).await;
        market(&shop, &format!("Market {step}"), &[&id]).await;
        (shop.backend.clone(), json!({ "id": id }))
    })
    .await;
    assert!(steps >= 4, "a deletion has {steps} steps");
    let left = groups(&shop).await;
    assert_eq!(
        left.len() + 1,
        usize::try_from(steps).expect("few"),
        "the acknowledged deletion took effect"
    );
    // Mutations that were not acknowledged are retried.
    for group in &left {
        let id = json!({ "id": text(group, "_id") });
        shop.backend.mutate_ok("customerGroupDelete", id).await;
    }
    assert_recovered(&shop).await;
    let store = &shop.gateway.store;
    assert_eq!(
        store.count("markets", doc! { "opensTo": [] }).await,
        u64::from(steps)
    );
    assert_eq!(store.count("customers", doc! { "groupIds": [] }).await, 3);
}

// CLY-15
#[tokio::test]
async fn cly_15_a_crash_at_each_step_of_linking_leaves_the_market_consistent() {
    let shop = setup().manual_clock().start().await;
    let id = group(&shop, "Printers").await;
    let steps = killed_at_each_step(&shop, "marketUpdate", async |step| {
        let market = market(&shop, &format!("Market {step}"), &[]).await;
        (
            shop.backend.clone(),
            json!({ "id": market, "groupIds": [id], "name": format!("Private {step}") }),
        )
    })
    .await;
    assert!(steps >= 6, "linking has {steps} steps");
    for market in shop.gateway.store.documents("markets", doc! {}).await {
        let is_private = market.get_array("opensTo").expect("a list")[0].as_str() == id.as_str();
        let name = market.get_document("name").expect("a name");
        assert_eq!(
            text(name, "written").starts_with("Private"),
            is_private,
            "{market}"
        );
    }
    assert_recovered(&shop).await;
}
