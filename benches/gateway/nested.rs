//! A nested page costs a fixed number of commands, whatever the number of parents, idle and under load.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::Row;
use crate::stand::Stand;

const USERS: usize = 50;
const CALLERS: usize = 32;
/// The storefront, the page of users, and the items of all their storages.
const BOUND: u64 = 3;

const QUERY: &str = "query($id: ID!) { storefront(by: { id: $id }) { users(first: 50) {
    nodes { privateStorage { items(first: 5) { nodes { name } } } } } } }";

pub async fn measure(stand: &Stand) -> Vec<Row> {
    for number in 0..USERS {
        let user = stand.user(&format!("nested {number}"), false).await;
        stand.lay_items(&user, 8).await;
    }
    let url = stand.gateway.app.public_url.clone();
    // The first call fills the caches of standings.
    stand.ask(&url, QUERY, json!({ "id": stand.storefront })).await;
    let (_, idle) = stand
        .counted(stand.ask(&url, QUERY, json!({ "id": stand.storefront })))
        .await;
    let before = stand.commands.load(Ordering::SeqCst);
    let callers = (0..CALLERS).map(|_| stand.ask(&url, QUERY, json!({ "id": stand.storefront })));
    futures_util::future::join_all(callers).await;
    let loaded = stand.commands.load(Ordering::SeqCst) - before;
    let each = loaded as f64 / CALLERS as f64;
    vec![
        Row {
            what: "commands of 50 users with 5 items each, idle",
            measured: idle.to_string(),
            bound: BOUND.to_string(),
            kept: idle <= BOUND,
        },
        Row {
            what: "the same, a query, with 32 callers at once",
            measured: format!("{each:.2}"),
            bound: BOUND.to_string(),
            // A standing may expire in between and be read again.
            kept: each <= BOUND as f64 + 0.1,
        },
    ]
}
