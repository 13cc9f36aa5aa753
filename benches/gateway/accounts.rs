//! Measures customers with their addresses: one database command per level of the query, and the same latency for the
//! first, middle and last page of a long list.

use std::time::Duration;

use serde_json::{Value, json};
use storefront_gateway::address::{Address, AddressContent, country::CountryCode};
use storefront_gateway::platform::id::{AddressId, CustomerId, Id, StorefrontId, StorefrontUserId};

use crate::environment::Environment;
use crate::{Row, levels};

const CUSTOMERS: usize = 50;
const MANY: usize = 10_000;
const ROUNDS: usize = 101;
/// One command each for the storefront, the customers, and their addresses (the pages together with the defaults).
const COMMANDS: u64 = 3;
const BOUND: f64 = 1.5;

const ACCOUNTS: &str =
    "{ storefront { customers(first: 50, filter: { email: { startsWith: \"account\" } }) { nodes { email
    addresses(first: 10) { nodes { city } }
    defaultShippingAddress { city } defaultBillingAddress { city } } } } }";

const PAGE: &str = "query($id: ID!, $first: Int, $after: String, $last: Int) { customer(by: { id: $id }) {
    addresses(first: $first, after: $after, last: $last) { nodes { id } pageInfo { endCursor } } } }";

pub async fn measure(environment: &Environment) -> Vec<Row> {
    let mut ids = Vec::with_capacity(CUSTOMERS);
    for number in 0..CUSTOMERS {
        let id = environment
            .customer(&format!("account{number}@example.com"), None)
            .await;
        default_address(environment, &id).await;
        insert_addresses(environment, &id, 10).await;
        ids.push(id);
    }
    let mut rows = commands(environment).await;
    rows.push(ends(environment, &ids[0]).await);
    rows
}

async fn commands(environment: &Environment) -> Vec<Row> {
    let what = [
        "commands of a page of 50 customers with 10 addresses each and their defaults, idle",
        "the same, a query, with 32 callers at once",
    ];
    let query = (ACCOUNTS, json!({}));
    let (data, rows) = levels::measure(environment, what, query, COMMANDS).await;
    let customers = data["storefront"]["customers"]["nodes"]
        .as_array()
        .expect("nodes");
    assert_eq!(customers.len(), CUSTOMERS);
    for customer in customers {
        let addresses = customer["addresses"]["nodes"].as_array().map(Vec::len);
        assert_eq!(addresses, Some(10), "{customer}");
        assert!(
            customer["defaultShippingAddress"]["city"].is_string(),
            "{customer}"
        );
    }
    rows
}

/// Compares the latency of the first page of a long list with its last page and with a page behind a deep cursor.
async fn ends(environment: &Environment, id: &str) -> Row {
    insert_addresses(environment, id, MANY).await;
    let url = environment.gateway.app.public_url.clone();
    let first = json!({ "id": id, "first": 50 });
    let last = json!({ "id": id, "last": 50 });
    // Only one page of the middle is measured: every page of the middle seeks from a cursor in the same way.
    let mut deep = first.clone();
    for _ in 0..MANY / 100 / 2 {
        let page = json!({ "id": id, "first": 100, "after": deep["after"] });
        let data = environment.query(&url, PAGE, page).await;
        deep["after"] = data["customer"]["addresses"]["pageInfo"]["endCursor"].clone();
    }
    let mut took: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (page, took) in [&first, &deep, &last].into_iter().zip(&mut took) {
            let started = tokio::time::Instant::now();
            let data = environment.query(&url, PAGE, page.clone()).await;
            took.push(started.elapsed());
            assert_eq!(
                data["customer"]["addresses"]["nodes"].as_array().map(Vec::len),
                Some(50)
            );
        }
    }
    let [first, deep, last] = took.map(|mut took| {
        took.sort_unstable();
        took[took.len() / 2].as_secs_f64()
    });
    let (slowest, quickest) = (first.max(deep).max(last), first.min(deep).min(last));
    Row {
        what: "a page of a customer's 10,000 addresses: slowest against quickest of first, middle and last"
            .into(),
        measured: format!("{:.2}", slowest / quickest),
        bound: format!("{BOUND}"),
        within_bound: slowest / quickest <= BOUND,
    }
}

/// Gives a customer a first address, which becomes the default for shipping and billing.
async fn default_address(environment: &Environment, customer: &str) {
    let query = "mutation($input: CustomerAddressCreateInput!) {
        customerAddressCreate(input: $input) { userErrors { code } } }";
    let input = json!({ "input": {
        "customerId": customer, "firstName": "Ada", "lastName": "Lovelace",
        "address1": "1 Main Street", "city": "Springfield", "iso2Code": "US",
    } });
    let data = environment
        .query(&environment.gateway.app.public_url, query, input)
        .await;
    assert_eq!(data["customerAddressCreate"]["userErrors"], json!([]), "{data}");
}

/// Inserts addresses directly into the database, which takes seconds where requests would take minutes.
async fn insert_addresses(environment: &Environment, customer: &str, count: usize) {
    let app = &environment.gateway.app;
    let query = "query($id: ID!) { customer(by: { id: $id }) { storefrontUser { id } } }";
    let data: Value = environment
        .query(&app.public_url, query, json!({ "id": customer }))
        .await;
    let user = data["customer"]["storefrontUser"]["id"].as_str().expect("a user");
    let now = app.clock.now();
    let content = AddressContent {
        label: None,
        salutation: None,
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        company: None,
        address1: "1 Main Street".to_owned(),
        address2: None,
        address3: None,
        zip_code: None,
        city: "Springfield".to_owned(),
        region: None,
        iso2_code: CountryCode::US,
        country: None,
        phone: None,
    };
    let address = || Address {
        id: AddressId::fresh(now, &app.random),
        storefront_id: StorefrontId::parse(&environment.storefront).expect("an id"),
        user_id: StorefrontUserId::parse(user).expect("an id"),
        customer_id: CustomerId::parse(customer).expect("an id"),
        content: content.clone(),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let addresses = environment.driver().collection::<Address>("addresses");
    for start in (0..count).step_by(5000) {
        let batch: Vec<Address> = (start..count.min(start + 5000)).map(|_| address()).collect();
        addresses.insert_many(batch).await.expect("inserted");
    }
}
