//! The parts of every response, for any path: a request id, `nosniff`, one line in the log, metrics, a trace; and an
//! error response instead of a broken connection if a handler panics.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use metrics::{counter, histogram};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tokio::time::Instant;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::fault::Fault;
use super::gateway::{GRAPHQL, Gateway};
use super::mask;
use super::request_id::{RequestId, X_REQUEST_ID};
use crate::config::TelemetryConfig;
use crate::reach::principal::Principal;

/// Paths of the probes.
const HEALTH: &str = "/health/";

/// The properties of a request that its handler adds to the log line.
#[derive(Clone, Debug, Default)]
pub(super) struct Note {
    /// The operation's name; without one, the log has the path's pattern.
    pub(super) operation: Option<Arc<str>>,
    principal: Option<&'static str>,
    /// The code of the first error. `None`: derived from the status.
    pub(super) outcome: Option<Cow<'static, str>>,
    /// Number of database commands of the operation.
    pub(super) commands: u32,
}

impl Note {
    pub(super) fn of(principal: &Principal) -> Self {
        Self {
            principal: Some(principal.label()),
            ..Self::default()
        }
    }

    /// Records the errors of a response.
    pub(super) fn errors(&mut self, errors: &[ServerError]) {
        mask::count(errors);
        self.outcome = match errors.first() {
            Some(first) => mask::code_of(first).map(|code| Cow::Owned(code.to_owned())),
            None => Some(Cow::Borrowed("ok")),
        };
    }

    /// Returns how the request ended: `ok`, an error code, or a word for the status.
    fn outcome(&self, status: StatusCode) -> &str {
        self.outcome.as_deref().unwrap_or(match status.as_u16() {
            ..400 => "ok",
            400..500 => "refused",
            500.. => "failed",
        })
    }
}

/// Wraps the handling of every request.
pub(super) async fn frame(
    gateway: &Gateway,
    mut request: Request,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers(), || gateway.app.random.bytes());
    let is_graphql = request.uri().path() == GRAPHQL;
    // These responses are for one caller only, and not reusable.
    let is_private = is_graphql || request.uri().path().starts_with("/oauth/");
    let span = span(&gateway.app.config.telemetry, request.headers(), &id);
    request.extensions_mut().insert(id.clone());
    let answered = AssertUnwindSafe(answer(request))
        .catch_unwind()
        .instrument(span)
        .await;
    let mut response = answered.unwrap_or_else(|_panic| {
        // The panic hook has logged the details; a message built here could contain request data.
        tracing::error!(request_id = id.as_str(), "request handler panicked");
        Fault::internal(id.as_str()).into_response()
    });
    let note = response.extensions_mut().remove::<Note>().unwrap_or_default();
    let path = response.extensions_mut().remove::<MatchedPath>();
    let path = match &path {
        _ if is_graphql => GRAPHQL,
        Some(path) => path.as_str(),
        None => "unknown",
    };
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(X_REQUEST_ID, id.0.clone());
    if is_private {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let operation = note.operation.as_deref().unwrap_or(path);
    let took = started.elapsed();
    log(&id, operation, &note, response.status(), took);
    if gateway.app.config.telemetry.metrics_listen.is_some() {
        measure(operation, note.outcome(response.status()), took);
    }
    response
}

/// Creates the span of a request. It continues the client's trace (W3C Trace Context, `traceparent`).
fn span(telemetry: &TelemetryConfig, headers: &HeaderMap, id: &RequestId) -> Span {
    let span = tracing::info_span!(target: "gateway::request", "request", request_id = id.as_str());
    if telemetry.traces_url.is_some() && headers.contains_key("traceparent") {
        let parent = TraceContextPropagator::new().extract(&TraceHeaders(headers));
        if let Err(error) = span.set_parent(parent) {
            tracing::debug!(%error, "cannot continue the trace of a request");
        }
    }
    span
}

struct TraceHeaders<'a>(&'a HeaderMap);

impl Extractor for TraceHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Logs a request: no variables, no addresses, no credentials, no query string. `operation` is its name, or the pattern
/// of the path.
fn log(id: &RequestId, operation: &str, note: &Note, status: StatusCode, took: Duration) {
    let (principal, outcome) = (note.principal.unwrap_or("none"), note.outcome(status));
    let (request_id, status, duration_ms) = (id.as_str(), status.as_u16(), took.as_secs_f64() * 1000.0);
    // Health checks come every few seconds, and their result is known to the sender.
    if operation.starts_with(HEALTH) {
        tracing::debug!(
            target: "gateway::request",
            request_id, operation, status, outcome, duration_ms, "request"
        );
    } else {
        tracing::info!(
            target: "gateway::request",
            request_id, operation, principal, status, outcome, duration_ms, commands = note.commands, "request"
        );
    }
}

fn measure(operation: &str, outcome: &str, took: Duration) {
    let operation = operation.to_owned();
    histogram!("gateway_request_seconds", "operation" => operation.clone()).record(took.as_secs_f64());
    let labels = [("operation", operation), ("outcome", outcome.to_owned())];
    counter!("gateway_requests_total", &labels).increment(1);
}
