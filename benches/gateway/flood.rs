//! Measures that a flood of logins neither slows down reads of other callers nor exhausts memory (TOK-03).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::Row;
use crate::child_process::Served;
use crate::environment::Environment;

/// Clients that log in repeatedly, each as soon as the previous response has arrived.
const CLIENTS: usize = 64;
const READERS: usize = 4;
const READS: usize = 1500;
const RATIO: f64 = 3.0;
const LATENCY: Duration = Duration::from_millis(25);
const MEMORY_KIB: i64 = 64 * 1024;
const PASSWORD: &str = "correct horse";

const LOGIN: &str = "mutation($input: CustomerTokenCreateInput!) { customerTokenCreate(input: $input) {
    token { expiresAt } userErrors { code retryAfterSeconds } } }";
const READ: &str = "query($id: ID!) { storefrontUser(by: { id: $id }) { id storefrontUserId } }";

/// Counts of login results, and the signal that stops the clients.
#[derive(Default)]
struct Outcomes {
    stop: AtomicBool,
    signed_in: AtomicUsize,
    told_to_wait: AtomicUsize,
}

pub async fn measure(environment: &Arc<Environment>) -> Vec<Row> {
    let user = environment.user("flood", false).await;
    for number in 0..CLIENTS {
        environment.customer(&email(number), Some(PASSWORD)).await;
    }
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    reads(environment, &gateway.url, &user).await;
    let quiet = reads(environment, &gateway.url, &user).await;
    let before = gateway.used();
    let outcomes = Arc::new(Outcomes::default());
    let logins: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (environment, url) = (Arc::clone(environment), gateway.url.clone());
            tokio::spawn(log_in(environment, url, number, Arc::clone(&outcomes)))
        })
        .collect();
    // Waits until the queue is full and logins are being refused.
    while outcomes.told_to_wait.load(Ordering::SeqCst) < CLIENTS {
        tokio::task::yield_now().await;
    }
    let flooded = reads(environment, &gateway.url, &user).await;
    outcomes.stop.store(true, Ordering::SeqCst);
    for login in join_all(logins).await {
        login.expect("no login fails in another way");
    }
    let after = gateway.used();
    gateway.stop().await;
    rows(&outcomes, (quiet, flooded), after.peak_kib - before.resident_kib)
}

fn rows(outcomes: &Outcomes, (quiet, flooded): (Duration, Duration), rise: i64) -> Vec<Row> {
    let ratio = flooded.as_secs_f64() / quiet.as_secs_f64();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let (signed_in, reported) = (
        outcomes.signed_in.load(Ordering::SeqCst),
        outcomes.told_to_wait.load(Ordering::SeqCst),
    );
    vec![
        Row {
            what: "p99 of point reads during a flood of logins by 64 clients, against without".into(),
            measured: format!(
                "{ratio:.1} ({:.1} ms against {:.1} ms)",
                millis(flooded),
                millis(quiet)
            ),
            bound: format!("{RATIO}, or {} ms", LATENCY.as_millis()),
            within_bound: ratio <= RATIO || flooded < LATENCY,
        },
        Row {
            what: "rise of memory by the flood".into(),
            measured: format!("{:.1} MiB", rise as f64 / 1024.0),
            bound: format!("{} MiB", MEMORY_KIB / 1024),
            within_bound: rise < MEMORY_KIB,
        },
        Row {
            what: "logins beyond the queue that were refused with the time of the next attempt; signed in meanwhile".into(),
            measured: format!("{reported}, all of them; {signed_in}"),
            bound: "all; some".to_owned(),
            within_bound: reported > 0 && signed_in > 0,
        },
    ]
}

fn email(number: usize) -> String {
    format!("flood{number}@example.com")
}

async fn log_in(environment: Arc<Environment>, url: String, number: usize, outcomes: Arc<Outcomes>) {
    let input = json!({ "input": { "email": email(number), "password": PASSWORD } });
    while !outcomes.stop.load(Ordering::SeqCst) {
        let data = environment.query(&url, LOGIN, input.clone()).await;
        let payload = &data["customerTokenCreate"];
        if payload["token"].is_object() {
            outcomes.signed_in.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let error = &payload["userErrors"][0];
        assert_eq!(error["code"], "RATE_LIMITED", "{data}");
        assert!(error["retryAfterSeconds"].as_i64() >= Some(1), "{data}");
        outcomes.told_to_wait.fetch_add(1, Ordering::SeqCst);
    }
}

/// Returns the 99th percentile of the duration of a point read.
async fn reads(environment: &Environment, url: &str, user: &str) -> Duration {
    let reader = || async {
        let mut took = Vec::with_capacity(READS);
        for _ in 0..READS {
            let started = Instant::now();
            let data = environment.query(url, READ, json!({ "id": user })).await;
            took.push(started.elapsed());
            assert_eq!(data["storefrontUser"]["storefrontUserId"], "flood", "{data}");
        }
        took
    };
    let mut took: Vec<Duration> = join_all((0..READERS).map(|_| reader()))
        .await
        .into_iter()
        .flatten()
        .collect();
    took.sort_unstable();
    took[took.len() * 99 / 100]
}
