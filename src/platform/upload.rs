//! Files of a multipart request, as streams: what the client sends goes to its place piece by piece, never whole into
//! memory or onto a disk.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// Pieces that may wait between the socket and the database.
const PIECES: usize = 4;

/// The files of one request, each taken at most once.
#[derive(Default)]
pub struct Uploads(Mutex<Vec<Option<UploadStream>>>);

/// One file on its way in.
pub struct UploadStream {
    /// What the client calls it, if it does.
    pub file_name: Option<String>,
    pieces: mpsc::Receiver<Result<Bytes, Broken>>,
}

/// The client stopped sending before the file's end.
#[derive(Clone, Copy, Debug)]
pub struct Broken;

/// The end into which the HTTP layer feeds a file.
pub struct UploadSender(mpsc::Sender<Result<Bytes, Broken>>);

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
        file.ok_or_else(|| Error::BadInput("Each file can be used once in a request.".to_owned()))
    }
}

/// A file's two ends.
#[must_use]
pub fn channel() -> (UploadSender, mpsc::Receiver<Result<Bytes, Broken>>) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (UploadSender(sender), receiver)
}

impl UploadSender {
    /// Hands a piece on; false when nobody reads the file any more.
    pub async fn send(&self, piece: Bytes) -> bool {
        self.0.send(Ok(piece)).await.is_ok()
    }

    /// Says that the rest will not come. Dropping the sender without this is the file's good end.
    pub async fn break_off(self) {
        // A reader that is gone need not know.
        let _gone = self.0.send(Err(Broken)).await;
    }
}

impl UploadStream {
    /// A file with this name.
    #[must_use]
    pub fn new(file_name: Option<String>, pieces: mpsc::Receiver<Result<Bytes, Broken>>) -> Self {
        Self { file_name, pieces }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        self.pieces.recv().await
    }
}
