//! Migrations: numbered changes of stored data, each applied once per database, whatever the number of nodes.

use std::time::Duration;

use bson::doc;
use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::options::ReturnDocument;
use serde::{Deserialize, Serialize};

use super::clock::{Clock, Timestamp};
use super::database::{Database, violated_index};
use crate::error::{Error, Result};
use crate::platform::stored::{Stored, all_free};

/// The lease of a node that runs migrations, renewed before each of them; afterwards another node takes over.
const LEASE: Duration = Duration::from_secs(60);
/// Interval at which a node that waits for another node's migrations checks again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
const COLLECTION: &str = "migrations";
const LOCK: &str = "lock";

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: "migrations",
    fields: &all_free(["_id", "number", "name", "at", "node", "until"]),
}];

/// One migration. It must be safe to run it again after it was interrupted anywhere.
#[derive(Clone, Copy)]
pub struct Migration {
    /// Position in the order; never reused.
    pub number: i32,
    /// Short description.
    pub name: &'static str,
    /// Applies the change.
    pub run: for<'a> fn(&'a Database) -> BoxFuture<'a, Result<()>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Applied {
    #[serde(rename = "_id")]
    id: String,
    number: i32,
    name: String,
    at: Timestamp,
}

/// Runs the migrations that have not been applied to this database, in order, on one node at a time; the other nodes
/// wait.
///
/// # Errors
/// The database was changed by a newer version of the gateway, the list is out of order, or a migration fails.
pub async fn migrate(database: &Database, clock: &Clock, node: &str, migrations: &[Migration]) -> Result<()> {
    if !migrations.is_sorted_by(|a, b| a.number < b.number) {
        return Err(Error::internal("migrations are not listed in ascending order"));
    }
    loop {
        let done = applied(database).await?;
        let newest = migrations.last().map_or(0, |migration| migration.number);
        if let Some(newer) = done.iter().find(|number| **number > newest) {
            return Err(Error::internal(format!(
                "the database was migrated by a newer version of the gateway (migration {newer}; this version knows \
                 up to {newest}). Start that version or a later one"
            )));
        }
        let mut missing = migrations
            .iter()
            .filter(|migration| !done.contains(&migration.number));
        let Some(next) = missing.next() else { break };
        if lock(database, clock, node).await? {
            // The previous holder of the lease may have applied it in the meantime.
            if applied(database).await?.contains(&next.number) {
                continue;
            }
            let Migration { number, name, run } = *next;
            tracing::info!(number, name, "running a database migration");
            run(database).await?;
            record(database, clock, next).await?;
        } else {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    unlock(database, node).await
}

async fn applied(database: &Database) -> Result<Vec<i32>> {
    let found = database
        .internal::<Applied>(COLLECTION)
        .find(doc! { "number": { "$exists": true } })
        .await?;
    Ok(found.map_ok(|applied| applied.number).try_collect().await?)
}

/// Acquires or renews the lease; `false` while another node holds it.
async fn lock(database: &Database, clock: &Clock, node: &str) -> Result<bool> {
    let now = clock.now();
    let free = doc! { "_id": LOCK, "$or": [{ "node": node }, { "until": { "$lt": now } }] };
    let taken = database
        .internal::<bson::Document>(COLLECTION)
        .find_one_and_update(free, doc! { "$set": { "node": node, "until": now.after(LEASE) } })
        .upsert(true)
        .return_document(ReturnDocument::After)
        .await;
    // The upsert conflicts with the other node's lock.
    unless_it_exists(taken)
}

/// Returns whether a document was written; `false` if its id exists already.
fn unless_it_exists<T>(written: mongodb::error::Result<T>) -> Result<bool> {
    match written.map_err(Error::from) {
        Err(error) if violated_index(&error) == Some("_id_") => Ok(false),
        written => written.map(|_| true),
    }
}

async fn record(database: &Database, clock: &Clock, migration: &Migration) -> Result<()> {
    let applied = Applied {
        id: format!("{:05}", migration.number),
        number: migration.number,
        name: migration.name.to_owned(),
        at: clock.now(),
    };
    // It exists if a node whose lease had expired has completed the migration nevertheless.
    unless_it_exists(database.internal(COLLECTION).insert_one(applied).await)?;
    Ok(())
}

async fn unlock(database: &Database, node: &str) -> Result<()> {
    let own = doc! { "_id": LOCK, "node": node };
    database
        .internal::<bson::Document>(COLLECTION)
        .delete_one(own)
        .await?;
    Ok(())
}
