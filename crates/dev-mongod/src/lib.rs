//! The managed database: finds, fetches, starts, guards and stops a local MongoDB server, for machines without one.
//!
//! It is for development, tests and trials; in production, operators run their own replica set. The crate uses no code
//! of the gateway; `names` contains what both must call by the same name.
//!
//! The server runs as a one-node replica set on a free port of the loopback interface, with its files in the gateway's
//! data directory, and ends with the gateway, however that ends. The directory is locked: a second gateway is refused,
//! and operator commands use the running gateway's server. Access needs the secret in that directory, which only this
//! user can read.

mod credentials;
mod fault;
mod fetch;
mod find;
mod hold;
mod log;
mod names;
mod pip;
mod progress;
pub mod replica_set;
mod server;
mod setup;
mod supervisor;
mod unpack;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use confidential::Secret;
use tokio::time::{self, Instant};

use self::credentials::Credentials;
pub use self::fault::Fault;
pub use self::find::{Unusable, find_server};
use self::hold::Hold;
pub use self::hold::Holder;
pub use self::log::{Cause, Ended, Status};
use self::names::REPLICA_SET;
pub use self::progress::{Progress, Silent, Step};
use self::server::{Launch, Server};

/// How long a server may take to open its port; after a crash it replays its journal first.
const LISTEN_LIMIT: Duration = Duration::from_secs(180);
/// How many ports are tried when one is taken between the check that it is free and its use.
const PORT_TRIES: u32 = 5;
/// How long to wait for an operator command that uses the data directory.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);
/// How long a holder may take to write its lock file.
const SIGN_LIMIT: Duration = Duration::from_secs(1);
/// Interval at which the data directory's lock is checked.
const LOOK: Duration = Duration::from_millis(50);

/// Options of the managed database.
#[derive(Clone, Debug)]
pub struct Options {
    /// The gateway's data directory, created if it is missing.
    pub data_dir: PathBuf,
    /// The only server binary to use; `None` means one on `path`, or a downloaded one.
    pub explicit: Option<PathBuf>,
    /// Where to look for `mongod` and pip, in the format of `PATH`; `None` means the variable `PATH`.
    pub path: Option<OsString>,
    /// Where to keep a downloaded server; `None` means the gateway's directory in the user's cache directory.
    pub cache_dir: Option<PathBuf>,
    /// Whether a server may be downloaded if none is found.
    pub fetch: bool,
    /// The server's own cache in megabytes, at least 256.
    pub cache_mb: u32,
    /// The size of the oplog in megabytes: how far back change streams can resume.
    pub oplog_mb: u32,
    /// Further `--setParameter` names and values, such as `ttlMonitorSleepSecs`.
    pub extra_parameters: Vec<(String, String)>,
    /// Names of environment variables that may contain secrets. The programs that are started do not inherit them.
    pub secret_variables: Vec<String>,
}

impl Options {
    /// Returns the default options with this data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            explicit: None,
            path: None,
            cache_dir: None,
            fetch: true,
            cache_mb: 1024,
            oplog_mb: 256,
            extra_parameters: Vec::new(),
            secret_variables: Vec::new(),
        }
    }
}

/// A running managed database. [`Managed::stop`] shuts it down cleanly and waits for its end; if the value is only
/// dropped, or this process is killed, the server ends in the background.
#[derive(Debug)]
pub struct Managed {
    // Dropped before the lock.
    server: Server,
    hold: Hold,
    uri: Secret,
}

impl Managed {
    /// Starts the database for a gateway, and returns when it accepts writes.
    ///
    /// # Errors
    /// See [`Fault`]; [`Fault::InUse`] when another gateway runs on the data directory.
    pub async fn start(options: &Options, progress: &dyn Progress) -> Result<Self, Fault> {
        let hold = hold_for_gateway(options, progress).await?;
        Self::start_holding(hold, options, progress).await
    }

    async fn start_holding(hold: Hold, options: &Options, progress: &dyn Progress) -> Result<Self, Fault> {
        let binary = find_server(options, progress).await?;
        let credentials = Credentials::open(hold.dir())?;
        let step = progress.step("Starting the managed database", None);
        let mut launch = Launch {
            binary,
            data: hold::make_directory(&hold.dir().join("mongod"))?,
            log: hold.dir().join("mongod.log"),
            port: server::free_port(hold.last_port())?,
            replica_set: REPLICA_SET,
            key_file: Some(credentials.file().to_owned()),
            grace: server::GRACE,
            options: options.clone(),
        };
        let mut tries = 1;
        let server = loop {
            match start_on_port(&launch, &credentials).await {
                Err(Fault::Ended(ended)) if ended.cause == Cause::PortTaken && tries < PORT_TRIES => {
                    tries += 1;
                    launch.port = server::free_port(None)?;
                }
                other => break other?,
            }
        };
        let uri = credentials.uri(launch.port);
        hold.publish(launch.port, &uri)?;
        step.finish();
        Ok(Self { server, hold, uri })
    }

    /// Returns the connection string with the gateway's user and password: a direct connection to one node, which
    /// supports transactions and change streams.
    pub fn uri(&self) -> &Secret {
        &self.uri
    }

    /// Resolves when the server ends, which happens only if something is wrong. The future does not borrow from this
    /// value.
    pub fn died(&self) -> impl Future<Output = Ended> + Send + use<> {
        self.server.died()
    }

    /// Shuts the database down and waits until it has ended, 25 seconds at most; then the data directory is free.
    pub async fn stop(self) {
        let Self { server, hold, uri: _ } = self;
        if let Err(fault) = hold.withdraw() {
            tracing::warn!(%fault, "cannot remove the file with the connection string of the managed database");
        }
        server.stop().await;
        drop(hold);
    }
}

async fn start_on_port(launch: &Launch, credentials: &Credentials) -> Result<Server, Fault> {
    let server = Server::start(launch, LISTEN_LIMIT).await?;
    setup::single_node(&server, launch, credentials).await?;
    Ok(server)
}

async fn hold_for_gateway(options: &Options, progress: &dyn Progress) -> Result<Hold, Fault> {
    let path = hold::make_data_directory(&options.data_dir)?;
    let _step = progress.step("Waiting for another command that uses the data directory", None);
    let process = std::process::id();
    let start = Instant::now();
    loop {
        let holder = match Hold::attempt(&path, Holder::Gateway { process })? {
            Ok(hold) => return Ok(hold),
            Err(holder) => holder,
        };
        let limit = match holder {
            Some(Holder::Gateway { .. }) => Duration::ZERO,
            Some(Holder::Command { .. }) => COMMAND_LIMIT,
            None => SIGN_LIMIT,
        };
        if start.elapsed() >= limit {
            return Err(Fault::InUse { path, holder });
        }
        time::sleep(LOOK).await;
    }
}

/// A database for an operator command.
#[derive(Debug)]
pub enum Attached {
    /// The database of the running gateway.
    Running {
        /// Connection string.
        uri: Secret,
    },
    /// A database that the command has started for itself.
    Own(Box<Managed>),
}

impl Attached {
    /// Returns the connection string.
    pub fn uri(&self) -> &Secret {
        match self {
            Self::Running { uri } => uri,
            Self::Own(managed) => managed.uri(),
        }
    }

    /// Shuts the database down if the command has started it, and waits for its end.
    pub async fn stop(self) {
        if let Self::Own(managed) = self {
            managed.stop().await;
        }
    }
}

/// Uses the running gateway's database, or starts one. Waits for a gateway that is starting and for another command.
///
/// # Errors
/// See [`Fault`]; [`Fault::NoEndpoint`] when the running gateway's database does not answer within two minutes.
pub async fn attach_or_start(options: &Options, progress: &dyn Progress) -> Result<Attached, Fault> {
    let path = hold::make_data_directory(&options.data_dir)?;
    let step = progress.step("Waiting for the gateway's database", None);
    let process = std::process::id();
    let start = Instant::now();
    loop {
        let holder = match Hold::attempt(&path, Holder::Command { process })? {
            Ok(hold) => {
                drop(step);
                let managed = Managed::start_holding(hold, options, progress).await?;
                return Ok(Attached::Own(Box::new(managed)));
            }
            Err(holder) => holder,
        };
        if let Some(Holder::Gateway { .. }) = holder
            && let Some(uri) = hold::endpoint(&path)
            && setup::answers(&uri).await
        {
            return Ok(Attached::Running { uri });
        }
        let waited = start.elapsed();
        if waited >= COMMAND_LIMIT {
            return Err(match holder {
                Some(Holder::Command { .. }) => Fault::InUse { path, holder },
                Some(Holder::Gateway { .. }) | None => Fault::NoEndpoint(path, waited),
            });
        }
        time::sleep(LOOK).await;
    }
}
