//! Database access for items.

use std::collections::HashMap;

use bson::{Bson, Document, doc};
use serde::Deserialize;

use super::quota::{Quota, Totals};
use super::{StorageItem, data_export::DataExport};
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    database::{Database, Index, IndexKind, Tx},
    id::{StorageId, StorageItemId, StorefrontUserId},
    loader::Batch,
    page::{Page, Slice},
    stored::{Stored, StoredField},
};
use crate::reach::{Confine, HouseReach, Reach, StorageReach, tenant::TenantDocument};
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage, refusal, store as users};

/// Indexes of the items.
pub const INDEXES: &[Index] = &[Index {
    collection: StorageItem::COLLECTION,
    name: "storage_id",
    keys: &[("storageId", 1), ("_id", 1)],
    kind: IndexKind::Plain,
}];

impl Personal for StorageItem {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Told("id")),
            ("storefrontId", StoredField::Told("storefrontId")),
            ("storageId", StoredField::Told("privateStorageId")),
            ("name", StoredField::Personal("name")),
            ("folder", StoredField::Personal("folder")),
            ("kind", StoredField::Personal("kind")),
            ("contentType", StoredField::Personal("contentType")),
            ("byteSize", StoredField::Personal("byteSize")),
            ("sha256", StoredField::Personal("sha256")),
            ("blobId", StoredField::Hidden),
            ("createdAt", StoredField::Told("createdAt")),
            ("updatedAt", StoredField::Told("updatedAt")),
        ],
    };
    const NAME: &'static str = "storageItems";
    const LINK: SubjectLink = SubjectLink::Storage("storageId");
}

/// Returns the storage for a user's uploads: the one that was created together with the user.
pub async fn home_storage(
    database: &Database,
    reach: &impl Confine,
    owner: &StorefrontUserId,
) -> Result<Option<PrivateStorage>> {
    let storages = database.open::<PrivateStorage>(reach);
    Ok(storages
        .find(doc! { "ownerId": owner }, doc! { "_id": 1 }, 1)
        .await?
        .pop())
}

/// Returns the totals of all storages of a user.
async fn totals(database: &Database, tx: &mut Tx, owner: &StorefrontUser) -> Result<Totals> {
    let storages = database.open::<PrivateStorage>(&HouseReach::everywhere());
    let owned = doc! { "storefrontId": &owner.storefront_id, "ownerId": &owner.id };
    let storages = storages.find_in(tx, owned).await?;
    Ok(Totals {
        items: storages.iter().map(|storage| storage.item_count).sum(),
        bytes: storages.iter().map(|storage| storage.total_bytes).sum(),
    })
}

/// Returns the current owner of a storage.
pub async fn owner_now(database: &Database, storage: &StorageId) -> Result<Option<StorefrontUser>> {
    let system = HouseReach::everywhere();
    let storage = database.open::<PrivateStorage>(&system).get(storage).await?;
    match storage.and_then(|storage| storage.owner_id) {
        Some(owner) => database.open::<StorefrontUser>(&system).get(&owner).await,
        None => Ok(None),
    }
}

/// The result of adding an item.
#[derive(Debug)]
pub enum Added {
    /// The item was added.
    Yes,
    /// The item would exceed the owner's quota.
    OverQuota,
    /// The owner was removed meanwhile.
    NoOwner,
    /// The owner's customer is erased, or being erased.
    Erased,
}

/// Adds an item whose content is written, within the caller's transaction.
///
/// The storage was looked up when the upload started. If a merge has given it another owner meanwhile, the item belongs
/// to that owner, so that uploads in progress are not lost (SFU-35).
pub async fn add(database: &Database, tx: &mut Tx, item: &StorageItem, quota: Quota) -> Result<Added> {
    let system = HouseReach::everywhere();
    let Some(owner_id) = owner_in(database, tx, &item.storage_id).await? else {
        return Ok(Added::NoOwner);
    };
    // The first write, so that a refused upload does not block others. Concurrent uploads of one owner to different
    // storages conflict here, so that the quota applies to their sum.
    let owner = match users::touch(database, &system, tx, &owner_id).await? {
        users::Touched::Open(owner) => owner,
        users::Touched::Erased => return Ok(Added::Erased),
        users::Touched::Gone => return Ok(Added::NoOwner),
    };
    let counted = count(database, tx, &item.storage_id, 1, item.byte_size).await?;
    if counted.is_none() {
        return Ok(Added::NoOwner);
    }
    // By the current owner: a merge or promotion meanwhile may have made it a regular user.
    if !quota.admits(&owner, totals(database, tx, &owner).await?) {
        return Ok(Added::OverQuota);
    }
    database
        .open::<StorageItem>(&system)
        .insert_in(tx, &system, item)
        .await?;
    Ok(Added::Yes)
}

/// Returns the owner of a storage, within a transaction.
async fn owner_in(database: &Database, tx: &mut Tx, storage: &StorageId) -> Result<Option<StorefrontUserId>> {
    let storages = database.open::<PrivateStorage>(&HouseReach::everywhere());
    let found = storages.find_one_in(tx, doc! { "_id": storage }).await?;
    Ok(found.and_then(|storage| storage.owner_id))
}

/// Adds to the item and byte counts of a storage that has an owner.
async fn count(
    database: &Database,
    tx: &mut Tx,
    storage: &StorageId,
    items: i64,
    bytes: i64,
) -> Result<Option<PrivateStorage>> {
    let storages = database.open::<PrivateStorage>(&HouseReach::everywhere());
    let owned = doc! { "_id": storage, "ownerId": { "$exists": true } };
    storages
        .update_in(
            tx,
            owned,
            doc! { "$inc": { "itemCount": items, "totalBytes": bytes } },
        )
        .await
}

/// Removes an item from its storage within the caller's transaction; `None` if it is not within the reach.
pub async fn remove(
    database: &Database,
    reach: &StorageReach,
    tx: &mut Tx,
    id: &StorageItemId,
) -> Result<Option<StorageItem>> {
    let items = database.open::<StorageItem>(reach);
    let Some(item) = items.find_one_in(tx, doc! { "_id": id }).await? else {
        return Ok(None);
    };
    let owner = owner_in(database, tx, &item.storage_id).await?;
    // If a merge has given the storage another owner since the reach was determined, the item belongs to that owner.
    let still_own = reach
        .person()
        .is_none_or(|person| owner.as_ref() == Some(&person.storefront_user));
    match owner {
        Some(owner) if still_own => {
            let system = HouseReach::everywhere();
            if let users::Touched::Erased = users::touch(database, &system, tx, &owner).await? {
                return Err(Error::rejected(refusal::anonymized("id")));
            }
            count(database, tx, &item.storage_id, -1, -item.byte_size).await?;
            items.delete_in(tx, doc! { "_id": id }).await
        }
        _ => Err(Error::rejected(super::mutations::item_not_found())),
    }
}

/// Changes of an item; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct ItemChanges {
    /// New name.
    pub name: Option<String>,
    /// New folder.
    pub folder: Option<String>,
}

/// Changes an item; `None` if it is not within the reach.
pub async fn update(
    database: &Database,
    reach: &StorageReach,
    id: &StorageItemId,
    changes: ItemChanges,
    now: Timestamp,
) -> Result<Option<StorageItem>> {
    let ItemChanges { name, folder } = changes;
    let mut set = doc! { "updatedAt": now };
    if let Some(name) = name {
        set.insert("name", name);
    }
    if let Some(folder) = folder {
        set.insert("folder", folder);
    }
    database
        .open::<StorageItem>(reach)
        .update(doc! { "_id": id }, doc! { "$set": set })
        .await
}

/// Returns the item, or the export that has not expired at `now`, whose content a signed link references.
pub async fn linked(database: &Database, id: &StorageItemId, now: Timestamp) -> Result<Option<StorageItem>> {
    let items = database.open::<StorageItem>(&HouseReach::everywhere());
    match items.get(id).await? {
        Some(item) => Ok(Some(item)),
        None => {
            let exports = database.open::<DataExport>(&HouseReach::everywhere());
            let found = exports.get(id).await?;
            let found = found.filter(|export| export.is_there(now));
            Ok(found.map(|export| export.item()))
        }
    }
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
        let rows: Vec<StorageRow> = self
            .database
            .open::<PrivateStorage>(&self.reach)
            .aggregate(pipeline)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                (
                    row.owner,
                    Totals {
                        items: row.items,
                        bytes: row.bytes,
                    },
                )
            })
            .collect())
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
        let cut = |found| {
            self.page
                .cut(found, |item: &StorageItem| ((&item.id).into(), (&item.id).into()))
        };
        Ok(rows.into_iter().map(|row| (row.owner, cut(row.found))).collect())
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
        let number = |row: &Owned<ItemCount>| {
            row.found
                .first()
                .map_or(0, |counted| u64::try_from(counted.n).unwrap_or(0))
        };
        Ok(rows
            .into_iter()
            .map(|row| (row.owner.clone(), number(&row)))
            .collect())
    }
}

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
