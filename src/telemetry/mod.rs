//! Telemetry: log lines on standard error, metrics for Prometheus, traces for a collector.

mod metrics;
mod traces;

use std::error::Error;
use std::fmt;
use std::io::IsTerminal;
use std::net::SocketAddr;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::Targets,
    layer::SubscriberExt,
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::{Config, LogConfig, LogFormat};
use crate::platform::database::Monitor;

/// Target of the gateway's own spans; those of libraries are noise in a trace.
const OWN_SPANS: &str = "storefront_gateway";
/// The default filter of the log; operator commands then show warnings only.
const USUAL_FILTER: &str = "info";

/// A gateway's telemetry, from its start to its end.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SocketAddr>,
}

/// Why telemetry cannot be set up as configured.
#[derive(Debug)]
pub struct TelemetryFault {
    message: String,
    source: Box<dyn Error + Send + Sync>,
}

impl TelemetryFault {
    fn new(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            message: message.into(),
            source: source.into(),
        }
    }
}

impl fmt::Display for TelemetryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for TelemetryFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// Sets up the log of an operator command: warnings, unless another filter is configured.
///
/// # Errors
/// See [`TelemetryFault`].
pub fn log_of_command(config: &LogConfig) -> Result<(), TelemetryFault> {
    let is_usual = config.filter == USUAL_FILTER;
    let filter = if is_usual { "warn" } else { &config.filter };
    let log = log_layer(config, filter)?;
    tracing_subscriber::registry()
        .with(log)
        .try_init()
        .map_err(no_log)
}

fn no_log(error: TryInitError) -> TelemetryFault {
    TelemetryFault::new("cannot set up the log", error)
}

impl Telemetry {
    /// Sets up log, metrics and traces as configured; once per process.
    ///
    /// # Errors
    /// See [`TelemetryFault`].
    pub async fn start(config: &Config) -> Result<Self, TelemetryFault> {
        let log = log_layer(&config.log, &config.log.filter)?;
        let traces = match &config.telemetry.traces_url {
            Some(url) => Some(traces::provider(url.clone()).await?),
            None => None,
        };
        let spans = traces.as_ref().map(|provider| {
            let own = Targets::new().with_target(OWN_SPANS, LevelFilter::INFO);
            traces::layer(provider).with_filter(own)
        });
        let layers = tracing_subscriber::registry().with(log).with(spans);
        layers.try_init().map_err(no_log)?;
        let metrics = match config.telemetry.metrics_listen {
            Some(address) => Some(metrics::serve(address).await?),
            None => None,
        };
        Ok(Self { traces, metrics })
    }

    /// Returns the address of `/metrics`, if it is served.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Returns a monitor of the database's commands and connections. `None` if metrics are off: monitoring costs about
    /// as much as the gateway's own work on a nested query.
    #[must_use]
    pub fn database_monitor(&self) -> Option<Monitor> {
        self.metrics.map(|_| metrics::database_monitor())
    }

    /// Sends the remaining traces.
    pub async fn stop(self) {
        if let Some(provider) = self.traces {
            traces::stop(provider).await;
        }
    }
}

/// Returns the layer that writes the lines which the filter admits to standard error, in the configured format.
fn log_layer(config: &LogConfig, filter: &str) -> Result<impl Layer<Registry> + use<>, TelemetryFault> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| TelemetryFault::new("GATEWAY_LOG is not a valid filter", error))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.format {
        LogFormat::Text => lines
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    Ok(lines.with_filter(filter))
}
