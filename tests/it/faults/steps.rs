//! The gateway killed at each step of what it does.

use super::dying::Dying;
use super::{assert_recovered, done};
use crate::kit::{Setup, item_ids, png};

/// More steps than any operation has.
const STEPS: u32 = 40;

// SFU-35
#[tokio::test]
async fn sfu_35_a_gateway_killed_at_each_step_of_a_merge_leaves_it_whole() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let mut steps = 0;
    for step in 1..=STEPS {
        let id = format!("guest {step}");
        shop.guest(&id).await.upload("cat.png", &png(step)).await;
        let mut child = Dying::start(&shop).await;
        // Its caches are warm: what is counted is the merge's.
        let warm = shop.pair("nobody", "nobody");
        child
            .remote
            .change(&shop.backend, "storefrontUserMergeAnonymous", warm)
            .await;
        child.arm(step);
        let merge = shop.pair(&id, "ann");
        let answer = child
            .remote
            .change(&shop.backend, "storefrontUserMergeAnonymous", merge)
            .await;
        child.end();
        shop.gateway.store.assert_whole().await;
        // Whoever was not told tries again.
        shop.merge(&id, "ann").await;
        assert_eq!(
            item_ids(&ann).await.len(),
            usize::try_from(step).expect("few"),
            "step {step}"
        );
        if done(answer.as_ref()) {
            steps = step;
            break;
        }
    }
    assert!((5..STEPS).contains(&steps), "the merge has {steps} steps");
    assert_recovered(&shop).await;
}

// STO-01
#[tokio::test]
async fn sto_01_a_gateway_killed_at_each_step_of_an_upload_leaves_nothing_half() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let mut steps = 0;
    for step in 1..=STEPS {
        let before = item_ids(&ann).await.len();
        let mut child = Dying::start(&shop).await;
        ann.elsewhere(&child.remote.url, &child.remote.http)
            .ask("{ viewer { kind } }")
            .await;
        child.arm(step);
        let answer = child.remote.upload(&ann, step).await;
        child.end();
        shop.gateway.store.assert_whole().await;
        let after = item_ids(&ann).await.len();
        if done(answer.as_ref()) {
            assert_eq!(after, before + 1, "acknowledged");
            steps = step;
            break;
        }
        assert!(after - before <= 1, "there, or not there");
    }
    assert!((8..STEPS).contains(&steps), "the upload has {steps} steps");
    assert_recovered(&shop).await;
}
