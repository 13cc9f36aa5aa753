//! The private storage of a storefront user: who owns it, and how much is in it. Items belong to a storage, so that a
//! merge gives a storage another owner and touches no item. After merges a user owns several.

use serde::{Deserialize, Serialize};

use crate::access::{
    reach::Holder,
    tenant::{StorageDocument, TenantDocument},
};
use crate::platform::{
    clock::Timestamp,
    id::{StorageId, StorefrontId, StorefrontUserId},
};

/// Collection of the storages.
pub const COLLECTION: &str = "privateStorages";

/// A storage. Its counts are kept exact by the transactions that add and remove items.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrivateStorage {
    /// Id.
    #[serde(rename = "_id")]
    pub id: StorageId,
    /// Where.
    pub storefront_id: StorefrontId,
    /// Whose; absent while the storage of a removed user is being emptied.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner_id: Option<StorefrontUserId>,
    /// How many items are in it.
    pub item_count: i64,
    /// Bytes of their content.
    pub total_bytes: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl TenantDocument for PrivateStorage {
    type Id = StorageId;
    const COLLECTION: &'static str = COLLECTION;
    const HOLDER: Holder = Holder::StorefrontUser("ownerId");

    fn id(&self) -> &StorageId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl StorageDocument for PrivateStorage {}
