//! Reads and writes of job documents.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt;
use mongodb::{Collection, options::ReturnDocument};
use tokio::sync::Notify;

use super::{COLLECTION, Job, JobFailure, JobState, PublicCause};
use crate::error::{Error, Result};
use crate::platform::{
    clock::{Clock, Timestamp},
    database::{Database, Tx},
    id::{Id, JobId},
    random::Random,
};

/// How long a claim lasts unless it is renewed; then another node takes over, well within two minutes.
const LEASE: Duration = Duration::from_secs(60);
/// After this many failures a job is dead and needs `jobs retry`.
const MAX_ATTEMPTS: i32 = 12;
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);

/// Reads and writes jobs.
#[derive(Clone)]
pub struct Queue {
    database: Database,
    pub(super) clock: Clock,
    random: Random,
    /// Wakes this node's runner when a request on this node has written a job.
    pub(super) written: Arc<Notify>,
}

impl Queue {
    /// Creates the queue of this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random) -> Self {
        Self {
            database,
            clock,
            random,
            written: Arc::default(),
        }
    }

    pub(super) fn jobs(&self) -> Collection<Job> {
        self.database.internal(COLLECTION)
    }

    /// Writes a job in the caller's transaction, due at `due`.
    pub async fn enqueue(
        &self,
        tx: &mut Tx,
        kind: &str,
        payload: Document,
        due: Timestamp,
    ) -> Result<String> {
        let now = self.clock.now();
        let job = Job {
            id: JobId::fresh(now, &self.random).as_str().to_owned(),
            kind: kind.to_owned(),
            payload,
            state: JobState::Waiting,
            due: Some(due),
            claim: None,
            attempts: 0,
            failure: None,
            created_at: now,
            finished_at: None,
        };
        self.jobs().insert_one(&job).session(tx).await?;
        self.written.notify_one();
        Ok(job.id)
    }

    /// Ensures that a recurring job exists.
    pub(super) async fn schedule(&self, kind: &str) -> Result<()> {
        let now = self.clock.now();
        let first = doc! {
            "kind": kind, "payload": {}, "state": "WAITING", "due": now, "attempts": 0, "createdAt": now,
        };
        let schedule = doc! { "$setOnInsert": first };
        self.jobs()
            .update_one(doc! { "_id": kind }, schedule)
            .upsert(true)
            .await?;
        Ok(())
    }

    /// Claims a due job that matches the filter, for the duration of a lease.
    pub(super) async fn claim(&self, mut filter: Document, among: &[&str]) -> Result<Option<Job>> {
        let now = self.clock.now();
        filter.insert("kind", doc! { "$in": among });
        let update = doc! {
            "$set": { "state": "RUNNING", "due": now.after(LEASE), "claim": self.random.token() },
            "$inc": { "attempts": 1 },
        };
        Ok(self
            .jobs()
            .find_one_and_update(filter, update)
            .sort(doc! { "due": 1 })
            .return_document(ReturnDocument::After)
            .await?)
    }

    pub(super) async fn renew(&self, job: &Job) -> Result<bool> {
        let due = self.clock.now().after(LEASE);
        let renewal = doc! { "$set": { "due": due } };
        let renewed = self.jobs().update_one(held(job), renewal).await?;
        Ok(renewed.matched_count == 1)
    }

    pub(super) async fn done(&self, job: &Job, every: Option<Duration>) -> Result<()> {
        let now = self.clock.now();
        let update = match every {
            Some(every) => doc! {
                "$set": { "state": "WAITING", "due": now.after(every), "attempts": 0 },
                "$unset": { "claim": "", "failure": "" },
            },
            None => doc! {
                "$set": { "state": "DONE", "finishedAt": now },
                "$unset": { "due": "", "claim": "", "failure": "" },
            },
        };
        self.jobs().update_one(held(job), update).await?;
        Ok(())
    }

    pub(super) async fn failed(&self, job: &Job, failure: &JobFailure, recurring: bool) -> Result<JobState> {
        let (for_good, error) = match failure {
            JobFailure::Retry(error) => (job.attempts >= MAX_ATTEMPTS, error),
            JobFailure::Fail(error) => (true, error),
        };
        let failure = shown(error);
        let (state, update) = if for_good && !recurring {
            let update = doc! { "$set": { "state": "DEAD", "failure": failure }, "$unset": { "due": "", "claim": "" } };
            (JobState::Dead, update)
        } else {
            let due = self.clock.now().after(backoff(job.attempts, &self.random));
            let set = doc! { "state": "WAITING", "due": due, "failure": failure };
            (JobState::Waiting, doc! { "$set": set, "$unset": { "claim": "" } })
        };
        self.jobs().update_one(held(job), update).await?;
        Ok(state)
    }

    /// Returns the jobs in a state, or all that are not done, oldest first.
    pub async fn list(&self, state: Option<JobState>) -> Result<Vec<Job>> {
        let filter = match state {
            Some(state) => doc! { "state": bson::serialize_to_bson(&state)? },
            None => doc! { "state": { "$ne": "DONE" } },
        };
        let found = self.jobs().find(filter).sort(doc! { "_id": 1 }).await?;
        Ok(found.try_collect().await?)
    }

    /// Removes the jobs of a kind whose payload has this value in `field` and which no node is running. Returns whether a
    /// node is running one of them.
    ///
    /// # Errors
    /// Any database error.
    pub async fn withdraw(&self, kind: &str, field: &str, value: &str) -> Result<bool> {
        let mut running = doc! { "kind": kind, format!("payload.{field}"): value };
        let mut not_run = running.clone();
        let states = [
            doc! { "state": { "$in": ["WAITING", "DEAD"] } },
            // The node has died or lost its connection.
            doc! { "state": "RUNNING", "due": { "$lte": self.clock.now() } },
        ];
        not_run.insert("$or", states.to_vec());
        self.jobs().delete_many(not_run).await?;
        running.insert("state", "RUNNING");
        Ok(self.jobs().find_one(running).await?.is_some())
    }

    /// Makes a dead or waiting job due now, with its attempts reset; `false` when there is no such job.
    pub async fn retry(&self, id: &str) -> Result<bool> {
        let filter = doc! { "_id": id, "state": { "$in": ["DEAD", "WAITING"] } };
        let update = doc! { "$set": { "state": "WAITING", "due": self.clock.now(), "attempts": 0 } };
        let retried = self.jobs().update_one(filter, update).await?;
        Ok(retried.matched_count == 1)
    }
}

fn held(job: &Job) -> Document {
    doc! { "_id": &job.id, "claim": job.claim.as_deref().unwrap_or_default() }
}

/// Returns the text of a failure that operators are shown.
fn shown(error: &Error) -> &str {
    match error {
        Error::Internal(cause) => cause.downcast_ref().map(|PublicCause(text)| text.as_str()),
        _ => None,
    }
    .unwrap_or_else(|| error.code())
}

/// Doubles from two seconds to an hour, with up to a quarter of jitter, so that jobs that failed together are spread.
fn backoff(attempts: i32, random: &Random) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let wait = FIRST_BACKOFF.saturating_mul(1 << doublings).min(LONGEST_BACKOFF);
    wait.mul_f64(1.0 + f64::from(random.bytes::<1>()[0]) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_an_hour() {
        let random = Random::seeded(1);
        assert!(backoff(1, &random) < Duration::from_secs(3));
        assert!(backoff(3, &random) >= Duration::from_secs(8));
        assert!(backoff(50, &random) <= LONGEST_BACKOFF.mul_f64(1.25));
    }
}
