//! Concurrent calls: no value of a deleted field, no field above the limit, no acknowledged value lost.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::definitions::fill;
use super::{customer, define, field, open, seen, values};
use crate::customers::{patched, person, shop};
use crate::kit::{Shop, faults, number, text};

/// Yields to other tasks `turns` times. A test increases the number after a round in which its call came too early and
/// decreases it after one in which the call came too late: all rounds but the first are close to the point at which
/// either side may win, independent of the speed of the machine.
async fn wait(turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

const GONE: &str = "CUSTOM_FIELD_NOT_FOUND customFields.0.key";

/// Customers without a value.
async fn people(shop: &Shop) -> Vec<Value> {
    let new = async |number| customer(shop, &format!("c{number}@example.com"), &[]).await;
    join_all((0..6).map(new)).await
}

/// Gives these values to all customers concurrently; returns the payloads.
async fn update_all(shop: &Shop, people: &[Value], given: &Value) -> Vec<Value> {
    let giving = people.iter().map(async |id| {
        let input = patched(given.clone(), json!({ "customerId": id }));
        shop.backend.mutate("customerUpdate", input).await
    });
    join_all(giving).await
}

/// The customers whose update succeeded.
fn acknowledged(payloads: &[Value]) -> Vec<&Value> {
    let done = payloads.iter().filter(|payload| faults(payload).is_empty());
    done.map(|payload| &payload["customer"]["id"]).collect()
}

// EPC-30
#[tokio::test]
async fn epc_30_concurrent_field_deletion_and_updates_leave_no_value_of_a_deleted_field() {
    let shop = shop().await;
    let node = shop.gateway.another_node().await;
    let there = shop.backend.at(&node);
    let people = people(&shop).await;
    let (mut deleted, mut kept, mut head_start) = (0, 0, 0);
    for round in 0..50 {
        let score = define(&shop, "score", "INTEGER", json!({})).await;
        let field = json!({ "id": score["id"] });
        let given = values(&[("score", json!(round))]);
        let email = format!("n{round}@example.com");
        let new_customer = patched(person(&email), json!({ "storefrontId": shop.id() }));
        let registering = shop
            .backend
            .mutate("customerRegister", patched(new_customer, given.clone()));
        let deleting = async {
            wait(head_start).await;
            there.mutate("customFieldDelete", field.clone()).await
        };
        let writing = join(update_all(&shop, &people, &given), registering);
        let ((mut payloads, registered), deletion) = join(writing, deleting).await;
        payloads.push(registered);
        let done = acknowledged(&payloads);
        let refused = payloads.iter().map(faults).filter(|faults| !faults.is_empty());
        assert!(refused.clone().all(|faults| faults == [GONE]), "{payloads:?}");
        for id in &done {
            assert_eq!(seen(&shop.backend, id).await["score"], round);
        }
        shop.gateway.store.assert_consistent().await;
        if faults(&deletion).is_empty() {
            (deleted, head_start) = (deleted + 1, head_start * 2 + 16);
            assert_eq!(done.len(), 0, "{payloads:?}");
        } else {
            (kept, head_start) = (kept + 1, head_start / 2);
            assert_eq!(faults(&deletion), ["CUSTOM_FIELD_IN_USE id"]);
            assert_eq!(done.len(), payloads.len(), "{payloads:?}");
            let done: Vec<Value> = done.into_iter().cloned().collect();
            update_all(&shop, &done, &values(&[("score", Value::Null)])).await;
            shop.backend.mutate_ok("customFieldDelete", field).await;
        }
    }
    assert!(deleted > 0 && kept > 0, "{deleted} deleted, {kept} kept");
}

// EPC-30
#[tokio::test]
async fn epc_30_concurrent_option_removal_and_updates_have_one_winner() {
    let shop = shop().await;
    let tier = define(&shop, "tier", "SELECT", json!({ "options": ["a", "b"] })).await;
    let people = people(&shop).await;
    let mut head_start = 0;
    for _ in 0..20 {
        let given = values(&[("tier", json!("b"))]);
        let removing = async {
            wait(head_start).await;
            let without = json!({ "id": tier["id"], "options": ["a"] });
            shop.backend.mutate("customFieldUpdate", without).await
        };
        let (updates, removed) = join(update_all(&shop, &people, &given), removing).await;
        let done = acknowledged(&updates).len();
        if faults(&removed).is_empty() {
            assert_eq!(done, 0, "{updates:?}");
            head_start = head_start * 2 + 16;
            let fault = ["CUSTOM_FIELD_VALUE_INVALID customFields.0.value"];
            assert!(
                updates.iter().all(|payload| faults(payload) == fault),
                "{updates:?}"
            );
        } else {
            head_start /= 2;
            assert_eq!(faults(&removed), ["CUSTOM_FIELD_IN_USE options"]);
            assert_eq!(done, people.len(), "{updates:?}");
        }
        shop.gateway.store.assert_consistent().await;
        update_all(&shop, &people, &values(&[("tier", Value::Null)])).await;
        let both = json!({ "id": tier["id"], "options": ["a", "b"] });
        shop.backend.mutate_ok("customFieldUpdate", both).await;
    }
}

// EPC-30
#[tokio::test]
async fn epc_30_one_of_twenty_concurrent_definitions_of_a_key_succeeds() {
    let shop = shop().await;
    let score = patched(field("score", "INTEGER"), json!({ "storefrontId": shop.id() }));
    let payloads = join_all((0..20).map(|_| shop.backend.mutate("customFieldDefine", score.clone()))).await;
    let done = payloads
        .iter()
        .filter(|payload| faults(payload).is_empty())
        .count();
    assert_eq!(done, 1);
    let taken = ["CUSTOM_FIELD_KEY_TAKEN key"];
    assert!(
        payloads
            .iter()
            .all(|payload| faults(payload).is_empty() || faults(payload) == taken)
    );
    assert_eq!(shop.gateway.store.count("customFields", doc! {}).await, 1);
    shop.gateway.store.assert_consistent().await;
}

// DEF-11, EPC-30
#[tokio::test]
async fn epc_30_concurrent_definitions_do_not_exceed_the_limit() {
    let shop = shop().await;
    fill(&shop, 197).await;
    let payloads = join_all((0..10).map(|number| {
        let new = patched(
            field(&format!("new{number}"), "STRING"),
            json!({ "storefrontId": shop.id() }),
        );
        shop.backend.mutate("customFieldDefine", new)
    }))
    .await;
    let done = payloads
        .iter()
        .filter(|payload| faults(payload).is_empty())
        .count();
    assert_eq!(done, 3);
    assert!(
        payloads
            .iter()
            .all(|payload| faults(payload).is_empty() || faults(payload) == ["TOO_MANY"])
    );
    assert_eq!(shop.gateway.store.count("customFields", doc! {}).await, 200);
    shop.gateway.store.assert_consistent().await;
}

// EPC-30
#[tokio::test]
async fn epc_30_concurrent_updates_of_one_customers_values_are_all_stored() {
    let shop = shop().await;
    fill(&shop, 12).await;
    let id = customer(&shop, "ada@example.com", &[]).await;
    join_all((0..12).map(async |number| {
        let given = values(&[(&format!("field{number}"), json!(true))]);
        shop.backend
            .mutate_ok("customerUpdate", patched(given, json!({ "customerId": id })))
            .await
    }))
    .await;
    let all = seen(&shop.backend, &id).await;
    assert!(
        all.as_object()
            .expect("fields")
            .values()
            .all(|value| value == true),
        "{all}"
    );
    let stored = shop.gateway.store.documents("customers", doc! {}).await;
    assert_eq!(number(&stored[0], "version"), 13);
    assert_eq!(text(&stored[0], "firstName"), "Ada");
    shop.gateway.store.assert_consistent().await;
}

// EPC-30, CST-01
#[tokio::test]
async fn epc_30_forty_concurrent_registrations_with_values_all_succeed() {
    let shop = shop().await;
    let node = shop.gateway.another_node().await;
    for key in ["newsletter", "consent"] {
        define(
            &shop,
            key,
            "BOOLEAN",
            patched(open(), json!({ "isRequired": true })),
        )
        .await;
    }
    let there = shop.browser.at(&node);
    let given = values(&[("newsletter", json!(true)), ("consent", json!(false))]);
    join_all((0..40).map(async |number| {
        let caller = if number % 2 == 0 { &shop.browser } else { &there };
        let input = patched(person(&format!("c{number}@example.com")), given.clone());
        caller.mutate_ok("customerRegister", input).await
    }))
    .await;
    let with_values = doc! { "customFields.1": { "$exists": true } };
    assert_eq!(shop.gateway.store.count("customers", with_values).await, 40);
    let touched = shop.gateway.store.documents("customFieldGuards", doc! {}).await;
    let touched: i64 = touched.iter().map(|guard| number(guard, "touched")).sum();
    assert_eq!(touched, 40, "each of them held the fields once");
    shop.gateway.store.assert_consistent().await;
}
