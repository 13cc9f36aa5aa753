//! `serve`: from the settings to a gateway that runs until it is told to stop.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::address_note::AddressNote;
use super::demo_output;
use super::failure::{Failure, explain};
use super::managed::{self, Managed};
use super::open::app;
use crate::app::App;
use crate::config::{Config, LogFormat};
use crate::demo::{self, Demo};
use crate::error::Error;
use crate::http::graphiql;
use crate::platform::{descriptors, mail::FOLDER};
use crate::serve::{self, RunningGateway};
use crate::telemetry::Telemetry;

/// How long a start waits for a database that it does not run itself, before it serves without one.
const FIRST_ANSWER: Duration = Duration::from_secs(3);

/// Runs a gateway until SIGTERM or Ctrl-C.
pub(super) async fn run(config: Config, demo: bool) -> Result<(), Failure> {
    let format = config.log.format;
    let telemetry = Telemetry::start(&config).await?;
    descriptors::raise();
    let outcome = match Signals::new() {
        Ok(mut signals) => start_and_serve(config, demo, &telemetry, &mut signals).await,
        Err(error) => Err(Failure::message(format!(
            "cannot install signal handlers: {error}"
        ))),
    };
    telemetry.stop().await;
    match (outcome, format) {
        // In a log of JSON lines, the error is one of them.
        (Err(Failure::Message(cause)), LogFormat::Json) => {
            tracing::error!(cause, "the gateway failed");
            Err(Failure::Known)
        }
        (outcome, _) => outcome,
    }
}

async fn start_and_serve(
    config: Config,
    demo: bool,
    telemetry: &Telemetry,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let (listener, address) = listen(config.http.listen).await?;
    let managed = tokio::select! {
        managed = managed::start(&config) => managed?,
        // A database that is starting ends by itself, because its value is dropped.
        () = signals.stop() => return Ok(()),
    };
    let start = Start {
        address,
        demo,
        managed: managed.as_ref(),
        telemetry,
    };
    let note = AddressNote::write(&config, address);
    let outcome = start.serve(config, listener, signals).await;
    drop(note);
    match (managed, outcome) {
        // The operator does not wait; the database ends in the background.
        (_, Err(Failure::Interrupted)) => Err(Failure::Interrupted),
        (Some(managed), outcome) => {
            managed.stop().await;
            tracing::info!("managed database stopped");
            outcome
        }
        (None, outcome) => outcome,
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound.await.map_err(|error: std::io::Error| {
        Failure::message(if error.kind() == ErrorKind::AddrInUse {
            format!(
                "cannot listen at {address}: the address is in use, perhaps by another gateway. Stop the other \
                 program, or set GATEWAY_LISTEN to a free address, such as 127.0.0.1:0 for any free port"
            )
        } else {
            format!("cannot listen at {address}: {error}. Set GATEWAY_LISTEN to an address of this machine")
        })
    })
}

/// A start of the gateway.
struct Start<'a> {
    /// The address at which the gateway listens.
    address: SocketAddr,
    /// Whether to fill an empty database with the demo.
    demo: bool,
    managed: Option<&'a Managed>,
    telemetry: &'a Telemetry,
}

impl Start<'_> {
    async fn serve(
        &self,
        config: Config,
        listener: TcpListener,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let public_url = config.http.public_url(self.address).to_string();
        let uri = self.managed.map(|managed| managed.uri().clone());
        let app = app(config, public_url, uri, self.telemetry.database_monitor()).await?;
        let died = async {
            match self.managed {
                Some(managed) => managed.died().await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(died);
        let (demo, answered) = tokio::select! {
            prepared = self.prepare(&app) => prepared?,
            ended = &mut died => return Err(Failure::message(ended.to_string())),
            () = signals.stop() => return Ok(()),
        };
        let has_page = app.config.http.graphiql;
        let page = has_page.then(|| demo_output::page(&app.public_url, self.address, demo.as_ref()));
        let running = serve::start(Arc::clone(&app), listener, self.address, page);
        if answered {
            running.wait_until_ready().await;
        }
        self.announce(&app);
        match demo {
            Some(demo) => show(&app, self.address, &demo),
            None if self.demo && !answered => fill_later(&running, self.address),
            None => {}
        }
        tokio::select! {
            () = signals.stop() => stop(running, signals).await,
            ended = &mut died => {
                tracing::error!("{ended}");
                // Nothing can finish without the database, but nothing is cut off either.
                stop(running, signals).await.and(Err(Failure::Known))
            }
        }
    }

    /// Prepares the database and fills the demo, if the database answers now. Also returns whether it did.
    async fn prepare(&self, app: &Arc<App>) -> Result<(Option<Demo>, bool), Failure> {
        let is_managed = self.managed.is_some();
        let answers = is_managed
            || tokio::time::timeout(FIRST_ANSWER, app.database.ping())
                .await
                .is_ok_and(|ping| ping.is_ok());
        if !answers {
            return Ok((None, false));
        }
        match serve::prepare(app).await {
            Err(Error::Unavailable(_)) if !is_managed => return Ok((None, false)),
            prepared => prepared?,
        }
        if !self.demo {
            return Ok((None, true));
        }
        let filled = demo::fill(app).await?;
        if filled.is_none() {
            warn_of_other_data();
        }
        Ok((filled, true))
    }

    /// Writes the log's start line.
    fn announce(&self, app: &App) {
        let version = env!("CARGO_PKG_VERSION");
        let url = format!("http://{}", self.address);
        if app.public_url == url {
            tracing::info!(version, "serving at {url}");
        } else {
            tracing::info!(version, public_url = app.public_url, "serving at {url}");
        }
        if let Some(address) = self.telemetry.metrics_address() {
            tracing::info!("metrics at http://{address}/metrics");
        }
        if app.config.mail.smtp.is_none() {
            tracing::info!(
                directory = %app.config.data_dir.join(FOLDER).display(),
                "mails are written to files because GATEWAY_SMTP_URL is not set"
            );
        }
    }
}

fn show(app: &App, address: SocketAddr, demo: &Demo) {
    let http = &app.config.http;
    let url = match &http.configured_public_url {
        Some(url) => url.to_string(),
        None => format!("http://{}", reachable(address)),
    };
    let has_page = http.graphiql && graphiql::IS_INCLUDED;
    demo_output::show(demo, &url, address, has_page, app.config.log.format);
}

/// Fills the demo as soon as the database has answered. GraphiQL learns its credentials at the next start.
fn fill_later(running: &RunningGateway, address: SocketAddr) {
    let (app, ready) = (Arc::clone(&running.app), running.ready.clone());
    tokio::spawn(async move {
        while !ready.is_ready() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        match demo::fill(&app).await {
            Ok(Some(demo)) => show(&app, address, &demo),
            Ok(None) => warn_of_other_data(),
            Err(error) => tracing::error!(cause = explain(&error), "cannot write the demo data"),
        }
    });
}

fn warn_of_other_data() {
    tracing::warn!(
        "serving without the demo: the database contains other data, or the demo's API clients were revoked"
    );
}

/// Lets running requests and jobs finish; a second signal ends everything at once.
async fn stop(running: RunningGateway, signals: &mut Signals) -> Result<(), Failure> {
    tracing::info!("stopping: waiting for running requests and jobs");
    tokio::select! {
        finished = running.stop() => {
            if finished {
                tracing::info!("stopped");
            } else {
                tracing::warn!("stopped before some requests or jobs finished");
            }
            Ok(())
        }
        () = signals.stop() => Err(Failure::Interrupted),
    }
}

/// Returns an address that a browser on this machine can open, also if the gateway listens at all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// The signals that ask the gateway to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
