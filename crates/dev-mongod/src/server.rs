//! One `mongod` process under its supervisor.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use confidential::private;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin};
use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::Options;
use super::fault::Fault;
use super::log::{self, Ended, Status};
use super::supervisor;

/// Interval at which a server is checked for a response.
const LOOK: Duration = Duration::from_millis(20);
/// Interval at which the size of the log is checked.
const LOG_LOOK: Duration = Duration::from_secs(300);
/// How long the supervisor may take to end, in addition to the server's own grace.
const SUPERVISOR_GRACE: Duration = Duration::from_secs(5);
/// How long to wait for a server whose gateway is gone before the start fails. Longer than [`GRACE`], after which its
/// supervisor kills it.
const PREDECESSOR: Duration = Duration::from_secs(25);
/// How long a server may take to shut down cleanly before it is killed.
pub(super) const GRACE: Duration = Duration::from_secs(20);

/// Arguments of a server's start.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub binary: PathBuf,
    /// Directory of the database files, absolute; created if it is missing.
    pub data: PathBuf,
    pub log: PathBuf,
    pub port: u16,
    pub replica_set: &'static str,
    /// The key file, which makes the server require authentication; without it, any user of this machine has access.
    pub key_file: Option<PathBuf>,
    /// How long the server may take to shut down; zero kills it at once.
    pub grace: Duration,
    /// The sizes, parameters and secret variables of the server.
    pub options: Options,
}

/// A running server. Dropping it ends the server in the background; [`Server::stop`] waits for that.
#[derive(Debug)]
pub(super) struct Server {
    log: PathBuf,
    grace: Duration,
    /// The supervisor's standard input, held by no other process; closing it ends the server.
    line: ChildStdin,
    ended: watch::Receiver<Option<Status>>,
}

impl Server {
    /// Starts the server, and returns when it listens at its port, within `limit`.
    pub(super) async fn start(launch: &Launch, limit: Duration) -> Result<Self, Fault> {
        private::directory(&launch.data).map_err(Fault::data(&launch.data))?;
        await_predecessor(&launch.data).await?;
        let output = log::open(&launch.log).map_err(Fault::data(&launch.log))?;
        let errors = output.try_clone().map_err(Fault::data(&launch.log))?;
        let mut child = supervisor::command(&launch.binary, launch.grace, &launch.options.secret_variables)
            .args(arguments(launch))
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Fault::Spawn)?;
        let line = child
            .stdin
            .take()
            .expect("the supervisor's standard input is piped");
        let (end, ended) = watch::channel(None);
        tokio::spawn(keep(child, launch.log.clone(), end));
        let server = Self {
            log: launch.log.clone(),
            grace: launch.grace,
            line,
            ended,
        };
        server.listening(launch.port, limit).await?;
        Ok(server)
    }

    /// Waits until something listens at the server's port, or the server has ended.
    async fn listening(&self, port: u16, limit: Duration) -> Result<(), Fault> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(ended) = self.has_ended() {
                return Err(Fault::Ended(Box::new(ended)));
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Fault::Slow {
                    awaited: "it did not open its port",
                    waited: limit,
                    log: self.log.clone(),
                    source: None,
                });
            }
            time::sleep(LOOK).await;
        }
    }

    /// Returns how the server ended, if it has.
    pub(super) fn has_ended(&self) -> Option<Ended> {
        let status = *self.ended.borrow();
        status.map(|status| Ended::read(status, &self.log))
    }

    /// Resolves when the server has ended.
    pub(super) fn died(&self) -> impl Future<Output = Ended> + Send + use<> {
        let (mut ended, log) = (self.ended.clone(), self.log.clone());
        async move { Ended::read(end(&mut ended).await, &log) }
    }

    /// Sends a signal to the server, named without `SIG`.
    pub(super) async fn signal(&mut self, name: &str) -> io::Result<()> {
        self.line.write_all(format!("{name}\n").as_bytes()).await
    }

    /// Shuts the server down and waits until it has ended; it is killed when its grace has elapsed.
    pub(super) async fn stop(mut self) {
        drop(self.line);
        // A supervisor that does not end in time is left to the system.
        let _ = time::timeout(self.grace + SUPERVISOR_GRACE, end(&mut self.ended)).await;
    }
}

/// Waits for the end of a server. Its status is unknown if the task that watches it has ended together with its runtime.
async fn end(ended: &mut watch::Receiver<Option<Status>>) -> Status {
    let status = ended.wait_for(Option::is_some).await;
    status.ok().and_then(|status| *status).unwrap_or(Status::Unknown)
}

/// Waits for the supervisor, so that no zombie is left, and keeps the log small meanwhile.
async fn keep(mut child: Child, log: PathBuf, end: watch::Sender<Option<Status>>) {
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = time::sleep(LOG_LOOK) => {
                if let Err(fault) = log::trim(&log) {
                    tracing::warn!(%fault, "cannot rotate the log of the managed database");
                }
            }
        }
    };
    end.send_replace(Some(status.map_or(Status::Unknown, Status::of_supervised)));
}

/// Waits until no other server has the database files open. A gateway that was killed leaves its server running until
/// that has shut down cleanly.
async fn await_predecessor(data: &Path) -> Result<(), Fault> {
    let path = data.join("mongod.lock");
    let deadline = Instant::now() + PREDECESSOR;
    loop {
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(Fault::DataDirectory(path, source)),
        };
        // The server holds a lock of the same kind; this one is released when the file is closed at the end of the
        // iteration.
        match lock.try_lock_shared() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(source)) => return Err(Fault::DataDirectory(path, source)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                let process = std::fs::read_to_string(&path).ok();
                let process = process.and_then(|text| text.trim().parse().ok());
                return Err(Fault::LeftBehind(data.to_owned(), process));
            }
            Err(TryLockError::WouldBlock) => time::sleep(LOOK).await,
        }
    }
}

fn arguments(launch: &Launch) -> Vec<OsString> {
    let options = &launch.options;
    let mut arguments: Vec<OsString> = vec!["--dbpath".into(), launch.data.clone().into()];
    arguments.extend(
        [
            "--port",
            &launch.port.to_string(),
            "--bind_ip",
            "127.0.0.1",
            "--nounixsocket",
            "--replSet",
            launch.replica_set,
            "--oplogSize",
            &options.oplog_mb.to_string(),
            "--wiredTigerCacheSizeGB",
            &format!("{:.2}", f64::from(options.cache_mb) / 1024.0),
            // Otherwise 300 MB of log files would be written before the first document. Also, with the default of 5 %
            // dirty pages, a cache of this size would write the same pages again and again: many consecutive writes
            // took twice as long.
            "--wiredTigerEngineConfigString",
            "log=(prealloc=false,file_max=32MB),eviction_dirty_target=40,eviction_dirty_trigger=60,\
             eviction_updates_target=20,eviction_updates_trigger=40",
            "--quiet",
            // Slow operations would be logged with their values, which are personal data.
            "--slowOpSampleRate",
            "0",
        ]
        .map(OsString::from),
    );
    let fixed = [
        ("diagnosticDataCollectionEnabled", "false"),
        // A single node has no other node to hand over to; by default it would wait 15 s for one.
        ("shutdownTimeoutMillisForSignaledShutdown", "100"),
        // Limits how long transactions of a killed gateway hold their locks; with the default of 60 s, writes of the
        // next gateway to the same documents would exceed their deadline.
        ("transactionLifetimeLimitSeconds", "10"),
    ];
    let further = &options.extra_parameters;
    let is_given = |name: &str| further.iter().any(|(given, _)| given == name);
    let mut parameters: Vec<(&str, &str)> = fixed.into_iter().filter(|(name, _)| !is_given(name)).collect();
    parameters.extend(
        further
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    if let Some(key_file) = &launch.key_file {
        arguments.extend(["--keyFile".into(), key_file.into()]);
        // Otherwise any user of this machine could create the first user of a server that has none.
        parameters.push(("enableLocalhostAuthBypass", "false"));
    }
    for (name, value) in parameters {
        arguments.extend(["--setParameter".into(), format!("{name}={value}").into()]);
    }
    arguments
}

/// Returns a free port of the loopback interface: `preferred` if that is free. Another program may take it before it is
/// used.
pub(super) fn free_port(preferred: Option<u16>) -> Result<u16, Fault> {
    let bind =
        |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    let address = preferred
        .and_then(|port| bind(port).ok())
        .map_or_else(|| bind(0), Ok);
    address.map(|address| address.port()).map_err(Fault::NoPort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preferred_port_is_used_when_it_is_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let taken = listener.local_addr().expect("bound").port();
        assert_ne!(free_port(Some(taken)).expect("another port"), taken);
        drop(listener);
        assert_eq!(free_port(Some(taken)).expect("the port"), taken);
    }

    #[tokio::test]
    async fn files_in_use_are_waited_for() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let lock = File::create(dir.path().join("mongod.lock")).expect("a file");
        lock.lock().expect("locked");
        let data = dir.path().to_owned();
        let waiting = tokio::spawn(async move { await_predecessor(&data).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(lock);
        waiting.await.expect("no panic").expect("free");
    }
}
