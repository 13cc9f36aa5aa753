//! The private storage of a storefront user: its owner and its totals. Items belong to a storage, so that a merge
//! changes the owner of a storage and no item. After merges a user owns several storages.

use serde::{Deserialize, Serialize};

use crate::platform::{
    clock::Timestamp,
    id::{StorageId, StorefrontId, StorefrontUserId},
};
use crate::reach::{
    Holder,
    tenant::{StorageDocument, TenantDocument},
};

/// A storage. The transactions that add and remove items keep its counts exact.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrivateStorage {
    /// Id.
    #[serde(rename = "_id")]
    pub id: StorageId,
    /// Storefront of the storage.
    pub storefront_id: StorefrontId,
    /// Owner; missing while the storage of a removed user is being emptied.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner_id: Option<StorefrontUserId>,
    /// Number of items.
    pub item_count: i64,
    /// Size of their content, in bytes.
    pub total_bytes: i64,
    /// Time of creation.
    pub created_at: Timestamp,
}

impl TenantDocument for PrivateStorage {
    type Id = StorageId;
    const COLLECTION: &'static str = "privateStorages";
    const HOLDER: Holder = Holder::StorefrontUser("ownerId");

    fn id(&self) -> &StorageId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl StorageDocument for PrivateStorage {}
