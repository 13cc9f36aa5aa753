//! Jobs: side effects as documents, written in the transaction that wants them, claimed by one node with a lease,
//! retried with backoff, visible when dead. A job carries ids, no personal data, and may run twice.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::{FutureExt, TryStreamExt, future::BoxFuture};
use mongodb::{Collection, options::ReturnDocument};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::clock::{Clock, Timestamp};
use super::database::{Database, Index, IndexKind, Tx};
use super::id::{Id, JobId};
use super::random::Random;
use crate::error::{Error, Result};

const COLLECTION: &str = "jobs";
/// A claim lasts this long unless it is renewed; another node takes over after it, well within two minutes.
const LEASE: Duration = Duration::from_secs(60);
const RENEW: Duration = Duration::from_secs(20);
/// How often a caller looks whether another runner is done.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often a node looks for due jobs; with it a job starts well within 5 s of its time.
const POLL: Duration = Duration::from_secs(1);
/// Jobs that one node runs side by side, so that one that hangs holds up nothing else.
const SIDE_BY_SIDE: usize = 8;
/// After this many failures a job is dead and waits for `jobs retry`.
const MAX_ATTEMPTS: i32 = 12;
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);
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
    /// The last failure, by kind and without data.
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

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Retry(error)
    }
}

/// What runs a kind of job.
pub type Run<C> = fn(C, Document) -> BoxFuture<'static, std::result::Result<(), Failure>>;

/// A kind of job, over what its runs need.
pub struct Kind<C> {
    /// Its name in documents, logs and metrics.
    pub name: &'static str,
    /// For a recurring one: how long after a run the next one starts.
    pub every: Option<Duration>,
    /// What it does.
    pub run: Run<C>,
}

/// Reads and writes jobs.
#[derive(Clone)]
pub struct Queue {
    database: Database,
    clock: Clock,
    random: Random,
    /// Wakes this node's runner when one of its own requests has written a job.
    written: Arc<Notify>,
}

impl Queue {
    /// The queue in this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random) -> Self {
        Self {
            database,
            clock,
            random,
            written: Arc::default(),
        }
    }

    fn jobs(&self) -> Collection<Job> {
        self.database.house(COLLECTION)
    }

    /// Writes a job in the caller's transaction, to start at `due`.
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
            state: State::Waiting,
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

    /// Makes sure that a recurring job is there.
    async fn schedule(&self, kind: &str) -> Result<()> {
        let now = self.clock.now();
        let first = doc! {
            "kind": kind, "payload": {}, "state": "WAITING", "due": now, "attempts": 0, "createdAt": now,
        };
        self.jobs()
            .update_one(doc! { "_id": kind }, doc! { "$setOnInsert": first })
            .upsert(true)
            .await?;
        Ok(())
    }

    /// Takes a job that is due, by the filter, for a lease's time.
    async fn claim(&self, mut filter: Document, among: &[&str]) -> Result<Option<Job>> {
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

    async fn renew(&self, job: &Job) -> Result<bool> {
        let due = self.clock.now().after(LEASE);
        let renewed = self
            .jobs()
            .update_one(held(job), doc! { "$set": { "due": due } })
            .await?;
        Ok(renewed.matched_count == 1)
    }

    async fn done(&self, job: &Job, every: Option<Duration>) -> Result<()> {
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

    async fn failed(&self, job: &Job, failure: &Failure, recurring: bool) -> Result<State> {
        let (for_good, error) = match failure {
            Failure::Retry(error) => (job.attempts >= MAX_ATTEMPTS, error),
            Failure::Fail(error) => (true, error),
        };
        let update = if for_good && !recurring {
            doc! { "$set": { "state": "DEAD", "failure": error.code() }, "$unset": { "due": "", "claim": "" } }
        } else {
            let due = self.clock.now().after(backoff(job.attempts, &self.random));
            doc! { "$set": { "state": "WAITING", "due": due, "failure": error.code() }, "$unset": { "claim": "" } }
        };
        self.jobs().update_one(held(job), update).await?;
        Ok(if for_good && !recurring {
            State::Dead
        } else {
            State::Waiting
        })
    }

    /// Jobs in a state, or all that are not done, oldest first.
    pub async fn list(&self, state: Option<State>) -> Result<Vec<Job>> {
        let filter = match state {
            Some(state) => doc! { "state": bson::serialize_to_bson(&state).map_err(Error::internal)? },
            None => doc! { "state": { "$ne": "DONE" } },
        };
        Ok(self
            .jobs()
            .find(filter)
            .sort(doc! { "_id": 1 })
            .await?
            .try_collect()
            .await?)
    }

    /// Gives a dead or waiting job another go, now; false when there is no such job.
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

/// Doubles from two seconds to an hour, with a quarter of chance so that jobs that failed together part.
fn backoff(attempts: i32, random: &Random) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let wait = FIRST_BACKOFF.saturating_mul(1 << doublings).min(LONGEST_BACKOFF);
    wait.mul_f64(1.0 + f64::from(random.bytes::<1>()[0]) / 1024.0)
}

/// Runs jobs on this node. `C` is what their code needs.
pub struct Runner<C> {
    queue: Queue,
    kinds: Arc<Vec<Kind<C>>>,
    places: Arc<Semaphore>,
    tracker: TaskTracker,
}

impl<C> Clone for Runner<C> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            kinds: Arc::clone(&self.kinds),
            places: Arc::clone(&self.places),
            tracker: self.tracker.clone(),
        }
    }
}

impl<C: Clone + Send + Sync + 'static> Runner<C> {
    /// A runner of these kinds; its tasks are counted by `tracker`, which shutdown waits for.
    #[must_use]
    pub fn new(queue: Queue, kinds: Vec<Kind<C>>, tracker: TaskTracker) -> Self {
        Self {
            queue,
            kinds: Arc::new(kinds),
            places: Arc::new(Semaphore::new(SIDE_BY_SIDE)),
            tracker,
        }
    }

    /// Claims and runs what is due until `stop`. Jobs in hand are the tracker's to wait for.
    pub async fn run(self, context: C, stop: CancellationToken) {
        let mut scheduled = false;
        while !stop.is_cancelled() {
            if !scheduled {
                scheduled = self.schedule().await;
            }
            let claimed = match self.place(&stop).await {
                Some(place) => self.claim_and_start(&context, place).await,
                None => return,
            };
            if !claimed {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(POLL) => {}
                    () = self.queue.written.notified() => {}
                }
            }
        }
    }

    async fn place(&self, stop: &CancellationToken) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            () = stop.cancelled() => None,
            place = Arc::clone(&self.places).acquire_owned() => place.ok(),
        }
    }

    /// Whether all recurring jobs are known to be there.
    async fn schedule(&self) -> bool {
        for kind in self.kinds.iter().filter(|kind| kind.every.is_some()) {
            if let Err(error) = self.queue.schedule(kind.name).await {
                tracing::debug!(error = ?error, "could not schedule the recurring jobs yet");
                return false;
            }
        }
        true
    }

    /// Whether a job was started.
    async fn claim_and_start(&self, context: &C, place: OwnedSemaphorePermit) -> bool {
        let due = doc! { "due": { "$lte": self.queue.clock.now() } };
        match self.queue.claim(due, &self.names()).await {
            Ok(Some(job)) => {
                let (runner, context) = (self.clone(), context.clone());
                self.tracker.spawn(async move {
                    runner.perform(job, context).await;
                    drop(place);
                });
                true
            }
            Ok(None) => false,
            Err(error) => {
                // The database being away is told once by its own watcher.
                tracing::debug!(error = ?error, "could not look for jobs");
                false
            }
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.kinds.iter().map(|kind| kind.name).collect()
    }

    /// Does one job here and now, or waits for the runner that was quicker; whether it is done. For callers that answer
    /// only when the work is done, with the job as the safety net.
    pub async fn finish(&self, id: &str, context: C) -> Result<bool> {
        loop {
            let waiting = doc! { "_id": id, "state": "WAITING" };
            if let Some(job) = self.queue.claim(waiting, &self.names()).await? {
                return Ok(self.perform(job, context).await);
            }
            let job = self.queue.jobs().find_one(doc! { "_id": id }).await?;
            match job.map(|job| job.state) {
                Some(State::Running) => tokio::time::sleep(LOOK_AGAIN).await,
                Some(State::Waiting) => {}
                Some(State::Dead) => return Ok(false),
                // Finished jobs go away after a while.
                Some(State::Done) | None => return Ok(true),
            }
        }
    }

    /// Performs all jobs that are due, one after the other, until none is left; for tests and the command line.
    pub async fn drain(&self, context: C) -> Result<usize> {
        let mut performed = 0;
        self.schedule().await;
        while let Some(job) = self
            .queue
            .claim(doc! { "due": { "$lte": self.queue.clock.now() } }, &self.names())
            .await?
        {
            self.perform(job, context.clone()).await;
            performed += 1;
        }
        Ok(performed)
    }

    /// Runs a claimed job, renewing its lease; whether it went well.
    async fn perform(&self, job: Job, context: C) -> bool {
        let Some(kind) = self.kinds.iter().find(|kind| kind.name == job.kind) else {
            return false;
        };
        let started = tokio::time::Instant::now();
        // A panic is a failure like any other: the job is tried again.
        let run = std::panic::AssertUnwindSafe((kind.run)(context, job.payload.clone())).catch_unwind();
        let outcome = tokio::select! {
            outcome = run => outcome.unwrap_or_else(|_| Err(Failure::Retry(Error::internal("the job panicked")))),
            () = self.keep(&job) => Err(Failure::Retry(Error::internal("the lease was lost"))),
        };
        let noted = match &outcome {
            Ok(()) => self.queue.done(&job, kind.every).await.map(|()| State::Done),
            Err(failure) => self.queue.failed(&job, failure, kind.every.is_some()).await,
        };
        report(&job, &outcome, &noted, started.elapsed());
        outcome.is_ok()
    }

    /// Renews the lease for as long as it can; returns when another node has the job.
    async fn keep(&self, job: &Job) {
        loop {
            tokio::time::sleep(RENEW).await;
            if matches!(self.queue.renew(job).await, Ok(false)) {
                return;
            }
        }
    }
}

/// One line a job.
fn report(job: &Job, outcome: &std::result::Result<(), Failure>, noted: &Result<State>, took: Duration) {
    let state = match noted {
        Ok(State::Done) => "done",
        Ok(State::Dead) => "dead",
        Ok(_) => "retry",
        // The lease runs out and another run notes it.
        Err(_) => "unnoted",
    };
    metrics::counter!("gateway_jobs_total", "kind" => job.kind.clone(), "outcome" => state).increment(1);
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(()) => {
            tracing::debug!(
                job = job.id,
                kind = job.kind,
                attempts = job.attempts,
                millis,
                state,
                "job"
            );
        }
        Err(Failure::Retry(error) | Failure::Fail(error)) => {
            tracing::warn!(job = job.id, kind = job.kind, attempts = job.attempts, millis, state, error = ?error, "job failed");
        }
    }
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
