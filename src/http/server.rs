//! Accepting connections: HTTP/1.1 and HTTP/2 without TLS, with a time limit on headers, which `axum::serve` has not.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::task::Poll;
use std::time::Duration;

use axum::{body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::site::Site;

/// A connection whose request has not begun, with all of its headers, after this time is cut.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const HEAD: usize = 128 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 200;
/// Silence after which an HTTP/2 connection is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Pause after a connection could not be accepted, most likely because all file descriptors are in use.
const PAUSE: Duration = Duration::from_millis(50);

/// The other end of the connection, in the extensions of each request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Serves until `stop`, then lets running requests finish.
pub(super) async fn serve(listener: TcpListener, site: Arc<Site>, stop: CancellationToken) {
    let connections = GracefulShutdown::new();
    let builder = builder();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => spawn(&connections, &builder, stream, peer, Arc::clone(&site)),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    // No new connections: clients go to another copy.
    drop(listener);
    connections.shutdown().await;
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(KEEP_ALIVE);
    builder
}

fn spawn(
    connections: &GracefulShutdown,
    builder: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
    site: Arc<Site>,
) {
    // An answer goes out at once; without this, Nagle's algorithm may hold its end back.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone before its first request");
        return;
    }
    let begun = Arc::new(AtomicBool::new(false));
    let service = {
        let begun = Arc::clone(&begun);
        service_fn(move |request: Request<Incoming>| {
            begun.store(true, Ordering::Relaxed);
            let site = Arc::clone(&site);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            async move { Ok::<_, Infallible>(site.answer(request).await) }
        })
    };
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // The builder's own limit begins with the first bytes that tell the protocol. Silence before is limited here, with
        // a timer that is gone once the first request is there.
        let mut timer = Some(Box::pin(tokio::time::sleep(HEADER_TIME)));
        let silent = poll_fn(move |cx| {
            if begun.load(Ordering::Relaxed) {
                timer = None;
            }
            match &mut timer {
                Some(timer) => timer.as_mut().poll(cx),
                None => Poll::Pending,
            }
        });
        tokio::select! {
            biased;
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            },
            () = silent => tracing::debug!("a connection without a request was cut"),
        }
    });
}

/// Errors of one connection, which the next one need not have (as in hyper's own accept loops).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
