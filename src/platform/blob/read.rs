//! Reads a content chunk by chunk.

use bson::{RawBinaryRef, RawDocument, RawDocumentBuf, doc, spec::BinarySubtype};
use bytes::Bytes;
use futures_util::Stream;
use mongodb::Collection;

use super::{BlobId, Blobs, CHUNK, CHUNKS};
use crate::error::{Error, Result};

/// A content to read.
pub struct StoredContent {
    pub(super) blobs: Blobs,
    pub(super) id: BlobId,
    /// Bytes in the content's chunks; contents written by earlier versions have larger chunks.
    pub(super) chunk: u64,
}

impl StoredContent {
    /// Returns how many times the memory of a usual content is needed to read this one.
    #[must_use]
    pub fn weight(&self) -> usize {
        usize::try_from(self.chunk.div_ceil(u64::from(CHUNK))).unwrap_or(usize::MAX)
    }

    /// Reads the bytes `from..until` chunk by chunk. The next chunk is read only on demand, so that a slow reader keeps
    /// one chunk in memory and no cursor open. The stream ends early with an error when the content is removed
    /// meanwhile.
    pub fn read(self, from: u64, until: u64) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        futures_util::stream::try_unfold((self, from), move |(content, at)| async move {
            if at >= until {
                return Ok(None);
            }
            let piece = content.piece(at, until).await?;
            let at = at + u64::try_from(piece.len()).unwrap_or(u64::MAX);
            Ok::<_, Error>(Some((piece, (content, at))))
        })
    }

    /// Returns the bytes from `at` to the end of their chunk or to `until`, whichever comes first; at least one.
    async fn piece(&self, at: u64, until: u64) -> Result<Bytes> {
        let number = at / self.chunk;
        let chunks: Collection<RawDocumentBuf> = self.blobs.database.internal(CHUNKS);
        let own = doc! { "files_id": self.id, "n": i64::try_from(number).unwrap_or(i64::MAX) };
        let chunk = chunks
            .find_one(own)
            .projection(doc! { "_id": 0, "data": 1 })
            .await?;
        let chunk = chunk.ok_or_else(|| Error::internal("a chunk is missing"))?;
        cut(chunk, at - number * self.chunk, until - number * self.chunk)
    }
}

/// Returns the bytes `from..until` of one chunk without copying them, as far as the chunk has them; at least one.
fn cut(chunk: RawDocumentBuf, from: u64, until: u64) -> Result<Bytes> {
    let all = Bytes::from(chunk.into_bytes());
    let document = RawDocument::from_bytes(&all).map_err(Error::internal)?;
    let Ok(RawBinaryRef {
        subtype: BinarySubtype::Generic,
        bytes,
    }) = document.get_binary("data")
    else {
        return Err(Error::internal("a chunk has no data"));
    };
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let (from, until) = (place(from), place(until));
    if from >= until {
        return Err(Error::internal("a chunk is too short"));
    }
    Ok(all.slice_ref(&bytes[from..until]))
}
