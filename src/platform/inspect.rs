//! Checks of a database before a gateway uses it. They leave no lasting changes.

use bson::{Document, doc};

use super::database::Database;
use crate::error::{Error, Result};

/// Holds a trial document for a short time.
const TRIALS: &str = "trials";

/// The topology of the database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// A replica set of one or more nodes.
    ReplicaSet,
    /// A sharded cluster, behind `mongos`.
    Cluster,
    /// A standalone server, which has no transactions.
    Standalone,
}

/// The database server.
#[derive(Clone, Debug)]
pub struct ServerReport {
    /// Version, such as `6.0.5`.
    pub version: String,
    /// Topology.
    pub topology: Topology,
}

impl Database {
    /// Returns the server's version and topology.
    pub async fn server(&self) -> Result<ServerReport> {
        let hello = self.raw().run_command(doc! { "hello": 1 }).await?;
        let build = self.raw().run_command(doc! { "buildInfo": 1 }).await?;
        let topology = if hello.contains_key("setName") {
            Topology::ReplicaSet
        } else if hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid") {
            Topology::Cluster
        } else {
            Topology::Standalone
        };
        let version = build.get_str("version").map_err(Error::internal)?.to_owned();
        Ok(ServerReport { version, topology })
    }

    /// Writes a document, acknowledged by a majority, and removes it again.
    pub async fn try_write(&self) -> Result<()> {
        let trials = self.internal::<Document>(TRIALS);
        let written = trials.insert_one(doc! {}).await?;
        trials.delete_one(doc! { "_id": written.inserted_id }).await?;
        Ok(trials.drop().await?)
    }
}
