//! Changes of data exports that earlier versions stored.

use std::pin::pin;

use bson::doc;
use futures_util::{FutureExt, TryStreamExt};

use crate::audit;
use crate::error::Result;
use crate::platform::{
    database::{Database, Tx, Write},
    id::{CustomerId, Id, StorageItemId},
    migration::Migration,
};
use crate::reach::HouseReach;
use crate::storage::{
    StorageItem,
    data_export::{self, DataExport},
};
use crate::storefront_user::private_storage::PrivateStorage;

/// Turns exports that earlier versions stored as ordinary items into [`DataExport`]s. The audit trail identifies them.
pub const SEPARATE_EXPORTS: Migration = Migration {
    number: 4,
    name: "data exports are no items",
    run: |database| separate(database).boxed(),
};

async fn separate(database: &Database) -> Result<()> {
    let mut entries = pin!(audit::exported(database).await?);
    while let Some(entry) = entries.try_next().await? {
        let item = entry.object.as_deref().and_then(StorageItemId::parse);
        if let Some(item) = item {
            let separation = ExportSeparation {
                database,
                item,
                customer: entry.customer_id,
            };
            database.run(&separation).await?;
        }
    }
    Ok(())
}

/// The write that turns an item into an export. An item that is deleted, or whose storage is being deleted, is
/// unchanged.
struct ExportSeparation<'a> {
    database: &'a Database,
    item: StorageItemId,
    customer: CustomerId,
}

impl Write for ExportSeparation<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let system = HouseReach::everywhere();
        let items = self.database.open::<StorageItem>(&system);
        let Some(item) = items.find_one_in(tx, doc! { "_id": &self.item }).await? else {
            return Ok(());
        };
        let counted = doc! { "$inc": { "itemCount": -1_i64, "totalBytes": -item.byte_size } };
        let owned = doc! { "_id": &item.storage_id, "ownerId": { "$exists": true } };
        let storages = self.database.open::<PrivateStorage>(&system);
        let storage = storages.update_in(tx, owned, counted).await?;
        let Some(user_id) = storage.and_then(|storage| storage.owner_id) else {
            return Ok(());
        };
        items.delete_in(tx, doc! { "_id": &self.item }).await?;
        let export = DataExport {
            id: item.id,
            storefront_id: item.storefront_id,
            user_id,
            customer_id: self.customer.clone(),
            storage_id: item.storage_id,
            name: item.name,
            byte_size: item.byte_size,
            sha256: item.sha256,
            blob_id: item.blob_id,
            created_at: item.created_at,
            expires_at: item.created_at.after(data_export::LIFETIME),
        };
        self.database
            .open::<DataExport>(&system)
            .insert_in(tx, &system, &export)
            .await
    }
}
