//! Files of a multipart request, as streams: what the client sends goes to its place piece by piece, never whole into
//! memory or onto a disk.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// Pieces that may wait between the socket and the database.
const PIECES: usize = 4;

/// The files of one request, each taken at most once.
#[derive(Default)]
pub struct Uploads(Mutex<Vec<Option<UploadStream>>>);

/// One file on its way in.
pub struct UploadStream {
    file_name: Option<oneshot::Receiver<Option<String>>>,
    pieces: mpsc::Receiver<Piece>,
    is_whole: bool,
    taken: CancellationToken,
}

/// What travels from the socket to the reader.
enum Piece {
    Bytes(Bytes),
    /// The file's end, said expressly: a sender that merely vanishes has broken off.
    End,
    Broken(Broken),
}

/// Why a file ends before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The client stopped sending.
    Incomplete,
    /// The request has ended without it.
    Missing,
    /// Another file comes first in the request, and its reader waits for this one.
    OutOfOrder,
}

/// The end into which the HTTP layer feeds a file.
pub struct UploadSender {
    file_name: Option<oneshot::Sender<Option<String>>>,
    pieces: mpsc::Sender<Piece>,
    taken: CancellationToken,
}

impl Uploads {
    /// These files, in the order in which the request's map names them.
    #[must_use]
    pub fn new(files: Vec<UploadStream>) -> Self {
        Self(Mutex::new(files.into_iter().map(Some).collect()))
    }

    /// Takes the file of this number.
    ///
    /// # Errors
    /// [`Error::BadInput`] when two variables name the same file.
    pub fn take(&self, number: usize) -> Result<UploadStream> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.get_mut(number).and_then(Option::take);
        let file =
            file.ok_or_else(|| Error::BadInput("Each file can be used once in a request.".to_owned()))?;
        file.taken.cancel();
        Ok(file)
    }
}

/// A file's two ends.
#[must_use]
pub fn channel() -> (UploadSender, UploadStream) {
    let (sender, pieces) = mpsc::channel(PIECES);
    let (name_sender, name) = oneshot::channel();
    let taken = CancellationToken::new();
    let stream = UploadStream {
        file_name: Some(name),
        pieces,
        is_whole: false,
        taken: taken.clone(),
    };
    let sender = UploadSender {
        file_name: Some(name_sender),
        pieces: sender,
        taken,
    };
    (sender, stream)
}

impl UploadSender {
    /// Says what the client calls the file, if it does. Its part has begun to arrive.
    pub fn begin(&mut self, file_name: Option<String>) {
        if let Some(sender) = self.file_name.take() {
            // A reader that is gone need not know.
            let _gone = sender.send(file_name);
        }
    }

    /// Hands a piece on; false when nobody reads the file any more.
    pub async fn send(&self, piece: Bytes) -> bool {
        self.pieces.send(Piece::Bytes(piece)).await.is_ok()
    }

    /// The file's good end; false when nobody reads the file any more. Dropping the sender without this breaks the
    /// file off.
    pub async fn finish(&self) -> bool {
        self.pieces.send(Piece::End).await.is_ok()
    }

    /// Says that the rest will not come.
    pub async fn break_off(self, why: Broken) {
        let _gone = self.pieces.send(Piece::Broken(why)).await;
    }

    /// Whether somebody has taken the file and still holds it.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.taken.is_cancelled() && !self.pieces.is_closed()
    }

    /// Waits until somebody takes the file.
    pub async fn taken(&self) {
        self.taken.cancelled().await;
    }
}

impl UploadStream {
    /// What the client calls the file, if it does; known when its part begins to arrive.
    pub async fn file_name(&mut self) -> Option<String> {
        match self.file_name.take() {
            Some(name) => name.await.unwrap_or(None),
            None => None,
        }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        if self.is_whole {
            return None;
        }
        match self.pieces.recv().await {
            Some(Piece::Bytes(bytes)) => Some(Ok(bytes)),
            Some(Piece::End) => {
                self.is_whole = true;
                None
            }
            Some(Piece::Broken(why)) => Some(Err(why)),
            None => Some(Err(Broken::Incomplete)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // STO-01
    #[tokio::test]
    async fn a_sender_that_vanishes_has_broken_off() {
        let (mut sender, mut stream) = channel();
        sender.begin(Some("cat.png".to_owned()));
        assert!(sender.send(Bytes::from_static(b"half")).await);
        drop(sender);
        assert_eq!(stream.file_name().await.as_deref(), Some("cat.png"));
        assert!(matches!(stream.next().await, Some(Ok(_))));
        assert!(matches!(stream.next().await, Some(Err(Broken::Incomplete))));
    }

    #[tokio::test]
    async fn a_file_ends_once_it_is_finished() {
        let (sender, mut stream) = channel();
        assert!(sender.finish().await);
        assert!(stream.next().await.is_none());
        assert!(stream.next().await.is_none());
    }
}
