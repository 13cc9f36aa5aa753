//! Compares a point read through GraphQL with the same read by the bare handler, by processor time of the server.

use serde_json::{Value, json};

use crate::Row;
use crate::child_process::Served;
use crate::environment::Environment;

/// Requests in a round; enough that the clock's ticks of 10 ms do not matter.
const REQUESTS: usize = 6000;
/// Rounds, which alternate between the servers so that a machine that slows down affects both. The totals are compared:
/// with a few callers, the rounds of one server differ by a quarter, depending on when its threads sleep, so that the
/// ratio of a single round is not meaningful.
const ROUNDS: usize = 21;
/// Concurrent requests: a single one, a few, and enough to keep both cores busy. With a few, how often a server sleeps
/// and is woken depends on its speed, which favours the faster server twice.
const CALLERS: [usize; 3] = [1, 8, 32];
const BOUND: f64 = 1.6;
const WHAT: [&str; 3] = [
    "point read through GraphQL, CPU against a bare axum handler with the driver, one caller",
    "the same with 8 callers at once",
    "the same with 32 callers at once",
];

const QUERY: &str =
    "query Point($id: ID!) { storefrontUser(by: { id: $id }) { id storefrontUserId isAnonymous createdAt } }";

pub async fn measure(environment: &Environment) -> Vec<Row> {
    let id = environment.user("point", false).await;
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    let bare = Served::start("serve-bare", environment.uri()).await;
    let through_graphql = (
        format!("{}/graphql", gateway.url),
        json!({ "query": QUERY, "variables": { "id": id } }),
    );
    let directly = (format!("{}/point", bare.url), json!({ "id": id }));
    let mut rows = Vec::new();
    for (what, callers) in WHAT.into_iter().zip(CALLERS) {
        rows.push(
            compare(
                environment,
                what,
                callers,
                (&gateway, &through_graphql),
                (&bare, &directly),
            )
            .await,
        );
    }
    gateway.stop().await;
    bare.stop().await;
    rows
}

type Question = (String, Value);

/// Compares the processor time of both servers with this number of concurrent callers.
async fn compare(
    environment: &Environment,
    what: &'static str,
    callers: usize,
    (gateway, through_graphql): (&Served, &Question),
    (bare, directly): (&Served, &Question),
) -> Row {
    let (mut ours, mut theirs) = (0.0, 0.0);
    for round in 0..=ROUNDS {
        let graphql = cpu_of(environment, gateway, callers, through_graphql).await;
        let plain = cpu_of(environment, bare, callers, directly).await;
        // The first round fills caches and pools.
        if round > 0 {
            (ours, theirs) = (ours + graphql, theirs + plain);
        }
    }
    let ratio = ours / theirs;
    let micros = |seconds: f64| seconds * 1e6 / (ROUNDS * REQUESTS) as f64;
    Row {
        what: what.into(),
        measured: format!(
            "{ratio:.2} ({:.0} µs against {:.0} µs)",
            micros(ours),
            micros(theirs)
        ),
        bound: format!("{BOUND}"),
        within_bound: ratio <= BOUND,
    }
}

/// Returns the processor time that a round costs the server, in seconds.
async fn cpu_of(environment: &Environment, server: &Served, callers: usize, (url, body): &Question) -> f64 {
    let before = server.used().cpu;
    let client = reqwest::Client::new();
    let tasks = (0..callers).map(|_| {
        let (client, url, body, secret) = (
            client.clone(),
            url.clone(),
            body.clone(),
            environment.secret.clone(),
        );
        tokio::spawn(async move {
            for _ in 0..REQUESTS / callers {
                let sent = client
                    .post(&url)
                    .bearer_auth(&secret)
                    .json(&body)
                    .send()
                    .await
                    .expect("an answer");
                let answer = sent.text().await.expect("text");
                assert!(answer.contains("\"storefrontUserId\":\"point\""), "{answer}");
            }
        })
    });
    for caller in futures_util::future::join_all(tasks).await {
        caller.expect("no caller fails");
    }
    server.used().cpu - before
}
