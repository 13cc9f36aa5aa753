//! Telemetry: log lines on standard error, metrics for Prometheus, traces for a collector.

mod metrics;
mod traces;

use std::fmt;
use std::io::IsTerminal;
use std::net::SocketAddr;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt,
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
#[non_exhaustive]
pub enum TelemetryFault {
    /// The log's filter is invalid.
    Filter(tracing_subscriber::filter::ParseError),
    /// A log was already set up in this process.
    Log(tracing_subscriber::util::TryInitError),
    /// The metrics address cannot be bound.
    MetricsAddress {
        /// The configured address.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// Metrics were already set up in this process.
    Metrics(Box<dyn std::error::Error + Send + Sync>),
    /// The exporter of traces cannot be built.
    Traces(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for TelemetryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(_) => f.write_str("GATEWAY_LOG is not a valid filter"),
            Self::Log(_) => f.write_str("cannot set up the log"),
            Self::MetricsAddress { address, .. } => write!(
                f,
                "cannot listen at {address} for metrics: set GATEWAY_METRICS_LISTEN to a free address"
            ),
            Self::Metrics(_) => f.write_str("cannot set up metrics"),
            Self::Traces(_) => f.write_str("cannot set up traces: check GATEWAY_OTLP_ENDPOINT"),
        }
    }
}

impl std::error::Error for TelemetryFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Filter(source) => Some(source),
            Self::Log(source) => Some(source),
            Self::MetricsAddress { source, .. } => Some(source),
            Self::Metrics(source) | Self::Traces(source) => Some(source.as_ref()),
        }
    }
}

/// Sets up the log of an operator command: warnings, unless another filter is configured.
///
/// # Errors
/// See [`TelemetryFault`].
pub fn log_of_command(config: &LogConfig) -> Result<(), TelemetryFault> {
    let filter = if config.filter == USUAL_FILTER {
        "warn"
    } else {
        &config.filter
    };
    let log =
        log_layer(config.format).with_filter(EnvFilter::try_new(filter).map_err(TelemetryFault::Filter)?);
    tracing_subscriber::registry()
        .with(log)
        .try_init()
        .map_err(TelemetryFault::Log)
}

impl Telemetry {
    /// Sets up log, metrics and traces as configured; once per process.
    ///
    /// # Errors
    /// See [`TelemetryFault`].
    pub async fn start(config: &Config) -> Result<Self, TelemetryFault> {
        let filter = EnvFilter::try_new(&config.log.filter).map_err(TelemetryFault::Filter)?;
        let log = log_layer(config.log.format).with_filter(filter);
        let traces = match &config.telemetry.traces_url {
            Some(url) => Some(traces::provider(url.clone()).await?),
            None => None,
        };
        let spans = traces.as_ref().map(|provider| {
            let own = Targets::new().with_target(OWN_SPANS, LevelFilter::INFO);
            traces::layer(provider).with_filter(own)
        });
        tracing_subscriber::registry()
            .with(log)
            .with(spans)
            .try_init()
            .map_err(TelemetryFault::Log)?;
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

/// Returns the layer that writes lines to standard error in the configured format.
fn log_layer(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    }
}
