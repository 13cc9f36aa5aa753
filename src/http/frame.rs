//! The parts of every response, for any path: a request id, `nosniff`, one line in the log, metrics, a trace; and an
//! error response instead of a broken connection if a handler panics.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use axum::{
    extract::{MatchedPath, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use futures_util::FutureExt;
use metrics::{counter, histogram};
use tokio::time::Instant;
use tracing::Instrument;

use super::fault::Fault;
use super::gateway::Gateway;
use super::mask;
use super::site::GRAPHQL;
use super::trace;
use crate::reach::principal::Principal;

/// Paths of the probes.
const HEALTH: &str = "/health/";
/// The header with the request id.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request id: the client's own if it has a simple form, so that logs of client and gateway can be correlated.
#[derive(Clone, Debug)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    fn of(headers: &HeaderMap, fresh: impl FnOnce() -> [u8; 16]) -> Self {
        let own = headers.get(X_REQUEST_ID).filter(|value| {
            (1..=64).contains(&value.len())
                && (value.as_bytes().iter()).all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        });
        Self(match own {
            Some(own) => own.clone(),
            None => HeaderValue::try_from(HEXLOWER.encode(&fresh()))
                .expect("hexadecimal digits are a header's value"),
        })
    }

    /// Returns the id that `frame` has assigned to the request.
    pub(super) fn assigned(extensions: &Extensions) -> Self {
        let unknown = || Self(HeaderValue::from_static("unknown"));
        extensions.get::<Self>().cloned().unwrap_or_else(unknown)
    }

    pub(super) fn as_str(&self) -> &str {
        // Only ASCII values are accepted.
        self.0.to_str().unwrap_or_default()
    }
}

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
    let span = trace::span(&gateway.app.config.telemetry, request.headers(), &id);
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
    let outcome = outcome(&note, &response);
    let operation = note.operation.as_deref().unwrap_or(path);
    let took = started.elapsed();
    log(&note, operation, &outcome, response.status(), &id, took);
    if gateway.app.config.telemetry.metrics_listen.is_some() {
        measure(operation, &outcome, took);
    }
    response
}

/// Returns how the request ended: `ok`, an error code, or a word for the status.
fn outcome(note: &Note, response: &Response) -> Cow<'static, str> {
    note.outcome.clone().unwrap_or(match response.status().as_u16() {
        ..400 => Cow::Borrowed("ok"),
        400..500 => Cow::Borrowed("refused"),
        500.. => Cow::Borrowed("failed"),
    })
}

/// Logs one line for each request: no variables, no addresses, no credentials, no query string.
fn log(note: &Note, operation: &str, outcome: &str, status: StatusCode, id: &RequestId, took: Duration) {
    let principal = note.principal.unwrap_or("none");
    let (request_id, status, duration_ms) = (id.as_str(), status.as_u16(), took.as_secs_f64() * 1000.0);
    // Health checks come every few seconds, and their result is known to the sender.
    if operation.starts_with(HEALTH) {
        tracing::debug!(target: "gateway::request", request_id, operation, status, outcome, duration_ms, "request");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_own_id_is_kept_if_it_is_plain() {
        let id = |own: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_static(own));
            RequestId::of(&headers, || [0xab; 16]).as_str().to_owned()
        };
        assert_eq!(id("Abc-123"), "Abc-123");
        let fresh = "ab".repeat(16);
        assert_eq!(id(""), fresh);
        assert_eq!(id("a b"), fresh);
        assert_eq!(id("a\"}"), fresh);
        assert_eq!(
            id("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            fresh
        );
    }
}
