//! The address of a gateway that has chosen its port itself, noted in the data directory for commands that issue its
//! tokens: the issuer in a token is the gateway's address.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::Config;
use crate::platform::private;

/// Name of the file in the data directory.
const FILE: &str = "gateway.url";

/// A note that lives as long as the gateway serves.
pub(super) struct AddressNote(PathBuf);

impl AddressNote {
    /// Notes where the gateway listens. `None` if the settings contain the address.
    pub(super) fn write(config: &Config, bound: SocketAddr) -> Option<Self> {
        if !is_chosen(config) {
            return None;
        }
        let path = config.data_dir.join(FILE);
        match private::replace(&path, config.http.public_url(bound).as_str().as_bytes()) {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                tracing::debug!(%error, "cannot write gateway.url, from which commands read the gateway's address");
                None
            }
        }
    }
}

impl Drop for AddressNote {
    fn drop(&mut self) {
        // A note that stays is overwritten by the next gateway.
        let _removed = std::fs::remove_file(&self.0);
    }
}

/// Where clients reach the gateway that a command works for.
pub(super) fn public_url(config: &Config) -> String {
    let noted = is_chosen(config)
        .then(|| std::fs::read_to_string(config.data_dir.join(FILE)).ok())
        .flatten();
    noted.unwrap_or_else(|| config.http.public_url(config.http.listen).to_string())
}

/// Whether the settings leave the address to the gateway.
fn is_chosen(config: &Config) -> bool {
    config.http.listen.port() == 0 && config.http.configured_public_url.is_none()
}
