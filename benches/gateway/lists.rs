//! Measures that reads of a storefront's customers cost the same at the beginning and a thousand pages on, and with ten or
//! a hundred times as many customers.

use std::time::Duration;

use bson::{Bson, Document, doc};
use serde_json::{Value, json};
use storefront_gateway::demo::crowd::Crowd;
use storefront_gateway::platform::id::{Id, StorefrontId};
use storefront_gateway::platform::progress::Progress;
use storefront_gateway::reach::principal::Policy;
use storefront_gateway::reach::scope::Scope;
use storefront_gateway::reach::{HouseReach, Reach, StorefrontReach};
use storefront_gateway::storefront::{IntegrationType, store as storefronts};

use crate::environment::Environment;
use crate::{Row, levels};

const FEW: u64 = 20_000;
const MANY: u64 = 200_000;
const MILLIONS: u64 = 2_000_000;
/// Customers on a page.
const PAGE: usize = 10;
/// Pages before the deep page.
const DEEP: usize = 1000;
const ROUNDS: usize = 101;
const BOUND: f64 = 1.5;
/// The same with millions of customers. The cache of the database holds their indexes and not their documents.
const MILLIONS_BOUND: f64 = 1.2;

const LIST: &str = "query($storefront: ID!, $filter: CustomerFilter!, $key: CustomerSortKey!, $first: Int!, $after: String) {
    storefront(by: { id: $storefront }) {
        customers(filter: $filter, sortKey: $key, first: $first, after: $after) {
            nodes { id } pageInfo { endCursor } } } }";

const POINT: &str = "query($id: ID!) { customer(by: { id: $id }) { id email firstName lastName createdAt } }";

const NESTED: &str = "query($storefront: ID!, $after: String) { storefront(by: { id: $storefront }) {
    customers(first: 50, after: $after) {
        nodes { id email addresses(first: 10) { nodes { id city iso2Code } }
            orders(first: 10) { nodes { id total { amount currencyCode } } } }
        pageInfo { endCursor } } } }";

const RELATED: &str =
    "query($storefront: ID!) { storefront(by: { id: $storefront }) { customers(first: 50) { nodes {
    orders(first: 3) { nodes { number lines { sku } } }
    groups(first: 5) { nodes { name } }
    customFields { key value } } } } }";
/// One command each for the customers, their orders, their groups, and the custom fields.
const COMMANDS: u64 = 4;

pub async fn measure(environment: &Environment) -> Vec<Row> {
    let few = store(environment, "FEW").await;
    let many = store(environment, "MANY").await;
    crowd(environment, &few, FEW).await;
    let started = tokio::time::Instant::now();
    crowd(environment, &many, MANY).await;
    let mut rows = vec![Row {
        what: "seconds for 200,000 customers with addresses and orders".into(),
        measured: format!("{:.0}", started.elapsed().as_secs_f64()),
        bound: "reported only".to_owned(),
        within_bound: true,
    }];
    rows.extend(filtered(environment, [&few, &many], BOUND).await);
    let what = [
        "commands of a page of 50 customers with orders and lines, groups, and custom fields, idle",
        "the same, a query, with 32 callers at once",
    ];
    let query = (RELATED, json!({ "storefront": many }));
    let (data, commands) = levels::measure(environment, what, query, COMMANDS).await;
    let customers = data["storefront"]["customers"]["nodes"]
        .as_array()
        .expect("nodes");
    let any = |related: &str| {
        customers
            .iter()
            .any(|customer| customer[related]["nodes"][0].is_object())
    };
    assert!(any("orders") && any("groups"), "{data}");
    rows.extend(commands);
    rows
}

/// Measures the same for a storefront with millions of customers, which takes a quarter of an hour.
pub async fn millions(environment: &Environment) -> Vec<Row> {
    let few = store(environment, "SMALL").await;
    let many = store(environment, "MILLIONS").await;
    crowd(environment, &few, FEW).await;
    let started = tokio::time::Instant::now();
    crowd(environment, &many, MILLIONS).await;
    let stored = environment.driver().run_command(doc! { "dbStats": 1 }).await;
    let stored = stored
        .expect("statistics")
        .get("totalSize")
        .and_then(Bson::as_f64);
    let mut rows = vec![Row {
        what: "seconds for 2,000,000 customers with addresses and orders; size of the database on disk"
            .into(),
        measured: format!(
            "{:.0}; {:.1} GiB",
            started.elapsed().as_secs_f64(),
            stored.unwrap_or_default() / (1024.0 * 1024.0 * 1024.0)
        ),
        bound: "reported only".to_owned(),
        within_bound: true,
    }];
    rows.extend(filtered(environment, [&few, &many], MILLIONS_BOUND).await);
    rows.push(points(environment, [&few, &many]).await);
    rows.push(nested(environment, [&few, &many]).await);
    rows
}

/// Compares filtered pages of both storefronts.
async fn filtered(environment: &Environment, [few, many]: [&str; 2], bound: f64) -> Vec<Row> {
    let groups = [
        half_in_a_group(environment, few).await,
        half_in_a_group(environment, many).await,
    ];
    let by_group = |group: &str| json!({ "status": "REPEAT", "groupId": group });
    let by_email = json!({ "email": { "startsWith": "crowd" } });
    let by_last_name = json!({ "lastName": { "eq": "Müller" } });
    let mut rows = Vec::new();
    for (what, filters, key) in [
        (
            "a page of customers by the beginning of their e-mail address: slowest against quickest of the first of the \
             small storefront, the first and the thousandth of the large one",
            [&by_email, &by_email],
            "EMAIL",
        ),
        (
            "the same by last name",
            [&by_last_name, &by_last_name],
            "LAST_NAME",
        ),
        (
            "the same by status and group",
            [&by_group(&groups[0]), &by_group(&groups[1])],
            "CREATED_AT",
        ),
    ] {
        let took = pages(environment, [few, many], filters, key).await;
        rows.push(row(what, &took, bound));
    }
    rows
}

/// Compares point reads of customers of both storefronts.
async fn points(environment: &Environment, storefronts: [&str; 2]) -> Row {
    let mut ids = Vec::new();
    for storefront in storefronts {
        let page = json!({ "storefront": storefront, "filter": {}, "key": "CREATED_AT", "first": 100 });
        let found = list(environment, page).await;
        let found = found["nodes"].as_array().expect("customers").iter();
        ids.push(found.map(|node| node["id"].clone()).collect::<Vec<_>>());
    }
    let url = &environment.gateway.app.public_url;
    let mut took: [Vec<Duration>; 2] = Default::default();
    for round in 0..ROUNDS {
        for (ids, took) in ids.iter().zip(&mut took) {
            let asked = json!({ "id": ids[round % ids.len()] });
            let started = tokio::time::Instant::now();
            let data = environment.query(url, POINT, asked).await;
            took.push(started.elapsed());
            assert!(data["customer"]["email"].is_string(), "{data}");
        }
    }
    row(
        "a customer by id: the large storefront against the small one",
        &took,
        MILLIONS_BOUND,
    )
}

/// Compares pages of customers with addresses and orders, one after the other in both storefronts.
async fn nested(environment: &Environment, storefronts: [&str; 2]) -> Row {
    let url = &environment.gateway.app.public_url;
    let mut after = [Value::Null, Value::Null];
    let mut took: [Vec<Duration>; 2] = Default::default();
    for _ in 0..ROUNDS {
        for ((storefront, after), took) in storefronts.iter().zip(&mut after).zip(&mut took) {
            let asked = json!({ "storefront": storefront, "after": after });
            let started = tokio::time::Instant::now();
            let data = environment.query(url, NESTED, asked).await;
            took.push(started.elapsed());
            let page = &data["storefront"]["customers"];
            assert_eq!(page["nodes"].as_array().map(Vec::len), Some(50), "{data}");
            *after = page["pageInfo"]["endCursor"].clone();
        }
    }
    row(
        "50 customers with addresses and orders: the large storefront against the small one",
        &took,
        MILLIONS_BOUND,
    )
}

/// Compares the medians of these times.
fn row(what: &'static str, took: &[Vec<Duration>], bound: f64) -> Row {
    let median = |took: &Vec<Duration>| {
        let mut took = took.clone();
        took.sort_unstable();
        took[took.len() / 2].as_secs_f64()
    };
    let medians: Vec<f64> = took.iter().map(median).collect();
    let slowest = medians.iter().copied().fold(f64::MIN, f64::max);
    let quickest = medians.iter().copied().fold(f64::MAX, f64::min);
    Row {
        what: what.into(),
        measured: format!("{:.2} ({:.1} ms)", slowest / quickest, quickest * 1e3),
        bound: bound.to_string(),
        within_bound: slowest / quickest <= bound,
    }
}

/// Adds every second customer to a new group, directly in the database, and returns the group's id.
async fn half_in_a_group(environment: &Environment, storefront: &str) -> String {
    let query = "mutation($group: CustomerGroupCreateInput!, $field: CustomFieldDefineInput!) {
        customerGroupCreate(input: $group) { customerGroup { id } }
        customFieldDefine(input: $field) { userErrors { code } } }";
    let input = json!({
        "group": { "storefrontId": storefront, "name": "half" },
        "field": { "storefrontId": storefront, "key": "tier", "name": "Tier", "type": "STRING" },
    });
    let data = environment
        .query(&environment.gateway.app.public_url, query, input)
        .await;
    let group = data["customerGroupCreate"]["customerGroup"]["id"].as_str();
    let group = group.unwrap_or_else(|| panic!("{data}")).to_owned();
    let customers = environment.driver().collection::<Document>("customers");
    let every_second = doc! { "storefrontId": storefront, "referenceNumber": { "$mod": [2, 0] } };
    let update = doc! { "$set": { "groupIds": [&group] } };
    customers
        .update_many(every_second, update)
        .await
        .expect("updated");
    group
}

/// Creates another storefront in the benchmark's organization and returns its id.
async fn store(environment: &Environment, code: &str) -> String {
    let app = &environment.gateway.app;
    let new = storefronts::NewStorefront {
        organization: environment.organization.clone(),
        name: code.to_owned(),
        code: code.to_owned(),
        integration_type: IntegrationType::Custom,
        account_url: None,
        conceal_emails: false,
    };
    let system = HouseReach::everywhere();
    let made = storefronts::create(&app.database, &system, &app.clock, &app.random, new).await;
    made.expect("made").expect("free").id.to_string()
}

/// Adds customers to a storefront until it has this many.
pub async fn crowd(environment: &Environment, storefront: &str, many: u64) {
    let id = StorefrontId::parse(storefront).expect("an id");
    let place = tokio::time::timeout(Duration::from_secs(30), reached(environment, &id)).await;
    let place = place.expect("a new storefront is reached within seconds");
    let app = &environment.gateway.app;
    let crowd = Crowd { app, place: &place };
    crowd.grow_to(many, &Progress::detect()).await.expect("laid");
}

/// Returns the reach into a storefront, once the gateway has refreshed what the credential reaches.
async fn reached(environment: &Environment, storefront: &StorefrontId) -> StorefrontReach {
    loop {
        if let Some(place) = reach(environment).await.only(storefront) {
            return place;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn reach(environment: &Environment) -> Reach {
    let known = environment
        .gateway
        .app
        .access
        .authenticate(&environment.secret)
        .await;
    let principal = known.expect("an answer").expect("a good secret");
    principal
        .reach_to_write(&Policy::backend(Scope::CustomersWrite))
        .expect("all scopes")
}

/// Returns how long the first page of the small storefront takes, and the first page and a deep page of the large one.
async fn pages(
    environment: &Environment,
    [few, many]: [&str; 2],
    [of_few, of_many]: [&Value; 2],
    key: &str,
) -> [Vec<Duration>; 3] {
    let first = |storefront: &str, filter: &Value| json!({ "storefront": storefront, "filter": filter, "key": key, "first": PAGE });
    let mut deep = first(many, of_many);
    for _ in 0..DEEP * PAGE / 100 {
        let mut page = deep.clone();
        page["first"] = 100.into();
        let found = list(environment, page).await;
        deep["after"] = found["pageInfo"]["endCursor"].clone();
    }
    let asked = [first(few, of_few), first(many, of_many), deep];
    let mut took: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (page, took) in asked.iter().zip(&mut took) {
            let started = tokio::time::Instant::now();
            let found = list(environment, page.clone()).await;
            took.push(started.elapsed());
            assert_eq!(found["nodes"].as_array().map(Vec::len), Some(PAGE));
        }
    }
    took
}

async fn list(environment: &Environment, variables: Value) -> Value {
    let url = &environment.gateway.app.public_url;
    let data = environment.query(url, LIST, variables).await;
    data["storefront"]["customers"].clone()
}
