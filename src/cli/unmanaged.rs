//! In a build without the managed database: another one must be set.

use std::convert::Infallible;

use super::failure::Failure;
use super::output::Output;
use crate::config::{Config, DatabaseServer};
use crate::platform::secret::Secret;

/// The managed database, of which there is none.
pub(super) struct Managed(Infallible);

/// The managed database of a command, of which there is none.
pub(super) type Attached = Managed;

/// Returns `None` if a database is set.
pub(super) async fn start(config: &Config) -> Result<Option<Managed>, Failure> {
    match config.database.server {
        DatabaseServer::External { .. } => Ok(None),
        DatabaseServer::Managed { .. } => Err(Failure::message(
            "GATEWAY_MONGODB_URI is not set, and this build has no managed database. Set GATEWAY_MONGODB_URI to the URI \
             of a MongoDB replica set",
        )),
    }
}

/// Returns `None` if a database is set.
pub(super) async fn attach(config: &Config, _output: Output) -> Result<Option<Attached>, Failure> {
    start(config).await
}

impl Managed {
    pub(super) fn uri(&self) -> &Secret {
        match self.0 {}
    }

    pub(super) async fn died(&self) -> Infallible {
        self.0
    }

    pub(super) async fn stop(self) {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Config {
        let vars = vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_vars(vars).expect("valid settings")
    }

    #[tokio::test]
    async fn without_a_database_the_setting_is_named() {
        let Err(Failure::Message(message)) = start(&config(&[])).await else {
            panic!("started")
        };
        for part in ["GATEWAY_MONGODB_URI", "no managed database"] {
            assert!(message.contains(part), "{message}");
        }
        let config = config(&[
            ("GATEWAY_MONGODB_URI", "mongodb://db/?replicaSet=rs0"),
            (
                "GATEWAY_MASTER_KEY",
                "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            ),
        ]);
        assert!(matches!(start(&config).await, Ok(None)));
    }
}
