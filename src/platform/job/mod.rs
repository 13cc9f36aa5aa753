//! Jobs: side effects as documents, written in the transaction that wants them, claimed by one node with a lease,
//! retried with backoff, visible when dead. A job carries ids, no personal data, and may run twice.

pub mod pace;
mod queue;
mod runner;

use std::fmt;
use std::time::Duration;

use bson::Document;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::database::{Index, IndexKind};
use crate::error::Error;

pub use queue::Queue;
pub use runner::Runner;

const COLLECTION: &str = "jobs";
/// A finished job is kept this long for a look back.
const KEEP_DONE: Duration = Duration::from_secs(24 * 3600);

/// Indexes of the jobs.
pub const INDEXES: &[Index] = &[
    Index {
        collection: COLLECTION,
        name: "due",
        keys: &[("due", 1)],
        kind: IndexKind::Having("due"),
    },
    Index {
        collection: COLLECTION,
        name: "finished",
        keys: &[("finishedAt", 1)],
        kind: IndexKind::Expiry(KEEP_DONE),
    },
    // For withdrawing what is about a customer.
    Index {
        collection: COLLECTION,
        name: "customer",
        keys: &[("payload.customerId", 1)],
        kind: IndexKind::Having("payload.customerId"),
    },
    Index {
        collection: COLLECTION,
        name: "state",
        keys: &[("state", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
];

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Waits for its time.
    Waiting,
    /// Claimed by a node.
    Running,
    /// Did what it was for.
    Done,
    /// Failed too often, or for good.
    Dead,
}

/// A stored job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id; a recurring job has its kind for one.
    #[serde(rename = "_id")]
    pub id: String,
    /// What is to be done.
    pub kind: String,
    /// On what: ids only.
    pub payload: Document,
    /// Where it is in its life.
    pub state: State,
    /// When it may be claimed: its time while it waits, its lease's end while it runs; absent afterwards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due: Option<Timestamp>,
    /// Names the run that holds it, so that one whose lease has passed cannot finish it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claim: Option<String>,
    /// How often it was begun since it last went well.
    pub attempts: i32,
    /// The last failure, by its code or in words that name nobody (see [`Shown`]).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
}

/// Why a run failed, and what follows.
#[derive(Debug)]
pub enum Failure {
    /// Try again later.
    Retry(Error),
    /// It can never go well.
    Fail(Error),
}

/// The cause of a failure in words that name no person and repeat nothing of a payload, so that operators may read them
/// in `jobs list`. Of every other cause they are shown the code only; the log has the rest.
#[derive(Debug)]
pub struct Shown(pub String);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Shown {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Retry(error)
    }
}

/// What runs a kind of job.
pub type Run<C> = fn(C, Document) -> BoxFuture<'static, Result<(), Failure>>;

/// A kind of job, over what its runs need.
pub struct Kind<C> {
    /// Its name in documents, logs and metrics.
    pub name: &'static str,
    /// For a recurring one: how long after a run the next one starts.
    pub every: Option<Duration>,
    /// What it does.
    pub run: Run<C>,
}
