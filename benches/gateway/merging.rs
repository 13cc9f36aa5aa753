//! Measures that the cost of a merge does not depend on the number of items in the storage (SFU-35).

use std::time::Duration;

use serde_json::json;

use crate::Row;
use crate::environment::Environment;

const ROUNDS: usize = 9;
const FEW: usize = 10;
const MANY: usize = 10_000;
const BOUND: f64 = 1.5;

const MERGE: &str = "mutation($input: StorefrontUserMergeAnonymousInput!) {
    storefrontUserMergeAnonymous(input: $input) { movedItemCount userErrors { code } } }";

pub async fn measure(environment: &Environment) -> Vec<Row> {
    let (mut ratios, mut commands) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (few, few_commands) = merge(environment, FEW, round).await;
        let (many, many_commands) = merge(environment, MANY, round).await;
        if round > 0 {
            ratios.push(many.as_secs_f64() / few.as_secs_f64());
            commands.push((few_commands, many_commands));
        }
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    commands.sort_unstable();
    let (few_commands, many_commands) = commands[commands.len() / 2];
    vec![
        Row {
            what: "merge of 10,000 items, time against a merge of 10".into(),
            measured: format!("{median:.2}"),
            bound: format!("{BOUND}"),
            within_bound: median <= BOUND,
        },
        Row {
            what: "database commands of a merge of 10,000 items against 10".into(),
            measured: format!("{many_commands} against {few_commands}"),
            bound: "the same".to_owned(),
            within_bound: many_commands == few_commands,
        },
    ]
}

/// Returns the duration and the number of commands of one merge.
async fn merge(environment: &Environment, items: usize, round: usize) -> (Duration, u64) {
    let (anonymous, regular) = (
        format!("anonymous {items} {round}"),
        format!("regular {items} {round}"),
    );
    let user = environment.user(&anonymous, true).await;
    environment.user(&regular, false).await;
    environment.insert_items(&user, items).await;
    let input =
        json!({ "input": { "anonymousStorefrontUserId": anonymous, "regularStorefrontUserId": regular } });
    let url = environment.gateway.app.public_url.clone();
    let started = tokio::time::Instant::now();
    let (data, commands) = environment.counted(environment.query(&url, MERGE, input)).await;
    let took = started.elapsed();
    assert_eq!(
        data["storefrontUserMergeAnonymous"]["movedItemCount"], items,
        "{data}"
    );
    (took, commands)
}
