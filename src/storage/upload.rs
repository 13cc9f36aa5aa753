//! Uploads: the content is streamed from the request's body to the content store, then one transaction adds the item.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;

use super::quota::Quota;
use super::store::{self, Added};
use super::{ItemKind, StorageItem, base_name, check_folder, check_name, kind_of, sniff};
use crate::app::App;
use crate::error::{Error, Faults, Result, UserError, UserErrorCode};
use crate::platform::{
    blob::{ContentWriter, UnclaimedContent},
    id::StorageItemId,
    upload::{Broken, UploadStream},
};
use crate::reach::Reach;
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage, refusal};

/// The properties of an item that an upload specifies.
#[derive(Clone, Debug, Default)]
pub struct NewItem {
    /// Name; the name of the file if omitted.
    pub name: Option<String>,
    /// Folder; none if omitted.
    pub folder: Option<String>,
    /// Kind; determined by the content if omitted.
    pub kind: Option<ItemKind>,
}

/// Name of the input's field for the file.
const FILE: &str = "file";
/// Name of the input's field for the owner of the new item.
const OWNER: &str = "owner";

/// Stores a file as an item of the owner.
///
/// # Errors
/// The user errors of STO-01; then nothing is stored.
pub async fn upload(
    app: &Arc<App>,
    reach: &Reach,
    owner: &StorefrontUser,
    new: NewItem,
    mut file: UploadStream,
) -> Result<StorageItem> {
    let NewItem { name, folder, kind } = new;
    let mut faults = Faults::default();
    let name = match name {
        Some(name) => name,
        None => base_name(&file.file_name().await.unwrap_or_default()).to_owned(),
    };
    let name = faults.take(check_name(&name));
    let folder = faults.take(check_folder(folder.as_deref().unwrap_or_default()));
    let head = read_head(&mut file).await?;
    let content_type = faults.take(check_head(app, &head));
    faults.check()?;
    let (Some(name), Some(folder), Some(content_type)) = (name, folder, content_type) else {
        return Err(Error::internal("a validated input is incomplete"));
    };
    let Some(storage) = store::home_storage(&app.database, reach, &owner.id).await? else {
        return Err(lost_its_storage(app, reach, owner).await?);
    };
    let quota = Quota::of(&app.config.storage);
    let room = UploadTarget {
        quota: quota.bytes(owner),
        storage: &storage,
    };
    let written = write(app, head.bytes.freeze(), file, room).await?;
    let now = app.clock.now();
    let item = StorageItem {
        id: StorageItemId::fresh(now, &app.random),
        storefront_id: storage.storefront_id,
        storage_id: storage.id,
        name,
        folder,
        kind: kind.unwrap_or_else(|| kind_of(&content_type)),
        content_type,
        byte_size: written.size,
        sha256: written.sha256,
        blob_id: written.id,
        created_at: now,
        updated_at: now,
    };
    keep(app, reach, owner, item, quota).await
}

/// Adds an item for content that was written, or removes the content again.
///
/// # Errors
/// STORAGE_QUOTA_EXCEEDED; an error for an owner that was merged, erased or removed meanwhile.
async fn keep(
    app: &Arc<App>,
    reach: &Reach,
    owner: &StorefrontUser,
    item: StorageItem,
    quota: Quota,
) -> Result<StorageItem> {
    let mut added = add(app, &item, quota).await;
    if matches!(&added, Err(Error::Rejected(faults)) if *faults == [refusal::not_found(OWNER)]) {
        added = Err(lost_its_storage(app, reach, owner).await?);
    }
    if added.is_err() {
        // What cannot be removed now is left to the sweep.
        if let Err(error) = app.blobs.erase_unclaimed(item.blob_id).await {
            tracing::debug!(error = ?error, "cannot delete a refused upload; the cleanup job deletes it");
        }
    }
    added.map(|()| item)
}

async fn add(app: &App, item: &StorageItem, quota: Quota) -> Result<()> {
    let add = app
        .database
        .transaction((app, item, quota), |tx, (app, item, quota)| {
            async move {
                app.blobs.claim(tx, item.blob_id).await?;
                match store::add(&app.database, tx, item, *quota).await? {
                    Added::Yes => Ok(()),
                    Added::OverQuota => Err(over_quota()),
                    Added::NoOwner => Err(owner_is_gone()),
                    Added::Erased => Err(owner_is_erased()),
                }
            }
            .boxed()
        });
    add.await
}

/// The first bytes of a file, and whether they are the whole file.
struct FileHead {
    bytes: BytesMut,
    whole: bool,
}

async fn read_head(file: &mut UploadStream) -> Result<FileHead> {
    let mut bytes = BytesMut::new();
    while bytes.len() < sniff::HEAD {
        match file.next().await {
            Some(Ok(piece)) => bytes.extend_from_slice(&piece),
            Some(Err(broken)) => return Err(broken_off(broken)),
            None => return Ok(FileHead { bytes, whole: true }),
        }
    }
    Ok(FileHead { bytes, whole: false })
}

fn check_head(app: &App, head: &FileHead) -> std::result::Result<String, UserError> {
    if head.bytes.is_empty() {
        return Err(UserError::new(
            UserErrorCode::FileEmpty,
            [FILE],
            "The file has no content.",
        ));
    }
    let seen = &head.bytes[..head.bytes.len().min(sniff::HEAD)];
    let content_type = sniff::content_type(seen, head.whole && seen.len() == head.bytes.len());
    if app.config.storage.allows(&content_type) {
        Ok(content_type)
    } else {
        let message =
            "Files of this type are not accepted; the type is told from the content, not from the name.";
        Err(UserError::new(UserErrorCode::FileTypeNotAllowed, [FILE], message))
    }
}

/// The storage to which content is written.
struct UploadTarget<'a> {
    /// Maximum size of its content, in bytes.
    quota: i64,
    storage: &'a PrivateStorage,
}

impl UploadTarget<'_> {
    /// Whether this many more bytes fit. The transaction does the exact check; this one avoids receiving a file that
    /// does not fit.
    async fn has(&mut self, app: &App, size: i64) -> Result<bool> {
        let total = size.saturating_add(self.storage.total_bytes);
        if total <= self.quota {
            return Ok(true);
        }
        // The owner may have become a regular user meanwhile.
        if let Some(owner) = store::owner_now(&app.database, &self.storage.id).await? {
            self.quota = Quota::of(&app.config.storage).bytes(&owner);
        }
        Ok(total <= self.quota)
    }
}

/// Writes the content; on any error all of it is removed.
async fn write(
    app: &App,
    head: Bytes,
    file: UploadStream,
    room: UploadTarget<'_>,
) -> Result<UnclaimedContent> {
    let mut writer = app.blobs.write().await?;
    match fill(app, &mut writer, head, file, room).await {
        Ok(()) => writer.finish().await,
        Err(refused) => {
            if let Err(error) = writer.abort().await {
                tracing::debug!(error = ?error, "cannot delete a refused upload; the cleanup job deletes it");
            }
            Err(refused)
        }
    }
}

async fn fill(
    app: &App,
    writer: &mut ContentWriter,
    head: Bytes,
    mut file: UploadStream,
    mut room: UploadTarget<'_>,
) -> Result<()> {
    let max_file = i64::try_from(app.config.storage.max_file).unwrap_or(i64::MAX);
    let mut piece = head;
    loop {
        writer.append(&piece).await?;
        if writer.size() > max_file {
            let message = format!("A file has at most {max_file} bytes.");
            return Err(Error::rejected(UserError::new(
                UserErrorCode::FileTooLarge,
                [FILE],
                message,
            )));
        }
        if !room.has(app, writer.size()).await? {
            return Err(over_quota());
        }
        piece = match file.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(broken)) => return Err(broken_off(broken)),
            None => return Ok(()),
        };
    }
}

fn over_quota() -> Error {
    let message = "The file does not fit: the private storage would hold more than it may.";
    Error::rejected(UserError::new(
        UserErrorCode::StorageQuotaExceeded,
        [FILE],
        message,
    ))
}

fn broken_off(broken: Broken) -> Error {
    let message = match broken {
        Broken::Missing => {
            return Error::BadInput(
                "The file is missing: no part of the request has the name that \"map\" gives it.".to_owned(),
            );
        }
        Broken::Incomplete => "The file did not arrive whole.",
        Broken::OutOfOrder => {
            "The file comes too late in the request: send the files in the order in which the operation uses them."
        }
    };
    Error::rejected(UserError::new(UserErrorCode::SaveFailed, [FILE], message))
}

/// Returns the error for a user who has lost its storage since the start of the upload: it was merged, erased or
/// removed.
async fn lost_its_storage(app: &App, reach: &Reach, owner: &StorefrontUser) -> Result<Error> {
    let now = app.database.open::<StorefrontUser>(reach).get(&owner.id).await?;
    Ok(match now {
        Some(user) if user.merged_into.is_some() => Error::rejected(refusal::already_merged(OWNER)),
        Some(user) if user.erased_at.is_some() => owner_is_erased(),
        _ => owner_is_gone(),
    })
}

fn owner_is_erased() -> Error {
    Error::rejected(refusal::anonymized(OWNER))
}

fn owner_is_gone() -> Error {
    Error::rejected(refusal::not_found(OWNER))
}
