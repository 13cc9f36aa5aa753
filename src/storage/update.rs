//! `storageItemUpdate`: renames an item or moves it to another folder.

use std::sync::Arc;

use async_graphql::{ID, InputObject, MaybeUndefined};
use bson::doc;

use super::node::{StorageItemNode, item_reach};
use super::{StorageItem, WRITE, check_folder, check_name, refusal};
use crate::context::RequestContext;
use crate::error::{Faults, Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::platform::{
    change::sent,
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

mutation! {
    /// Renames an item or moves it to another folder.
    /// Requires a storefront user token or customer token, or an integration token or client secret with the scope
    /// `storage:write`.
    /// User errors: STORAGE_ITEM_NOT_FOUND, NO_CHANGES if neither name nor folder is sent, REQUIRED, TOO_LONG, INVALID,
    /// STOREFRONT_USER_ALREADY_MERGED (409) with the token of a merged user.
    StorageItemUpdate.storage_item_update = update(
        #[graphql(desc = "The item and its new values.")] input: StorageItemUpdateInput,
    ) -> StorageItemUpdatePayload;

    /// Payload of `storageItemUpdate`.
    payload {
        /// The item as stored after the update; null when there are user errors.
        storage_item: StorageItemNode,
    }
}

async fn update(
    context: &Arc<RequestContext>,
    input: StorageItemUpdateInput,
) -> Result<StorageItemUpdatePayload> {
    let StorageItemUpdateInput { id, name, folder } = input;
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    if name.is_undefined() && folder.is_undefined() {
        let message = "Neither name nor folder was sent. Send at least one of them.";
        faults.push(UserError::new(UserErrorCode::NoChanges, [], message));
    }
    let name = sent(name).and_then(|name| faults.take(check_name(&name.unwrap_or_default())));
    let folder = sent(folder).and_then(|folder| faults.take(check_folder(&folder.unwrap_or_default())));
    let id = faults.take(StorageItemId::parse(&id).ok_or_else(refusal::not_found));
    let id = faults.finish(id)?;
    let items = item_reach(context, &reach).await?;
    let items = context.app.database.open::<StorageItem>(&items);
    let mut set = doc! { "updatedAt": context.app.clock.now() };
    set.extend(name.map(|name| ("name".to_owned(), name.into())));
    set.extend(folder.map(|folder| ("folder".to_owned(), folder.into())));
    let changed = items.update(doc! { "_id": id }, doc! { "$set": set }).await?;
    let item = changed.ok_or_else(refusal::not_found)?;
    let node = StorageItemNode::in_payload(item, &reach);
    Ok(StorageItemUpdatePayload::of(node))
}
