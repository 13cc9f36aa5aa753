//! A point read through GraphQL against the same read by the bare handler: processor time of the serving process.

use serde_json::{Value, json};

use crate::Row;
use crate::child::Served;
use crate::stand::Stand;

/// Requests in a round; long enough for the clock's ticks of 10 ms.
const REQUESTS: usize = 6000;
/// Rounds, one server after the other, so that a machine that slows down slows both.
const ROUNDS: usize = 7;
/// Requests under way at once.
const CALLERS: usize = 8;
const BOUND: f64 = 1.6;

const QUERY: &str =
    "query Point($id: ID!) { storefrontUser(by: { id: $id }) { id storefrontUserId isAnonymous createdAt } }";

pub async fn measure(stand: &Stand) -> Vec<Row> {
    let id = stand.user("point", false).await;
    let gateway = Served::start("serve-gateway", stand.uri()).await;
    let bare = Served::start("serve-bare", stand.uri()).await;
    let through_graphql = (
        format!("{}/graphql", gateway.url),
        json!({ "query": QUERY, "variables": { "id": id } }),
    );
    let directly = (format!("{}/point", bare.url), json!({ "id": id }));
    let mut ratios = Vec::new();
    let (mut ours, mut theirs) = (0.0, 0.0);
    for round in 0..=ROUNDS {
        let graphql = cpu_of(stand, &gateway, &through_graphql).await;
        let plain = cpu_of(stand, &bare, &directly).await;
        // The first round fills caches and pools.
        if round > 0 {
            ratios.push(graphql / plain);
            (ours, theirs) = (ours + graphql, theirs + plain);
        }
    }
    gateway.stop().await;
    bare.stop().await;
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    let micros = |seconds: f64| seconds * 1e6 / (ROUNDS * REQUESTS) as f64;
    vec![Row {
        what: "point read through GraphQL, CPU against a bare axum handler with the driver",
        measured: format!(
            "{median:.2} ({:.0} µs against {:.0} µs)",
            micros(ours),
            micros(theirs)
        ),
        bound: format!("{BOUND}"),
        kept: median <= BOUND,
    }]
}

/// Processor time that a round costs the server, in seconds.
async fn cpu_of(stand: &Stand, server: &Served, (url, body): &(String, Value)) -> f64 {
    let before = server.used().cpu;
    let client = reqwest::Client::new();
    let callers = (0..CALLERS).map(|_| {
        let (client, url, body, secret) = (client.clone(), url.clone(), body.clone(), stand.secret.clone());
        tokio::spawn(async move {
            for _ in 0..REQUESTS / CALLERS {
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
    for caller in futures_util::future::join_all(callers).await {
        caller.expect("no caller fails");
    }
    server.used().cpu - before
}
