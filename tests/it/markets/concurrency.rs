//! Concurrent changes: members move, groups are deleted, markets are linked, names are taken; no reference is left
//! dangling.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{group, join as join_group, market, names};
use crate::addresses::customer;
use crate::kit::{self, Caller, Shop, faults};

async fn people(shop: &Shop, count: usize) -> Vec<(Value, Caller)> {
    let mut people = Vec::new();
    for number in 0..count {
        people.push(customer(shop, &format!("ada{number}@example.com")).await);
    }
    people
}

fn input(group: &Value, customers: &[&Value]) -> Value {
    json!({ "id": group, "customerIds": customers })
}

async fn members(shop: &Shop, group: &Value) -> u64 {
    let members = doc! { "groupIds": group.as_str() };
    shop.gateway.store.count("customers", members).await
}

// CLY-15
#[tokio::test]
async fn cly_15_concurrent_member_changes_are_all_applied() {
    let shop = kit::shop().await;
    let there = shop.backend.at(&shop.gateway.another_node().await);
    let people = people(&shop, 8).await;
    let everybody: Vec<&Value> = people.iter().map(|(id, _)| id).collect();
    let crowd = group(&shop, "Crowd").await;
    let caller = |turn: usize| {
        if turn.is_multiple_of(2) {
            &shop.backend
        } else {
            &there
        }
    };
    for round in 0..5 {
        let same = join_all(
            (0..8).map(|turn| caller(turn).mutate_ok("customerGroupAddCustomers", input(&crowd, &everybody))),
        );
        same.await;
        assert_eq!(members(&shop, &crowd).await, 8, "round {round}");
        let others = join_all((0..8).map(|turn| {
            caller(turn).mutate_ok(
                "customerGroupRemoveCustomers",
                input(&crowd, &everybody[turn..=turn]),
            )
        }));
        others.await;
        assert_eq!(members(&shop, &crowd).await, 0, "round {round}");
        // Four customers join while the other four, who are members, leave, and all of them are updated.
        join_group(&shop, &crowd, &everybody[4..]).await;
        let moved = join_all((0..8).map(|turn| {
            let field = if turn < 4 {
                "customerGroupAddCustomers"
            } else {
                "customerGroupRemoveCustomers"
            };
            caller(turn).mutate_ok(field, input(&crowd, &everybody[turn..=turn]))
        }));
        let named =
            join_all(people.iter().map(|(_, ada)| {
                ada.mutate_ok("customerUpdate", json!({ "firstName": format!("Ada {round}") }))
            }));
        join(moved, named).await;
        let inside = doc! { "groupIds": crowd.as_str(), "firstName": format!("Ada {round}") };
        let inside = shop.gateway.store.documents("customers", inside).await;
        let inside: Vec<&str> = inside.iter().map(|customer| kit::text(customer, "_id")).collect();
        assert_eq!(json!(inside), json!(&everybody[..4]), "round {round}");
        shop.backend
            .mutate_ok("customerGroupRemoveCustomers", input(&crowd, &everybody))
            .await;
        shop.gateway.store.assert_consistent().await;
    }
}

// CLY-15
#[tokio::test]
async fn cly_15_concurrent_joins_links_and_deletions_leave_no_dangling_reference() {
    let shop = kit::shop().await;
    let people = people(&shop, 4).await;
    let sale = market(&shop, "Sale", &[]).await;
    let (mut joined, mut linked) = (0, 0);
    for round in 0..16 {
        let gone = group(&shop, &format!("Gone {round}")).await;
        let joins = join_all(people.iter().map(|(id, _)| {
            shop.backend
                .mutate("customerGroupAddCustomers", input(&gone, &[id]))
        }));
        let new = json!({ "storefrontId": shop.id(), "name": format!("New {round}"), "groupIds": [gone] });
        let links = join(
            shop.backend.mutate("marketCreate", new),
            shop.backend
                .mutate("marketUpdate", json!({ "id": sale, "groupIds": [gone] })),
        );
        let delete = async {
            // Begins while some of the other requests are in progress; which ones differs by round.
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            shop.backend
                .mutate_ok("customerGroupDelete", json!({ "id": gone }))
                .await
        };
        let ((joins, (created, updated)), _) = join(join(joins, links), delete).await;
        shop.gateway.store.assert_consistent().await;
        for payload in &joins {
            let refused = faults(payload);
            assert!(
                refused.is_empty() || refused == ["CUSTOMER_GROUP_NOT_FOUND id"],
                "{payload}"
            );
            joined += usize::from(refused.is_empty());
        }
        for payload in [&created, &updated] {
            let refused = faults(payload);
            let expected = refused.is_empty() || refused == ["CUSTOMER_GROUP_NOT_FOUND groupIds.0"];
            assert!(expected, "{payload}");
            linked += usize::from(refused.is_empty());
        }
        shop.gateway.run_jobs().await;
        assert_eq!(members(&shop, &gone).await, 0, "round {round}");
        assert_eq!(
            shop.gateway
                .store
                .count("markets", doc! { "opensTo": gone.as_str() })
                .await,
            0
        );
        // A market that was linked before the deletion is closed, and not public.
        let expected = u64::from(faults(&created).is_empty());
        let closed = doc! { "name.written": format!("New {round}"), "opensTo": [] };
        assert_eq!(shop.gateway.store.count("markets", closed).await, expected);
        shop.backend
            .mutate_ok("marketUpdate", json!({ "id": sale, "groupIds": null }))
            .await;
        shop.gateway.store.assert_consistent().await;
    }
    println!("{joined} of 64 joined and {linked} of 32 were linked before the deletion");
}

#[tokio::test]
async fn one_of_eight_concurrent_uses_of_a_name_succeeds() {
    let shop = kit::shop().await;
    let (mut groups, mut markets) = (Vec::new(), Vec::new());
    for number in 0..8 {
        groups.push(group(&shop, &format!("Group {number}")).await);
        markets.push(market(&shop, &format!("Market {number}"), &[]).await);
    }
    let new = |name: &str| json!({ "storefrontId": shop.id(), "name": name });
    for (field, ids, taken) in [
        (
            "customerGroupUpdate",
            Some(&groups),
            "CUSTOMER_GROUP_NAME_TAKEN name",
        ),
        ("customerGroupCreate", None, "CUSTOMER_GROUP_NAME_TAKEN name"),
        ("marketUpdate", Some(&markets), "MARKET_NAME_TAKEN name"),
        ("marketCreate", None, "MARKET_NAME_TAKEN name"),
    ] {
        let payloads = join_all((0..8).map(|turn: usize| {
            let written = if turn.is_multiple_of(2) {
                field.to_uppercase()
            } else {
                field.to_owned()
            };
            let input = match ids {
                Some(ids) => json!({ "id": ids[turn], "name": written }),
                None => new(&written),
            };
            shop.backend.mutate(field, input)
        }))
        .await;
        let refused: Vec<Vec<String>> = payloads
            .iter()
            .map(faults)
            .filter(|faults| !faults.is_empty())
            .collect();
        assert_eq!(refused, vec![vec![taken.to_owned()]; 7], "{field}");
    }
    shop.gateway.store.assert_consistent().await;
}

// CLY-15
#[tokio::test]
async fn cly_15_a_customer_that_left_sees_nothing_of_the_group_under_concurrent_reads() {
    let shop = kit::shop().await;
    let (id, ada) = customer(&shop, "ada@example.com").await;
    let crowd = group(&shop, "Crowd").await;
    market(&shop, "Studio", &[&crowd]).await;
    let read = async || {
        let seen = ada.query("{ storefront { markets { nodes { name } } } }").await;
        names(&seen["storefront"]["markets"]).len()
    };
    for _ in 0..5 {
        join_group(&shop, &crowd, &[&id]).await;
        let reads = join_all((0..8).map(|_| read()));
        let leave = async {
            shop.backend
                .mutate_ok("customerGroupRemoveCustomers", input(&crowd, &[&id]))
                .await;
            // The removal is acknowledged: no later read shows the member.
            join_all((0..8).map(|_| read())).await
        };
        let (_, after) = join(reads, leave).await;
        assert_eq!(after, [0; 8]);
    }
}
