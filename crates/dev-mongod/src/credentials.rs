//! The secret that gives access to the managed database, to this gateway only.
//!
//! It is created at the first start, in a file of the data directory that only this user can read, and also serves as
//! the server's key file. With it, the gateway signs in as the server itself (`__system`) to create its own user: the
//! localhost exception, by which any local user could create the first user, is disabled. This sign-in depends on the
//! key file alone, not on the database files: a data directory without a secret gets one, even if earlier attempts were
//! interrupted, and a directory whose secret was lost opens with a new one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aws_lc_rs::{hmac, rand};
use confidential::{Secret, private};
use data_encoding::{BASE64, HEXLOWER};
use mongodb::options::{AuthMechanism, Credential};
use zeroize::Zeroizing;

use super::fault::Fault;
use super::names;
use super::setup::host;

/// Name of the secret's file in the data directory.
const FILE: &str = "mongod.key";
/// Random bytes in the secret; their base64 form needs no padding.
const LENGTH: usize = 48;
/// The server's internal user, whose password is the content of the key file, and the user's database.
const SYSTEM: (&str, &str) = ("__system", "local");
/// Name of the gateway's user.
pub(super) const USER: &str = names::GATEWAY;
/// The database of the gateway's user.
pub(super) const USER_DATABASE: &str = "admin";

/// The secret, and the credentials derived from it.
#[derive(Debug)]
pub(super) struct Credentials {
    file: PathBuf,
    key: Secret,
}

impl Credentials {
    /// Reads the data directory's secret, and creates it if it is missing. This process must hold the directory.
    pub(super) fn open(dir: &Path) -> Result<Self, Fault> {
        let file = dir.join(FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => Secret::from(text),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let fresh = new_secret();
                private::replace(&file, fresh.expose().as_bytes()).map_err(Fault::data(&file))?;
                fresh
            }
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(Fault::Secret(file)),
            Err(source) => return Err(Fault::DataDirectory(file, source)),
        };
        // A copy or a restored backup may have another mode, and the server refuses a key file that others can read.
        private::close(&file).map_err(Fault::data(&file))?;
        let key = Secret::from(text.expose().trim());
        match BASE64.decode(key.expose().as_bytes()).map(Zeroizing::new) {
            Ok(bytes) if bytes.len() == LENGTH => Ok(Self { file, key }),
            _ => Err(Fault::Secret(file)),
        }
    }

    /// Returns the path of the server's key file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the credential of the server's internal user, for setting the server up.
    pub(super) fn system(&self) -> Credential {
        let (name, database) = SYSTEM;
        Credential::builder()
            .username(name.to_owned())
            .password(self.key.expose().to_owned())
            .source(database.to_owned())
            .mechanism(AuthMechanism::ScramSha256)
            .build()
    }

    /// Returns the password of the gateway's user.
    pub(super) fn password(&self) -> Secret {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.expose().as_bytes());
        Secret::from(HEXLOWER.encode(hmac::sign(&key, USER.as_bytes()).as_ref()))
    }

    /// Returns the connection string of the gateway's user for the server at this port. It names the mechanism, because
    /// a foreign server at the port could otherwise demand a weaker one; SCRAM-SHA-256 proves to each side that the
    /// other knows the password (RFC 7677).
    pub(super) fn uri(&self, port: u16) -> Secret {
        Secret::from(format!(
            "mongodb://{USER}:{}@{}/?directConnection=true&authSource={USER_DATABASE}&authMechanism=SCRAM-SHA-256",
            self.password().expose(),
            host(port)
        ))
    }
}

/// Returns a new secret, from the system's generator.
fn new_secret() -> Secret {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    rand::fill(bytes.as_mut_slice()).expect("the system's generator works");
    Secret::from(BASE64.encode(bytes.as_slice()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    // DEF-07
    #[test]
    fn a_secret_is_made_once_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Credentials::open(dir.path()).expect("made");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(first.file()), 0o600);
        // A backup was restored with permissions for everyone and a trailing line break.
        let text = format!("{}\n", fs::read_to_string(first.file()).unwrap());
        fs::write(first.file(), text).unwrap();
        fs::set_permissions(first.file(), fs::Permissions::from_mode(0o644)).unwrap();
        let second = Credentials::open(dir.path()).expect("read");
        assert_eq!((mode(second.file()), &second.key), (0o600, &first.key));
        assert_eq!(second.uri(1), first.uri(1));
        let another = tempfile::tempdir().unwrap();
        let another = Credentials::open(another.path()).expect("made");
        assert_ne!(another.uri(1), first.uri(1));
    }

    // DEF-07
    #[test]
    fn a_damaged_secret_is_named_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        for text in [
            "",
            "short",
            "no base64 at all, and long enough to be the text of a key of 48 bytes",
        ] {
            fs::write(dir.path().join(FILE), text).unwrap();
            let fault = Credentials::open(dir.path()).expect_err("refused");
            let message = fault.to_string();
            assert!(message.contains(FILE) && message.contains("remove"), "{message}");
            assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), text);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let credentials = Credentials::open(dir.path()).expect("made");
        let shown = format!("{credentials:?} {:?}", credentials.uri(1));
        for secret in [credentials.key.expose(), credentials.password().expose()] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
