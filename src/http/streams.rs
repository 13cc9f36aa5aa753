//! HTTP/2 streams: a response whose client opens no window for it is cut like one on a connection that is not read.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::{Instant, sleep};

use super::connection::ClientConnection;
use super::pace::{Pace, STALL};

/// Bytes of a response that are passed to HTTP/2's own buffers at once. The rest stays with the stream, which is
/// watched.
const PIECE: usize = 16 * 1024;

tokio::task_local! {
    /// The stream that the current task answers.
    static STREAM: Arc<Stream>;
}

/// Runs the streams of a connection.
#[derive(Clone)]
pub(super) struct Streams(pub(super) Arc<ClientConnection>);

/// The progress of a response.
#[derive(Debug, Default)]
struct Stream(Mutex<StreamProgress>);

#[derive(Debug, Default)]
struct StreamProgress {
    pace: Pace,
    bytes: u64,
}

impl Stream {
    fn progress<T>(&self, with: impl FnOnce(&mut StreamProgress) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, answering: F) {
        let under_way = self.0.also();
        let stream = Arc::new(Stream::default());
        tokio::spawn(async move {
            let _under_way = under_way;
            let mut answering = pin!(STREAM.scope(Arc::clone(&stream), answering));
            let mut timer = None;
            let mut seen = 0;
            // If this ends early, the stream is reset, because its sender is dropped.
            poll_fn(|cx| {
                if answering.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                let (waits, bytes) = stream.progress(|progress| (progress.pace.is_waiting(), progress.bytes));
                if !waits {
                    // The response is being computed, or has not begun.
                    timer = None;
                    return Poll::Pending;
                }
                if seen != bytes {
                    (seen, timer) = (bytes, None);
                }
                let timer = timer.get_or_insert_with(|| Box::pin(sleep(STALL)));
                let is_stalled = timer.as_mut().poll(cx).is_ready();
                if is_stalled || stream.progress(|progress| progress.pace.is_too_slow(Instant::now())) {
                    tracing::debug!("HTTP/2 stream reset because the client does not read it");
                    return Poll::Ready(());
                }
                Poll::Pending
            })
            .await;
        });
    }
}

/// Wraps the body of a response on the current task's stream: it is sent in small pieces, and their progress is
/// watched.
pub(super) fn watched(body: Body) -> Body {
    match STREAM.try_with(Arc::clone) {
        Ok(stream) => Body::new(Watched {
            body,
            rest: Bytes::new(),
            stream,
        }),
        // HTTP/1.1, where the connection is watched.
        Err(_none) => body,
    }
}

struct Watched {
    body: Body,
    /// The rest of a larger piece.
    rest: Bytes,
    stream: Arc<Stream>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let watched = self.get_mut();
        // A poll for more means that the last piece has been taken.
        if watched.rest.is_empty() {
            watched
                .stream
                .progress(|progress| progress.pace.moved(Instant::now(), 0));
            match ready!(Pin::new(&mut watched.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => watched.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return Poll::Ready(other),
            }
        }
        let length = watched.rest.len().min(PIECE);
        let piece = watched.rest.split_to(length);
        watched.stream.progress(|progress| {
            let now = Instant::now();
            progress.pace.moved(now, length);
            progress.bytes += u64::try_from(length).unwrap_or_default();
            progress.pace.waits(now);
        });
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or_default();
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}
