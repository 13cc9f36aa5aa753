//! Faults: the gateway crashes at each step and at any moment, the database's primary is killed. What was acknowledged
//! exists exactly once, and nothing is written in part.

mod audit;
mod crashing_gateway;
mod customers;
mod erasure;
mod failed_writes;
mod groups;
mod integrity_check;
mod mail;
pub(crate) mod mutation_calls;
mod primary;
mod random_kill;
mod steps;
mod three_nodes;

use std::time::Duration;

use bson::doc;
use serde_json::Value;

use crate::kit::{Caller, Shop, Upload, faults, mutation, png};

/// Asserts that nothing is written in part, and that nothing is left over once the leases have expired.
async fn assert_recovered(shop: &Shop) {
    shop.gateway.store.assert_consistent().await;
    shop.gateway.advance(Duration::from_secs(15 * 60));
    shop.gateway.run_jobs().await;
    let store = &shop.gateway.store;
    store.assert_consistent().await;
    let items = store.count("storageItems", doc! {}).await;
    assert_eq!(
        store.count("content.files", doc! {}).await,
        items,
        "content without an item"
    );
    assert_eq!(store.count("unclaimedContent", doc! {}).await, 0);
    let chunks = store.database().collection::<bson::Document>("content.chunks");
    let contents = chunks.distinct("files_id", doc! {}).await.expect("read");
    assert_eq!(u64::try_from(contents.len()), Ok(items), "chunks without an item");
}

fn photo(number: u32) -> Upload<'static> {
    Upload {
        file_name: "cat.png",
        bytes: png(number),
        ..Upload::default()
    }
}

/// A gateway in another process.
struct Remote {
    url: String,
    http: reqwest::Client,
}

impl Remote {
    /// Sends a mutation and returns its payload, if there was an answer with one.
    async fn mutate(&self, by: &Caller, field: &str, input: Value) -> Option<Value> {
        let by = by.at_url(&self.url, &self.http);
        let mut body = by
            .try_send(&mutation(field), serde_json::json!({ "input": input }))
            .await?;
        let payload = body["data"][field].take();
        payload.is_object().then_some(payload)
    }

    async fn upload(&self, by: &Caller, number: u32) -> Option<Value> {
        let by = by.at_url(&self.url, &self.http);
        let mut answer = by.try_send_file(photo(number)).await?;
        let payload = answer.body["data"]["storageItemUpload"].take();
        payload.is_object().then_some(payload)
    }
}

/// Whether a mutation was acknowledged.
fn done(payload: Option<&Value>) -> bool {
    payload.is_some_and(|payload| faults(payload).is_empty())
}
