//! Dedicated threads for password hashing, behind a short queue.
//!
//! Hashing on the async threads would block them for tens of milliseconds each time, and an unbounded pool would
//! allocate the memory of as many hashes as there are callers. So a hash waits here, or is refused at once.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::hasher::HasherMemory;
use crate::error::{Error, Result, UserError, UserErrorCode};

/// Hashes that may wait per thread. At the usual 30 ms each, the last of them waits for half a second, which a person
/// accepts and a request's deadline allows; more would only make everybody wait longer.
pub(super) const WAITING_PER_THREAD: usize = 16;
/// Approximate number of hashes over which the mean time is taken.
const MEAN_OVER: u32 = 8;

/// Threads with a queue. They end when this is dropped.
pub(super) struct Threads(Arc<Shared>);

struct Shared {
    state: Mutex<QueueState>,
    /// Notified when a job was queued or the queue was closed.
    changed: Condvar,
    threads: NonZeroUsize,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Box<dyn HashingTask>>,
    /// Mean time of the last jobs; `None` before the first.
    mean: Option<Duration>,
    closed: bool,
}

/// A unit of work for a thread, with a caller that waits for its result.
trait HashingTask: Send {
    /// Whether the caller has stopped waiting.
    fn abandoned(&self) -> bool;
    fn run(self: Box<Self>, memory: &mut HasherMemory);
}

struct Task<W, T> {
    work: W,
    answer: oneshot::Sender<T>,
}

impl<T: Send, W: FnOnce(&mut HasherMemory) -> T + Send> HashingTask for Task<W, T> {
    fn abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, memory: &mut HasherMemory) {
        let Self { work, answer } = *self;
        // The caller may have gone meanwhile; the result is then dropped.
        let _gone = answer.send(work(memory));
    }
}

impl Threads {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system cannot start a thread.
    pub(super) fn start(threads: NonZeroUsize) -> Result<Self> {
        let this = Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            threads,
        }));
        for number in 0..threads.get() {
            let shared = Arc::clone(&this.0);
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || shared.work())
                .map_err(Error::internal)?;
        }
        Ok(this)
    }

    /// Checks whether the queue has room at the moment.
    ///
    /// # Errors
    /// RATE_LIMITED under the same condition as [`run`](Self::run).
    pub(super) fn room(&self) -> Result<()> {
        self.0.room(&mut self.0.state())
    }

    /// Runs `work` on one of the threads, with the thread's memory. Work whose caller stops waiting while it is queued
    /// is never started.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait when the queue is full; [`Error::Internal`] when the work panicked.
    pub(super) async fn run<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut HasherMemory) -> T + Send + 'static,
    {
        let (answer, waiter) = oneshot::channel();
        self.0.enqueue(Box::new(Task { work, answer }))?;
        waiter
            .await
            .map_err(|_gone| Error::internal("a hashing thread stopped"))
    }
}

impl Drop for Threads {
    /// Lets the threads end after the current hash. Does not wait for them, because this may run on an async thread.
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.closed = true;
        state.waiting.clear();
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self, state: &mut QueueState) -> Result<()> {
        let room = self.threads.get() * WAITING_PER_THREAD;
        if state.waiting.len() >= room {
            state.waiting.retain(|job| !job.abandoned());
        }
        if state.waiting.len() >= room {
            let wait = wait_seconds(state.waiting.len(), state.mean.unwrap_or_default(), self.threads);
            return Err(Error::rejected(busy(wait)));
        }
        Ok(())
    }

    fn enqueue(&self, job: Box<dyn HashingTask>) -> Result<()> {
        let mut state = self.state();
        self.room(&mut state)?;
        state.waiting.push_back(job);
        report(&state);
        self.changed.notify_one();
        Ok(())
    }

    /// The loop of a thread.
    fn work(&self) {
        let mut memory = HasherMemory::default();
        while let Some(job) = self.next() {
            let begun = Instant::now();
            // The thread survives a panic in a hash; the caller notices it by the closed channel.
            let _fault = catch_unwind(AssertUnwindSafe(|| job.run(&mut memory)));
            let took = begun.elapsed();
            metrics::histogram!("gateway_password_hash_seconds").record(took);
            self.state().measure(took);
        }
    }

    /// Waits for a job whose caller still waits; `None` once the queue is closed.
    fn next(&self) -> Option<Box<dyn HashingTask>> {
        let mut state = self.state();
        loop {
            while let Some(job) = state.waiting.pop_front() {
                if !job.abandoned() {
                    report(&state);
                    return Some(job);
                }
            }
            report(&state);
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl QueueState {
    fn measure(&mut self, took: Duration) {
        self.mean = Some(match self.mean {
            Some(mean) => (mean * (MEAN_OVER - 1) + took) / MEAN_OVER,
            None => took,
        });
    }
}

fn report(state: &QueueState) {
    // A queue is far shorter than the range in which a double represents every integer.
    let waiting = u32::try_from(state.waiting.len()).unwrap_or(u32::MAX);
    metrics::gauge!("gateway_password_queue").set(waiting);
}

/// Whole seconds, at least one, until the threads have finished what waits now.
fn wait_seconds(waiting: usize, mean: Duration, threads: NonZeroUsize) -> i32 {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let wait = mean.saturating_mul(count(waiting)) / count(threads.get());
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    i32::try_from(seconds.max(1)).unwrap_or(i32::MAX)
}

fn busy(seconds: i32) -> UserError {
    UserError::new(
        UserErrorCode::RateLimited,
        [],
        "Too many passwords are being checked at the moment; please try again shortly.",
    )
    .retry_after(seconds)
}

#[cfg(test)]
mod tests;
