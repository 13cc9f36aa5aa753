//! One connection: what its parts know of each other, and when it is over.
//!
//! Nothing here costs a plain request a task or a timer of its own: a connection has one timer, which looks at what
//! happened since it was set.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, Sleep, sleep_until};

use super::memory::Held;

/// A connection whose request has not begun, with all of its headers, after this time is cut.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Time for a connection to come to its end once it was asked to.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// The other end of the connection, in the extensions of each request.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) connection: Arc<Connection>,
}

/// What one connection's parts know of each other.
#[derive(Debug)]
pub(super) struct Connection {
    opened: Instant,
    idle_timeout: Duration,
    /// Requests that are not answered to the end.
    under_way: AtomicUsize,
    /// Whether any request has begun.
    begun: AtomicBool,
    /// When the last request was over, in milliseconds after `opened`.
    idle_since: AtomicU64,
    /// When a head began that is not whole yet, in milliseconds after `opened`, plus one; 0 for none. HTTP/1.1 only.
    head_since: AtomicU64,
    /// Bytes of that head.
    head_length: AtomicUsize,
    /// Whether something is written that the other end does not take.
    writing: AtomicBool,
    /// Whether an answer was given before its request's body was read. HTTP/1.1 only.
    unread: AtomicBool,
    asked: AtomicU8,
    waker: AtomicWaker,
}

/// What a connection can be asked from outside: to end once what is under way is answered.
const STOP: u8 = 1;
/// To end now, if nothing is under way.
const MAKE_ROOM: u8 = 2;

impl Connection {
    pub(super) fn new(idle_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            idle_timeout,
            under_way: AtomicUsize::new(0),
            begun: AtomicBool::new(false),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            head_length: AtomicUsize::new(0),
            writing: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            asked: AtomicU8::new(0),
            waker: AtomicWaker::new(),
        })
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A request has begun. It is under way until what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.store(true, Ordering::Relaxed);
        self.forget_head();
        self.also()
    }

    /// What came is no part of a head any more, or of none of HTTP/1.1.
    pub(super) fn forget_head(&self) {
        self.head_since.store(0, Ordering::Relaxed);
        self.head_length.store(0, Ordering::Relaxed);
    }

    /// A part of a request that is under way, which may outlive the rest of it.
    pub(super) fn also(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Bytes of HTTP/1.1 came in.
    pub(super) fn received(&self, length: usize) {
        if self.under_way.load(Ordering::Relaxed) > 0 || length == 0 {
            return;
        }
        if self.head_length.fetch_add(length, Ordering::Relaxed) == 0 {
            self.head_since.store(self.millis() + 1, Ordering::Relaxed);
        }
    }

    pub(super) fn set_writing(&self, writing: bool) {
        self.writing.store(writing, Ordering::Relaxed);
    }

    pub(super) fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Whether the client may still be sending when the connection ends: a body that was not read, or a head that was
    /// refused.
    pub(super) fn may_still_send(&self) -> bool {
        self.is_unread() || self.head_length.load(Ordering::Relaxed) > 0
    }

    /// Asks the connection to end once what is under way is answered.
    pub(super) fn ask_to_stop(&self) {
        self.asked.store(STOP, Ordering::Release);
        self.waker.wake();
    }

    /// Asks the connection to end now, if nothing is under way, because others need its place.
    pub(super) fn ask_to_make_room(&self) {
        if (self
            .asked
            .compare_exchange(0, MAKE_ROOM, Ordering::AcqRel, Ordering::Relaxed))
        .is_ok()
        {
            self.waker.wake();
        }
    }

    /// How long it has had no request; `None` while one is under way, or its answer is being written.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        if self.under_way.load(Ordering::Relaxed) > 0 || self.writing.load(Ordering::Relaxed) {
            return None;
        }
        let since = Duration::from_millis(self.idle_since.load(Ordering::Relaxed));
        Some(self.opened.elapsed().saturating_sub(since))
    }

    /// When the head that is being received must be whole; `None` when none is.
    fn head_deadline(&self) -> Option<Instant> {
        match self.head_since.load(Ordering::Relaxed) {
            0 => None,
            since => Some(self.opened + Duration::from_millis(since - 1) + HEAD_TIME),
        }
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Connection>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        // The time is written first: whoever sees no request sees when the last one ended.
        let connection = &self.0;
        if connection.under_way.load(Ordering::Relaxed) == 1 {
            connection
                .idle_since
                .store(connection.millis(), Ordering::Relaxed);
        }
        connection.under_way.fetch_sub(1, Ordering::Release);
    }
}

/// Why a connection ends before the client ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// What is under way is answered, then it ends.
    Gracefully,
    /// At once.
    Now(&'static str),
}

/// The timer of one connection.
pub(super) struct Watch {
    connection: Arc<Connection>,
    timer: Pin<Box<Sleep>>,
    closing: bool,
    /// What its head may take of the memory for requests without a credential.
    head: Held,
}

/// Bytes of a head that every connection may have; more counts in the memory of requests without a credential.
const FREE_HEAD: usize = 4 * 1024;

impl Watch {
    pub(super) fn new(connection: &Arc<Connection>, head: Held) -> Self {
        let first = HEAD_TIME.min(connection.idle_timeout);
        Self {
            connection: Arc::clone(connection),
            timer: Box::pin(sleep_until(Instant::now() + first)),
            closing: false,
            head,
        }
    }

    /// Whether the connection is to end. Polled after the connection itself.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        self.connection.waker.register(cx.waker());
        match self.connection.asked.load(Ordering::Acquire) {
            STOP if !self.closing => return self.close_gracefully(),
            MAKE_ROOM if self.connection.idle_for().is_some() => {
                return Poll::Ready(Over::Now("its place was needed"));
            }
            _ => {}
        }
        // After a whole request there is no part of a head, and the timer can stay as it is.
        if let Some(deadline) = self.connection.head_deadline() {
            let length = self.connection.head_length.load(Ordering::Relaxed);
            if length > FREE_HEAD && self.head.hold_bytes(length).is_err() {
                return Poll::Ready(Over::Now("heads take too much memory"));
            }
            if deadline < self.timer.deadline() {
                self.timer.as_mut().reset(deadline);
            }
        } else {
            self.head.release();
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            match self.at_timer() {
                Ok(next) => self.timer.as_mut().reset(next),
                Err(Over::Gracefully) => return self.close_gracefully(),
                Err(over) => return Poll::Ready(over),
            }
        }
        Poll::Pending
    }

    fn close_gracefully(&mut self) -> Poll<Over> {
        self.closing = true;
        self.timer.as_mut().reset(Instant::now() + CLOSING_TIME);
        Poll::Ready(Over::Gracefully)
    }

    /// What is to be done when the timer has fired: when to look again, or how to end.
    fn at_timer(&self) -> Result<Instant, Over> {
        let now = Instant::now();
        let head = self.connection.head_deadline();
        if head.is_some_and(|deadline| deadline <= now) {
            return Err(Over::Now("a request's head did not come in time"));
        }
        let next = now + self.left()?;
        Ok(head.map_or(next, |deadline| deadline.min(next)))
    }

    /// How long the connection may stay as it is.
    fn left(&self) -> Result<Duration, Over> {
        let connection = &self.connection;
        let Some(idle) = connection.idle_for() else {
            return Ok(connection.idle_timeout.min(CLOSING_TIME));
        };
        if self.closing {
            return Err(Over::Now("it did not end when it was asked to"));
        }
        if !connection.begun.load(Ordering::Relaxed) {
            return Err(Over::Now("it had no request"));
        }
        match connection.idle_timeout.checked_sub(idle) {
            None | Some(Duration::ZERO) => Err(Over::Gracefully),
            Some(left) => Ok(left),
        }
    }
}
