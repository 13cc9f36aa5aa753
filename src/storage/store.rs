//! Database access for items.

use std::collections::HashMap;

use bson::{Bson, Document, doc};
use serde::Deserialize;

use super::quota::Totals;
use super::{StorageItem, data_export::DataExport};
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    database::{Database, Index, IndexKind, Tx},
    id::{StorageId, StorageItemId, StorefrontUserId},
    loader::Batch,
    page::{Page, Slice},
    stored::{Stored, StoredField},
};
use crate::reach::{
    Confine, HouseReach, Reach,
    tenant::{Tenant, TenantDocument},
};
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage};

/// Indexes of the items.
pub const INDEXES: &[Index] = &[Index::new(
    StorageItem::COLLECTION,
    "storage_id",
    &[("storageId", 1), ("_id", 1)],
    IndexKind::Plain,
)];

impl Personal for StorageItem {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("storageId", StoredField::Kept("privateStorageId")),
            ("name", StoredField::Personal("name")),
            ("folder", StoredField::Personal("folder")),
            ("kind", StoredField::Personal("kind")),
            ("contentType", StoredField::Personal("contentType")),
            ("byteSize", StoredField::Personal("byteSize")),
            ("sha256", StoredField::Personal("sha256")),
            ("blobId", StoredField::Hidden),
            ("createdAt", StoredField::Kept("createdAt")),
            ("updatedAt", StoredField::Kept("updatedAt")),
        ],
    };
    const NAME: &'static str = "storageItems";
    const LINK: SubjectLink = SubjectLink::Storage("storageId");
}

/// Returns the storage for a user's uploads: the one that was created together with the user.
///
/// # Errors
/// Any database error.
pub async fn home_storage(
    database: &Database,
    reach: &impl Confine,
    owner: &StorefrontUserId,
) -> Result<Option<PrivateStorage>> {
    let storages = database.open::<PrivateStorage>(reach);
    let first = storages.find(doc! { "ownerId": owner }, doc! { "_id": 1 }, 1);
    Ok(first.await?.pop())
}

/// Returns the user that owns a storage now.
///
/// # Errors
/// Any database error.
pub async fn current_owner(database: &Database, storage: &PrivateStorage) -> Result<Option<StorefrontUser>> {
    let reach = HouseReach::within(&storage.storefront_id);
    let storage = database.open::<PrivateStorage>(&reach).get(&storage.id).await?;
    match storage.and_then(|storage| storage.owner_id) {
        Some(owner) => database.open::<StorefrontUser>(&reach).get(&owner).await,
        None => Ok(None),
    }
}

/// The storages of a storefront, for the transactions that add and remove items. The owner of a storage may have
/// changed since the caller's reach was determined.
pub struct Storages<'a> {
    /// The database.
    pub database: &'a Database,
    /// The reach into the storefront.
    pub reach: &'a HouseReach,
}

impl Storages<'_> {
    fn open(&self) -> Tenant<PrivateStorage> {
        self.database.open(self.reach)
    }

    /// Returns the owner of a storage.
    ///
    /// # Errors
    /// Any database error.
    pub async fn owner_in(&self, tx: &mut Tx, id: &StorageId) -> Result<Option<StorefrontUserId>> {
        let found = self.open().find_one_in(tx, doc! { "_id": id }).await?;
        Ok(found.and_then(|storage| storage.owner_id))
    }

    /// Adds to the totals of a storage; `None` if it has no owner.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_in(
        &self,
        tx: &mut Tx,
        id: &StorageId,
        added: Totals,
    ) -> Result<Option<PrivateStorage>> {
        let owned = doc! { "_id": id, "ownerId": { "$exists": true } };
        let increase = doc! { "itemCount": added.items, "totalBytes": added.bytes };
        let storages = self.open();
        storages.update_in(tx, owned, doc! { "$inc": increase }).await
    }

    /// Returns the totals of all storages of a user.
    ///
    /// # Errors
    /// Any database error.
    pub async fn totals_in(&self, tx: &mut Tx, owner: &StorefrontUserId) -> Result<Totals> {
        let storages = self.open().find_in(tx, doc! { "ownerId": owner }).await?;
        Ok(Totals {
            items: storages.iter().map(|storage| storage.item_count).sum(),
            bytes: storages.iter().map(|storage| storage.total_bytes).sum(),
        })
    }
}

/// Returns the item, or the export that has not expired at `now`, whose content a signed link references.
///
/// # Errors
/// Any database error.
pub async fn linked(database: &Database, id: &StorageItemId, now: Timestamp) -> Result<Option<StorageItem>> {
    // A link names no storefront; its signature is its permission.
    let reach = HouseReach::everywhere();
    if let Some(item) = database.open::<StorageItem>(&reach).get(id).await? {
        return Ok(Some(item));
    }
    let found = database.open::<DataExport>(&reach).get(id).await?;
    let found = found.filter(|export| export.is_valid_at(now));
    Ok(found.map(|export| export.item()))
}

/// Loads the totals of several users of a level.
pub struct TotalsOf {
    /// The database.
    pub database: Database,
    /// The caller's reach.
    pub reach: Reach,
}

impl Batch for TotalsOf {
    type Key = StorefrontUserId;
    type Value = Totals;

    async fn load(&self, owners: &[StorefrontUserId]) -> Result<HashMap<StorefrontUserId, Totals>> {
        #[derive(Deserialize)]
        struct StorageRow {
            #[serde(rename = "_id")]
            owner: StorefrontUserId,
            items: i64,
            bytes: i64,
        }
        let sums =
            doc! { "_id": "$ownerId", "items": { "$sum": "$itemCount" }, "bytes": { "$sum": "$totalBytes" } };
        let pipeline = vec![owned_by(owners), doc! { "$group": sums }];
        let storages = self.database.open::<PrivateStorage>(&self.reach);
        let rows: Vec<StorageRow> = storages.aggregate(pipeline).await?;
        let totals = |StorageRow { owner, items, bytes }| (owner, Totals { items, bytes });
        Ok(rows.into_iter().map(totals).collect())
    }
}

/// Loads a page of items for several users of a level, in one command: from the owners' storages, which the reach
/// confines, to the items in them.
pub struct ItemsOf {
    /// The database.
    pub database: Database,
    /// The caller's reach.
    pub reach: Reach,
    /// The page.
    pub page: Page,
    /// Condition of the items.
    pub condition: Document,
}

/// The result of a pipeline for one owner.
#[derive(Deserialize)]
struct Owned<T> {
    #[serde(rename = "_id")]
    owner: StorefrontUserId,
    found: Vec<T>,
}

impl Batch for ItemsOf {
    type Key = StorefrontUserId;
    type Value = Slice<StorageItem>;

    async fn load(
        &self,
        owners: &[StorefrontUserId],
    ) -> Result<HashMap<StorefrontUserId, Slice<StorageItem>>> {
        let within = vec![
            doc! { "$match": { "$and": [self.page.filter(), self.condition.clone()] } },
            doc! { "$sort": self.page.sort() },
            doc! { "$limit": self.page.limit() },
        ];
        let rows: Vec<Owned<StorageItem>> =
            through_storages(&self.database, &self.reach, owners, within).await?;
        let position = |item: &StorageItem| ((&item.id).into(), (&item.id).into());
        let slice = |row: Owned<StorageItem>| (row.owner, self.page.cut(row.found, position));
        Ok(rows.into_iter().map(slice).collect())
    }
}

/// Counts the items that match a condition for several users of a level.
pub struct CountsOf {
    /// The database.
    pub database: Database,
    /// The caller's reach.
    pub reach: Reach,
    /// Condition of the items.
    pub condition: Document,
}

impl Batch for CountsOf {
    type Key = StorefrontUserId;
    type Value = u64;

    async fn load(&self, owners: &[StorefrontUserId]) -> Result<HashMap<StorefrontUserId, u64>> {
        #[derive(Deserialize)]
        struct ItemCount {
            n: i64,
        }
        let within = vec![doc! { "$match": self.condition.clone() }, doc! { "$count": "n" }];
        let rows: Vec<Owned<ItemCount>> =
            through_storages(&self.database, &self.reach, owners, within).await?;
        let count = |row: Owned<ItemCount>| {
            let count = row.found.first().map_or(0, |found| found.n);
            (row.owner, u64::try_from(count).unwrap_or(0))
        };
        Ok(rows.into_iter().map(count).collect())
    }
}

/// Runs a pipeline over the items of each owner.
async fn through_storages<R: for<'de> Deserialize<'de> + Send + Unpin>(
    database: &Database,
    reach: &Reach,
    owners: &[StorefrontUserId],
    within: Vec<Document>,
) -> Result<Vec<Owned<R>>>
where
    Owned<R>: for<'de> Deserialize<'de>,
{
    let storages = database.open::<PrivateStorage>(reach);
    let pipeline = vec![
        owned_by(owners),
        doc! { "$group": { "_id": "$ownerId", "storages": { "$push": "$_id" } } },
        storages.children::<StorageItem>("storages", "storageId", "found", within),
        doc! { "$project": { "found": 1 } },
    ];
    storages.aggregate(pipeline).await
}

fn owned_by(owners: &[StorefrontUserId]) -> Document {
    let owners: Vec<Bson> = owners.iter().map(Bson::from).collect();
    doc! { "$match": { "ownerId": { "$in": owners } } }
}
