//! Files of a multipart request as streams: they are forwarded in chunks as the client sends them, and never held
//! completely in memory or on a local disk.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// Chunks that may be buffered between the socket and the database.
const PIECES: usize = 4;

/// The files of one request, each of which can be taken once.
#[derive(Default)]
pub struct Uploads(Mutex<Vec<Option<UploadStream>>>);

/// One file that is being received.
pub struct UploadStream {
    file_name: Option<oneshot::Receiver<Option<String>>>,
    pieces: mpsc::Receiver<Piece>,
    is_whole: bool,
    taken: CancellationToken,
}

/// A message from the socket to the reader.
enum Piece {
    Bytes(Bytes),
    /// The explicit end of the file: without it, a dropped sender means that the file is incomplete.
    End,
    Broken(Broken),
}

/// Why a file ends prematurely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The client stopped sending.
    Incomplete,
    /// The request ended without the file.
    Missing,
    /// Another file precedes it in the request, and that file's reader waits for this one.
    OutOfOrder,
}

/// The sending end, into which the HTTP layer writes a file.
pub struct UploadSender {
    file_name: Option<oneshot::Sender<Option<String>>>,
    pieces: mpsc::Sender<Piece>,
    taken: CancellationToken,
}

impl Uploads {
    /// Creates the collection of these files, in the order in which the request's map names them.
    #[must_use]
    pub fn new(files: Vec<UploadStream>) -> Self {
        Self(Mutex::new(files.into_iter().map(Some).collect()))
    }

    /// Takes the file with this index.
    ///
    /// # Errors
    /// [`Error::BadInput`] when the file was taken already, because two variables name it.
    pub fn take(&self, number: usize) -> Result<UploadStream> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.get_mut(number).and_then(Option::take);
        let file =
            file.ok_or_else(|| Error::BadInput("Each file can be used once in a request.".to_owned()))?;
        file.taken.cancel();
        Ok(file)
    }
}

/// Creates the two ends of a file's stream.
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
    /// Reports that the file's part has begun to arrive, and its name, if the client sent one.
    pub fn begin(&mut self, file_name: Option<String>) {
        if let Some(sender) = self.file_name.take() {
            // The reader may be gone.
            let _gone = sender.send(file_name);
        }
    }

    /// Sends a chunk; `false` if the reader is gone.
    pub async fn send(&self, piece: Bytes) -> bool {
        self.pieces.send(Piece::Bytes(piece)).await.is_ok()
    }

    /// Ends the file successfully; `false` if the reader is gone. Dropping the sender without this call marks the file
    /// as incomplete.
    pub async fn finish(&self) -> bool {
        self.pieces.send(Piece::End).await.is_ok()
    }

    /// Reports that the rest of the file will not arrive.
    pub async fn break_off(self, why: Broken) {
        let _gone = self.pieces.send(Piece::Broken(why)).await;
    }

    /// Returns whether the file was taken and its reader still exists.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.taken.is_cancelled() && !self.pieces.is_closed()
    }

    /// Waits until the file is taken.
    pub async fn taken(&self) {
        self.taken.cancelled().await;
    }
}

impl UploadStream {
    /// Returns the file's name, if the client sent one; waits until the file's part begins to arrive.
    pub async fn file_name(&mut self) -> Option<String> {
        match self.file_name.take() {
            Some(name) => name.await.unwrap_or(None),
            None => None,
        }
    }

    /// Returns the next chunk; `None` at the end.
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
