//! Traces by OTLP over HTTP, continued from and propagated with `traceparent` (W3C Trace Context).

use std::error::Error as StdError;
use std::time::Duration;

use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use reqwest::blocking::Client;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::TelemetryFault;

/// The service's name in traces.
const SERVICE: &str = "storefront-gateway";
/// Timeout of an export, after which the batch is dropped.
const EXPORT: Duration = Duration::from_secs(5);
/// How long the gateway waits for the last batch when it stops.
const LAST_BATCH: Duration = Duration::from_secs(5);

/// Creates a provider that sends spans to the collector at `url`.
pub(super) async fn provider(url: Url) -> Result<SdkTracerProvider, TelemetryFault> {
    // The exporter's HTTP client is blocking, and must not be created on an async thread.
    let built = tokio::task::spawn_blocking(move || exporter(&url)).await;
    let exporter = built
        .map_err(Into::into)
        .flatten()
        .map_err(|error| TelemetryFault::new("cannot set up traces: check GATEWAY_OTLP_ENDPOINT", error))?;
    global::set_text_map_propagator(TraceContextPropagator::new());
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(SERVICE).build())
        .build();
    global::set_tracer_provider(provider.clone());
    Ok(provider)
}

/// Creates the exporter. A collector without TLS needs no root certificates, which a machine may not have.
fn exporter(url: &Url) -> Result<SpanExporter, Box<dyn StdError + Send + Sync>> {
    let mut client = Client::builder().timeout(EXPORT);
    if url.scheme() == "http" {
        client = client.tls_certs_only([]);
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client.build()?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url.as_str())
        .with_timeout(EXPORT);
    Ok(exporter.build()?)
}

/// Returns the layer that converts `tracing` spans to spans of traces.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> OpenTelemetryLayer<S, SdkTracer>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer().with_tracer(provider.tracer(SERVICE))
}

/// Sends the remaining spans.
pub(super) async fn stop(provider: SdkTracerProvider) {
    let stopped = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_BATCH)).await;
    if let Ok(Err(error)) = stopped {
        tracing::warn!(%error, "cannot send the last traces");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Accepts one request, answers it, and returns its head.
    async fn collect(listener: TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.windows(4).any(|window| window == b"\r\n\r\n") {
            stream.read_buf(&mut request).await.expect("a head");
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).await.expect("answered");
        // Reads the rest of the request, because closing before would reset the connection.
        stream.read_to_end(&mut Vec::new()).await.expect("read");
        String::from_utf8_lossy(&request).into_owned()
    }

    #[tokio::test]
    async fn a_span_reaches_the_collector_before_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let collector = tokio::spawn(collect(listener));
        let url = Url::parse(&format!("http://{address}/v1/traces")).expect("a URL");
        let provider = provider(url).await.expect("built");
        let subscriber = tracing_subscriber::registry().with(layer(&provider));
        tracing::subscriber::with_default(subscriber, || drop(tracing::info_span!("request").entered()));
        stop(provider).await;
        let request = collector.await.expect("collected");
        assert!(request.starts_with("POST /v1/traces "), "{request}");
        assert!(request.contains("application/x-protobuf"), "{request}");
    }
}
