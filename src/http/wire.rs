//! The bytes of a connection. A connection is cut if the peer does not read for too long, and is closed so that a
//! client can read a response that was sent before the request was complete.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::connection::ClientConnection;
use super::pace::{Pace, STALL};

/// Maximum number of unsent bytes in the kernel. More would hide for minutes that a slow reader has stopped; data in
/// flight does not count.
const UNSENT: u32 = 16 * 1024;
/// How long a connection reads and drops what its client still sends after an early response.
const LINGER: Duration = Duration::from_secs(1);
/// Maximum number of bytes read for that: enough for what a client sends before it reads the response, without
/// significant processor time.
const LINGER_BYTES: usize = 8 * 1024 * 1024;
/// The beginning of an HTTP/2 connection (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI ";

/// The socket of a connection.
pub(super) struct Wire {
    socket: TcpStream,
    connection: Arc<ClientConnection>,
    /// Number of bytes received of HTTP/2's preface; `None` once the connection is HTTP/1.1.
    preface: Option<usize>,
    timer: Option<Pin<Box<Sleep>>>,
    pace: Pace,
    ending: Option<Ending>,
}

/// The state of a connection that is closing.
struct Ending {
    timer: Pin<Box<Sleep>>,
    left: usize,
}

impl Wire {
    /// Wraps the socket of a connection.
    ///
    /// # Errors
    /// The connection is closed.
    pub(super) fn new(socket: TcpStream, connection: Arc<ClientConnection>) -> io::Result<Self> {
        // A response is sent at once; without this, Nagle's algorithm may delay its end.
        socket.set_nodelay(true)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT)?;
        Ok(Self {
            socket,
            connection,
            preface: Some(0),
            timer: None,
            pace: Pace::default(),
            ending: None,
        })
    }

    /// Reports received bytes to the connection, if it is HTTP/1.1.
    fn received(&mut self, bytes: &[u8]) {
        match self.preface {
            Some(known) if known == PREFACE.len() => return,
            Some(known) => {
                let length = bytes.len().min(PREFACE.len() - known);
                let is_preface = bytes[..length] == PREFACE[known..known + length];
                self.preface = is_preface.then_some(known + length);
                if self.preface == Some(PREFACE.len()) {
                    return self.connection.forget_head();
                }
            }
            None => {}
        }
        self.connection.received(bytes.len());
    }

    /// Watches the outcome of a write.
    fn watch(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(length)) => {
                // Only waiting writes are measured: most complete at once.
                if self.pace.is_waiting() {
                    self.connection.set_writing(false);
                    self.pace.moved(Instant::now(), length);
                }
                Poll::Ready(Ok(length))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(STALL)));
                let now = Instant::now();
                if !self.pace.is_waiting() {
                    self.connection.set_writing(true);
                    self.pace.waits(now);
                    timer.as_mut().reset(now + STALL);
                }
                if timer.as_mut().poll(cx).is_ready() || self.pace.is_too_slow(now) {
                    return Poll::Ready(Err(self.cut()));
                }
                Poll::Pending
            }
        }
    }

    /// Closes the connection and discards the data in the kernel, which would otherwise keep it for a reader that has
    /// stopped.
    fn cut(&self) -> io::Error {
        if let Err(error) = self.socket.set_zero_linger() {
            tracing::debug!(%error, "connection closed before it was reset");
        }
        io::Error::new(io::ErrorKind::TimedOut, "the client does not read")
    }

    /// Reads and drops what the client still sends, until it has read the response and closes, or for [`LINGER`].
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ending = self.ending.get_or_insert_with(|| Ending {
            timer: Box::pin(sleep(LINGER)),
            left: LINGER_BYTES,
        });
        let mut dropped = [0; 16 * 1024];
        // The runtime lets other tasks run: each read uses a part of the task's budget.
        while ending.left > 0 && ending.timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut dropped);
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    ending.left = ending.left.saturating_sub(buffer.filled().len());
                }
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut wire.socket).poll_read(cx, buffer))?;
        wire.received(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.socket).poll_write(cx, bytes);
        wire.watch(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.socket).poll_write_vectored(cx, slices);
        wire.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.ending.is_none() {
            ready!(Pin::new(&mut wire.socket).poll_shutdown(cx))?;
            if !wire.connection.may_still_send() {
                return Poll::Ready(Ok(()));
            }
        }
        wire.poll_linger(cx).map(Ok)
    }
}
