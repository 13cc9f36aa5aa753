//! The threads that hash: a few of their own, behind a short queue.
//!
//! Inline hashing would stop the async threads for tens of milliseconds each time, and a pool without a bound would take
//! the memory of as many hashes as there are callers. So a hash waits here, or is refused at once.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::hasher::Memory;
use crate::error::{Error, Result, UserError, UserErrorCode};

/// Hashes that may wait for one thread. At the usual 30 ms each, the last of them waits for half a second, which a
/// person accepts and a request's deadline allows; more would only make everybody wait longer.
pub(super) const WAITING_PER_THREAD: usize = 16;
/// How many hashes the mean time goes back, about.
const MEAN_OVER: u32 = 8;

/// Threads with a queue. They end when this is dropped.
pub(super) struct Threads(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Told when there is a job, or none will come any more.
    changed: Condvar,
    threads: NonZeroUsize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn Job>>,
    /// Mean time of the last jobs; nothing before the first.
    mean: Option<Duration>,
    closed: bool,
}

/// Something to do on a thread for someone who waits for it.
trait Job: Send {
    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;
    fn run(self: Box<Self>, memory: &mut Memory);
}

struct Task<W, T> {
    work: W,
    answer: oneshot::Sender<T>,
}

impl<T: Send, W: FnOnce(&mut Memory) -> T + Send> Job for Task<W, T> {
    fn abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, memory: &mut Memory) {
        let Self { work, answer } = *self;
        // Whoever asked may have gone meanwhile; then nobody misses the answer.
        let _gone = answer.send(work(memory));
    }
}

impl Threads {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system grants none.
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

    /// Whether there would be room for work at the moment.
    ///
    /// # Errors
    /// RATE_LIMITED as [`run`](Self::run) has it.
    pub(super) fn room(&self) -> Result<()> {
        self.0.room(&mut self.0.state())
    }

    /// Runs `work` on one of the threads, with the thread's memory. Work whose caller goes away while it waits is never
    /// begun.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait when the queue is full; [`Error::Internal`] when the work panicked.
    pub(super) async fn run<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut Memory) -> T + Send + 'static,
    {
        let (answer, waiter) = oneshot::channel();
        self.0.enqueue(Box::new(Task { work, answer }))?;
        waiter
            .await
            .map_err(|_gone| Error::internal("a hashing thread stopped"))
    }
}

impl Drop for Threads {
    /// Lets the threads end after the hash in hand. Does not wait for them, because this may be an async thread.
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.closed = true;
        state.waiting.clear();
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self, state: &mut State) -> Result<()> {
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

    fn enqueue(&self, job: Box<dyn Job>) -> Result<()> {
        let mut state = self.state();
        self.room(&mut state)?;
        state.waiting.push_back(job);
        report(&state);
        self.changed.notify_one();
        Ok(())
    }

    /// A thread's life.
    fn work(&self) {
        let mut memory = Memory::default();
        while let Some(job) = self.next() {
            let begun = Instant::now();
            // The thread outlives a fault in a hash, whose waiter hears of it by the end of its channel.
            let _fault = catch_unwind(AssertUnwindSafe(|| job.run(&mut memory)));
            let took = begun.elapsed();
            metrics::histogram!("gateway_password_hash_seconds").record(took);
            self.state().measure(took);
        }
    }

    /// Waits for a job that someone waits for; `None` when there will be no more.
    fn next(&self) -> Option<Box<dyn Job>> {
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

impl State {
    fn measure(&mut self, took: Duration) {
        self.mean = Some(match self.mean {
            Some(mean) => (mean * (MEAN_OVER - 1) + took) / MEAN_OVER,
            None => took,
        });
    }
}

fn report(state: &State) {
    // A queue is far shorter than where a double begins to skip numbers.
    let waiting = u32::try_from(state.waiting.len()).unwrap_or(u32::MAX);
    metrics::gauge!("gateway_password_queue").set(waiting);
}

/// Whole seconds until the threads have done what waits now, at least one.
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
