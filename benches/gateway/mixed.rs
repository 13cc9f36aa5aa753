//! Measures that sign-ins and writes do not slow down the reads that run beside them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Row;
use crate::child_process::Served;
use crate::environment::Environment;

const CALLERS: usize = 32;
/// Requests of each caller in a round, and rounds, which alternate between reads alone and the mix.
const REQUESTS: usize = 200;
const ROUNDS: usize = 3;
/// Most times that the 99th percentile of reads may grow.
const BOUND: f64 = 3.0;
const PASSWORD: &str = "correct horse";

const POINT: &str = "query($id: ID!) { customer(by: { id: $id }) { id email firstName createdAt } }";
const PAGE: &str = "{ storefront { customers(first: 20) { nodes { id email
    addresses(first: 5) { nodes { id city } } orders(first: 5) { nodes { id number } } } } } }";
const SIGN_IN: &str = "mutation($input: CustomerTokenCreateInput!) { customerTokenCreate(input: $input) {
    token { refreshToken } userErrors { code } } }";
const REFRESH: &str = "mutation($input: CustomerTokenRefreshInput!) { customerTokenRefresh(input: $input) {
    token { refreshToken } userErrors { code } } }";
const UPDATE: &str = "mutation($input: CustomerUpdateInput!) { customerUpdate(input: $input) {
    customer { version } userErrors { code } } }";

/// A customer, and the newest refresh token of its session.
struct Shopper {
    id: String,
    email: String,
    refresh_token: String,
}

/// What a caller does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    ReadsAlone,
    /// Of ten requests, seven are reads, one a sign-in, one a refresh and one a write.
    Mixed,
}

/// How long the requests took.
#[derive(Default)]
struct Took {
    reads: Vec<Duration>,
    others: usize,
}

pub async fn measure(environment: &Arc<Environment>) -> Vec<Row> {
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    let mut shoppers = Vec::new();
    for number in 0..CALLERS {
        let email = format!("mixed{number}@example.com");
        let id = environment.customer(&email, Some(PASSWORD)).await;
        shoppers.push(Shopper {
            id,
            email,
            refresh_token: String::new(),
        });
    }
    let url = &gateway.url;
    for shopper in &mut shoppers {
        sign_in(environment, url, shopper).await;
        assert!(
            !shopper.refresh_token.is_empty(),
            "{} is signed in",
            shopper.email
        );
    }
    let mut took: [Took; 2] = Default::default();
    for round in 0..=ROUNDS {
        for (load, took) in [Load::ReadsAlone, Load::Mixed].into_iter().zip(&mut took) {
            let callers = shoppers.iter_mut();
            let of_callers = join_all(callers.map(|shopper| calls(environment, url, shopper, load))).await;
            // The first round fills caches and pools.
            for of_caller in of_callers.into_iter().filter(|_| round > 0) {
                took.reads.extend(of_caller.reads);
                took.others += of_caller.others;
            }
        }
    }
    gateway.stop().await;
    let [alone, mixed] = took.map(|mut took| {
        took.reads.sort_unstable();
        let at = |percent: usize| took.reads[took.reads.len() * percent / 100].as_secs_f64() * 1e3;
        (at(50), at(99), took.others)
    });
    let ratio = mixed.1 / alone.1;
    vec![Row {
        what: "p99 of reads among 32 callers of which one request in ten signs in, one refreshes and one writes, against \
               reads alone"
            .into(),
        measured: format!(
            "{ratio:.1} ({:.1} ms against {:.1} ms; p50 {:.1} ms against {:.1} ms; {} other requests)",
            mixed.1, alone.1, mixed.0, alone.0, mixed.2
        ),
        bound: BOUND.to_string(),
        within_bound: ratio <= BOUND,
    }]
}

/// The requests of one caller, one after the other.
async fn calls(environment: &Environment, url: &str, shopper: &mut Shopper, load: Load) -> Took {
    let mut took = Took::default();
    for number in 0..REQUESTS {
        match number % 10 {
            7 if load == Load::Mixed => sign_in(environment, url, shopper).await,
            8 if load == Load::Mixed => refresh(environment, url, shopper).await,
            9 if load == Load::Mixed => update(environment, url, shopper, number).await,
            even => {
                let started = Instant::now();
                read(environment, url, shopper, even % 2 == 0).await;
                took.reads.push(started.elapsed());
                continue;
            }
        }
        took.others += 1;
    }
    took
}

async fn read(environment: &Environment, url: &str, shopper: &Shopper, is_page: bool) {
    if is_page {
        let data = environment.query(url, PAGE, json!({})).await;
        assert!(data["storefront"]["customers"]["nodes"][0].is_object(), "{data}");
    } else {
        let data = environment.query(url, POINT, json!({ "id": shopper.id })).await;
        assert_eq!(data["customer"]["id"], *shopper.id, "{data}");
    }
}

/// Signs in. If too many passwords are being checked, the gateway refuses, and the shopper keeps its session.
async fn sign_in(environment: &Environment, url: &str, shopper: &mut Shopper) {
    let input = json!({ "input": { "email": shopper.email, "password": PASSWORD } });
    let data = environment.query(url, SIGN_IN, input).await;
    let payload = &data["customerTokenCreate"];
    if payload["userErrors"][0]["code"] != "RATE_LIMITED" {
        shopper.refresh_token = refresh_token(payload);
    }
}

async fn refresh(environment: &Environment, url: &str, shopper: &mut Shopper) {
    let input = json!({ "input": { "refreshToken": shopper.refresh_token } });
    let data = environment.query(url, REFRESH, input).await;
    shopper.refresh_token = refresh_token(&data["customerTokenRefresh"]);
}

fn refresh_token(payload: &Value) -> String {
    let token = payload["token"]["refreshToken"].as_str();
    token.unwrap_or_else(|| panic!("{payload}")).to_owned()
}

async fn update(environment: &Environment, url: &str, shopper: &Shopper, number: usize) {
    let input = json!({ "input": { "customerId": shopper.id, "firstName": format!("Ada {number}") } });
    let data = environment.query(url, UPDATE, input).await;
    assert!(data["customerUpdate"]["customer"].is_object(), "{data}");
}
