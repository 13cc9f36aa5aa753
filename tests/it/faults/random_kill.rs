//! The gateway's own program is killed at any moment.

use std::time::Duration;

use bson::doc;
use futures_util::future::{join, join_all};

use super::{Remote, assert_recovered, done};
use crate::kit::{Binary, Setup, item_ids};

#[tokio::test]
async fn a_gateway_killed_at_any_moment_loses_no_acknowledged_write() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let (mut uploaded, mut merged) = (0, 0);
    for round in 0..12 {
        let mut binary = Binary::start(&shop.gateway, &[]).await;
        let remote = Remote {
            url: binary.url.clone(),
            http: binary.http.clone(),
        };
        let guests = join_all((0..4).map(|number| {
            let shop = &shop;
            async move {
                let id = format!("guest {round} {number}");
                (shop.guest(&id).await, id)
            }
        }))
        .await;
        let remote = &remote;
        let lives = join_all(guests.iter().map(|(guest, id)| async {
            let first = done(remote.upload(guest, 1).await.as_ref());
            let merge = shop.pair(id, "ann");
            let merge = remote.mutate(&shop.backend, "storefrontUserMergeAnonymous", merge);
            let (second, merge) = join(remote.upload(guest, 2), merge).await;
            (
                usize::from(first) + usize::from(done(second.as_ref())),
                done(merge.as_ref()),
            )
        }));
        let (lives, ()) = join(lives, async {
            // Another moment in each round, out of the few hundred milliseconds that the work takes.
            tokio::time::sleep(Duration::from_millis(15 * round + 1)).await;
            binary.kill();
        })
        .await;
        uploaded += lives.iter().map(|(uploads, _)| uploads).sum::<usize>();
        merged += lives.iter().filter(|(_, merged)| *merged).count();
        shop.gateway.store.assert_consistent().await;
        for (_, id) in &guests {
            shop.merge(id, "ann").await;
        }
    }
    let items = item_ids(&ann).await.len();
    assert!(
        items >= uploaded,
        "{items} items of {uploaded} acknowledged uploads, {merged} merges"
    );
    let tombs = shop
        .gateway
        .store
        .count("storefrontUsers", doc! { "mergedInto": { "$exists": true } })
        .await;
    assert_eq!(tombs, 48);
    assert_recovered(&shop).await;
}
