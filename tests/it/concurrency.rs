//! Concurrent operations: exactly one wins, no acknowledged write is lost, nothing is duplicated.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::kit::{self, Caller, Setup, Shop, Upload, faults, item_ids, number, png};

fn codes(payloads: &[Value]) -> Vec<String> {
    let mut codes: Vec<String> = payloads.iter().flat_map(faults).collect();
    codes.sort();
    codes.dedup();
    codes
}

fn succeeded(payloads: &[Value]) -> usize {
    payloads
        .iter()
        .filter(|payload| faults(payload).is_empty())
        .count()
}

async fn try_upload(person: &Caller, number: u32) -> Value {
    let upload = Upload {
        file_name: "cat.png",
        bytes: png(number),
        ..Upload::default()
    };
    person.send_upload(upload).await
}

/// Asserts that after the leases have expired no stored content exists without an item.
async fn assert_no_orphans(shop: &Shop) {
    shop.gateway.run_jobs().await;
    let store = &shop.gateway.store;
    store.assert_consistent().await;
    let items = store.count("storageItems", doc! {}).await;
    assert_eq!(store.count("content.files", doc! {}).await, items);
    assert_eq!(store.count("unclaimedContent", doc! {}).await, 0);
}

// SFU-02, SFU-14
#[tokio::test]
async fn sfu_14_one_of_fifty_concurrent_registrations_succeeds() {
    let shop = kit::shop().await;
    let node = shop.gateway.another_node().await;
    let there = shop.backend.at(&node);
    let register = |turn: usize| {
        let caller = if turn.is_multiple_of(2) {
            &shop.backend
        } else {
            &there
        };
        caller.mutate("storefrontUserRegister", shop.user("ann", turn.is_multiple_of(3)))
    };
    let payloads = join_all((0..50).map(register)).await;
    assert_eq!(succeeded(&payloads), 1);
    assert_eq!(
        codes(&payloads),
        ["STOREFRONT_USER_ALREADY_EXISTS storefrontUserId (409)"]
    );
    assert_eq!(shop.gateway.store.count("storefrontUsers", doc! {}).await, 1);
    assert_eq!(shop.gateway.store.count("privateStorages", doc! {}).await, 1);
    shop.gateway.store.assert_consistent().await;
}

// SFU-26
#[tokio::test]
async fn sfu_26_one_of_fifty_concurrent_ensures_creates_the_user() {
    let shop = kit::shop().await;
    let ensure = |_| {
        shop.backend
            .mutate_ok("storefrontUserEnsure", shop.user("ann", false))
    };
    let payloads = join_all((0..50).map(ensure)).await;
    let created = payloads
        .iter()
        .filter(|payload| payload["created"] == true)
        .count();
    assert_eq!(created, 1);
    assert!(
        payloads
            .iter()
            .all(|payload| payload["storefrontUser"] == payloads[0]["storefrontUser"])
    );
    shop.gateway.store.assert_consistent().await;
}

// SFU-32, SFU-35
#[tokio::test]
async fn sfu_35_concurrent_merges_into_two_users_have_one_target() {
    let shop = kit::shop().await;
    for round in 0..5 {
        let (guest, ann, bob) = (
            format!("guest {round}"),
            format!("ann {round}"),
            format!("bob {round}"),
        );
        let person = shop.guest(&guest).await;
        for number in 0..3 {
            person.upload("cat.png", &png(number)).await;
        }
        let (ann_token, bob_token) = (shop.ann(&ann).await, shop.ann(&bob).await);
        let merge = |turn: usize| {
            let regular = if turn.is_multiple_of(2) { &ann } else { &bob };
            shop.backend
                .mutate("storefrontUserMergeAnonymous", shop.pair(&guest, regular))
        };
        let payloads = join_all((0..8).map(merge)).await;
        assert_eq!(succeeded(&payloads), 4, "those into the winner: {payloads:#?}");
        assert_eq!(
            codes(&payloads),
            ["STOREFRONT_USER_ALREADY_MERGED anonymousStorefrontUserId (409)"]
        );
        let moved: i64 = payloads
            .iter()
            .filter_map(|payload| payload["movedItemCount"].as_i64())
            .sum();
        assert_eq!(moved, 3, "moved once");
        let (anns, bobs) = (item_ids(&ann_token).await.len(), item_ids(&bob_token).await.len());
        assert_eq!((anns + bobs, anns * bobs), (3, 0), "all with the winner");
    }
    shop.gateway.store.assert_consistent().await;
}

// SFU-35
#[tokio::test]
async fn sfu_35_no_upload_is_lost_during_a_merge() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let mut acknowledged = 0;
    for round in 0..10 {
        let id = format!("guest {round}");
        let guest = shop.guest(&id).await;
        let uploads = join_all((0..6).map(|number| try_upload(&guest, number)));
        let (payloads, _) = join(uploads, async {
            // Start the merge at a different point of the uploads in each round.
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            shop.merge(&id, "ann").await
        })
        .await;
        acknowledged += succeeded(&payloads);
        for code in codes(&payloads) {
            assert!(code.starts_with("STOREFRONT_USER_ALREADY_MERGED"), "{code}");
        }
    }
    assert_eq!(
        item_ids(&ann).await.len(),
        acknowledged,
        "each acknowledged one is ann's"
    );
    assert_no_orphans(&shop).await;
}

#[tokio::test]
async fn concurrent_upload_and_user_deletion_leave_no_orphans() {
    let shop = kit::shop().await;
    for round in 0..10 {
        let id = format!("ann {round}");
        let ann = shop.ann(&id).await;
        let uploads = join_all((0..5).map(|number| {
            ann.send_file(Upload {
                file_name: "cat.png",
                bytes: png(number),
                ..Upload::default()
            })
        }));
        join(
            uploads,
            shop.backend.mutate_ok("storefrontUserDelete", shop.named(&id)),
        )
        .await;
    }
    assert_no_orphans(&shop).await;
    for collection in ["storefrontUsers", "privateStorages", "storageItems"] {
        assert_eq!(
            shop.gateway.store.count(collection, doc! {}).await,
            0,
            "{collection}"
        );
    }
}

#[tokio::test]
async fn concurrent_deletions_of_an_item_succeed_once() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    for number in 0..5 {
        ann.upload("cat.png", &png(number)).await;
    }
    for id in item_ids(&ann).await {
        let delete = |_| ann.mutate("storageItemDelete", json!({ "id": id }));
        let payloads = join_all((0..6).map(delete)).await;
        assert_eq!(succeeded(&payloads), 1);
        assert_eq!(codes(&payloads), ["STORAGE_ITEM_NOT_FOUND id"]);
    }
    assert_no_orphans(&shop).await;
}

#[tokio::test]
async fn an_item_deleted_during_a_merge_is_deleted_or_moved() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    for round in 0..10 {
        let id = format!("guest {round}");
        let guest = shop.guest(&id).await;
        let item = guest.upload("cat.png", &png(1)).await;
        let delete = guest.mutate("storageItemDelete", json!({ "id": item["id"] }));
        let (deleted, merged) = join(delete, shop.merge(&id, "ann")).await;
        let moved = merged["movedItemCount"].as_i64().unwrap_or_default();
        let gone = i64::from(faults(&deleted).is_empty());
        let left = item_ids(&ann).await;
        assert_eq!(
            gone + i64::try_from(left.len()).expect("few"),
            1,
            "deleted, or owned by ann: {deleted} {merged}"
        );
        assert!(moved <= 1);
        for id in left {
            ann.mutate_ok("storageItemDelete", json!({ "id": id })).await;
        }
    }
    assert_no_orphans(&shop).await;
}

// SFU-36
#[tokio::test]
async fn sfu_36_concurrent_promotion_and_merge_have_one_winner() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    for round in 0..10 {
        let (guest, new) = (format!("guest {round}"), format!("new {round}"));
        let person = shop.guest(&guest).await;
        person.upload("cat.png", &png(1)).await;
        let before = item_ids(&ann).await.len();
        let promote = shop
            .backend
            .mutate("storefrontUserPromote", shop.pair(&guest, &new));
        let merge = shop
            .backend
            .mutate("storefrontUserMergeAnonymous", shop.pair(&guest, "ann"));
        let (promoted, merged) = join(promote, merge).await;
        let outcome = (faults(&promoted), faults(&merged));
        assert_eq!(succeeded(&[promoted, merged]), 1, "{outcome:?}");
        if outcome.0.is_empty() {
            assert_eq!(item_ids(&shop.token(&new).await).await.len(), 1);
        } else {
            assert_eq!(item_ids(&ann).await.len(), before + 1);
        }
    }
    assert_no_orphans(&shop).await;
}

// SFU-09
#[tokio::test]
async fn sfu_09_concurrent_expiry_and_use_have_one_winner() {
    let setup = Setup::new()
        .set("GATEWAY_ANONYMOUS_TTL", "1h")
        .set("GATEWAY_STOREFRONT_USER_TOKEN_TTL", "365d")
        .manual_clock();
    let shop = setup.start().await;
    shop.ann("ann").await;
    for round in 0..8 {
        let id = format!("guest {round}");
        let guest = shop.guest(&id).await;
        guest.upload("cat.png", &png(1)).await;
        shop.gateway.advance(std::time::Duration::from_secs(3600));
        // Merge at the moment of expiry: either everything is moved, or everything is deleted.
        let merge = shop
            .backend
            .mutate("storefrontUserMergeAnonymous", shop.pair(&id, "ann"));
        let (merged, ()) = join(merge, shop.gateway.run_jobs()).await;
        let gone = ["STOREFRONT_USER_NOT_FOUND anonymousStorefrontUserId"];
        assert!(faults(&merged).is_empty() || faults(&merged) == gone, "{merged}");
    }
    let storages = shop.gateway.store.documents("privateStorages", doc! {}).await;
    let items: i64 = storages.iter().map(|storage| number(storage, "itemCount")).sum();
    shop.gateway.run_jobs().await;
    assert_eq!(
        i64::try_from(shop.gateway.store.count("storageItems", doc! {}).await),
        Ok(items)
    );
    assert_no_orphans(&shop).await;
}
