//! Measures that filtered pages of a storefront's customers cost the same at the beginning and a thousand pages on, and
//! with ten times as many customers.

use std::time::Duration;

use bson::{Document, doc};
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
/// Customers on a page.
const PAGE: usize = 10;
/// Pages before the deep page.
const DEEP: usize = 1000;
const ROUNDS: usize = 101;
const BOUND: f64 = 1.5;

const LIST: &str = "query($storefront: ID!, $filter: CustomerFilter!, $key: CustomerSortKey!, $first: Int!, $after: String) {
    storefront(by: { id: $storefront }) {
        customers(filter: $filter, sortKey: $key, first: $first, after: $after) {
            nodes { id } pageInfo { endCursor } } } }";

const RELATED: &str =
    "query($storefront: ID!) { storefront(by: { id: $storefront }) { customers(first: 50) { nodes {
    orders(first: 3) { nodes { number lines { sku } } }
    groups(first: 5) { nodes { name } }
    customFields { key value } } } } }";
/// One command each for the storefront, the customers, their orders, their groups, and the custom fields.
const COMMANDS: u64 = 5;

pub async fn measure(environment: &Environment) -> Vec<Row> {
    let few = store(environment, "FEW").await;
    let many = store(environment, "MANY").await;
    crowd(environment, &few, FEW).await;
    let started = tokio::time::Instant::now();
    crowd(environment, &many, MANY).await;
    let mut rows = vec![Row {
        what: "seconds for 200,000 customers with addresses and orders",
        measured: format!("{:.0}", started.elapsed().as_secs_f64()),
        bound: "reported only".to_owned(),
        within_bound: true,
    }];
    let mut groups = Vec::new();
    for storefront in [&few, &many] {
        groups.push(half_in_a_group(environment, storefront).await);
    }
    let by_group = |group: &str| json!({ "status": "REPEAT", "groupId": group });
    let by_email = json!({ "email": { "startsWith": "crowd" } });
    let by_last_name = json!({ "lastName": { "eq": "Müller" } });
    for (what, filters, key) in [
        (
            "a page of customers by the beginning of their e-mail address: slowest against quickest of the first of 20,000, \
             the first and the thousandth of 200,000",
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
        rows.push(pages(environment, [&few, &many], filters, key, what).await);
    }
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
    let customers = environment.driver().await.collection::<Document>("customers");
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

async fn crowd(environment: &Environment, storefront: &str, many: u64) {
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

/// Compares the first page of the small storefront with the first page and a deep page of the large one.
async fn pages(
    environment: &Environment,
    [few, many]: [&str; 2],
    [of_few, of_many]: [&Value; 2],
    key: &str,
    what: &'static str,
) -> Row {
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
    let took = took.map(|mut took| {
        took.sort_unstable();
        took[took.len() / 2].as_secs_f64()
    });
    let slowest = took.iter().copied().fold(f64::MIN, f64::max);
    let quickest = took.iter().copied().fold(f64::MAX, f64::min);
    Row {
        what,
        measured: format!("{:.2}", slowest / quickest),
        bound: format!("{BOUND}"),
        within_bound: slowest / quickest <= BOUND,
    }
}

async fn list(environment: &Environment, variables: Value) -> Value {
    let url = &environment.gateway.app.public_url;
    let data = environment.query(url, LIST, variables).await;
    data["storefront"]["customers"].clone()
}
