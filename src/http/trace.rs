//! The span of a request, which continues the client's trace (W3C Trace Context, `traceparent`).

use axum::http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::request_id::RequestId;
use crate::config::TelemetryConfig;

/// Creates the span of a request.
pub(super) fn span(telemetry: &TelemetryConfig, headers: &HeaderMap, id: &RequestId) -> Span {
    let span = tracing::info_span!(target: "gateway::request", "request", request_id = id.as_str());
    if telemetry.traces_url.is_some() && headers.contains_key("traceparent") {
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        if let Err(error) = span.set_parent(parent) {
            tracing::debug!(%error, "cannot continue the trace of a request");
        }
    }
    span
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
