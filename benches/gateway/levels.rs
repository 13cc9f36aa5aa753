//! Measures that a query costs a fixed number of database commands, regardless of the number of parent objects, when idle
//! and under load.

use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::Row;
use crate::environment::Environment;

const CALLERS: usize = 32;

/// Counts the commands of a query that runs alone and of 32 concurrent callers. Returns the data, and table rows with
/// the names in `what`.
pub async fn measure(
    environment: &Environment,
    what: [&'static str; 2],
    (query, variables): (&str, Value),
    bound: u64,
) -> (Value, Vec<Row>) {
    let url = environment.gateway.app.public_url.clone();
    let ask = || environment.query(&url, query, variables.clone());
    // The first call fills the cache of standings.
    ask().await;
    let (data, idle) = environment.counted(ask()).await;
    let before = environment.commands.load(Ordering::SeqCst);
    futures_util::future::join_all((0..CALLERS).map(|_| ask())).await;
    let each = (environment.commands.load(Ordering::SeqCst) - before) as f64 / CALLERS as f64;
    let row = |what: &'static str, measured, within_bound| Row {
        what: what.into(),
        measured,
        bound: bound.to_string(),
        within_bound,
    };
    let rows = vec![
        row(what[0], idle.to_string(), idle <= bound),
        // A cached backend status may expire during the measurement and be read again.
        row(what[1], format!("{each:.2}"), each <= bound as f64 + 0.1),
    ];
    (data, rows)
}
