//! Erasures while the gateway or the database's primary is killed: another node completes them, and none is left in
//! part.

use bson::doc;
use serde_json::{Value, json};

use super::assert_recovered;
use super::crashing_gateway::CrashingGateway;
use crate::addresses::home;
use crate::customers::{PASSWORD, ada, id_of, patched, setup};
use crate::erasure::status;
use crate::kit::{Caller, Shop, png};
use crate::orders::{by_default, in_storefront};

/// More than the number of steps of an erasure.
const STEPS: u32 = 120;

/// Registers a customer with data of each kind that contains this word.
async fn customer_with_data(shop: &Shop, word: &str) -> (Caller, Value) {
    let (ada, _) = ada(shop, &format!("{word}@example.com")).await;
    let id = id_of(&ada).await;
    let address = patched(home(), json!({ "city": word }));
    ada.mutate_ok("customerAddressCreate", address).await;
    for number in 1..=2 {
        ada.upload(&format!("{word}.png"), &png(number)).await;
    }
    let order = patched(
        by_default(&format!("A-{}", id.as_str().unwrap_or_default())),
        json!({ "customerId": id }),
    );
    shop.backend
        .mutate_ok("orderRecord", in_storefront(shop, order))
        .await;
    (ada, id)
}

/// Whether the word occurs anywhere in the database.
async fn is_known(shop: &Shop, word: &str) -> bool {
    let dump = shop.gateway.store.dump().await;
    dump.values()
        .any(|documents| format!("{documents:?}").contains(word))
}

/// Kills a gateway at the first command of an erasure, the next gateway at the second, and so on until one completes;
/// another node then completes what was begun. Returns the number of erasures that were begun without being
/// acknowledged.
async fn killed_at_each_step(shop: &Shop, field: &str) -> usize {
    let mut people = Vec::new();
    for step in 1..=STEPS {
        let word = format!("geheim-{step}-");
        let (ada, id) = customer_with_data(shop, &word).await;
        let mut child = CrashingGateway::start(shop).await;
        ada.at_url(&child.remote.url, &child.remote.http)
            .query("{ viewer { kind } }")
            .await;
        child.set_crash_point(step);
        let input = json!({ "password": PASSWORD });
        let answer = child.remote.mutate(&ada, field, input).await;
        child.end();
        shop.gateway.store.assert_consistent().await;
        // A status of completion is true at any moment.
        let reported = status(&shop.backend, &id).await;
        let is_done = super::done(answer.as_ref());
        if is_done || reported == "COMPLETED" {
            assert!(!is_known(shop, &word).await, "step {step}: {reported}");
        }
        people.push((id, word, reported));
        if is_done {
            break;
        }
    }
    assert!(
        people.len() < STEPS as usize,
        "{field} has more than {STEPS} steps"
    );
    assert_recovered(shop).await;
    let mut begun = 0;
    for (id, word, reported) in &people {
        let there = shop
            .gateway
            .store
            .documents("customers", doc! { "_id": id.as_str() })
            .await;
        let is_erased = match (field, there.first()) {
            ("customerDelete", there) => there.is_none(),
            (_, Some(there)) => there.contains_key("anonymization"),
            (_, None) => panic!("{id} does not exist"),
        };
        assert_eq!(is_known(shop, word).await, !is_erased, "{word}: {reported}");
        assert_eq!(
            reported.is_null() && field != "customerDelete",
            !is_erased && field != "customerDelete",
            "{word}"
        );
        begun += usize::from(is_erased);
    }
    begun - 1
}

// ERA-03, SPR-92
#[tokio::test]
async fn era_03_an_erasure_interrupted_at_each_step_is_completed_by_another_node() {
    let shop = setup().manual_clock().start().await;
    let begun = killed_at_each_step(&shop, "customerAnonymize").await;
    assert!(begun > 20, "{begun} were continued");
}

// ERA-03, EPC-04
#[tokio::test]
async fn era_03_a_deletion_interrupted_at_each_step_is_completed_by_another_node() {
    let shop = setup().manual_clock().start().await;
    let begun = killed_at_each_step(&shop, "customerDelete").await;
    assert!(begun > 20, "{begun} were continued");
}
