//! Runs jobs: claims those that are due, concurrently, with leases that are renewed while the jobs run.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Job, JobFailure, JobKind, JobState, Queue};
use crate::error::{Error, Result};

/// Interval at which a running job's lease is renewed: several times per lease.
const RENEW: Duration = Duration::from_secs(20);
/// Interval at which a caller checks whether another runner has finished.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Interval at which a node looks for due jobs; a job starts well within 5 s of its due time.
const POLL: Duration = Duration::from_secs(1);
/// Jobs that one node runs concurrently, so that one that hangs does not block others.
const SIDE_BY_SIDE: usize = 8;

/// Runs jobs on this node. `C` is the context that their code needs.
#[derive(Clone)]
pub struct Runner<C> {
    queue: Queue,
    kinds: Arc<Vec<JobKind<C>>>,
    places: Arc<Semaphore>,
    tracker: TaskTracker,
}

impl<C: Clone + Send + Sync + 'static> Runner<C> {
    /// Creates a runner of these kinds. Its tasks are tracked by `tracker`, which shutdown waits for.
    #[must_use]
    pub fn new(queue: Queue, kinds: Vec<JobKind<C>>, tracker: TaskTracker) -> Self {
        Self {
            queue,
            kinds: Arc::new(kinds),
            places: Arc::new(Semaphore::new(SIDE_BY_SIDE)),
            tracker,
        }
    }

    /// Claims and runs due jobs until `stop` is cancelled. Running jobs are left to the tracker.
    pub async fn run(self, context: C, stop: CancellationToken) {
        let mut scheduled = false;
        while !stop.is_cancelled() {
            if !scheduled {
                scheduled = self.schedule().await;
            }
            let place = tokio::select! {
                () = stop.cancelled() => return,
                place = Arc::clone(&self.places).acquire_owned() => place,
            };
            let Ok(place) = place else { return };
            if !self.claim_and_start(&context, place).await {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(POLL) => {}
                    () = self.queue.written.notified() => {}
                }
            }
        }
    }

    /// Returns whether all recurring jobs are known to exist.
    async fn schedule(&self) -> bool {
        for kind in self.kinds.iter().filter(|kind| kind.every.is_some()) {
            if let Err(error) = self.queue.schedule(kind.name).await {
                tracing::debug!(error = ?error, "cannot schedule recurring jobs; retrying");
                return false;
            }
        }
        true
    }

    /// Returns whether a job was started.
    async fn claim_and_start(&self, context: &C, place: OwnedSemaphorePermit) -> bool {
        match self.claim_due().await {
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
                // The watcher of the database logs an outage once.
                tracing::debug!(error = ?error, "cannot look for due jobs");
                false
            }
        }
    }

    async fn claim_due(&self) -> Result<Option<Job>> {
        self.claim(doc! { "due": { "$lte": self.queue.clock.now() } })
            .await
    }

    async fn claim(&self, filter: Document) -> Result<Option<Job>> {
        let names: Vec<&str> = self.kinds.iter().map(|kind| kind.name).collect();
        self.queue.claim(filter, &names).await
    }

    /// Runs one job immediately, or waits for the runner that has claimed it. Returns whether it is done. For callers
    /// that respond only when the work is done, with the job as the fallback.
    pub async fn finish(&self, id: &str, context: C) -> Result<bool> {
        loop {
            let waiting = doc! { "_id": id, "state": "WAITING" };
            if let Some(job) = self.claim(waiting).await? {
                return Ok(self.perform(job, context).await);
            }
            let job = self.queue.jobs().find_one(doc! { "_id": id }).await?;
            match job.map(|job| job.state) {
                Some(JobState::Running) => tokio::time::sleep(LOOK_AGAIN).await,
                Some(JobState::Waiting) => {}
                Some(JobState::Dead) => return Ok(false),
                // Finished jobs are removed after a while.
                Some(JobState::Done) | None => return Ok(true),
            }
        }
    }

    /// Runs all due jobs, one after the other, until none is left; for tests and the command line.
    pub async fn drain(&self, context: C) -> Result<usize> {
        let mut performed = 0;
        self.schedule().await;
        while let Some(job) = self.claim_due().await? {
            self.perform(job, context.clone()).await;
            performed += 1;
        }
        Ok(performed)
    }

    /// Runs a claimed job, renewing its lease. Returns whether it succeeded.
    async fn perform(&self, job: Job, context: C) -> bool {
        let Some(kind) = self.kinds.iter().find(|kind| kind.name == job.kind) else {
            return false;
        };
        let started = tokio::time::Instant::now();
        // A panic is a failure like any other: the job is retried.
        let run = std::panic::AssertUnwindSafe((kind.run)(context, job.payload.clone())).catch_unwind();
        let outcome = tokio::select! {
            outcome = run => outcome.unwrap_or_else(|_| Err(JobFailure::Retry(Error::internal("the job panicked")))),
            () = self.keep(&job) => Err(JobFailure::Retry(Error::internal("the lease was lost"))),
        };
        let noted = match &outcome {
            Ok(()) => self.queue.done(&job, kind.every).await.map(|()| JobState::Done),
            Err(failure) => self.queue.failed(&job, failure, kind.every.is_some()).await,
        };
        report(&job, &outcome, &noted, started.elapsed());
        outcome.is_ok()
    }

    /// Renews the lease as long as possible; returns when the claim is lost.
    async fn keep(&self, job: &Job) {
        loop {
            tokio::time::sleep(RENEW).await;
            if matches!(self.queue.renew(job).await, Ok(false)) {
                return;
            }
        }
    }
}

/// Logs the result of a run.
fn report(job: &Job, outcome: &Result<(), JobFailure>, noted: &Result<JobState>, took: Duration) {
    let state = match noted {
        Ok(JobState::Done) => "done",
        Ok(JobState::Dead) => "dead",
        Ok(_) => "retry",
        // The lease expires, and another run records the result.
        Err(_) => "unnoted",
    };
    metrics::counter!("gateway_jobs_total", "kind" => job.kind.clone(), "outcome" => state).increment(1);
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (id, kind, attempts) = (&job.id, &job.kind, job.attempts);
    match outcome {
        Ok(()) => tracing::debug!(job = id, kind, attempts, millis, state, "job"),
        Err(JobFailure::Retry(error) | JobFailure::Fail(error)) => {
            tracing::warn!(job = id, kind, attempts, millis, state, ?error, "job failed");
        }
    }
}
