//! The database's primary is killed.

use bson::doc;
use dev_mongod::replica_set::ReplicaSet;
use futures_util::future::{join, join_all};

use super::three_nodes::{kill_primary, on_three_nodes};
use super::{assert_recovered, done, photo};
use crate::kit::{self, Caller, Setup, Shop, mutation};

/// What was acknowledged while the primary failed.
#[derive(Default)]
struct Acknowledged {
    registered: Vec<String>,
    uploaded: usize,
    merged: Vec<String>,
}

/// Sends the steps of one guest after the other (register, upload twice, merge into ann), each step once. Returns the
/// steps that were acknowledged.
async fn journeys(shop: &Shop, lane: usize, count: usize) -> Acknowledged {
    let mut seen = Acknowledged::default();
    for number in 0..count {
        let id = format!("guest {lane} {number}");
        let register = mutation("storefrontUserRegister");
        let input = serde_json::json!({ "input": shop.user(&id, true) });
        let answer = shop.backend.try_send(&register, input).await;
        let payload = answer
            .as_ref()
            .map(|answer| &answer["data"]["storefrontUserRegister"]);
        let payload = payload.filter(|payload| payload.is_object());
        if !done(payload) {
            continue;
        }
        seen.registered.push(id.clone());
        let guest = shop
            .unauthenticated()
            .with(payload.and_then(|payload| payload["token"]["accessToken"].as_str()));
        for photo_number in 0..2 {
            let answer = guest.try_send_file(photo(photo_number)).await;
            let payload = answer
                .as_ref()
                .map(|answer| &answer.body["data"]["storageItemUpload"]);
            seen.uploaded += usize::from(done(payload.filter(|payload| payload.is_object())));
        }
        let merge = serde_json::json!({ "input": shop.pair(&id, "ann") });
        let answer = shop
            .backend
            .try_send(&mutation("storefrontUserMergeAnonymous"), merge)
            .await;
        let payload = answer
            .as_ref()
            .map(|answer| &answer["data"]["storefrontUserMergeAnonymous"]);
        if done(payload.filter(|payload| payload.is_object())) {
            seen.merged.push(id);
        }
    }
    seen
}

#[tokio::test]
async fn a_killed_primary_loses_no_acknowledged_write_and_leaves_no_partial_one() {
    let setup = Setup::new().set("GATEWAY_RATE_LIMITS", "off").manual_clock();
    on_three_nodes("users", setup, users_lose_nothing).await;
}

async fn users_lose_nothing(shop: &Shop, set: &mut ReplicaSet) {
    let ann = shop.ann("ann").await;
    let work = join_all((0..6).map(|lane| journeys(shop, lane, 12)));
    let store = &shop.gateway.store;
    let (seen, ()) = join(work, async {
        // In the middle of the work.
        kit::eventually("some work is done", || async {
            store.count("storageItems", doc! {}).await >= 20
        })
        .await;
        let killed = kill_primary(set).await;
        set.restart(killed).await.expect("started again");
    })
    .await;
    let registered: Vec<&String> = seen.iter().flat_map(|seen| &seen.registered).collect();
    let uploaded: usize = seen.iter().map(|seen| seen.uploaded).sum();
    assert!(registered.len() > 20, "{} of 72 journeys began", registered.len());
    for id in registered {
        let found = store
            .count("storefrontUsers", doc! { "storefrontUserId": id })
            .await;
        assert_eq!(found, 1, "{id}");
    }
    for id in seen.iter().flat_map(|seen| &seen.merged) {
        let merged = doc! { "storefrontUserId": id, "mergedInto": { "$exists": true } };
        assert_eq!(store.count("storefrontUsers", merged).await, 1, "{id}");
    }
    let items = store.count("storageItems", doc! {}).await;
    assert!(
        items >= u64::try_from(uploaded).expect("few"),
        "{items} items of {uploaded} acknowledged"
    );
    shop.gateway.store.assert_consistent().await;
    for user in store
        .documents("storefrontUsers", doc! { "isAnonymous": true })
        .await
    {
        shop.merge(kit::text(&user, "storefrontUserId"), "ann").await;
    }
    let everything = u64::try_from(count_items(&ann).await).expect("few");
    assert_eq!(everything, items, "all is ann's");
    assert_recovered(shop).await;
}

async fn count_items(person: &Caller) -> i64 {
    let query = "{ viewer { storefrontUser { privateStorage { itemCount } } } }";
    let seen = person.query(query).await;
    seen["viewer"]["storefrontUser"]["privateStorage"]["itemCount"]
        .as_i64()
        .unwrap_or_default()
}
