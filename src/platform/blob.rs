//! Content of files, in GridFS.
//!
//! Content is written before the item that names it. Until an item names it, a ledger entry does, with a lease that the
//! writer renews: so whatever breaks off, is refused, or dies in the middle is found and swept without a scan. Claiming
//! takes the entry away in the item's own transaction; releasing puts one there in the transaction that removes the item.

mod read;

use std::time::Duration;

use bson::{Bson, Document, doc, oid::ObjectId};
use futures_util::{AsyncWriteExt, TryStreamExt};
use mongodb::{
    Collection,
    gridfs::{GridFsBucket, GridFsUploadStream},
    options::GridFsBucketOptions,
};
use serde::{Deserialize, Serialize};

pub use self::read::Content;
use super::clock::{Clock, Timestamp};
use super::crypto::Digester;
use super::database::{Database, Index, IndexKind, Tx};
use crate::error::{Error, Result};

const LEDGER: &str = "unclaimedContent";
const BUCKET: &str = "content";
/// The pieces of the contents, as GridFS names them.
const CHUNKS: &str = "content.chunks";
/// The contents' lengths, as GridFS names them.
const FILES: &str = "content.files";
/// Bytes in a chunk. A download has at most two in memory, the one that is sent and the one before it, whose end may wait for
/// its reader.
pub const CHUNK: u32 = 128 * 1024;
/// Bytes that are written at once, so that small chunks need no more round trips.
const WRITE: usize = 4 * CHUNK as usize;
/// A writer that is silent for so long is taken for dead. With a sweep every few seconds nothing of it is left a minute
/// later.
const LEASE: Duration = Duration::from_secs(30);
const RENEW: Duration = Duration::from_secs(8);
/// Entries that one sweep looks at; the next sweep goes on.
const SWEEP: i64 = 1000;
/// Contents that a sweep removes with one command.
const BATCH: usize = 250;

/// Indexes of the ledger and of the contents' pieces. The driver makes those of GridFS too, but only if the very first
/// content is larger than a chunk; after a small one, each read and each removal would look at every piece there is. Name
/// and keys are the ones that it gives, so that both agree.
pub const INDEXES: &[Index] = &[
    Index {
        collection: LEDGER,
        name: "lease",
        keys: &[("until", 1)],
        kind: IndexKind::Plain,
    },
    Index {
        collection: CHUNKS,
        name: "files_id_1_n_1",
        keys: &[("files_id", 1), ("n", 1)],
        kind: IndexKind::Plain,
    },
];

/// Names a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId(ObjectId);

impl From<BlobId> for Bson {
    fn from(id: BlobId) -> Self {
        Self::ObjectId(id.0)
    }
}

/// Contents in this database.
#[derive(Clone)]
pub struct Blobs {
    database: Database,
    bucket: GridFsBucket,
    clock: Clock,
}

/// A content that was written and is not claimed yet.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its name.
    pub id: BlobId,
    /// Bytes.
    pub size: i64,
    /// SHA-256, in hex.
    pub sha256: String,
}

/// Contents that were given up together.
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
struct Entry {
    /// That of the content which is being written; one of its own for contents that were given up.
    #[serde(rename = "_id")]
    id: BlobId,
    until: Timestamp,
    /// What was given up together. One entry for all: thousands that come and go leave their keys in the index for
    /// minutes, and whoever looks for others walks over them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contents: Vec<BlobId>,
}

impl Entry {
    fn into_contents(self) -> Vec<BlobId> {
        if self.contents.is_empty() {
            vec![self.id]
        } else {
            self.contents
        }
    }
}

impl Blobs {
    /// The contents in this database.
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

    fn ledger(&self) -> Collection<Entry> {
        self.database.house(LEDGER)
    }

    fn chunks(&self) -> Collection<Document> {
        self.database.house(CHUNKS)
    }

    /// Begins to write a content.
    pub async fn write(&self) -> Result<Writer> {
        let id = BlobId(ObjectId::new());
        let until = self.clock.now().after(LEASE);
        let entry = Entry {
            id,
            until,
            contents: Vec::new(),
        };
        self.ledger().insert_one(entry).await?;
        let stream = self
            .bucket
            .open_upload_stream(id.0.to_hex())
            .id(Bson::ObjectId(id.0))
            .await?;
        Ok(Writer {
            blobs: self.clone(),
            id,
            stream,
            waiting: Vec::new(),
            digester: Digester::default(),
            size: 0,
            renew_at: tokio::time::Instant::now() + RENEW,
        })
    }

    /// Makes the content somebody's, in the transaction that names it.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was swept in the meantime, because its writer was silent for too long.
    pub async fn claim(&self, tx: &mut Tx, id: BlobId) -> Result<()> {
        let free = doc! { "_id": id, "sweeping": { "$exists": false } };
        if self.ledger().delete_one(free).session(tx).await?.deleted_count == 1 {
            Ok(())
        } else {
            Err(Error::internal(
                "the uploaded content was deleted before it was stored",
            ))
        }
    }

    /// Gives contents up, in the transaction that removes what names them. [`Blobs::erase`] or the sweep removes them.
    pub async fn release(&self, tx: &mut Tx, contents: Vec<BlobId>) -> Result<Released> {
        let entry = Entry {
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

    /// Removes contents that were given up, and what is noted of them.
    pub async fn erase(&self, released: &Released) -> Result<()> {
        self.remove(&released.contents).await?;
        self.forget(&[released.entry]).await
    }

    async fn remove(&self, contents: &[BlobId]) -> Result<()> {
        self.chunks()
            .delete_many(doc! { "files_id": { "$in": contents } })
            .await?;
        let files: Collection<Document> = self.database.house(FILES);
        files.delete_many(doc! { "_id": { "$in": contents } }).await?;
        Ok(())
    }

    async fn forget(&self, entries: &[BlobId]) -> Result<()> {
        self.ledger()
            .delete_many(doc! { "_id": { "$in": entries } })
            .await?;
        Ok(())
    }

    /// Removes a content whose claim was refused. One that was claimed all the same, because the answer to the commit was
    /// lost, stays.
    pub async fn erase_unclaimed(&self, id: BlobId) -> Result<()> {
        let unclaimed = doc! { "_id": id, "sweeping": { "$exists": false } };
        let marked = self
            .ledger()
            .update_one(unclaimed, doc! { "$set": { "sweeping": true } })
            .await?;
        if marked.matched_count == 1 {
            self.erase(&Released::unclaimed(id)).await
        } else {
            Ok(())
        }
    }

    /// Removes what nothing names and nobody is writing any more; how many contents that were.
    pub async fn sweep(&self) -> Result<usize> {
        let lapsed = doc! { "until": { "$lte": self.clock.now() } };
        let found: Vec<Entry> = self
            .ledger()
            .find(lapsed.clone())
            .limit(SWEEP)
            .await?
            .try_collect()
            .await?;
        if found.is_empty() {
            return Ok(0);
        }
        let ids: Vec<BlobId> = found.iter().map(|entry| entry.id).collect();
        // From here on no writer can claim or renew them.
        let mut still_lapsed = lapsed;
        still_lapsed.insert("_id", doc! { "$in": ids.clone() });
        self.ledger()
            .update_many(still_lapsed, doc! { "$set": { "sweeping": true } })
            .await?;
        let marked = doc! { "_id": { "$in": ids }, "sweeping": true };
        let marked: Vec<Entry> = self.ledger().find(marked).await?.try_collect().await?;
        let ids: Vec<BlobId> = marked.iter().map(|entry| entry.id).collect();
        let contents: Vec<BlobId> = marked.into_iter().flat_map(Entry::into_contents).collect();
        for some in contents.chunks(BATCH) {
            self.remove(some).await?;
        }
        self.forget(&ids).await?;
        Ok(contents.len())
    }

    /// A content that is there; `None` when it was removed.
    pub async fn open(&self, id: BlobId) -> Result<Option<Content>> {
        let files: Collection<Kept> = self.database.house(FILES);
        let kept = files
            .find_one(doc! { "_id": id })
            .projection(doc! { "_id": 0, "chunkSize": 1 })
            .await?;
        let Some(Kept { chunk_size }) = kept else {
            return Ok(None);
        };
        let size = u64::try_from(chunk_size).ok().filter(|size| *size > 0);
        let chunk = size.ok_or_else(|| Error::internal("a stored content has chunks without a size"))?;
        Ok(Some(Content {
            blobs: self.clone(),
            id,
            chunk,
        }))
    }
}

/// A content's entry, as GridFS writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    chunk_size: i64,
}

/// Writes one content. Dropping it without [`Writer::finish`] leaves it to the sweep.
pub struct Writer {
    blobs: Blobs,
    id: BlobId,
    stream: GridFsUploadStream,
    /// What is not written yet.
    waiting: Vec<u8>,
    digester: Digester,
    size: i64,
    renew_at: tokio::time::Instant,
}

impl Writer {
    /// Appends.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if tokio::time::Instant::now() >= self.renew_at {
            self.renew().await?;
        }
        self.digester.update(bytes);
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

    /// Bytes so far.
    #[must_use]
    pub fn size(&self) -> i64 {
        self.size
    }

    async fn renew(&mut self) -> Result<()> {
        let until = self.blobs.clock.now().after(LEASE);
        let mine = doc! { "_id": self.id, "sweeping": { "$exists": false } };
        let renewed = self
            .blobs
            .ledger()
            .update_one(mine, doc! { "$set": { "until": until } })
            .await?;
        if renewed.matched_count == 0 {
            return Err(Error::internal(
                "the upload made no progress for too long and was deleted",
            ));
        }
        self.renew_at = tokio::time::Instant::now() + RENEW;
        Ok(())
    }

    /// Writes the rest.
    pub async fn finish(mut self) -> Result<Written> {
        self.write_waiting().await?;
        self.stream.close().await.map_err(from_stream)?;
        self.renew().await?;
        Ok(Written {
            id: self.id,
            size: self.size,
            sha256: self.digester.hex(),
        })
    }

    /// Takes everything back, at once.
    pub async fn abort(mut self) -> Result<()> {
        self.stream.abort().await?;
        self.blobs.erase(&Released::unclaimed(self.id)).await
    }
}

/// The driver's own error is inside the stream's.
fn from_stream(error: std::io::Error) -> Error {
    match error.downcast::<mongodb::error::Error>() {
        Ok(driver) => driver.into(),
        Err(other) => Error::internal(other),
    }
}
