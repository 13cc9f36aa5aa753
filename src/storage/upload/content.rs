//! The content of an upload: its first bytes decide on its type, then it is streamed to the content store.

use bytes::{Bytes, BytesMut};

use crate::app::App;
use crate::config::StorageLimits;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    blob::{ContentWriter, UnclaimedContent},
    upload::{Broken, UploadStream},
};
use crate::storage::{quota::quota_of, sniff, store};
use crate::storefront_user::private_storage::PrivateStorage;

/// Name of the input's field for the file.
const FILE: &str = "file";

/// The first bytes of a file, and whether they are the whole file.
pub(super) struct FileHead {
    bytes: BytesMut,
    is_whole: bool,
}

impl FileHead {
    /// Receives the bytes that are needed to detect the content type.
    ///
    /// # Errors
    /// SAVE_FAILED if the file does not arrive completely.
    pub(super) async fn read(file: &mut UploadStream) -> Result<Self> {
        let mut bytes = BytesMut::new();
        while bytes.len() < sniff::HEAD {
            match file.next().await {
                Some(Ok(piece)) => bytes.extend_from_slice(&piece),
                Some(Err(broken)) => return Err(interrupted(broken)),
                None => break,
            }
        }
        // Only a file that has ended is shorter than the head.
        let is_whole = bytes.len() < sniff::HEAD;
        Ok(Self { bytes, is_whole })
    }

    /// Returns the content type of the file.
    ///
    /// # Errors
    /// FILE_EMPTY, FILE_TYPE_NOT_ALLOWED.
    pub(super) fn check(&self, limits: &StorageLimits) -> Result<String, UserError> {
        if self.bytes.is_empty() {
            let message = "The file has no content.";
            return Err(UserError::new(UserErrorCode::FileEmpty, [FILE], message));
        }
        let examined = &self.bytes[..self.bytes.len().min(sniff::HEAD)];
        let content_type = sniff::content_type(examined, self.is_whole && examined.len() == self.bytes.len());
        if !limits.allows(&content_type) {
            let message = "Files of this type are not accepted; the type is detected from the content, not from the \
                           name.";
            return Err(UserError::new(UserErrorCode::FileTypeNotAllowed, [FILE], message));
        }
        Ok(content_type)
    }
}

/// The storage that an upload's content is written for.
pub(super) struct UploadTarget<'a> {
    /// The app.
    pub(super) app: &'a App,
    /// The storage.
    pub(super) storage: &'a PrivateStorage,
    /// Quota of its owner, in bytes.
    pub(super) quota: i64,
}

impl UploadTarget<'_> {
    /// Writes the content; on any error all of it is removed.
    ///
    /// # Errors
    /// FILE_TOO_LARGE, STORAGE_QUOTA_EXCEEDED; SAVE_FAILED if the file does not arrive completely.
    pub(super) async fn write(mut self, head: FileHead, file: UploadStream) -> Result<UnclaimedContent> {
        let mut writer = self.app.blobs.write().await?;
        if let Err(refused) = self.fill(&mut writer, head.bytes.freeze(), file).await {
            if let Err(error) = writer.abort().await {
                tracing::debug!(error = ?error, "cannot delete a refused upload; the cleanup job deletes it");
            }
            return Err(refused);
        }
        writer.finish().await
    }

    async fn fill(&mut self, writer: &mut ContentWriter, head: Bytes, mut file: UploadStream) -> Result<()> {
        let max_file = i64::try_from(self.app.config.storage.max_file).unwrap_or(i64::MAX);
        let mut piece = head;
        loop {
            writer.append(&piece).await?;
            if writer.size() > max_file {
                let message = format!("A file has at most {max_file} bytes.");
                return Err(UserError::new(UserErrorCode::FileTooLarge, [FILE], message).into());
            }
            if !self.has_room_for(writer.size()).await? {
                return Err(over_quota());
            }
            piece = match file.next().await {
                Some(Ok(piece)) => piece,
                Some(Err(broken)) => return Err(interrupted(broken)),
                None => return Ok(()),
            };
        }
    }

    /// Whether a content of this size fits. The transaction does the exact check; this one avoids receiving a file that
    /// does not fit.
    async fn has_room_for(&mut self, size: i64) -> Result<bool> {
        let total = size.saturating_add(self.storage.total_bytes);
        if total <= self.quota {
            return Ok(true);
        }
        // The owner may have become a regular user meanwhile.
        if let Some(owner) = store::current_owner(&self.app.database, self.storage).await? {
            self.quota = quota_of(&owner, &self.app.config.storage);
        }
        Ok(total <= self.quota)
    }
}

/// The content of all items of the owner would exceed the quota.
pub(super) fn over_quota() -> Error {
    let message = "The file does not fit: the private storage would exceed its quota.";
    UserError::new(UserErrorCode::StorageQuotaExceeded, [FILE], message).into()
}

fn interrupted(broken: Broken) -> Error {
    let message = match broken {
        Broken::Missing => {
            let message = "The file is missing: no part of the request has the name that \"map\" gives it.";
            return Error::BadInput(message.to_owned());
        }
        Broken::Incomplete => "The file did not arrive completely.",
        Broken::OutOfOrder => {
            "The file comes too late in the request: send the files in the order in which the operation uses them."
        }
    };
    UserError::new(UserErrorCode::SaveFailed, [FILE], message).into()
}
