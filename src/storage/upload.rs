//! `storageItemUpload`: stores a file in a private storage. The content is streamed from the request's body to the
//! content store, then one transaction adds the item.

mod content;
mod owner;

use std::sync::Arc;

use async_graphql::InputObject;

use self::content::{FileHead, UploadTarget, over_quota};
use self::owner::{OWNER, owner_of};
use super::node::StorageItemNode;
use super::quota::{Totals, quota_of};
use super::store::{Storages, home_storage};
use super::{ItemKind, StorageItem, WRITE, base_name, check_folder, check_name, kind_of};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Error, Faults, Result};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::StorageItemId,
    scalar::Upload,
    upload::UploadStream,
};
use crate::reach::{HouseReach, Reach};
use crate::storefront_user::{
    StorefrontUser,
    lookup::StorefrontUserBy,
    refusal,
    store::{Touched, touch},
};

/// Input of `storageItemUpload`: the file to upload.
#[derive(InputObject)]
pub struct StorageItemUploadInput {
    /// The file, as a part of a multipart request. By default it has at most 50 MiB and is an image, PDF, SVG, JSON or
    /// ZIP file; the operator can change both.
    file: Upload,
    /// Name of the item, 1 to 255 characters. Default: the name of the file.
    name: Option<String>,
    /// Folder of the item, at most 255 characters. Default: no folder.
    folder: Option<String>,
    /// Kind of the item. Default: IMAGE for an image, DESIGN for JSON, OTHER for any other content.
    kind: Option<ItemKind>,
    /// User in whose private storage the file is stored. Required with an integration token or client secret
    /// (REQUIRED). Rejected with a storefront user token or customer token (FORBIDDEN).
    owner: Option<StorefrontUserBy>,
}

mutation! {
    /// Uploads a file into a private storage.
    /// Requires a storefront user token or customer token, or an integration token or client secret with the scope
    /// `storage:write` and `owner`.
    /// User errors: FILE_EMPTY, FILE_TOO_LARGE, FILE_TYPE_NOT_ALLOWED, STORAGE_QUOTA_EXCEEDED, REQUIRED, TOO_LONG,
    /// INVALID, FORBIDDEN, SAVE_FAILED if the file does not arrive completely, STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND, STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_EXPIRED, STOREFRONT_USER_ALREADY_MERGED (409),
    /// CUSTOMER_ANONYMIZED.
    /// The request follows the GraphQL multipart request specification and has the header `GraphQL-Require-Preflight`.
    /// The content type is detected from the content; the content is stored byte for byte, with its size and its hash.
    StorageItemUpload.storage_item_upload = upload(
        #[graphql(desc = "The file to upload.")] input: StorageItemUploadInput,
    ) -> StorageItemUploadPayload;

    /// Payload of `storageItemUpload`.
    payload {
        /// The new item; null when there are user errors.
        storage_item: StorageItemNode,
    }
}

async fn upload(
    context: &Arc<RequestContext>,
    input: StorageItemUploadInput,
) -> Result<StorageItemUploadPayload> {
    let StorageItemUploadInput {
        file,
        name,
        folder,
        kind,
        owner,
    } = input;
    let reach = context.reach_to_write(&WRITE).await?;
    let owner = owner_of(context, &reach, owner).await?;
    let file = context.uploads.take(file.0)?;
    let uploader = Uploader {
        app: &context.app,
        reach: &reach,
        owner: &owner,
    };
    let item = uploader.upload(NewItem { name, folder, kind }, file).await?;
    let node = StorageItemNode::in_payload(item, &reach);
    Ok(StorageItemUploadPayload::of(node))
}

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

/// Stores files in the private storage of a user.
pub struct Uploader<'a> {
    /// The app.
    pub app: &'a App,
    /// The reach of the caller.
    pub reach: &'a Reach,
    /// The user.
    pub owner: &'a StorefrontUser,
}

impl Uploader<'_> {
    /// Stores a file as an item of the user.
    ///
    /// # Errors
    /// The user errors of STO-01; then nothing is stored.
    pub async fn upload(&self, new: NewItem, mut file: UploadStream) -> Result<StorageItem> {
        let NewItem { name, folder, kind } = new;
        let app = self.app;
        let mut faults = Faults::default();
        let name = match name {
            Some(name) => name,
            None => base_name(&file.file_name().await.unwrap_or_default()).to_owned(),
        };
        let name = faults.take(check_name(&name));
        let folder = faults.take(check_folder(folder.as_deref().unwrap_or_default()));
        let head = FileHead::read(&mut file).await?;
        let content_type = faults.take(head.check(&app.config.storage));
        let (name, folder, content_type) = faults.finish((name, folder, content_type))?;
        let Some(storage) = home_storage(&app.database, self.reach, &self.owner.id).await? else {
            return Err(self.without_storage().await?);
        };
        let target = UploadTarget {
            app,
            storage: &storage,
            quota: quota_of(self.owner, &app.config.storage),
        };
        let content = target.write(head, file).await?;
        let now = app.clock.now();
        let item = StorageItem {
            id: StorageItemId::fresh(now, &app.random),
            storefront_id: storage.storefront_id,
            storage_id: storage.id,
            name,
            folder,
            kind: kind.unwrap_or_else(|| kind_of(&content_type)),
            content_type,
            byte_size: content.size,
            sha256: content.sha256,
            blob_id: content.id,
            created_at: now,
            updated_at: now,
        };
        self.add(item).await
    }

    /// Adds an item whose content was written, or removes the content again.
    ///
    /// # Errors
    /// STORAGE_QUOTA_EXCEEDED; an error for an owner that was merged, erased or removed meanwhile.
    async fn add(&self, item: StorageItem) -> Result<StorageItem> {
        let app = self.app;
        let mut added = app.database.run(&ItemAddition { app, item: &item }).await;
        if matches!(&added, Err(Error::Rejected(faults)) if *faults == [refusal::not_found(OWNER)]) {
            added = Err(self.without_storage().await?);
        }
        if added.is_err() {
            // Content that cannot be removed now is left to the sweep.
            if let Err(error) = app.blobs.erase_unclaimed(item.blob_id).await {
                tracing::debug!(error = ?error, "cannot delete a refused upload; the cleanup job deletes it");
            }
        }
        added.map(|()| item)
    }

    /// Returns the error for a user that has lost its storage since the start of the upload: it was merged, erased or
    /// removed.
    async fn without_storage(&self) -> Result<Error> {
        let users = self.app.database.open::<StorefrontUser>(self.reach);
        let refusal = match users.get(&self.owner.id).await? {
            Some(user) if user.merged_into.is_some() => refusal::already_merged(OWNER),
            Some(user) if user.erased_at.is_some() => refusal::anonymized(OWNER),
            _ => refusal::not_found(OWNER),
        };
        Ok(refusal.into())
    }
}

/// The write that adds an item whose content is written.
///
/// The storage was looked up when the upload started. If a merge has given it another owner meanwhile, the item belongs
/// to that owner, so that uploads in progress are not lost (SFU-35). The reach of the caller may not cover that owner.
struct ItemAddition<'a> {
    app: &'a App,
    item: &'a StorageItem,
}

impl Write for ItemAddition<'_> {
    type Output = ();

    /// # Errors
    /// STORAGE_QUOTA_EXCEEDED; STOREFRONT_USER_NOT_FOUND if the owner was removed; CUSTOMER_ANONYMIZED.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self { app, item } = *self;
        let reach = HouseReach::within(&item.storefront_id);
        let storages = Storages {
            database: &app.database,
            reach: &reach,
        };
        app.blobs.claim(tx, item.blob_id).await?;
        let owner = storages.owner_in(tx, &item.storage_id).await?;
        let owner = owner.ok_or_else(owner_not_found)?;
        // Before the storage is changed, so that a refused upload does not block others. Concurrent uploads of one
        // owner to different storages conflict here, so that the quota applies to their sum.
        let owner = match touch(&app.database, &reach, tx, &owner).await? {
            Touched::Open(owner) => owner,
            Touched::Erased => return Err(refusal::anonymized(OWNER).into()),
            Touched::Gone => return Err(owner_not_found()),
        };
        let added = Totals {
            items: 1,
            bytes: item.byte_size,
        };
        let counted = storages.count_in(tx, &item.storage_id, added).await?;
        counted.ok_or_else(owner_not_found)?;
        // By the current owner: a merge or promotion meanwhile may have made it a regular user.
        let totals = storages.totals_in(tx, &owner.id).await?;
        if !totals.fit(&owner, &app.config.storage) {
            return Err(over_quota());
        }
        let items = app.database.open::<StorageItem>(&reach);
        items.insert_in(tx, &reach, item).await
    }
}

fn owner_not_found() -> Error {
    refusal::not_found(OWNER).into()
}
