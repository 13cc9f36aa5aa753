//! Mutations of the storage.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use futures_util::FutureExt;

use super::node::{StorageItemNode, item_reach};
use super::store::{self, ItemChanges};
use super::upload::{self, NewItem};
use super::{ItemKind, check_folder, check_name};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Error, Faults, Result, UserError, UserErrorCode, payload};
use crate::platform::{
    blob::Released,
    database::Tx,
    id::{Id, StorageItemId},
    scalar::Upload,
};
use crate::reach::{Reach, StorageReach, principal::Policy, scope::Scope};
use crate::storefront_user::{
    StorefrontUser,
    lookup::{StorefrontUserBy, find},
    refusal,
};

/// Who may write to storages.
pub const WRITE: Policy = Policy::backend(Scope::StorageWrite).and_own();

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

/// Payload of `storageItemUpload`.
#[derive(SimpleObject)]
pub struct StorageItemUploadPayload {
    /// The new item; null when there are user errors.
    storage_item: Option<StorageItemNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// Input of `storageItemUpdate`: the item and its new values. Omitted fields are unchanged.
#[derive(InputObject)]
pub struct StorageItemUpdateInput {
    /// Id of the item.
    id: ID,
    /// New name, 1 to 255 characters. Null is rejected (REQUIRED).
    name: MaybeUndefined<String>,
    /// New folder, at most 255 characters. Null or an empty string: no folder.
    folder: MaybeUndefined<String>,
}

/// Payload of `storageItemUpdate`.
#[derive(SimpleObject)]
pub struct StorageItemUpdatePayload {
    /// The item as stored after the update; null when there are user errors.
    storage_item: Option<StorageItemNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// Input of `storageItemDelete`: the item to delete.
#[derive(InputObject)]
pub struct StorageItemDeleteInput {
    /// Id of the item.
    id: ID,
}

/// Payload of `storageItemDelete`.
#[derive(SimpleObject)]
pub struct StorageItemDeletePayload {
    /// Id of the deleted item; null when there are user errors.
    deleted_storage_item_id: Option<ID>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// Mutations of the storage.
#[derive(Default)]
pub struct StorageMutation;

#[Object]
impl StorageMutation {
    /// Uploads a file into a private storage.
    /// Requires a storefront user token or customer token, or an integration token or client secret with the scope
    /// `storage:write` and `owner`.
    /// User errors: FILE_EMPTY, FILE_TOO_LARGE, FILE_TYPE_NOT_ALLOWED, STORAGE_QUOTA_EXCEEDED, REQUIRED, TOO_LONG,
    /// INVALID, FORBIDDEN, SAVE_FAILED if the file does not arrive completely, STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND, STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_EXPIRED, STOREFRONT_USER_ALREADY_MERGED (409),
    /// CUSTOMER_ANONYMIZED.
    /// The request follows the GraphQL multipart request specification and has the header `GraphQL-Require-Preflight`.
    /// The content type is detected from the content; the content is stored byte for byte, with its size and its hash.
    async fn storage_item_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file to upload.")] input: StorageItemUploadInput,
    ) -> Result<StorageItemUploadPayload> {
        let StorageItemUploadInput {
            file,
            name,
            folder,
            kind,
            owner,
        } = input;
        let context = RequestContext::of(ctx)?;
        let upload = async {
            let reach = context.reach_to_write(&WRITE).await?;
            let owner = owner_of(context, &reach, owner).await?;
            let file = context.uploads.take(file.0)?;
            let new = NewItem { name, folder, kind };
            let item = upload::upload(&context.app, &reach, &owner, new, file).await?;
            Ok(StorageItemNode::in_payload(item, &reach))
        };
        let (done, user_errors) = payload(upload.await)?;
        Ok(StorageItemUploadPayload {
            storage_item: done,
            user_errors,
        })
    }

    /// Renames an item or moves it to another folder.
    /// Requires a storefront user token or customer token, or an integration token or client secret with the scope
    /// `storage:write`.
    /// User errors: STORAGE_ITEM_NOT_FOUND, NO_CHANGES if neither name nor folder is sent, REQUIRED, TOO_LONG, INVALID,
    /// STOREFRONT_USER_ALREADY_MERGED (409) with the token of a merged user.
    async fn storage_item_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The item and its new values.")] input: StorageItemUpdateInput,
    ) -> Result<StorageItemUpdatePayload> {
        let (done, user_errors) = payload(update(RequestContext::of(ctx)?, input).await)?;
        Ok(StorageItemUpdatePayload {
            storage_item: done,
            user_errors,
        })
    }

    /// Deletes an item and its content.
    /// Requires a storefront user token or customer token, or an integration token or client secret with the scope
    /// `storage:write`.
    /// User errors: STORAGE_ITEM_NOT_FOUND, CUSTOMER_ANONYMIZED, STOREFRONT_USER_ALREADY_MERGED (409) with the token of
    /// a merged user.
    async fn storage_item_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The item to delete.")] input: StorageItemDeleteInput,
    ) -> Result<StorageItemDeletePayload> {
        let (done, user_errors) = payload(delete(RequestContext::of(ctx)?, &input.id).await)?;
        Ok(StorageItemDeletePayload {
            deleted_storage_item_id: done.map(|()| input.id),
            user_errors,
        })
    }
}

/// The item does not exist for this caller: it is missing, or outside of the caller's reach.
#[must_use]
pub fn item_not_found() -> UserError {
    UserError::new(
        UserErrorCode::StorageItemNotFound,
        ["id"],
        "No item with this id was found for this credential. Send an id as storageItem.id returns it (itm_…).",
    )
}

/// Returns the user to whose storage an upload goes.
async fn owner_of(
    context: &RequestContext,
    reach: &Reach,
    by: Option<StorefrontUserBy>,
) -> Result<Arc<StorefrontUser>> {
    let refuse = |code, message| Err(Error::rejected(UserError::new(code, ["owner"], message)));
    let owner = match (reach.person(), by) {
        (Some(_), Some(_)) => {
            return refuse(
                UserErrorCode::Forbidden,
                "Your own token uploads to your own storage.",
            );
        }
        (None, None) => return refuse(UserErrorCode::Required, "A backend says whose storage it is."),
        (Some(person), None) => {
            context
                .by_id::<StorefrontUser>(reach, &person.storefront_user)
                .await?
        }
        (None, Some(by)) => named(context, reach, by).await?,
    };
    let owner = owner.ok_or_else(|| Error::rejected(refusal::not_found("owner")))?;
    if owner.merged_into.is_some() {
        return Err(Error::rejected(refusal::already_merged("owner")));
    }
    if let Some(expires_at) = owner.expires_at {
        if context.app.clock.now() >= expires_at {
            return Err(Error::rejected(refusal::expired("owner")));
        }
        context.app.access.count_use(&owner.id, expires_at).await?;
    }
    Ok(owner)
}

/// Returns the user that a backend names. A missing or unknown storefront is a user error of this mutation (SFR-01).
async fn named(
    context: &RequestContext,
    reach: &Reach,
    by: StorefrontUserBy,
) -> Result<Option<Arc<StorefrontUser>>> {
    if let StorefrontUserBy::External(key) = &by {
        let storefront = key.storefront_id.as_ref().map(|id| id.as_str());
        context
            .storefront_to_write(reach, storefront, ["owner", "external", "storefrontId"])
            .await?;
    }
    find(context, reach, by).await
}

async fn update(context: &RequestContext, input: StorageItemUpdateInput) -> Result<StorageItemNode> {
    let StorageItemUpdateInput { id, name, folder } = input;
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    if name.is_undefined() && folder.is_undefined() {
        faults.push(UserError::new(
            UserErrorCode::NoChanges,
            [],
            "Neither name nor folder is sent.",
        ));
    }
    let name = match name {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => faults.take(check_name("")),
        MaybeUndefined::Value(name) => faults.take(check_name(&name)),
    };
    let folder = match folder {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(String::new()),
        MaybeUndefined::Value(folder) => faults.take(check_folder(&folder)),
    };
    let id = faults.take(StorageItemId::parse(&id).ok_or_else(item_not_found));
    faults.check()?;
    let id = id.ok_or_else(|| Error::internal("a validated input has no id"))?;
    let items = item_reach(context, &reach).await?;
    let changes = ItemChanges { name, folder };
    let changed = store::update(
        &context.app.database,
        &items,
        &id,
        changes,
        context.app.clock.now(),
    )
    .await?;
    let item = changed.ok_or_else(|| Error::rejected(item_not_found()))?;
    Ok(StorageItemNode::in_payload(item, &reach))
}

async fn delete(context: &Arc<RequestContext>, id: &str) -> Result<()> {
    let app = &context.app;
    let reach = context.reach_to_write(&WRITE).await?;
    let id = StorageItemId::parse(id).ok_or_else(|| Error::rejected(item_not_found()))?;
    let reach = item_reach(context, &reach).await?;
    let removed = app
        .database
        .transaction((app, &reach, &id), |tx, (app, reach, id)| {
            remove(app, reach, tx, id).boxed()
        })
        .await?;
    // The item is deleted already. If this fails, the sweep removes the content within seconds.
    if let Err(error) = app.blobs.erase(&removed).await {
        tracing::debug!(error = ?error, "cannot delete the content of a deleted file; the cleanup job deletes it");
    }
    Ok(())
}

async fn remove(app: &App, reach: &StorageReach, tx: &mut Tx, id: &StorageItemId) -> Result<Released> {
    let item = store::remove(&app.database, reach, tx, id).await?;
    let item = item.ok_or_else(|| Error::rejected(item_not_found()))?;
    app.blobs.release(tx, vec![item.blob_id]).await
}
