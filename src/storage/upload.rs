//! Uploading: from the request's body into the content store piece by piece, then the item in one transaction.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;

use super::quota::Quota;
use super::store::{self, Added};
use super::{ItemKind, StorageItem, base_name, check_folder, check_name, kind_of, sniff};
use crate::access::reach::Reach;
use crate::app::App;
use crate::error::{Error, Faults, Result, UserError, UserErrorCode};
use crate::platform::{
    blob::{Writer, Written},
    id::StorageItemId,
    upload::{Broken, UploadStream},
};
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage, refusal};

/// What an upload says of its item.
#[derive(Clone, Debug, Default)]
pub struct NewItem {
    /// Name; the file's when left out.
    pub name: Option<String>,
    /// Folder; none when left out.
    pub folder: Option<String>,
    /// Kind; by the content when left out.
    pub kind: Option<ItemKind>,
}

/// The input's field of the file.
const FILE: &str = "file";
/// The input's field of the user whose item it becomes.
const OWNER: &str = "owner";

/// Stores a file as an item of the owner's.
///
/// # Errors
/// The user errors of STO-01, with nothing left behind.
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
    let room = Room {
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
        kind: kind.unwrap_or_else(|| kind_of(content_type)),
        content_type: content_type.to_owned(),
        byte_size: written.size,
        sha256: written.sha256,
        blob_id: written.id,
        created_at: now,
        updated_at: now,
    };
    keep(app, reach, owner, item, quota).await
}

/// Makes an item of a content that was written, or takes the content back.
///
/// # Errors
/// STORAGE_QUOTA_EXCEEDED; what became of the owner in the meantime.
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
        // What cannot be taken back now, the sweep takes.
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

/// The first bytes of a file, and whether they are all.
struct Head {
    bytes: BytesMut,
    whole: bool,
}

async fn read_head(file: &mut UploadStream) -> Result<Head> {
    let mut bytes = BytesMut::new();
    while bytes.len() < sniff::HEAD {
        match file.next().await {
            Some(Ok(piece)) => bytes.extend_from_slice(&piece),
            Some(Err(broken)) => return Err(broken_off(broken)),
            None => return Ok(Head { bytes, whole: true }),
        }
    }
    Ok(Head { bytes, whole: false })
}

fn check_head(app: &App, head: &Head) -> std::result::Result<&'static str, UserError> {
    if head.bytes.is_empty() {
        return Err(UserError::new(
            UserErrorCode::FileEmpty,
            [FILE],
            "The file has no content.",
        ));
    }
    let seen = &head.bytes[..head.bytes.len().min(sniff::HEAD)];
    let content_type = sniff::content_type(seen, head.whole && seen.len() == head.bytes.len());
    if app.config.storage.allows(content_type) {
        Ok(content_type)
    } else {
        let message =
            "Files of this type are not accepted; the type is told from the content, not from the name.";
        Err(UserError::new(UserErrorCode::FileTypeNotAllowed, [FILE], message))
    }
}

/// The storage that a content is to go to.
struct Room<'a> {
    /// Bytes that it may hold.
    quota: i64,
    storage: &'a PrivateStorage,
}

impl Room<'_> {
    /// Whether so many more bytes can fit. The exact check is the transaction's; this one saves the time of sending what
    /// cannot fit.
    async fn has(&mut self, app: &App, size: i64) -> Result<bool> {
        let total = size.saturating_add(self.storage.total_bytes);
        if total <= self.quota {
            return Ok(true);
        }
        // Perhaps a regular user's by now.
        if let Some(owner) = store::owner_now(&app.database, &self.storage.id).await? {
            self.quota = Quota::of(&app.config.storage).bytes(&owner);
        }
        Ok(total <= self.quota)
    }
}

/// Writes the content; whatever goes wrong takes all of it back.
async fn write(app: &App, head: Bytes, file: UploadStream, room: Room<'_>) -> Result<Written> {
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
    writer: &mut Writer,
    head: Bytes,
    mut file: UploadStream,
    mut room: Room<'_>,
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

/// Why a user that was there a moment ago has no storage: it was merged meanwhile, or removed.
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
