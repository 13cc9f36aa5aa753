//! Jobs: side effects as documents, written in the transaction that requires them, claimed by one node with a lease,
//! retried with backoff, and listed when dead. A job contains ids but no personal data, and may run more than once.
//!
//! Written by hand, because the queues of libraries use a store of their own and cannot take part in the MongoDB
//! transaction of the write that requires a job.

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
use crate::platform::stored::{Stored, all_free};

pub use queue::Queue;
pub use runner::Runner;

const COLLECTION: &str = "jobs";
/// How long a finished job is kept for inspection.
const KEEP_DONE: Duration = Duration::from_secs(24 * 3600);

/// Indexes of the jobs.
pub const INDEXES: &[Index] = &[
    Index::new(COLLECTION, "due", &[("due", 1)], IndexKind::Having("due")),
    Index::new(
        COLLECTION,
        "finished",
        &[("finishedAt", 1)],
        IndexKind::Expiry(KEEP_DONE),
    ),
    // For withdrawing the jobs of a customer.
    Index::new(
        COLLECTION,
        "customer",
        &[("payload.customerId", 1)],
        IndexKind::Having("payload.customerId"),
    ),
    Index::new(COLLECTION, "state", &[("state", 1), ("_id", 1)], IndexKind::Plain),
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: "jobs",
    fields: &all_free([
        "_id",
        "kind",
        "payload",
        "state",
        "due",
        "claim",
        "attempts",
        "failure",
        "createdAt",
        "finishedAt",
    ]),
}];

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// Waits until it is due.
    Waiting,
    /// Claimed by a node.
    Running,
    /// Completed.
    Done,
    /// Failed too often or permanently.
    Dead,
}

/// A stored job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Id; for a recurring job, its kind.
    #[serde(rename = "_id")]
    pub id: String,
    /// Kind of the job.
    pub kind: String,
    /// Arguments: ids only.
    pub payload: Document,
    /// State.
    pub state: JobState,
    /// When it may be claimed: its due time while it waits, the end of its lease while it runs; absent afterwards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due: Option<Timestamp>,
    /// Identifies the run that holds the job, so that a run whose lease has expired cannot finish it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claim: Option<String>,
    /// Number of runs started since the last success.
    pub attempts: i32,
    /// The last failure: its code, or a text without personal data (see [`PublicCause`]).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was completed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
}

/// Why a run failed, and whether it is retried.
#[derive(Debug)]
pub enum JobFailure {
    /// Retried later.
    Retry(Error),
    /// Permanent: a retry cannot succeed.
    Fail(Error),
}

/// The cause of a failure as text that names no person and repeats nothing of the payload, so that operators may read
/// it in `jobs list`. For all other causes the list shows only the code; the log has the details.
#[derive(Debug)]
pub struct PublicCause(pub String);

impl fmt::Display for PublicCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PublicCause {}

impl From<Error> for JobFailure {
    fn from(error: Error) -> Self {
        Self::Retry(error)
    }
}

/// The function that runs a kind of job.
pub type Run<C> = fn(C, Document) -> BoxFuture<'static, Result<(), JobFailure>>;

/// A kind of job, whose runs need a context `C`.
#[derive(Clone)]
pub struct JobKind<C> {
    /// Name in documents, logs and metrics.
    pub name: &'static str,
    /// For a recurring job: the delay between the end of a run and the next one.
    pub every: Option<Duration>,
    /// The function that runs the job.
    pub run: Run<C>,
}
