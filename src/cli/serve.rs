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

/// How long a start waits for a database that somebody else runs, before it serves without.
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
        // Who reads objects line by line gets the end as one too.
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
        // What has been started of the database ends by itself, because its value is dropped.
        () = signals.stop() => return Ok(()),
    };
    let plan = Plan {
        url: format!("http://{}", reachable(address)),
        address,
        demo,
    };
    let note = AddressNote::write(&config, address);
    let outcome = serve_on(
        config,
        &plan,
        listener,
        Beside {
            managed: managed.as_ref(),
            telemetry,
        },
        signals,
    )
    .await;
    drop(note);
    match (managed, outcome) {
        // The operator is in a hurry; the database ends in the background.
        (_, Err(Failure::Interrupted)) => Err(Failure::Interrupted),
        (Some(managed), outcome) => {
            managed.stop().await;
            tracing::info!("managed database stopped");
            outcome
        }
        (None, outcome) => outcome,
    }
}

/// What a start has found out.
#[derive(Clone)]
struct Plan {
    /// Where a browser on this machine reaches the gateway.
    url: String,
    /// Where the gateway listens.
    address: SocketAddr,
    /// Whether it is a demo.
    demo: bool,
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

/// What runs in the process beside the gateway.
struct Beside<'a> {
    managed: Option<&'a Managed>,
    telemetry: &'a Telemetry,
}

async fn serve_on(
    config: Config,
    plan: &Plan,
    listener: TcpListener,
    beside: Beside<'_>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let Beside { managed, telemetry } = beside;
    let public_url = config.http.public_url(plan.address).to_string();
    let uri = managed.map(|managed| managed.uri().clone());
    let app = app(config, public_url, uri, telemetry.database_monitor()).await?;
    let died = async {
        match managed {
            Some(managed) => managed.died().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(died);
    let (demo, answered) = tokio::select! {
        prepared = prepare(&app, plan, managed.is_some()) => prepared?,
        ended = &mut died => return Err(Failure::message(ended.to_string())),
        () = signals.stop() => return Ok(()),
    };
    let page = app
        .config
        .http
        .graphiql
        .then(|| demo_output::page(&app.public_url, plan.address, demo.as_ref()));
    let running = serve::start(Arc::clone(&app), listener, plan.address, page);
    if answered {
        running.wait_until_ready().await;
    }
    announce(&app, plan, telemetry);
    match demo {
        Some(demo) => show(&app, plan, &demo),
        None if plan.demo && !answered => fill_later(&running, plan),
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

/// Prepares the database and fills the demo, when it answers now; whether it did.
async fn prepare(app: &Arc<App>, plan: &Plan, managed: bool) -> Result<(Option<Demo>, bool), Failure> {
    let answers = managed
        || tokio::time::timeout(FIRST_ANSWER, app.database.ping())
            .await
            .is_ok_and(|ping| ping.is_ok());
    if !answers {
        return Ok((None, false));
    }
    match serve::prepare(app).await {
        Ok(()) => {}
        Err(Error::Unavailable(_)) if !managed => return Ok((None, false)),
        Err(error) => return Err(error.into()),
    }
    if !plan.demo {
        return Ok((None, true));
    }
    let filled = demo::fill(app).await?;
    if filled.is_none() {
        warn_of_other_data();
    }
    Ok((filled, true))
}

/// The log's start line.
fn announce(app: &App, plan: &Plan, telemetry: &Telemetry) {
    let version = env!("CARGO_PKG_VERSION");
    let url = format!("http://{}", plan.address);
    if app.public_url == url {
        tracing::info!(version, "serving at {url}");
    } else {
        tracing::info!(version, public_url = app.public_url, "serving at {url}");
    }
    if let Some(address) = telemetry.metrics_address() {
        tracing::info!("metrics at http://{address}/metrics");
    }
    if app.config.mail.smtp.is_none() {
        tracing::info!(
            directory = %app.config.data_dir.join(FOLDER).display(),
            "mails are written to files because GATEWAY_SMTP_URL is not set"
        );
    }
}

fn show(app: &App, plan: &Plan, demo: &Demo) {
    let configured = app.config.http.configured_public_url.as_ref();
    let url = configured.map_or(plan.url.as_str(), |url| url.as_str());
    demo_output::show(
        demo,
        url,
        plan.address,
        app.config.http.graphiql && graphiql::IS_INCLUDED,
        app.config.log.format,
    );
}

/// Fills the demo as soon as the database has answered. GraphiQL learns its credentials at the next start.
fn fill_later(running: &RunningGateway, plan: &Plan) {
    let (app, ready, plan) = (Arc::clone(&running.app), running.ready.clone(), plan.clone());
    tokio::spawn(async move {
        while !ready.is_ready() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        match demo::fill(&app).await {
            Ok(Some(demo)) => show(&app, &plan, &demo),
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

/// Lets what runs finish; a second signal ends everything at once.
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

/// An address that a browser on this machine can open: a gateway that listens everywhere is here too.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
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
