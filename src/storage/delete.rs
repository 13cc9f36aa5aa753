//! `storageItemDelete`: deletes an item and its content.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::node::item_reach;
use super::quota::Totals;
use super::store::Storages;
use super::{StorageItem, WRITE, refusal};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::Result;
use crate::mutation::mutation;
use crate::platform::{
    blob::Released,
    database::{Tx, Write},
    id::{Id, StorageItemId, StorefrontUserId},
};
use crate::reach::{HouseReach, StorageReach};
use crate::storefront_user::{
    self,
    store::{Touched, touch},
};

/// Input of `storageItemDelete`: the item to delete.
#[derive(InputObject)]
pub struct StorageItemDeleteInput {
    /// Id of the item.
    id: ID,
}

mutation! {
    /// Deletes an item and its content.
    /// Requires a storefront user token or customer token, or an integration token or client secret with the scope
    /// `storage:write`.
    /// User errors: STORAGE_ITEM_NOT_FOUND, CUSTOMER_ANONYMIZED, STOREFRONT_USER_ALREADY_MERGED (409) with the token of
    /// a merged user.
    StorageItemDelete.storage_item_delete = delete(
        #[graphql(desc = "The item to delete.")] input: StorageItemDeleteInput,
    ) -> StorageItemDeletePayload;

    /// Payload of `storageItemDelete`.
    payload {
        /// Id of the deleted item; null when there are user errors.
        deleted_storage_item_id: ID,
    }
}

async fn delete(
    context: &Arc<RequestContext>,
    input: StorageItemDeleteInput,
) -> Result<StorageItemDeletePayload> {
    let app = &context.app;
    let reach = context.reach_to_write(&WRITE).await?;
    let id = StorageItemId::parse(&input.id).ok_or_else(refusal::not_found)?;
    let deletion = ItemDeletion {
        app,
        reach: &item_reach(context, &reach).await?,
        item: id,
    };
    let released = app.database.run(&deletion).await?;
    // The item is deleted already. If this fails, the sweep removes the content within seconds.
    if let Err(error) = app.blobs.erase(&released).await {
        tracing::debug!(error = ?error, "cannot delete the content of a deleted file; the cleanup job deletes it");
    }
    Ok(StorageItemDeletePayload::of(input.id))
}

/// The write that deletes an item. Returns its content, which the caller has to erase.
struct ItemDeletion<'a> {
    app: &'a App,
    reach: &'a StorageReach,
    item: StorageItemId,
}

impl Write for ItemDeletion<'_> {
    type Output = Released;

    /// # Errors
    /// STORAGE_ITEM_NOT_FOUND, CUSTOMER_ANONYMIZED.
    async fn write(&self, tx: &mut Tx) -> Result<Released> {
        let database = &self.app.database;
        let items = database.open::<StorageItem>(self.reach);
        let item = items.find_one_in(tx, doc! { "_id": &self.item }).await?;
        let item = item.ok_or_else(refusal::not_found)?;
        let within = HouseReach::within(&item.storefront_id);
        let storages = Storages {
            database,
            reach: &within,
        };
        let owner = storages.owner_in(tx, &item.storage_id).await?;
        // If a merge has given the storage another owner since the reach was determined, the item belongs to that
        // owner.
        let person = self.reach.person();
        let is_own = |owner: &StorefrontUserId| person.is_none_or(|person| person.storefront_user == *owner);
        let owner = owner.filter(is_own).ok_or_else(refusal::not_found)?;
        if let Touched::Erased = touch(database, &within, tx, &owner).await? {
            return Err(storefront_user::refusal::anonymized("id").into());
        }
        let removed = Totals {
            items: -1,
            bytes: -item.byte_size,
        };
        storages.count_in(tx, &item.storage_id, removed).await?;
        let deleted = items.delete_in(tx, doc! { "_id": &self.item }).await?;
        let deleted = deleted.ok_or_else(refusal::not_found)?;
        self.app.blobs.release(tx, vec![deleted.blob_id]).await
    }
}
