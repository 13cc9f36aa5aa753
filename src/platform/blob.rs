//! Contents of files, stored in GridFS.
//!
//! A content is written before the item that refers to it. Until an item refers to it, a ledger entry does, with a
//! lease that the writer renews. Contents of uploads that were interrupted or refused are therefore found and swept
//! without a scan. Claiming a content deletes its entry in the transaction that creates the item; releasing it adds an
//! entry in the transaction that removes the item.

mod read;
mod write;

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bson::{Bson, Document, doc, oid::ObjectId};
use futures_util::TryStreamExt;
use mongodb::{Collection, gridfs::GridFsBucket, options::GridFsBucketOptions};
use serde::{Deserialize, Serialize};

pub use self::read::StoredContent;
pub use self::write::ContentWriter;
use super::clock::{Clock, Timestamp};
use super::database::{Database, Index, IndexKind, Tx};
use crate::error::{Error, Result};
use crate::platform::stored::{Stored, StoredField, all_free};

const LEDGER: &str = "unclaimedContent";
const BUCKET: &str = "content";
/// The chunks of the contents, in the collection that GridFS expects.
const CHUNKS: &str = "content.chunks";
/// The file documents of the contents, in the collection that GridFS expects.
const FILES: &str = "content.files";
/// Bytes in a chunk. A download has at most two chunks in memory: the one that is being sent, and the one before it,
/// whose end may still wait for the reader.
pub const CHUNK: u32 = 128 * 1024;
/// Bytes that are written at once, so that small chunks do not cause more round trips.
const WRITE: usize = 4 * CHUNK as usize;
/// A writer that has not renewed its lease for this long is presumed dead. With a sweep every few seconds, its content
/// is gone within a minute.
const LEASE: Duration = Duration::from_secs(30);
const RENEW: Duration = Duration::from_secs(8);
/// Ledger entries that one sweep handles; the next sweep continues.
const SWEEP: i64 = 1000;
/// Contents that a sweep removes with one command.
const BATCH: usize = 250;

/// Indexes of the ledger and of the chunks. The driver creates the index of the chunks too, but only if the very first
/// content is larger than a chunk; otherwise each read and each removal would scan all chunks. Name and keys are the
/// driver's, so that both definitions agree.
pub const INDEXES: &[Index] = &[
    Index::new(LEDGER, "lease", &[("until", 1)], IndexKind::Plain),
    Index::new(
        CHUNKS,
        "files_id_1_n_1",
        &[("files_id", 1), ("n", 1)],
        IndexKind::Plain,
    ),
];

/// Stored fields.
pub const STORED: &[Stored] = &[
    Stored {
        collection: "unclaimedContent",
        fields: &all_free(["_id", "until", "sweeping", "contents"]),
    },
    // Uploaded content is deleted with its item.
    Stored {
        collection: "content.chunks",
        fields: &[
            ("_id", StoredField::Free),
            ("files_id", StoredField::Free),
            ("n", StoredField::Free),
            ("data", StoredField::Hidden),
        ],
    },
    Stored {
        collection: "content.files",
        fields: &all_free(["_id", "length", "chunkSize", "uploadDate", "filename", "metadata"]),
    },
];

/// The id of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId(ObjectId);

impl From<BlobId> for Bson {
    fn from(id: BlobId) -> Self {
        Self::ObjectId(id.0)
    }
}

/// The contents in a database.
#[derive(Clone)]
pub struct Blobs {
    database: Database,
    bucket: GridFsBucket,
    clock: Clock,
}

/// A content that was written and is not claimed yet.
#[derive(Clone, Debug)]
pub struct UnclaimedContent {
    /// The content's id.
    pub id: BlobId,
    /// Size in bytes.
    pub size: i64,
    /// SHA-256, in hex.
    pub sha256: String,
}

/// Contents that were released together.
#[derive(Clone, Debug)]
pub struct Released {
    entry: BlobId,
    contents: Vec<BlobId>,
}

impl Released {
    /// A content that was written and never claimed.
    fn unclaimed(id: BlobId) -> Self {
        Self {
            entry: id,
            contents: vec![id],
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct UnclaimedEntry {
    /// The id of the content that is being written, or a separate id for contents that were released.
    #[serde(rename = "_id")]
    id: BlobId,
    until: Timestamp,
    /// Contents that were released together. They share one entry: thousands of deleted entries leave their keys in the
    /// index for minutes, and queries for other entries have to step over them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contents: Vec<BlobId>,
}

impl UnclaimedEntry {
    fn into_contents(self) -> Vec<BlobId> {
        if self.contents.is_empty() {
            vec![self.id]
        } else {
            self.contents
        }
    }
}

impl Blobs {
    /// Creates the store of the contents in this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        let options = GridFsBucketOptions::builder()
            .bucket_name(BUCKET.to_owned())
            .chunk_size_bytes(CHUNK)
            .build();
        let bucket = database.raw().gridfs_bucket(options);
        Self {
            database,
            bucket,
            clock,
        }
    }

    fn ledger(&self) -> Collection<UnclaimedEntry> {
        self.database.internal(LEDGER)
    }

    fn chunks(&self) -> Collection<Document> {
        self.database.internal(CHUNKS)
    }

    /// Starts writing a content.
    pub async fn write(&self) -> Result<ContentWriter> {
        let id = BlobId(ObjectId::new());
        let until = self.clock.now().after(LEASE);
        let entry = UnclaimedEntry {
            id,
            until,
            contents: Vec::new(),
        };
        self.ledger().insert_one(entry).await?;
        let stream = self
            .bucket
            .open_upload_stream(id.0.to_hex())
            .id(id.into())
            .await?;
        Ok(ContentWriter {
            blobs: self.clone(),
            id,
            stream,
            waiting: Vec::new(),
            digest: Context::new(&SHA256),
            size: 0,
            renew_at: tokio::time::Instant::now() + RENEW,
        })
    }

    /// Claims the content, in the transaction that creates the reference to it.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was swept in the meantime, because the writer's lease had expired.
    pub async fn claim(&self, tx: &mut Tx, id: BlobId) -> Result<()> {
        let free = doc! { "_id": id, "sweeping": { "$exists": false } };
        match self.ledger().delete_one(free).session(tx).await?.deleted_count {
            1 => Ok(()),
            _ => Err(Error::internal(
                "the uploaded content was deleted before it was stored",
            )),
        }
    }

    /// Releases contents, in the transaction that removes the references to them. [`Blobs::erase`] or the sweep removes
    /// them.
    pub async fn release(&self, tx: &mut Tx, contents: Vec<BlobId>) -> Result<Released> {
        let entry = UnclaimedEntry {
            id: BlobId(ObjectId::new()),
            until: self.clock.now(),
            contents,
        };
        self.ledger().insert_one(&entry).session(tx).await?;
        Ok(Released {
            entry: entry.id,
            contents: entry.contents,
        })
    }

    /// Removes contents that were released, and their ledger entry.
    pub async fn erase(&self, released: &Released) -> Result<()> {
        self.remove(&released.contents).await?;
        self.forget(&[released.entry]).await
    }

    async fn remove(&self, contents: &[BlobId]) -> Result<()> {
        let chunks = doc! { "files_id": { "$in": contents } };
        self.chunks().delete_many(chunks).await?;
        let files: Collection<Document> = self.database.internal(FILES);
        files.delete_many(doc! { "_id": { "$in": contents } }).await?;
        Ok(())
    }

    async fn forget(&self, entries: &[BlobId]) -> Result<()> {
        let entries = doc! { "_id": { "$in": entries } };
        self.ledger().delete_many(entries).await?;
        Ok(())
    }

    /// Removes a content whose claim failed. A content that was claimed nevertheless, because only the response to the
    /// commit was lost, is kept.
    pub async fn erase_unclaimed(&self, id: BlobId) -> Result<()> {
        let unclaimed = doc! { "_id": id, "sweeping": { "$exists": false } };
        let mark = doc! { "$set": { "sweeping": true } };
        if self.ledger().update_one(unclaimed, mark).await?.matched_count == 1 {
            self.erase(&Released::unclaimed(id)).await?;
        }
        Ok(())
    }

    /// Removes contents that have neither a reference nor an active writer. Returns their number.
    pub async fn sweep(&self) -> Result<usize> {
        let lapsed = doc! { "until": { "$lte": self.clock.now() } };
        let found = self.ledger().find(lapsed.clone()).limit(SWEEP).await?;
        let found: Vec<UnclaimedEntry> = found.try_collect().await?;
        if found.is_empty() {
            return Ok(0);
        }
        let ids: Vec<BlobId> = found.iter().map(|entry| entry.id).collect();
        // From here on, no writer can claim these contents or renew their leases.
        let mut still_lapsed = lapsed;
        still_lapsed.insert("_id", doc! { "$in": ids.clone() });
        let mark = doc! { "$set": { "sweeping": true } };
        self.ledger().update_many(still_lapsed, mark).await?;
        let marked = doc! { "_id": { "$in": ids }, "sweeping": true };
        let marked: Vec<UnclaimedEntry> = self.ledger().find(marked).await?.try_collect().await?;
        let ids: Vec<BlobId> = marked.iter().map(|entry| entry.id).collect();
        let contents = marked.into_iter().flat_map(UnclaimedEntry::into_contents);
        let contents: Vec<BlobId> = contents.collect();
        for some in contents.chunks(BATCH) {
            self.remove(some).await?;
        }
        self.forget(&ids).await?;
        Ok(contents.len())
    }

    /// Opens a content; `None` if it was removed.
    pub async fn open(&self, id: BlobId) -> Result<Option<StoredContent>> {
        let files: Collection<ContentFile> = self.database.internal(FILES);
        let size_only = doc! { "_id": 0, "chunkSize": 1 };
        let file = files.find_one(doc! { "_id": id }).projection(size_only).await?;
        let Some(ContentFile { chunk_size }) = file else {
            return Ok(None);
        };
        let size = u64::try_from(chunk_size).ok().filter(|size| *size > 0);
        let chunk = size.ok_or_else(|| Error::internal("a stored content has chunks without a size"))?;
        let blobs = self.clone();
        Ok(Some(StoredContent { blobs, id, chunk }))
    }
}

/// A content's file document, as GridFS writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContentFile {
    chunk_size: i64,
}
