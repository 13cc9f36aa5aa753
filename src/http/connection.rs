//! The state of one connection that its parts share, and its timeouts.
//!
//! An ordinary request needs no task and no timer of its own: a connection has one timer, which checks what happened
//! since it was set.

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

use super::memory::ReservedMemory;

/// Maximum time until a request has begun, with all of its headers. After that the connection is closed.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Time for a connection to end after it was asked to.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// The peer of the connection, in the extensions of each request.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) connection: Arc<ClientConnection>,
}

/// The state that the parts of one connection share.
#[derive(Debug)]
pub(super) struct ClientConnection {
    opened: Instant,
    idle_timeout: Duration,
    /// Number of requests whose responses are not complete.
    under_way: AtomicUsize,
    /// Whether any request has begun.
    begun: AtomicBool,
    /// When the last request ended, in milliseconds after `opened`.
    idle_since: AtomicU64,
    /// When the incomplete head began to arrive, in milliseconds after `opened`, plus one; 0 for none. HTTP/1.1 only.
    head_since: AtomicU64,
    /// Bytes received of that head.
    head_length: AtomicUsize,
    /// Whether written data waits because the peer does not read it.
    writing: AtomicBool,
    /// Whether a response was sent before the request's body was read. HTTP/1.1 only.
    unread: AtomicBool,
    asked: AtomicU8,
    waker: AtomicWaker,
}

/// Asks a connection to end once its requests are answered.
const STOP: u8 = 1;
/// Asks a connection to end now, if it has no request.
const MAKE_ROOM: u8 = 2;

impl ClientConnection {
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

    /// Records that a request has begun. It is in progress until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.store(true, Ordering::Relaxed);
        self.forget_head();
        self.also()
    }

    /// Records that the received bytes are no longer part of a head, or not of HTTP/1.1.
    pub(super) fn forget_head(&self) {
        self.head_since.store(0, Ordering::Relaxed);
        self.head_length.store(0, Ordering::Relaxed);
    }

    /// Adds a part of a request in progress that may outlive the rest of it.
    pub(super) fn also(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Records that bytes of HTTP/1.1 were received.
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

    /// Whether the client may still be sending when the connection ends: a body was not read, or a head was refused.
    pub(super) fn may_still_send(&self) -> bool {
        self.is_unread() || self.head_length.load(Ordering::Relaxed) > 0
    }

    /// Asks the connection to end once its requests are answered.
    pub(super) fn ask_to_stop(&self) {
        self.asked.store(STOP, Ordering::Release);
        self.waker.wake();
    }

    /// Asks the connection to end now, if it has no request, because its place is needed.
    pub(super) fn ask_to_make_room(&self) {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        if self
            .asked
            .compare_exchange(0, MAKE_ROOM, success, failure)
            .is_ok()
        {
            self.waker.wake();
        }
    }

    /// Returns how long the connection has had no request; `None` while one is in progress, or its response is being
    /// written.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        if self.under_way.load(Ordering::Acquire) > 0 || self.writing.load(Ordering::Relaxed) {
            return None;
        }
        let since = Duration::from_millis(self.idle_since.load(Ordering::Relaxed));
        Some(self.opened.elapsed().saturating_sub(since))
    }

    /// Returns the deadline of the head that is being received; `None` if there is none.
    fn head_deadline(&self) -> Option<Instant> {
        match self.head_since.load(Ordering::Relaxed) {
            0 => None,
            since => Some(self.opened + Duration::from_millis(since - 1) + HEAD_TIME),
        }
    }
}

/// A request in progress.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<ClientConnection>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        // The time is written first, so that a reader that sees no request sees when the last one ended.
        let connection = &self.0;
        if connection.under_way.load(Ordering::Relaxed) == 1 {
            connection
                .idle_since
                .store(connection.millis(), Ordering::Relaxed);
        }
        connection.under_way.fetch_sub(1, Ordering::Release);
    }
}

/// How a connection ends before the client ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// After the requests in progress are answered.
    Gracefully,
    /// At once, for this reason.
    Now(&'static str),
}

/// The timer of one connection.
pub(super) struct Watch {
    connection: Arc<ClientConnection>,
    timer: Pin<Box<Sleep>>,
    closing: bool,
    /// The share of its head in the memory for requests without a credential.
    head: ReservedMemory,
}

/// Bytes of a head that every connection may have; a longer one counts towards the memory of requests without a
/// credential.
const FREE_HEAD: usize = 4 * 1024;

impl Watch {
    pub(super) fn new(connection: &Arc<ClientConnection>, head: ReservedMemory) -> Self {
        let first = HEAD_TIME.min(connection.idle_timeout);
        Self {
            connection: Arc::clone(connection),
            timer: Box::pin(sleep_until(Instant::now() + first)),
            closing: false,
            head,
        }
    }

    /// Returns how the connection is to end, once it is. Polled after the connection itself.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        self.connection.waker.register(cx.waker());
        match self.connection.asked.load(Ordering::Acquire) {
            STOP if !self.closing => return self.close_gracefully(),
            MAKE_ROOM if self.connection.idle_for().is_some() => {
                return Poll::Ready(Over::Now("its place was needed for another connection"));
            }
            _ => {}
        }
        // After a complete request there is no partial head, and the timer can remain as it is.
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

    /// Returns when to check again after the timer has fired, or how to end.
    fn at_timer(&self) -> Result<Instant, Over> {
        let now = Instant::now();
        let head = self.connection.head_deadline();
        if head.is_some_and(|deadline| deadline <= now) {
            return Err(Over::Now("a request's head did not arrive in time"));
        }
        let next = now + self.left()?;
        Ok(head.map_or(next, |deadline| deadline.min(next)))
    }

    /// Returns how long the connection may remain in its state.
    fn left(&self) -> Result<Duration, Over> {
        let connection = &self.connection;
        let Some(idle) = connection.idle_for() else {
            return Ok(connection.idle_timeout.min(CLOSING_TIME));
        };
        if self.closing {
            return Err(Over::Now("it did not end in time while closing gracefully"));
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
