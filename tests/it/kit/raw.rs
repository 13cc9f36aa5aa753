//! HTTP/1.1 by hand, for requests that no client library sends.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::LIMIT;

/// A connection for raw bytes.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    /// The status line and the headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl RawAnswer {
    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut named = lines.filter(|(known, _)| *known == name);
        named.next().map(|(_, value)| value.trim())
    }

    /// Returns the code of the first error in the body.
    pub(crate) fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = body["errors"][0]["extensions"]["code"].as_str();
        code.unwrap_or_default().to_owned()
    }
}

impl Raw {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("connected");
        Self::on(stream)
    }

    /// Connects from another address of this machine, such as `127.0.0.2`, as a different client.
    pub(crate) async fn connect_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(from, 0)).expect("an own address");
        Self::on(socket.connect(address).await.expect("connected"))
    }

    /// Uses an existing connection.
    pub(crate) fn on(stream: TcpStream) -> Self {
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Sends bytes; returns false if the gateway has closed the connection.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sent = timeout(LIMIT, self.stream.write_all(bytes.as_ref())).await;
        sent.expect("taken in time").is_ok()
    }

    /// Sends the same bytes this many times, or until the gateway responds or closes the connection. Returns the number
    /// of bytes sent.
    pub(crate) async fn flood(&mut self, piece: &[u8], times: usize) -> usize {
        let (reader, mut writer) = self.stream.split();
        let mut sent = 0;
        for _ in 0..times {
            tokio::select! {
                biased;
                ready = reader.readable() => {
                    ready.expect("a socket");
                    break;
                }
                written = writer.write_all(piece) => {
                    if written.is_err() {
                        break;
                    }
                    sent += piece.len();
                }
            }
        }
        sent
    }

    /// Waits until the gateway has reset the connection, without reading anything.
    pub(crate) async fn reset(&self) {
        super::eventually("the connection is reset", || async {
            self.stream.take_error().expect("a socket").is_some()
        })
        .await;
    }

    /// Returns the next response; `None` if the connection ends without one.
    pub(crate) async fn answer(&mut self) -> Option<RawAnswer> {
        let end = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end + 4;
            }
            if !self.receive().await {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.received[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut answer = RawAnswer {
            status: status.expect("a status"),
            head,
            body: Vec::new(),
        };
        let length = answer.header("content-length");
        let length: usize = length.map_or(0, |length| length.parse().expect("a number"));
        while self.received.len() < end + length && self.receive().await {}
        let end_of_body = self.received.len().min(end + length);
        answer.body = self.received[end..end_of_body].to_vec();
        self.received.drain(..end_of_body);
        Some(answer)
    }

    /// Waits until the gateway closes the connection; what it sent before is discarded.
    pub(crate) async fn closed(&mut self) {
        while self.receive().await {}
    }

    /// Receives more bytes; returns false at the end.
    async fn receive(&mut self) -> bool {
        let read = timeout(LIMIT, self.stream.read_buf(&mut self.received));
        match read.await.expect("something happens in time") {
            Ok(0) => false,
            Ok(_) => true,
            Err(error) => {
                let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(kinds.contains(&error.kind()), "{error}");
                false
            }
        }
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}
