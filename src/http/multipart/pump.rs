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

/// How the body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pumped {
    /// The body was read to its end.
    Whole,
    /// It ended early, or was cut; the readers are notified.
    Broken,
    /// A reader did not take a piece in time.
    Stalled,
}

/// The outcome of one part.
enum PartOutcome {
    Whole,
    Broken(Broken),
    Stalled,
}

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
        if !spend(&mut incoming.spare, head.length) {
            break;
        }
        match discard(parts, &mut incoming.spare).await {
            PartOutcome::Whole => {}
            PartOutcome::Broken(_) | PartOutcome::Stalled => break,
        }
    }
    Ok(First::Missing { others })
}

/// Feeds the files from the body until it ends, starting with the part whose head is `first`. Each file gets an end or
/// an error in every case; a dropped sender counts as an error.
pub(super) async fn pump(mut parts: Parts, mut first: Option<PartHead>, mut incoming: Incoming) -> Pumped {
    loop {
        let next = match first.take() {
            Some(head) => Ok(Some(head)),
            None => parts.next().await,
        };
        let head = match next {
            Ok(Some(head)) => head,
            Ok(None) => {
                break_off(incoming.files, Broken::Missing).await;
                let _ended = parts.finish(EPILOGUE).await;
                return Pumped::Whole;
            }
            Err(_broken) => {
                break_off(incoming.files, Broken::Incomplete).await;
                return Pumped::Broken;
            }
        };
        let position = incoming.position(&head);
        let ended = match position.map(|position| incoming.files.remove(position)) {
            Some((_, sender)) => feed(&mut parts, head, sender, &mut incoming).await,
            // The head counts too; otherwise parts without content could continue forever.
            None if spend(&mut incoming.spare, head.length) => discard(&mut parts, &mut incoming.spare).await,
            None => PartOutcome::Broken(Broken::Incomplete),
        };
        match ended {
            PartOutcome::Whole => {}
            PartOutcome::Broken(why) => {
                break_off(incoming.files, why).await;
                return Pumped::Broken;
            }
            PartOutcome::Stalled => return Pumped::Stalled,
        }
    }
}

async fn break_off(files: Vec<(String, UploadSender)>, why: Broken) {
    join_all(files.into_iter().map(|(_, sender)| sender.break_off(why))).await;
}

/// Feeds one file.
async fn feed(
    parts: &mut Parts,
    head: PartHead,
    mut sender: UploadSender,
    incoming: &mut Incoming,
) -> PartOutcome {
    sender.begin(head.file_name);
    loop {
        let piece = match parts.chunk().await {
            Ok(piece) => piece,
            Err(_broken) => {
                sender.break_off(Broken::Incomplete).await;
                return PartOutcome::Broken(Broken::Incomplete);
            }
        };
        let length = piece.as_ref().map(Bytes::len);
        match (hand_on(&sender, piece, incoming).await, length) {
            (Handed::Taken, Some(_)) => {}
            (Handed::Taken | Handed::Unread, None) => return PartOutcome::Whole,
            (Handed::Unread, Some(length)) if spend(&mut incoming.spare, length) => {
                return discard(parts, &mut incoming.spare).await;
            }
            (Handed::Unread, Some(_)) => return PartOutcome::Broken(Broken::Incomplete),
            (Handed::OutOfOrder, _) => return PartOutcome::Broken(Broken::OutOfOrder),
            (Handed::Stalled, _) => return PartOutcome::Stalled,
        }
    }
}

/// The outcome of passing on a piece.
enum Handed {
    Taken,
    /// The reader of the file is gone.
    Unread,
    /// The reader waits for a file that comes later in the body: waiting for it to read this one would never end.
    OutOfOrder,
    Stalled,
}

/// Passes on a piece, or the end of the file.
async fn hand_on(sender: &UploadSender, piece: Option<Bytes>, incoming: &Incoming) -> Handed {
    let send = async {
        match piece {
            Some(piece) => sender.send(piece).await,
            None => sender.finish().await,
        }
    };
    tokio::select! {
        biased;
        sent = timeout(incoming.stall, send) => match sent {
            Ok(true) => Handed::Taken,
            Ok(false) => Handed::Unread,
            Err(_elapsed) => Handed::Stalled,
        },
        () = another_is_awaited(sender, &incoming.files) => Handed::OutOfOrder,
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

/// Drops the content of an unneeded part.
async fn discard(parts: &mut Parts, spare: &mut u64) -> PartOutcome {
    loop {
        match parts.chunk().await {
            Ok(Some(piece)) if spend(spare, piece.len()) => {}
            Ok(None) => return PartOutcome::Whole,
            Ok(Some(_)) | Err(_) => return PartOutcome::Broken(Broken::Incomplete),
        }
    }
}

/// Subtracts from the number of unneeded bytes; false if it is used up.
fn spend(spare: &mut u64, length: usize) -> bool {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    match spare.checked_sub(length) {
        Some(left) => {
            *spare = left;
            true
        }
        None => false,
    }
}
