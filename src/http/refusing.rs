//! Refusing connections for which there is no place, with a response if that is cheap.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// Maximum number of connections that are being refused, or wait for an idle one to close; each holds a descriptor.
/// Others are closed without a response.
pub(super) const TURNS: usize = 64;
/// Time for a client to read the response.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes of its request that are dropped in the meantime.
const DROPPED: usize = 64 * 1024;

/// A constant, so that it costs nothing.
const ANSWER: &str = "HTTP/1.1 503 Service Unavailable\r\n\
     content-type: application/json; charset=utf-8\r\n\
     content-length: 119\r\n\
     retry-after: 1\r\n\
     cache-control: no-store\r\n\
     connection: close\r\n\
     \r\n\
     {\"errors\":[{\"message\":\"Too many connections are open; please try again shortly.\",\"extensions\":{\"code\":\"UNAVAILABLE\"}}]}";

/// Sends the response, and waits briefly for the client to read it. Keeps its turn until then.
pub(super) async fn refuse(mut socket: TcpStream, _turn: OwnedSemaphorePermit) {
    let reporting = async {
        socket.write_all(ANSWER.as_bytes()).await?;
        socket.shutdown().await?;
        let mut left = DROPPED;
        let mut dropped = [0; 4 * 1024];
        while left > 0 {
            match socket.read(&mut dropped).await? {
                0 => break,
                length => left = left.saturating_sub(length),
            }
        }
        Ok::<_, std::io::Error>(())
    };
    if !matches!(timeout(LINGER, reporting).await, Ok(Ok(()))) {
        tracing::debug!("refused connection closed before the response was sent");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-04
    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let (head, body) = ANSWER.split_once("\r\n\r\n").expect("a head and a body");
        let length = format!("content-length: {}\r\n", body.len());
        assert!(head.contains(&length), "{length}");
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }
}
