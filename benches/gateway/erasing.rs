//! Measures that a very large erasure does not slow down reads of other callers (ERA-01).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::Row;
use crate::child_process::Served;
use crate::environment::Environment;

const ITEMS: usize = 10_000;
const ORDERS: usize = 1_000;
/// The number of customers that are erased, one after the other.
const CUSTOMERS: usize = 3;
const READERS: usize = 4;
/// Reads per reader without an erasure; during an erasure, the readers read until it has finished.
const READS: usize = 1500;
const BOUND: f64 = 2.0;

const READ: &str = "query($id: ID!) { storefrontUser(by: { id: $id }) { id storefrontUserId } }";
const DELETE: &str = "mutation($input: CustomerDeleteInput!) { customerDelete(input: $input) {
    deletedCustomerId userErrors { code } } }";
const ORDER: &str = "mutation($input: OrderRecordInput!) { orderRecord(input: $input) {
    order { id } userErrors { code } } }";

pub async fn measure(environment: &Arc<Environment>) -> Vec<Row> {
    let reader = environment.user("reads", false).await;
    let mut customers = Vec::new();
    for number in 0..CUSTOMERS {
        let id = environment
            .customer(&format!("erased{number}@example.com"), None)
            .await;
        fill(environment, &id).await;
        customers.push(id);
    }
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    let go_on = AtomicBool::new(true);
    reads(environment, &gateway.url, &reader, Some(READS), &go_on).await;
    let quiet = reads(environment, &gateway.url, &reader, Some(READS), &go_on).await;
    let (mut during, mut took) = (Vec::new(), Vec::new());
    for id in customers {
        let go_on = AtomicBool::new(true);
        let erase = async {
            let started = Instant::now();
            let input = json!({ "input": { "customerId": id } });
            let data = environment.query(&gateway.url, DELETE, input).await;
            assert_eq!(data["customerDelete"]["deletedCustomerId"], json!(id), "{data}");
            go_on.store(false, Ordering::SeqCst);
            started.elapsed()
        };
        let (read, erased) = tokio::join!(reads(environment, &gateway.url, &reader, None, &go_on), erase);
        during.push(read);
        took.push(erased);
    }
    gateway.stop().await;
    let (during, took) = (middle(during), middle(took));
    let ratio = during.as_secs_f64() / quiet.as_secs_f64();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    vec![Row {
        what: "p99 of point reads while a customer with 10,000 items and 1,000 orders is erased, against without".into(),
        measured: format!(
            "{ratio:.2} ({:.1} ms against {:.1} ms; erased in {:.1} s)",
            millis(during),
            millis(quiet),
            took.as_secs_f64()
        ),
        bound: format!("{BOUND}"),
        within_bound: ratio <= BOUND,
    }]
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Gives a customer items with contents, and orders. Except for one of each, which the others copy, they are inserted
/// directly into the database.
async fn fill(environment: &Environment, customer: &str) {
    let query = "query($id: ID!) { customer(by: { id: $id }) { storefrontUser { id } } }";
    let url = &environment.gateway.app.public_url;
    let data = environment.query(url, query, json!({ "id": customer })).await;
    let user = data["customer"]["storefrontUser"]["id"]
        .as_str()
        .expect("a user")
        .to_owned();
    environment.insert_items(&user, ITEMS).await;
    let database = environment.driver();
    let items = database.collection::<Document>("storageItems");
    let storages = database.collection::<Document>("privateStorages");
    let storage = storages
        .find_one(doc! { "ownerId": &user })
        .await
        .expect("found")
        .expect("a storage");
    let contents = items
        .distinct("blobId", doc! { "storageId": &storage["_id"] })
        .await
        .expect("read");
    insert_contents(&database, contents).await;
    insert_orders(environment, &database, customer).await;
}

async fn insert_contents(database: &mongodb::Database, contents: Vec<Bson>) {
    let content = bson::Binary {
        subtype: bson::spec::BinarySubtype::Generic,
        bytes: vec![7; 1024],
    };
    for some in contents.chunks(1000) {
        let files = some.iter().map(|id| {
            doc! { "_id": id, "length": 1024_i64, "chunkSize": 1_048_576, "filename": "laid" }
        });
        let chunks = some
            .iter()
            .map(|id| doc! { "files_id": id, "n": 0, "data": content.clone() });
        let (to_files, to_chunks) = (
            database.collection("content.files"),
            database.collection("content.chunks"),
        );
        to_files.insert_many(files).await.expect("inserted");
        to_chunks.insert_many(chunks).await.expect("inserted");
    }
}

async fn insert_orders(environment: &Environment, database: &mongodb::Database, customer: &str) {
    let address = json!({
        "firstName": "Ada", "lastName": "Lovelace", "address1": "1 Main Street", "city": "Springfield", "iso2Code": "US",
    });
    let amount = json!({ "amount": "10.50", "currencyCode": "EUR" });
    let input = json!({ "input": {
        "number": format!("{customer}-0"), "customerId": customer, "shippingAddress": address,
        "billingAddress": address, "lines": [{ "sku": "MUG", "name": "Mug", "quantity": 1, "unitPrice": amount }],
        "total": amount,
    } });
    let data = environment
        .query(&environment.gateway.app.public_url, ORDER, input)
        .await;
    let id = data["orderRecord"]["order"]["id"]
        .as_str()
        .expect("an order")
        .to_owned();
    let orders = database.collection::<Document>("orders");
    let order = orders
        .find_one(doc! { "_id": &id })
        .await
        .expect("found")
        .expect("the order");
    let alike = (1..ORDERS).map(|number| {
        let mut alike = order.clone();
        alike.insert(
            "_id",
            format!("{}{number:06}", &id.get(..id.len() - 6).expect("an id")),
        );
        alike.insert("number", format!("{customer}-{number}"));
        alike
    });
    orders.insert_many(alike).await.expect("inserted");
}

/// Returns the 99th percentile of the duration of a point read, over `many` reads per reader, or until `go_on` is
/// cleared.
async fn reads(
    environment: &Environment,
    url: &str,
    user: &str,
    many: Option<usize>,
    go_on: &AtomicBool,
) -> Duration {
    let reader = || async {
        let mut took = Vec::new();
        while go_on.load(Ordering::SeqCst) && many.is_none_or(|many| took.len() < many) {
            let started = Instant::now();
            let data = environment.query(url, READ, json!({ "id": user })).await;
            took.push(started.elapsed());
            assert_eq!(data["storefrontUser"]["storefrontUserId"], "reads", "{data}");
        }
        took
    };
    let all = join_all((0..READERS).map(|_| reader())).await;
    let mut took: Vec<Duration> = all.into_iter().flatten().collect();
    took.sort_unstable();
    took[took.len() * 99 / 100]
}
