//! From the body into the files' channels, part by part.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join_all, select_all};
use tokio::time::timeout;

use super::parts::{Head, PartFault, Parts};
use crate::platform::upload::{Broken, UploadSender};

/// Bytes that may stand after the last part.
const EPILOGUE: usize = 64 * 1024;

/// Where the parts go.
pub(super) struct Incoming {
    /// The files that are still to come, by the name of their part.
    pub(super) files: Vec<(String, UploadSender)>,
    /// Longest wait for a reader to take a piece.
    pub(super) stall: Duration,
    /// Bytes that nobody reads and that are accepted all the same, so that the client gets its answer.
    pub(super) spare: u64,
}

impl Incoming {
    /// Which of the files a part is.
    fn position(&self, head: &Head) -> Option<usize> {
        let mut files = self.files.iter();
        files.position(|(name, _)| head.name.as_ref() == Some(name))
    }
}

/// How the body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pumped {
    /// All of it went its way.
    Whole,
    /// It broke off, or was cut; the readers know.
    Broken,
    /// A reader did not take a piece in time.
    Stalled,
}

/// What became of one part.
enum Part {
    Whole,
    Broken(Broken),
    Stalled,
}

/// The first file of a body.
pub(super) enum First {
    /// Its part begins with this head.
    File(Head),
    /// There is to be none.
    NoneExpected,
    /// There is to be one, but the body has ended.
    Missing {
        /// Whether there were parts of other names.
        others: bool,
    },
}

/// Goes on to the first part that is one of the files; parts of other names are dropped.
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
            Part::Whole => {}
            Part::Broken(_) | Part::Stalled => break,
        }
    }
    Ok(First::Missing { others })
}

/// Feeds the files from the body until it ends, from the part that has begun with `first` on. Whatever happens, each file
/// gets an end of one kind or the other.
pub(super) async fn pump(mut parts: Parts, mut first: Option<Head>, mut incoming: Incoming) -> Pumped {
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
            // Its head counts too, else parts without content could go on for ever.
            None if spend(&mut incoming.spare, head.length) => discard(&mut parts, &mut incoming.spare).await,
            None => Part::Broken(Broken::Incomplete),
        };
        match ended {
            Part::Whole => {}
            Part::Broken(why) => {
                break_off(incoming.files, why).await;
                return Pumped::Broken;
            }
            Part::Stalled => return Pumped::Stalled,
        }
    }
}

async fn break_off(files: Vec<(String, UploadSender)>, why: Broken) {
    join_all(files.into_iter().map(|(_, sender)| sender.break_off(why))).await;
}

/// Feeds one file.
async fn feed(parts: &mut Parts, head: Head, mut sender: UploadSender, incoming: &mut Incoming) -> Part {
    sender.begin(head.file_name);
    loop {
        let piece = match parts.chunk().await {
            Ok(piece) => piece,
            Err(_broken) => {
                sender.break_off(Broken::Incomplete).await;
                return Part::Broken(Broken::Incomplete);
            }
        };
        let length = piece.as_ref().map(Bytes::len);
        match (hand_on(&sender, piece, incoming).await, length) {
            (Handed::Taken, Some(_)) => {}
            (Handed::Taken | Handed::Unread, None) => return Part::Whole,
            (Handed::Unread, Some(length)) if spend(&mut incoming.spare, length) => {
                return discard(parts, &mut incoming.spare).await;
            }
            (Handed::Unread, Some(_)) => return Part::Broken(Broken::Incomplete),
            (Handed::OutOfOrder, _) => return Part::Broken(Broken::OutOfOrder),
            (Handed::Stalled, _) => return Part::Stalled,
        }
    }
}

/// What became of a piece.
enum Handed {
    Taken,
    /// Nobody reads the file any more.
    Unread,
    /// The reader waits for a file that comes later in the body: waiting for it to read this one would be for ever.
    OutOfOrder,
    Stalled,
}

/// Hands a piece on, or the file's end.
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

/// Ends when somebody waits for a file that comes later, while nobody has taken this one. Mutations run one after the
/// other, so that nobody will.
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

/// Reads a part that nobody wants.
async fn discard(parts: &mut Parts, spare: &mut u64) -> Part {
    loop {
        match parts.chunk().await {
            Ok(Some(piece)) if spend(spare, piece.len()) => {}
            Ok(None) => return Part::Whole,
            Ok(Some(_)) | Err(_) => return Part::Broken(Broken::Incomplete),
        }
    }
}

/// Takes from what may be received in vain; false when it is used up.
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
