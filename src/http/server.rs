//! Accepting connections: HTTP/1.1 and HTTP/2 without TLS, each limited in time and memory.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::http::{HeaderValue, Request, Response, Version, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::address_block;
use super::body::Tracked;
use super::client;
use super::connection::{ClientConnection, Over, Peer, Watch};
use super::places::{ConnectionSlot, ConnectionSlots};
use super::refusing;
use super::site::Handlers;
use super::streams::{Streams, watched};
use super::wire::Wire;

/// Maximum length of a request's head in HTTP/1.1, in bytes.
const HEAD: usize = 64 * 1024;
/// The same in HTTP/2, where one connection has many at once.
const HTTP2_HEAD: u32 = 16 * 1024;
/// Maximum number of concurrent requests on one HTTP/2 connection.
const STREAMS: u32 = 200;
/// Bytes that a client may send on an HTTP/2 stream, or on all of a connection, before they are read.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 512 * 1024;
/// Bytes of a response in HTTP/2's send buffer.
const SEND_BUFFER: usize = 32 * 1024;
/// Maximum number of streams that an HTTP/2 client has reset and that are not processed yet; beyond it the connection
/// is ended (CVE-2023-44487).
const RESETS: usize = 20;
/// Silence after which an HTTP/2 connection is pinged.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Maximum wait for a turn while other connections wait for a place.
const TURN: Duration = Duration::from_secs(1);
/// Pause after a connection could not be accepted, most likely because all file descriptors are in use.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, then lets running requests finish.
pub(super) async fn serve(listener: TcpListener, site: Arc<Handlers>, stop: CancellationToken) {
    let server = HttpServer {
        places: ConnectionSlots::new(&site.config().connections),
        refusing: Arc::new(Semaphore::new(refusing::TURNS)),
        running: TaskTracker::new(),
        site,
    };
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => server.admit(socket, peer).await,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    // No new connections are accepted: clients connect to another node.
    drop(listener);
    server.places.stop_all();
    server.running.close();
    server.running.wait().await;
}

struct HttpServer {
    places: Arc<ConnectionSlots>,
    /// Turns to refuse a connection.
    refusing: Arc<Semaphore>,
    running: TaskTracker,
    site: Arc<Handlers>,
}

impl HttpServer {
    /// Serves a connection, if there is a place for it.
    async fn admit(&self, socket: TcpStream, peer: SocketAddr) {
        let config = self.site.config();
        let is_proxy = client::is_trusted(peer.ip(), &config.trusted_proxies);
        let address = (!is_proxy).then(|| address_block::block(peer.ip()));
        let connection = ClientConnection::new(config.connections.idle_timeout);
        let site = Arc::clone(&self.site);
        if let Ok(place) = self.places.take(address, &connection) {
            self.running.spawn(serve_connection(socket, peer, place, site));
            return;
        }
        // If there are fewer places than the operator allows, an idle connection is closed. Further connections wait
        // for that in the kernel's queue.
        if self.places.make_room(address) {
            let turn = Arc::clone(&self.refusing).acquire_owned();
            let Ok(Ok(turn)) = timeout(TURN, turn).await else {
                return;
            };
            let places = Arc::clone(&self.places);
            self.running.spawn(async move {
                match places.wait(address, &connection).await {
                    Some(place) => {
                        drop(turn);
                        serve_connection(socket, peer, place, site).await;
                    }
                    None => refusing::refuse(socket, turn).await,
                }
            });
        } else if let Ok(turn) = Arc::clone(&self.refusing).try_acquire_owned() {
            tokio::spawn(refusing::refuse(socket, turn));
        }
    }
}

fn builder(connection: &Arc<ClientConnection>) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(Streams(Arc::clone(connection)));
    builder
        .http1()
        .timer(TokioTimer::new())
        // The connection's own timer checks heads: this one would end idle connections as well.
        .header_read_timeout(None)
        .max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HTTP2_HEAD)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESETS)
        .keep_alive_interval(KEEP_ALIVE);
    builder
}

/// Serves a connection to its end, then releases its place.
async fn serve_connection(socket: TcpStream, peer: SocketAddr, place: ConnectionSlot, site: Arc<Handlers>) {
    let connection = Arc::clone(&place.connection);
    let wire = Wire::new(socket, Arc::clone(&connection));
    let wire =
        wire.inspect_err(|error| tracing::debug!(%error, "connection closed before its first request"));
    let Ok(wire) = wire else { return };
    let head = site.memory().of_head(place.address);
    let builder = builder(&connection);
    let serving = {
        let peer = Peer {
            address: peer,
            connection: Arc::clone(&connection),
        };
        let service = service_fn(move |request| answer(request, peer.clone(), Arc::clone(&site)));
        builder.serve_connection(TokioIo::new(wire), service)
    };
    let mut serving = pin!(serving);
    let mut watch = Watch::new(&connection, head);
    let why = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = serving.as_mut().poll(cx) {
                return Poll::Ready(ended.err().map(|error| error.to_string()));
            }
            match watch.poll_over(cx) {
                Poll::Ready(Over::Gracefully) => serving.as_mut().graceful_shutdown(),
                Poll::Ready(Over::Now(why)) => return Poll::Ready(Some(why.to_owned())),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
    if let Some(why) = why {
        tracing::debug!(why, "connection ended early");
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: Peer,
    site: Arc<Handlers>,
) -> Result<Response<axum::body::Body>, Infallible> {
    let connection = Arc::clone(&peer.connection);
    let _under_way = connection.begin();
    let is_http2 = request.version() == Version::HTTP_2;
    let mut request = request.map(|body| Tracked::body(body, (!is_http2).then(|| Arc::clone(&connection))));
    request.extensions_mut().insert(peer);
    let mut response = site.answer(request).await;
    if is_http2 {
        return Ok(response.map(watched));
    }
    if connection.is_unread() {
        // The rest of the body is dropped, so the connection must be closed.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(response)
}

/// Whether the error concerns one connection only, so that the next one may succeed (as in hyper's own accept loops).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
