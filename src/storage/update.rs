//! `storageItemUpdate`: renames an item or moves it to another folder.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use bson::{Document, doc};

use super::node::{StorageItemNode, item_reach};
use super::{StorageItem, WRITE, check_folder, check_name, refusal};
use crate::context::RequestContext;
use crate::error::{Faults, Result, UserError, UserErrorCode, payload};
use crate::platform::{
    change::sent,
    clock::Timestamp,
    id::{Id, StorageItemId},
};

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

/// The mutation `storageItemUpdate`.
#[derive(Default)]
pub struct StorageItemUpdate;

#[Object]
impl StorageItemUpdate {
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
        let (storage_item, user_errors) = payload(update(RequestContext::of(ctx)?, input).await)?;
        Ok(StorageItemUpdatePayload {
            storage_item,
            user_errors,
        })
    }
}

async fn update(context: &Arc<RequestContext>, input: StorageItemUpdateInput) -> Result<StorageItemNode> {
    let StorageItemUpdateInput { id, name, folder } = input;
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    if name.is_undefined() && folder.is_undefined() {
        faults.push(no_changes());
    }
    let changes = ItemChanges {
        name: sent(name).and_then(|name| faults.take(check_name(&name.unwrap_or_default()))),
        folder: sent(folder).and_then(|folder| faults.take(check_folder(&folder.unwrap_or_default()))),
    };
    let id = faults.take(StorageItemId::parse(&id).ok_or_else(refusal::not_found));
    let id = faults.finish(id)?;
    let items = item_reach(context, &reach).await?;
    let items = context.app.database.open::<StorageItem>(&items);
    let update = changes.into_update(context.app.clock.now());
    let changed = items.update(doc! { "_id": id }, update).await?;
    let item = changed.ok_or_else(refusal::not_found)?;
    Ok(StorageItemNode::in_payload(item, &reach))
}

/// The checked changes; `None` means unchanged.
struct ItemChanges {
    /// Name.
    name: Option<String>,
    /// Folder; empty for none.
    folder: Option<String>,
}

impl ItemChanges {
    /// Builds the update.
    fn into_update(self, now: Timestamp) -> Document {
        let Self { name, folder } = self;
        let mut set = doc! { "updatedAt": now };
        if let Some(name) = name {
            set.insert("name", name);
        }
        if let Some(folder) = folder {
            set.insert("folder", folder);
        }
        doc! { "$set": set }
    }
}

fn no_changes() -> UserError {
    let message = "Neither name nor folder was sent. Send at least one of them.";
    UserError::new(UserErrorCode::NoChanges, [], message)
}
