//! Checks of a database before a gateway uses it. They leave no lasting changes.

use bson::{Bson, Document, doc};

use super::database::{Database, Index, same_definition};
use crate::error::{Error, Result};

/// Holds a trial document for a short time.
const TRIALS: &str = "trials";
/// Error code of a collection that does not exist (`NamespaceNotFound`).
const NOT_THERE: i32 = 26;

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

/// How the stored indexes differ from the required ones, each as `collection.name`.
#[derive(Clone, Debug, Default)]
pub struct IndexState {
    /// Indexes that do not exist.
    pub missing: Vec<String>,
    /// Indexes that exist with another definition.
    pub drifted: Vec<String>,
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

    /// Compares the stored indexes with the required ones.
    pub async fn index_state(&self, needed: &[&Index]) -> Result<IndexState> {
        let mut collections: Vec<&str> = needed.iter().map(|index| index.collection).collect();
        collections.sort_unstable();
        collections.dedup();
        let mut state = IndexState::default();
        for collection in collections {
            let stored = self.stored_indexes(collection).await?;
            for index in needed.iter().filter(|index| index.collection == collection) {
                let name = format!("{collection}.{}", index.name);
                let wanted = index.specification();
                // An index with the same name or the same fields; either prevents the creation of the wanted one.
                let rival = |stored: &&Document| {
                    stored.get_str("name").is_ok_and(|name| name == index.name)
                        || stored.get_document("key").ok() == wanted.get_document("key").ok()
                };
                match stored.iter().find(rival) {
                    None => state.missing.push(name),
                    Some(stored) if !same_definition(stored, &wanted) => state.drifted.push(name),
                    Some(_) => {}
                }
            }
        }
        Ok(state)
    }

    async fn stored_indexes(&self, collection: &str) -> Result<Vec<Document>> {
        let listed = self.raw().run_command(doc! { "listIndexes": collection }).await;
        let reply = match listed {
            Ok(reply) => reply,
            Err(error) if is_not_there(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let batch = reply
            .get_document("cursor")
            .and_then(|cursor| cursor.get_array("firstBatch"))
            .map_err(Error::internal)?;
        Ok(batch.iter().filter_map(Bson::as_document).cloned().collect())
    }
}

fn is_not_there(error: &mongodb::error::Error) -> bool {
    matches!(&*error.kind, mongodb::error::ErrorKind::Command(command) if command.code == NOT_THERE)
}
