//! A database that accepts no writes: the caller gets an error, nothing is written in part, and everything works once
//! the database has recovered.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::{Document, doc};
use dev_mongod::replica_set::ReplicaSet;
use futures_util::future::join_all;

use super::mutation_calls::{MutationCall, mutation_calls};
use super::three_nodes::on_three_nodes;
use crate::customers::setup;
use crate::kit::{self, FailPoint, Gateway, Shop};

/// Returns everything that is stored, except for the counters: a number is used up even if its operation fails.
async fn stored(shop: &Shop) -> BTreeMap<String, Vec<Document>> {
    let mut stored = shop.gateway.store.dump().await;
    stored.remove("counters");
    // A collection exists from the first attempt to write to it.
    stored.retain(|_, documents| !documents.is_empty());
    stored
}

async fn status(gateway: &Gateway, path: &str) -> u16 {
    let answer = gateway.http.get(format!("{}{path}", gateway.url)).send().await;
    answer.expect("an answer").status().as_u16()
}

// ERR-02
#[tokio::test]
async fn err_02_without_a_primary_requests_return_unavailable_until_one_is_elected() {
    on_three_nodes("no-primary", setup().manual_clock(), without_a_primary).await;
}

async fn without_a_primary(shop: &Shop, set: &mut ReplicaSet) {
    let gateway = &shop.gateway;
    let mutation_calls = mutation_calls(shop).await;
    let before = stored(shop).await;
    let primary = set.primary().await.expect("a primary");
    let another = (primary + 1) % set.size();
    set.kill(another).await;
    set.kill(primary).await;

    let answers = join_all(mutation_calls.iter().map(MutationCall::send)).await;
    for (call, answer) in mutation_calls.iter().zip(&answers) {
        let field = call.field;
        assert_eq!(answer.codes(), ["UNAVAILABLE"], "{field}: {}", answer.body);
        assert!(answer.body["data"][field].is_null(), "{}", answer.body);
    }
    assert_eq!(status(gateway, "/health/live").await, 200);
    assert_eq!(status(gateway, "/health/ready").await, 503);

    for number in [another, primary] {
        set.restart(number).await.expect("started again");
    }
    set.primary().await.expect("a primary");
    let is_ready = async || status(gateway, "/health/ready").await == 200;
    kit::eventually("the gateway is ready", is_ready).await;
    gateway.store.assert_consistent().await;
    assert_eq!(stored(shop).await, before);
    join_all(mutation_calls.iter().map(MutationCall::assert_succeeds)).await;
    gateway.store.assert_consistent().await;
}

// SPR-41
#[tokio::test]
async fn spr_41_a_failed_write_returns_its_legacy_code_and_stores_nothing() {
    let server = FailPoint::of("refused").await;
    let name = format!("refused_{}", std::process::id());
    let shop = setup()
        .manual_clock()
        .on(&server.uri().await, &name)
        .start()
        .await;
    shop.gateway.expect_errors();
    let mutation_calls = mutation_calls(&shop).await;
    let before = stored(&shop).await;
    for commands in [
        &["commitTransaction"][..],
        &["insert", "update", "delete", "findAndModify"],
    ] {
        // As on a full disk (OutOfDiskSpace).
        server
            .fail_at(commands, doc! { "errorCode": 14031, "errorLabels": [] })
            .await;
        for call in &mutation_calls {
            if call.in_transaction || !commands.contains(&"commitTransaction") {
                assert_not_saved(call).await;
            }
        }
        server.recover().await;
        assert_eq!(stored(&shop).await, before, "{commands:?}");
        shop.gateway.store.assert_consistent().await;
    }
    // The connection is lost, or the command exceeds its time (ExceededTimeLimit), so that it is unknown whether it
    // took effect. A transaction is retried, a single command is not.
    let refresh = mutation_calls
        .iter()
        .find(|call| call.field == "customerTokenRefresh");
    for how in [
        doc! { "closeConnection": true },
        doc! { "errorCode": 262, "errorLabels": ["RetryableWriteError"] },
    ] {
        server.fail_at(&["findAndModify"], how).await;
        let answer = refresh.expect("a call").send().await;
        assert_eq!(answer.codes(), ["UNAVAILABLE"], "{}", answer.body);
        server.recover().await;
    }
    for call in &mutation_calls {
        call.assert_succeeds().await;
    }
    shop.gateway.store.assert_consistent().await;
}

async fn assert_not_saved(call: &MutationCall) {
    let answer = call.send().await;
    let Some(code) = call.legacy_code else {
        assert_eq!(answer.codes(), ["INTERNAL"], "{}: {}", call.field, answer.body);
        return;
    };
    let payload = answer.data()[call.field].take();
    assert_eq!(
        kit::faults(&payload),
        [format!("SAVE_FAILED ({code})")],
        "{}",
        call.field
    );
}

// ERA-03, SPR-41
#[tokio::test]
async fn era_03_an_erasure_continues_by_itself_after_failed_writes() {
    let server = FailPoint::of("unfinished").await;
    let name = format!("unfinished_{}", std::process::id());
    let shop = setup()
        .manual_clock()
        .on(&server.uri().await, &name)
        .start()
        .await;
    shop.gateway.expect_errors();
    let mutation_calls = mutation_calls(&shop).await;
    let erased = mutation_calls
        .iter()
        .find(|call| call.field == "customerAnonymize");
    server
        .fail_at(
            &["commitTransaction"],
            doc! { "errorCode": 14031, "errorLabels": [] },
        )
        .await;
    let answer = erased.expect("a call").send().await;
    let payload = &answer.data()["customerAnonymize"];
    assert_eq!(kit::faults(payload), ["SAVE_FAILED (410)"]);
    server.recover().await;
    let state = async |status: &str| {
        let state = doc! { "anonymization.status": status };
        shop.gateway.store.count("customers", state).await
    };
    assert_eq!((state("IN_PROGRESS").await, state("COMPLETED").await), (1, 0));
    shop.gateway.advance(Duration::from_secs(60));
    shop.gateway.run_jobs().await;
    assert_eq!((state("IN_PROGRESS").await, state("COMPLETED").await), (0, 1));
    shop.gateway.store.assert_consistent().await;
}
