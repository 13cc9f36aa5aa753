//! Passes the parts of the body to the channels of the files.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join_all, select_all};
use tokio::time::timeout;

use super::parts::{PartFault, PartHead, Parts};
use crate::platform::upload::{Broken, UploadSender};

/// Maximum number of bytes after the last part.
const EPILOGUE: usize = 64 * 1024;

/// The destinations of the parts.
pub(super) struct Incoming {
    /// The files that have not arrived, by the name of their part.
    pub(super) files: Vec<(String, UploadSender)>,
    /// Maximum wait for a reader to take a piece.
    pub(super) stall: Duration,
    /// Number of unneeded bytes that are still accepted, so that the client can read the response.
    pub(super) spare: u64,
}

impl Incoming {
    /// Returns which of the files a part is.
    fn position(&self, head: &PartHead) -> Option<usize> {
        let mut files = self.files.iter();
        files.position(|(name, _)| head.name.as_ref() == Some(name))
    }
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// It ended early, or was cut; the readers are notified.
    Broken(Broken),
    /// A reader did not take a piece in time.
    Stalled,
}

const INCOMPLETE: Interruption = Interruption::Broken(Broken::Incomplete);

/// The first file of a body.
pub(super) enum First {
    /// Its part begins with this head.
    File(PartHead),
    /// No file is expected.
    NoneExpected,
    /// A file is expected, but the body has ended.
    Missing {
        /// Whether there were parts of other names.
        others: bool,
    },
}

/// Advances to the first part that is one of the files; parts of other names are dropped.
///
/// # Errors
/// What is wrong with the body.
pub(super) async fn first(parts: &mut Parts, incoming: &mut Incoming) -> Result<First, PartFault> {
    if incoming.files.is_empty() {
        return Ok(First::NoneExpected);
    }
    let mut others = false;
    while let Some(head) = parts.next().await? {
        if incoming.position(&head).is_some() {
            return Ok(First::File(head));
        }
        others = true;
        if discard(parts, head.length, &mut incoming.spare).await.is_err() {
            break;
        }
    }
    Ok(First::Missing { others })
}

/// Feeds the files from the body until it ends, starting with the part whose head is `first`. Each file gets an end or
/// an error in every case; a dropped sender counts as an error.
pub(super) async fn pump(
    mut parts: Parts,
    first: Option<PartHead>,
    mut incoming: Incoming,
) -> Result<(), Interruption> {
    let ended = feed_all(&mut parts, first, &mut incoming).await;
    let why = match ended {
        Ok(()) => Broken::Missing,
        Err(Interruption::Broken(why)) => why,
        Err(Interruption::Stalled) => return ended,
    };
    let missing = incoming.files.into_iter();
    join_all(missing.map(|(_, sender)| sender.break_off(why))).await;
    if ended.is_ok() {
        parts.finish(EPILOGUE).await;
    }
    ended
}

async fn feed_all(
    parts: &mut Parts,
    mut first: Option<PartHead>,
    incoming: &mut Incoming,
) -> Result<(), Interruption> {
    loop {
        let next = match first.take() {
            Some(head) => Some(head),
            None => parts.next().await.map_err(|_broken| INCOMPLETE)?,
        };
        let Some(head) = next else { return Ok(()) };
        match incoming.position(&head) {
            Some(position) => {
                let (_, sender) = incoming.files.remove(position);
                feed(parts, head, sender, incoming).await?;
            }
            // The head counts too; otherwise parts without content could continue forever.
            None => discard(parts, head.length, &mut incoming.spare).await?,
        }
    }
}

async fn feed(
    parts: &mut Parts,
    head: PartHead,
    mut sender: UploadSender,
    incoming: &mut Incoming,
) -> Result<(), Interruption> {
    sender.begin(head.file_name);
    loop {
        let Ok(piece) = parts.chunk().await else {
            sender.break_off(Broken::Incomplete).await;
            return Err(INCOMPLETE);
        };
        let length = piece.as_ref().map(Bytes::len);
        let is_taken = hand_on(&sender, piece, incoming).await?;
        match length {
            Some(_) if is_taken => {}
            Some(length) => return discard(parts, length, &mut incoming.spare).await,
            None => return Ok(()),
        }
    }
}

/// Passes on a piece, or the end of the file. Returns false if the reader of the file is gone.
///
/// # Errors
/// [`Broken::OutOfOrder`] if the reader waits for a file that comes later in the body: waiting for it to read this one
/// would never end.
async fn hand_on(
    sender: &UploadSender,
    piece: Option<Bytes>,
    incoming: &Incoming,
) -> Result<bool, Interruption> {
    let send = async {
        match piece {
            Some(piece) => sender.send(piece).await,
            None => sender.finish().await,
        }
    };
    tokio::select! {
        biased;
        sent = timeout(incoming.stall, send) => sent.map_err(|_elapsed| Interruption::Stalled),
        () = another_is_awaited(sender, &incoming.files) => Err(Interruption::Broken(Broken::OutOfOrder)),
    }
}

/// Completes when a reader waits for a later file while this one is not read. Mutations run one after the other, so
/// nobody will read this one in the meantime.
async fn another_is_awaited(sender: &UploadSender, later: &[(String, UploadSender)]) {
    let mut waits: Vec<_> = later.iter().collect();
    while !waits.is_empty() {
        let taken = waits.iter().map(|(_, other)| Box::pin(other.taken()));
        let ((), index, _) = select_all(taken).await;
        let (_, other) = waits.swap_remove(index);
        if other.is_awaited() && !sender.is_awaited() {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Drops an unneeded part, of which `length` bytes were read. All of it counts against `spare`.
async fn discard(parts: &mut Parts, mut length: usize, spare: &mut u64) -> Result<(), Interruption> {
    loop {
        let left = u64::try_from(length)
            .ok()
            .and_then(|length| spare.checked_sub(length));
        *spare = left.ok_or(INCOMPLETE)?;
        match parts.chunk().await.map_err(|_broken| INCOMPLETE)? {
            Some(piece) => length = piece.len(),
            None => return Ok(()),
        }
    }
}
