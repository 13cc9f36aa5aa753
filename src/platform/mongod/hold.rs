//! Who uses the data directory: a lock that ends with its holder, and the address of the holder's server.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::platform::{private, secret::Secret};

const LOCK: &str = "lock";
const ENDPOINT: &str = "mongod.uri";
const PORT: &str = "mongod.port";
/// What a gateway has in its data directory: these, and names that go on with a dot after one of these.
const OURS: &[&str] = &[LOCK, "mongod", "master.key", "gateway.url", "mail"];

/// Who holds a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "holder", rename_all = "lowercase")]
pub enum Holder {
    /// A gateway; operator commands use its server.
    Gateway {
        /// Its process id.
        process: u32,
    },
    /// An operator command with a server for its own time; others wait for it to end.
    Command {
        /// Its process id.
        process: u32,
    },
}

/// The data directory, held by this process until this value is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Hold {
    dir: PathBuf,
    lock: File,
}

/// What became of an attempt to hold a directory.
#[derive(Debug)]
pub(super) enum Attempt {
    Held(Hold),
    /// Someone else holds it; none when the lock file does not say who (yet).
    Other(Option<Holder>),
}

/// Creates a directory where it is missing, for this user only, and returns its absolute path. It is the gateway's own,
/// such as the one of the database files.
pub(super) fn make_directory(dir: &Path) -> Result<PathBuf, Fault> {
    private::directory(dir).map_err(Fault::data(dir))?;
    dir.canonicalize().map_err(Fault::data(dir))
}

/// The same for the data directory, which the operator may have created. It becomes this user's alone when it holds
/// nothing but the gateway's files. One with other things in it keeps its mode, unless others could replace files there.
pub(super) fn make_data_directory(dir: &Path) -> Result<PathBuf, Fault> {
    private::create_directory(dir).map_err(Fault::data(dir))?;
    let dir = dir.canonicalize().map_err(Fault::data(dir))?;
    if is_gateways_alone(&dir).map_err(Fault::data(&dir))? {
        private::close(&dir).map_err(Fault::data(&dir))?;
    }
    if private::is_writable_by_others(&dir).map_err(Fault::data(&dir))? {
        return Err(Fault::OpenToOthers { path: dir });
    }
    Ok(dir)
}

/// Whether everything in the data directory was made by a gateway.
fn is_gateways_alone(dir: &Path) -> io::Result<bool> {
    for entry in dir.read_dir()? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if !OURS
            .iter()
            .any(|ours| name == *ours || name.starts_with(&format!("{ours}.")))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Hold {
    /// Tries to hold `dir`, which is there.
    pub(super) fn attempt(dir: &Path, holder: Holder) -> Result<Attempt, Fault> {
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
                // Unreadable or half-written is the same as unknown.
                #[expect(clippy::verbose_file_reads, reason = "the file is open and locked already")]
                let _ = lock.read_to_string(&mut text);
                return Ok(Attempt::Other(serde_json::from_str(&text).ok()));
            }
            Err(TryLockError::Error(source)) => return Err(Fault::DataDirectory { path, source }),
        }
        let hold = Self {
            dir: dir.to_owned(),
            lock,
        };
        hold.sign(holder).map_err(Fault::data(&path))?;
        // An address from a holder that was killed would mislead a command.
        hold.withdraw().map_err(Fault::data(&hold.dir.join(ENDPOINT)))?;
        Ok(Attempt::Held(hold))
    }

    fn sign(&self, holder: Holder) -> io::Result<()> {
        let mut file = &self.lock;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(serde_json::to_string(&holder)?.as_bytes())
    }

    /// The port of the last start. Using it again spares a change of the stored replica set.
    pub(super) fn last_port(&self) -> Option<u16> {
        std::fs::read_to_string(self.dir.join(PORT))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Keeps the port for the next start.
    pub(super) fn remember_port(&self, port: u16) -> Result<(), Fault> {
        let path = self.dir.join(PORT);
        private::replace(&path, port.to_string().as_bytes()).map_err(Fault::data(&path))
    }

    /// Lets operator commands know the server's address, and how to get in.
    pub(super) fn publish(&self, uri: &Secret) -> Result<(), Fault> {
        let path = self.dir.join(ENDPOINT);
        private::replace(&path, uri.expose().as_bytes()).map_err(Fault::data(&path))
    }

    /// Takes the server's address away.
    pub(super) fn withdraw(&self) -> io::Result<()> {
        match std::fs::remove_file(self.dir.join(ENDPOINT)) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // What fails here is mended by the next holder; the lock itself ends with the file at the latest.
        let _ = self.withdraw();
        let _ = self.lock.set_len(0);
        let _ = self.lock.unlock();
    }
}

/// The connection string that the directory's holder has published, if it has.
pub(super) fn endpoint(dir: &Path) -> Option<Secret> {
    std::fs::read_to_string(dir.join(ENDPOINT)).ok().map(Secret::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(attempt: Result<Attempt, Fault>) -> Hold {
        match attempt {
            Ok(Attempt::Held(hold)) => hold,
            other => panic!("not held: {other:?}"),
        }
    }

    #[test]
    fn a_held_directory_tells_by_whom_and_is_free_afterwards() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let gateway = Holder::Gateway { process: 7 };
        let first = held(Hold::attempt(dir.path(), gateway));
        match Hold::attempt(dir.path(), Holder::Command { process: 8 }) {
            Ok(Attempt::Other(holder)) => assert_eq!(holder, Some(gateway)),
            other => panic!("held twice: {other:?}"),
        }
        drop(first);
        held(Hold::attempt(dir.path(), Holder::Command { process: 8 }));
    }

    #[test]
    fn an_address_lives_no_longer_than_its_holder() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let hold = held(Hold::attempt(dir.path(), Holder::Gateway { process: 7 }));
        let uri = Secret::from("mongodb://127.0.0.1:1");
        hold.publish(&uri).expect("written");
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
        // Created by an operator, or by an earlier version under another mask.
        for name in [LOCK, PORT, "mongod.log.1", "master.key"] {
            std::fs::write(dir.join(name), "").expect("written");
        }
        set(0o777);
        make_data_directory(&dir).expect("closed");
        assert_eq!(mode(&dir), 0o700);
        // Somebody uses it for other things too.
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
        let _hold = held(Hold::attempt(dir.path(), Holder::Gateway { process: 7 }));
        assert_eq!(endpoint(dir.path()), None);
    }
}
