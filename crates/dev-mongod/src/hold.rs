//! Ownership of the data directory: a lock that ends with its holder, and the address of the holder's server.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use confidential::{Secret, private};
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::names;

const LOCK: &str = "lock";
const ENDPOINT: &str = "mongod.uri";
const PORT: &str = "mongod.port";

/// The holder of a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "holder", rename_all = "lowercase")]
pub enum Holder {
    /// A gateway; operator commands use its server.
    Gateway {
        /// Process id.
        process: u32,
    },
    /// An operator command with a temporary server; others wait until it ends.
    Command {
        /// Process id.
        process: u32,
    },
}

/// Holds the data directory for this process until this value is dropped or the process ends in any way.
#[derive(Debug)]
pub(super) struct Hold {
    dir: PathBuf,
    lock: File,
}

/// Creates a directory of the gateway itself, such as that of the database files, if it is missing, for this user only.
/// Returns its absolute path.
pub(super) fn make_directory(dir: &Path) -> Result<PathBuf, Fault> {
    private::directory(dir).map_err(Fault::data(dir))?;
    dir.canonicalize().map_err(Fault::data(dir))
}

/// Creates the data directory, which the operator may have created already. A directory that contains only files of the
/// gateway becomes accessible to this user only. A directory with other files keeps its mode, and is refused if others
/// could replace files in it.
pub(super) fn make_data_directory(dir: &Path) -> Result<PathBuf, Fault> {
    private::create_directory(dir).map_err(Fault::data(dir))?;
    let dir = dir.canonicalize().map_err(Fault::data(dir))?;
    if is_gateways_alone(&dir).map_err(Fault::data(&dir))? {
        private::close(&dir).map_err(Fault::data(&dir))?;
    }
    if private::is_writable_by_others(&dir).map_err(Fault::data(&dir))? {
        return Err(Fault::OpenToOthers(dir));
    }
    Ok(dir)
}

/// Returns whether the data directory contains only files of a gateway.
fn is_gateways_alone(dir: &Path) -> io::Result<bool> {
    let is_ours = |name: &str| {
        let mut rests = names::FILES.iter().filter_map(|ours| name.strip_prefix(ours));
        rests.any(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    for entry in dir.read_dir()? {
        if !is_ours(&entry?.file_name().to_string_lossy()) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Hold {
    /// Tries to hold `dir`, which must exist. If another process holds it, the inner error is that holder; `None` if the
    /// lock file does not name it (yet).
    pub(super) fn attempt(dir: &Path, holder: Holder) -> Result<Result<Self, Option<Holder>>, Fault> {
        let path = dir.join(LOCK);
        let mut lock = private::options()
            .read(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Fault::data(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // An unreadable or half-written file means that the holder is unknown.
                #[expect(clippy::verbose_file_reads, reason = "the file is open and locked already")]
                let _ = lock.read_to_string(&mut text);
                return Ok(Err(serde_json::from_str(&text).ok()));
            }
            Err(TryLockError::Error(source)) => return Err(Fault::DataDirectory(path, source)),
        }
        let hold = Self {
            dir: dir.to_owned(),
            lock,
        };
        hold.sign(holder).map_err(Fault::data(&path))?;
        // The address of a holder that was killed would mislead a command.
        hold.withdraw().map_err(Fault::data(&hold.dir.join(ENDPOINT)))?;
        Ok(Ok(hold))
    }

    fn sign(&self, holder: Holder) -> io::Result<()> {
        let mut file = &self.lock;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(serde_json::to_string(&holder)?.as_bytes())
    }

    /// Returns the directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the port of the last start. Using it again avoids a reconfiguration of the stored replica set.
    pub(super) fn last_port(&self) -> Option<u16> {
        let text = std::fs::read_to_string(self.dir.join(PORT)).ok()?;
        text.trim().parse().ok()
    }

    /// Stores the port for the next start, and publishes the server's connection string for operator commands.
    pub(super) fn publish(&self, port: u16, uri: &Secret) -> Result<(), Fault> {
        for (name, content) in [(PORT, &*port.to_string()), (ENDPOINT, uri.expose())] {
            let path = self.dir.join(name);
            private::replace(&path, content.as_bytes()).map_err(Fault::data(&path))?;
        }
        Ok(())
    }

    /// Removes the published connection string.
    pub(super) fn withdraw(&self) -> io::Result<()> {
        match std::fs::remove_file(self.dir.join(ENDPOINT)) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // The next holder repairs what fails here; the lock itself is released when the file is closed at the latest.
        let _ = self.withdraw();
        let _ = self.lock.set_len(0);
        let _ = self.lock.unlock();
    }
}

/// Returns the connection string that the directory's holder has published, if any.
pub(super) fn endpoint(dir: &Path) -> Option<Secret> {
    std::fs::read_to_string(dir.join(ENDPOINT)).ok().map(Secret::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(dir: &Path, holder: Holder) -> Hold {
        let attempt = Hold::attempt(dir, holder).expect("attempted");
        attempt.expect("not held by another process")
    }

    #[test]
    fn a_held_directory_names_its_holder_and_is_free_afterwards() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let gateway = Holder::Gateway { process: 7 };
        let first = held(dir.path(), gateway);
        let command = Holder::Command { process: 8 };
        let second = Hold::attempt(dir.path(), command).expect("attempted");
        assert_eq!(second.expect_err("held twice"), Some(gateway));
        drop(first);
        held(dir.path(), command);
    }

    #[test]
    fn an_address_lives_no_longer_than_its_holder() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let hold = held(dir.path(), Holder::Gateway { process: 7 });
        let uri = Secret::from("mongodb://127.0.0.1:1");
        hold.publish(1, &uri).expect("written");
        assert_eq!(endpoint(dir.path()), Some(uri));
        drop(hold);
        assert_eq!(endpoint(dir.path()), None);
    }

    // DEF-07
    #[test]
    fn a_data_directory_is_its_users_alone_or_refused() {
        use std::fs::{Permissions, metadata, set_permissions};
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().expect("a temporary directory");
        let dir = root.path().join("data");
        let mode = |path: &Path| metadata(path).expect("there").permissions().mode() & 0o7777;
        let set = |mode| set_permissions(&dir, Permissions::from_mode(mode)).expect("set");
        make_data_directory(&dir).expect("created");
        assert_eq!(mode(&dir), 0o700);
        // Created by an operator, or by an earlier version under another umask.
        for name in [LOCK, PORT, "mongod.log.1", "master.key"] {
            std::fs::write(dir.join(name), "").expect("written");
        }
        set(0o777);
        make_data_directory(&dir).expect("closed");
        assert_eq!(mode(&dir), 0o700);
        // The directory also contains other files.
        std::fs::write(dir.join("shop.html"), "").expect("written");
        set(0o755);
        make_data_directory(&dir).expect("nobody else can replace a file");
        assert_eq!(mode(&dir), 0o755);
        for open in [0o775, 0o757, 0o1777] {
            set(open);
            let fault = make_data_directory(&dir).expect_err("refused");
            assert!(fault.to_string().contains("chmod 0700"), "{fault}");
            assert_eq!(mode(&dir), open);
        }
    }

    #[test]
    fn an_address_left_by_a_killed_holder_is_taken_away() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join(ENDPOINT), "mongodb://127.0.0.1:1").expect("written");
        let _hold = held(dir.path(), Holder::Gateway { process: 7 });
        assert_eq!(endpoint(dir.path()), None);
    }
}
