//! Receiving the body of a request, within limits on size, time and memory.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::body::discard;
use super::fault::Fault;
use super::memory::{ReservedMemory, exhausted};

/// Time limit for a complete body.
const BODY_TIME: Duration = Duration::from_secs(15);

/// Bytes of a body that are not counted as memory, if they have arrived at once.
const SMALL: usize = 16 * 1024;
/// Minimum growth of a body in memory, in bytes.
const GROWTH: usize = 64 * 1024;

/// Returns the complete body of a request. Its memory is reserved for as long as `held` exists.
///
/// # Errors
/// 413 for a body of more than `limit` bytes, 408 if it does not arrive in time, 400 if it ends early, 503 if there is
/// no memory for it.
pub(super) async fn whole_body(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    held: &mut ReservedMemory,
) -> Result<Bytes, Fault> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        discard(body);
        return Err(Fault::too_large(limit));
    }
    let mut receiving = Receiving {
        pieces: body.into_data_stream(),
        deadline: None,
        limit,
        length: 0,
        held,
    };
    let Some(first) = receiving.next().await? else {
        return Ok(Bytes::new());
    };
    // Most bodies arrive in one piece, which need not be copied.
    let Some(second) = receiving.next().await? else {
        return Ok(first);
    };
    let mut whole = Vec::new();
    let mut piece = Some(second);
    append(&mut whole, &first);
    drop(first);
    while let Some(more) = piece {
        append(&mut whole, &more);
        piece = receiving.next().await?;
    }
    Ok(whole.into())
}

/// Appends a piece without the default growth of a vector, which would double the memory.
pub(super) fn append(whole: &mut Vec<u8>, piece: &[u8]) {
    let spare = whole.capacity() - whole.len();
    if spare < piece.len() {
        whole.reserve_exact(piece.len().max(GROWTH).max(whole.len() / 4));
    }
    whole.extend_from_slice(piece);
}

struct Receiving<'a> {
    pieces: BodyDataStream,
    /// Set at the first wait.
    deadline: Option<Instant>,
    limit: u64,
    length: usize,
    held: &'a mut ReservedMemory,
}

impl Receiving<'_> {
    /// Returns the next piece, within all limits.
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        // Data that has arrived with the head needs no timer.
        let piece = match self.pieces.next().now_or_never() {
            Some(piece) => piece,
            None => {
                self.held.hold(self.length).map_err(exhausted)?;
                let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + BODY_TIME);
                (timeout_at(deadline, self.pieces.next()).await).map_err(|_elapsed| Fault::too_slow())?
            }
        };
        let broken = |_cause| Fault::bad_request("The request's body did not arrive completely.");
        let Some(piece) = piece.transpose().map_err(broken)? else {
            return Ok(None);
        };
        self.length += piece.len();
        if u64::try_from(self.length).is_ok_and(|length| length > self.limit) {
            return Err(Fault::too_large(self.limit));
        }
        if self.length > SMALL {
            self.held.hold(self.length).map_err(exhausted)?;
        }
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::memory::Memory;

    #[tokio::test]
    async fn a_body_beyond_its_limit_is_refused() {
        let none = HeaderMap::new();
        let read = async |pieces: Vec<&'static str>, limit| {
            let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
            let body = Body::from_stream(futures_util::stream::iter(pieces));
            whole_body(&none, body, limit, &mut Memory::new(limit).of_known(None)).await
        };
        assert_eq!(read(vec!["ab", "c"], 3).await.expect("fits"), "abc");
        assert_eq!(read(vec![], 3).await.expect("fits"), "");
        for pieces in [vec!["abcd"], vec!["ab", "cd"], vec!["a", "b", "c", "d"]] {
            assert_eq!(read(pieces, 3).await.expect_err("refused").status, 413);
        }
    }
}
