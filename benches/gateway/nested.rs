//! Measures users with their items: one database command per level of the query.

use serde_json::json;

use crate::environment::Environment;
use crate::{Row, levels};

const USERS: usize = 50;
/// One command each for the storefront, the page of users, and the items of all their storages.
const BOUND: u64 = 3;

const QUERY: &str = "query($id: ID!) { storefront(by: { id: $id }) { users(first: 50) {
    nodes { privateStorage { items(first: 5) { nodes { name } } } } } } }";

pub async fn measure(environment: &Environment) -> Vec<Row> {
    for number in 0..USERS {
        let user = environment.user(&format!("nested {number}"), false).await;
        environment.insert_items(&user, 8).await;
    }
    let what = [
        "commands of 50 users with 5 items each, idle",
        "the same, a query, with 32 callers at once",
    ];
    let query = (QUERY, json!({ "id": environment.storefront }));
    levels::measure(environment, what, query, BOUND).await.1
}
