//! The body of a request, which records on its connection whether it was read to the end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use futures_util::{FutureExt, StreamExt};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::connection::ClientConnection;

/// Bytes of a refused body that are dropped at once if they have arrived, so that the connection can be kept.
const DROPPED: usize = 64 * 1024;

/// A body that is tracked by its connection.
pub(super) struct Tracked {
    incoming: Incoming,
    /// The connection, if an unread body must close it: HTTP/1.1.
    connection: Option<Arc<ClientConnection>>,
}

impl Tracked {
    /// Wraps an incoming body.
    pub(super) fn body(incoming: Incoming, connection: Option<Arc<ClientConnection>>) -> Body {
        if incoming.is_end_stream() {
            return Body::empty();
        }
        if let Some(connection) = &connection {
            connection.set_unread(true);
        }
        Body::new(Self { incoming, connection })
    }

    fn ended(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.set_unread(false);
        }
    }
}

impl hyper::body::Body for Tracked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let body = self.get_mut();
        let frame = ready!(Pin::new(&mut body.incoming).poll_frame(cx));
        if frame.is_none() || body.incoming.is_end_stream() {
            body.ended();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Drops the part of an unneeded body that has arrived, without waiting for more.
pub(super) fn discard(body: Body) {
    let mut pieces = body.into_data_stream();
    let mut left = DROPPED;
    while left > 0 {
        match pieces.next().now_or_never() {
            Some(Some(Ok(piece))) => left = left.saturating_sub(piece.len()),
            Some(Some(Err(_)) | None) | None => return,
        }
    }
}
