//! Decoy writes, which cost as much as real ones and store nothing meaningful, so that timing does not reveal which
//! branch an operation took.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Collection;
use serde::Serialize;

use super::clock::Clock;
use super::crypto::Vault;
use super::database::{Database, Index, IndexKind, Tx};
use super::random::Random;
use crate::error::Result;
use crate::platform::stored::{Stored, all_free};

const COLLECTION: &str = "decoys";
/// Lifetime of a decoy. It is useless once written, but removing it at once would be additional work.
const KEEP: Duration = Duration::from_secs(60);

/// Indexes of the decoys.
pub const INDEXES: &[Index] = &[
    Index::new(COLLECTION, "keys", &[("keys", 1)], IndexKind::Plain),
    Index::new(COLLECTION, "expiry", &[("expiresAt", 1)], IndexKind::Expiry(KEEP)),
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: "decoys",
    fields: &all_free(["_id", "filling", "keys", "turns", "expiresAt"]),
}];

/// Writes decoys.
#[derive(Clone)]
pub struct Decoys {
    database: Database,
    clock: Clock,
    random: Random,
    vault: Arc<Vault>,
}

impl Decoys {
    /// Creates a writer of decoys in this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random, vault: Arc<Vault>) -> Self {
        Self {
            database,
            clock,
            random,
            vault,
        }
    }

    fn collection(&self) -> Collection<Document> {
        self.database.internal(COLLECTION)
    }

    /// Inserts, within a transaction, a document of the same size as `instead_of`, with one index entry for each of its
    /// `indexes`. The content of `instead_of` is not stored.
    pub async fn insert_in(&self, tx: &mut Tx, instead_of: &impl Serialize, indexes: usize) -> Result<()> {
        let bytes = bson::serialize_to_vec(instead_of)?.len();
        let keys: Vec<String> = (0..indexes).map(|_| self.random.token()).collect();
        let filling = "x".repeat(bytes.saturating_sub(keys.iter().map(String::len).sum()));
        let decoy = doc! {
            "_id": self.random.token(), "filling": filling, "keys": keys, "expiresAt": self.clock.now(),
        };
        self.collection().insert_one(decoy).session(tx).await?;
        Ok(())
    }

    /// Serializes transactions on `key`: of two concurrent ones, one is retried after a write conflict. The key is
    /// stored blinded.
    pub async fn take_turn_in(&self, tx: &mut Tx, key: &str) -> Result<()> {
        let named = doc! { "_id": self.vault.blind(key.as_bytes()) };
        let turn = doc! { "$set": { "expiresAt": self.clock.now() }, "$inc": { "turns": 1_i64 } };
        let places = self.collection();
        places.update_one(named, turn).upsert(true).session(tx).await?;
        Ok(())
    }
}
