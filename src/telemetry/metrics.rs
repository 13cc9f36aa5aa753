//! Metrics for Prometheus, at `/metrics` on their own address.

use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use mongodb::event::{cmap::CmapEvent, command::CommandEvent};
use tokio::net::TcpListener;

use super::TelemetryFault;
use crate::platform::database::Monitor;

/// Interval of the recorder's upkeep.
const UPKEEP: Duration = Duration::from_secs(5);
/// Prometheus' text format (see its documentation, "Exposition formats").
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Upper bounds of the buckets of durations, in seconds: from a cached read to a request's deadline.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0,
];
/// Upper bounds of the buckets of batch sizes.
const KEYS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0, 10_000.0];

const BATCH_SIZE: &str = "gateway_loader_batch_size";
const JOBS: &str = "gateway_jobs_total";
const PASSWORD_QUEUE: &str = "gateway_password_queue";
const PASSWORD_HASH: &str = "gateway_password_hash_seconds";
const COMMANDS: &str = "gateway_database_command_seconds";
const CONNECTIONS: &str = "gateway_database_connections";
const IN_USE: &str = "gateway_database_connections_in_use";
const CHECKOUT_FAILURES: &str = "gateway_database_checkout_failures_total";

/// Collects metrics from now on and serves them. Returns the address in use.
pub(super) async fn serve(address: SocketAddr) -> Result<SocketAddr, TelemetryFault> {
    let unusable = |error| {
        let message =
            format!("cannot listen at {address} for metrics: set GATEWAY_METRICS_LISTEN to a free address");
        TelemetryFault::new(message, error)
    };
    let listener = TcpListener::bind(address).await.map_err(unusable)?;
    let bound = listener.local_addr().map_err(unusable)?;
    let handle = install().map_err(|error| TelemetryFault::new("cannot set up metrics", error))?;
    describe();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    let page = get(move || async move { ([(CONTENT_TYPE, TEXT_FORMAT)], handle.render()) });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, Router::new().route("/metrics", page)).await {
            tracing::error!(%error, "metrics endpoint stopped");
        }
    });
    Ok(bound)
}

fn install() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Full(BATCH_SIZE.to_owned()), KEYS)?
        .install_recorder()
}

fn describe() {
    describe_histogram!(
        "gateway_request_seconds",
        Unit::Seconds,
        "Time of a GraphQL request, by operation name."
    );
    describe_counter!(
        "gateway_requests_total",
        "GraphQL requests, by operation name and outcome."
    );
    describe_counter!("gateway_errors_total", "Errors in responses, by code.");
    describe_histogram!(
        BATCH_SIZE,
        "Keys in a loader's batch: documents that one database command reads for one level of a query."
    );
    describe_gauge!(PASSWORD_QUEUE, "Passwords that wait for a hashing thread.");
    describe_histogram!(
        PASSWORD_HASH,
        Unit::Seconds,
        "Time of a password hash on its thread, without the wait before it."
    );
    describe_counter!(JOBS, "Runs of background jobs, by kind and outcome.");
    describe_histogram!(
        COMMANDS,
        Unit::Seconds,
        "Time of a database command, by its name and outcome."
    );
    describe_gauge!(CONNECTIONS, "Open connections to the database.");
    describe_gauge!(
        IN_USE,
        "Connections to the database that a command is using; if all open ones are used, other commands wait."
    );
    describe_counter!(
        CHECKOUT_FAILURES,
        "Commands that got no connection to the database."
    );
}

/// Returns a monitor that records the driver's events: names and durations of commands, never their content.
pub(super) fn database_monitor() -> Monitor {
    Monitor::new(|event| match event {
        CommandEvent::Succeeded(event) => command(&event.command_name, "ok", event.duration),
        CommandEvent::Failed(event) => command(&event.command_name, "error", event.duration),
        _ => {}
    })
    .and_pool(|event| match event {
        CmapEvent::ConnectionCreated(_) => gauge!(CONNECTIONS).increment(1),
        CmapEvent::ConnectionClosed(_) => gauge!(CONNECTIONS).decrement(1),
        CmapEvent::ConnectionCheckedOut(_) => gauge!(IN_USE).increment(1),
        CmapEvent::ConnectionCheckedIn(_) => gauge!(IN_USE).decrement(1),
        CmapEvent::ConnectionCheckoutFailed(_) => counter!(CHECKOUT_FAILURES).increment(1),
        _ => {}
    })
}

fn command(name: &str, outcome: &'static str, took: Duration) {
    histogram!(COMMANDS, "command" => name.to_owned(), "outcome" => outcome).record(took);
}
