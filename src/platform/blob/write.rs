//! Writes a content piece by piece.

use aws_lc_rs::digest::Context;
use bson::doc;
use data_encoding::HEXLOWER;
use futures_util::AsyncWriteExt;
use mongodb::gridfs::GridFsUploadStream;

use super::{BlobId, Blobs, LEASE, RENEW, Released, UnclaimedContent, WRITE};
use crate::error::{Error, Result};

/// Writes one content. If it is dropped without [`ContentWriter::finish`], the sweep removes the content.
pub struct ContentWriter {
    pub(super) blobs: Blobs,
    pub(super) id: BlobId,
    pub(super) stream: GridFsUploadStream,
    /// Bytes that are not written yet.
    pub(super) waiting: Vec<u8>,
    pub(super) digest: Context,
    pub(super) size: i64,
    pub(super) renew_at: tokio::time::Instant,
}

impl ContentWriter {
    /// Appends bytes.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if tokio::time::Instant::now() >= self.renew_at {
            self.renew().await?;
        }
        self.digest.update(bytes);
        self.size += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= WRITE {
            self.write_waiting().await?;
        }
        Ok(())
    }

    async fn write_waiting(&mut self) -> Result<()> {
        self.stream.write_all(&self.waiting).await.map_err(from_stream)?;
        self.waiting.clear();
        Ok(())
    }

    /// Returns the number of bytes appended so far.
    #[must_use]
    pub fn size(&self) -> i64 {
        self.size
    }

    async fn renew(&mut self) -> Result<()> {
        let until = self.blobs.clock.now().after(LEASE);
        let mine = doc! { "_id": self.id, "sweeping": { "$exists": false } };
        let renewal = doc! { "$set": { "until": until } };
        if self.blobs.ledger().update_one(mine, renewal).await?.matched_count == 0 {
            let message = "the upload made no progress for too long and was deleted";
            return Err(Error::internal(message));
        }
        self.renew_at = tokio::time::Instant::now() + RENEW;
        Ok(())
    }

    /// Writes the remaining bytes and completes the content.
    pub async fn finish(mut self) -> Result<UnclaimedContent> {
        self.write_waiting().await?;
        self.stream.close().await.map_err(from_stream)?;
        self.renew().await?;
        Ok(UnclaimedContent {
            id: self.id,
            size: self.size,
            sha256: HEXLOWER.encode(self.digest.finish().as_ref()),
        })
    }

    /// Removes what was written, immediately.
    pub async fn abort(mut self) -> Result<()> {
        self.stream.abort().await?;
        self.blobs.erase(&Released::unclaimed(self.id)).await
    }
}

/// Unwraps the driver's error from the error of the stream.
fn from_stream(error: std::io::Error) -> Error {
    match error.downcast::<mongodb::error::Error>() {
        Ok(driver) => driver.into(),
        Err(other) => Error::internal(other),
    }
}
