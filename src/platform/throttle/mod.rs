//! Rate limits, shared by all nodes through the database. Callers define what is limited and for whom; this module has
//! no knowledge of either.
//!
//! - [`Throttle::attempt`]: waits that grow with each consecutive failure, for secrets that can be guessed.
//! - [`Throttle::take`]: at most a number of events in a period, for operations that are costly or annoying.
//! - [`Throttle::hold`]: at most a number of failures in a period, over all clients; clients that succeeded before are
//!   exempt.
//!
//! Each key is one document, and each decision is one atomic update of it: no node reads first and writes later, so
//! that any number of concurrent calls get exactly what the limit allows. Keys are stored blinded, and a document
//! expires when it no longer limits anything.
//!
//! Written by hand, because libraries for rate limits, such as governor and tower's layer, count in the memory of one
//! process.

mod ceiling;
mod network;
mod waits;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::{
    Collection,
    options::{Acknowledgment, ReturnDocument, WriteConcern},
};
use serde::de::DeserializeOwned;

use super::clock::Clock;
use super::crypto::Vault;
use super::database::{Database, Index, IndexKind, violated_index};
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::stored::{Stored, all_free};

pub use ceiling::Held;
pub use network::{network_of, site_of};
pub use waits::Attempt;
pub use windows::{Limit, Window};

const COLLECTION: &str = "throttle";
/// How much longer a document is kept than it limits, because a node's clock may differ a little from the database's.
const KEEP: Duration = Duration::from_secs(60);
/// Maximum rounds of an upsert. Of two concurrent first attempts that both insert, one has to be retried. MongoDB 6
/// does so itself for an upsert by id; otherwise the next round finds the document, unless it has just expired. More
/// rounds indicate a fault.
const ROUNDS: usize = 5;

/// Indexes of the limits.
pub const INDEXES: &[Index] = &[Index::new(
    COLLECTION,
    "expiry",
    &[("expiresAt", 1)],
    IndexKind::Expiry(KEEP),
)];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: "throttle",
    fields: &all_free([
        "_id",
        "events",
        "known",
        "failures",
        "since",
        "until",
        "expiresAt",
    ]),
}];

/// Limits how often an operation is attempted. Clones, and nodes with the same database and master key, share the
/// limits.
#[derive(Clone)]
pub struct Throttle {
    database: Database,
    clock: Clock,
    vault: Arc<Vault>,
    on: bool,
}

impl Throttle {
    /// Creates the limits of this database. If `on` is false, everything is admitted and nothing is written.
    #[must_use]
    pub fn new(database: Database, clock: Clock, vault: Arc<Vault>, on: bool) -> Self {
        Self {
            database,
            clock,
            vault,
            on,
        }
    }

    /// Returns the id of a key's document for this kind of limit.
    fn id(&self, kind: &str, key: &[&str]) -> String {
        self.vault.blind(&joined(kind, key))
    }

    fn collection<T: Send + Sync>(&self) -> Collection<T> {
        self.database.internal(COLLECTION)
    }

    /// Updates or inserts a document and returns its previous content.
    async fn reserve<T>(&self, id: &str, update: Vec<Document>) -> Result<Option<T>>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let mut round = 1;
        loop {
            let before = self
                .collection::<T>()
                .find_one_and_update(doc! { "_id": id }, update.clone())
                .upsert(true)
                .return_document(ReturnDocument::Before)
                .write_concern(primary_only())
                .await
                .map_err(Error::from);
            match before {
                Err(error) if round < ROUNDS && violated_index(&error).is_some() => round += 1,
                outcome => return outcome,
            }
        }
    }
}

/// Waits for the primary only: losing the latest counts in a failover is acceptable, waiting for other servers at every
/// attempt is not.
fn primary_only() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Nodes(1)).build()
}

/// Joins the parts of a key, each prefixed with its length, so that different keys never result in the same value.
fn joined(kind: &str, key: &[&str]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in std::iter::once(&kind).chain(key) {
        joined.extend((part.len() as u64).to_be_bytes());
        joined.extend(part.as_bytes());
    }
    joined
}

/// Returns the error `RATE_LIMITED` with this wait.
fn refused(wait: Duration) -> Error {
    let seconds = seconds(wait);
    let message = format!("Too many attempts; please try again in {seconds} s.");
    Error::rejected(UserError::new(UserErrorCode::RateLimited, [], message).retry_after(seconds))
}

/// Returns whole seconds, rounded up, so that a client that waits this long is not refused again.
fn seconds(wait: Duration) -> i32 {
    i32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_are_joined_to_the_same() {
        let keys: [&[&str]; 7] = [
            &[],
            &[""],
            &["", ""],
            &["ab", "c"],
            &["a", "bc"],
            &["abc"],
            &["a", "b", "c"],
        ];
        let mut all: Vec<Vec<u8>> = keys.iter().map(|key| joined("waits", key)).collect();
        all.extend(keys.iter().map(|key| joined("windows", key)));
        // A part that imitates a length followed by the next part.
        all.push(joined("waits", &["a\0\0\0\0\0\0\0\u{2}bc"]));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    // TOK-03
    #[test]
    fn a_refusal_says_when_in_seconds_rounded_up() {
        for (millis, seconds) in [(1, 1), (1000, 1), (1001, 2), (900_000, 900)] {
            let Error::Rejected(errors) = refused(Duration::from_millis(millis)) else {
                panic!("must be a user error")
            };
            let errors = errors.iter();
            let shown = errors.map(|error| (error.code, error.retry_after_seconds, error.field.clone()));
            let expected = (UserErrorCode::RateLimited, Some(seconds), None);
            assert_eq!(shown.collect::<Vec<_>>(), [expected]);
        }
    }
}
