//! Data exports: files with all data that is stored about a customer. A caller who may read that data may read the
//! file. It is not an item of the customer's private storage: a separate collection keeps it out of every list, count,
//! change and removal of items. It expires after a week (EXP-02).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ItemKind, StorageItem, sniff};
use crate::domain::personal::{Personal, SubjectLink};
use crate::platform::{
    blob::BlobId,
    clock::Timestamp,
    database::{Index, IndexKind},
    id::{CustomerId, StorageId, StorageItemId, StorefrontId, StorefrontUserId},
    stored::{Stored, StoredField},
};
use crate::reach::{Holder, principal::Policy, scope::Scope, tenant::TenantDocument};

/// Who may read an export: who may read the data in it.
pub const READ: Policy = Policy::backend(Scope::CustomersRead).and_customer();
/// Lifetime of an export.
pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// Indexes of the exports.
pub const INDEXES: &[Index] = &[
    Index::new(
        DataExport::COLLECTION,
        "storefront_user",
        &[("storefrontId", 1), ("userId", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
    // No TTL index, because the content has to be removed too.
    Index::new(
        DataExport::COLLECTION,
        "due",
        &[("expiresAt", 1)],
        IndexKind::Plain,
    ),
];

/// A file with all data that is stored about a customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataExport {
    /// Id, with the same format as that of an item.
    #[serde(rename = "_id")]
    pub id: StorageItemId,
    /// Storefront of the customer.
    pub storefront_id: StorefrontId,
    /// The customer's storefront user.
    pub user_id: StorefrontUserId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The storage of the customer's user, by which the owner of the file is found.
    pub storage_id: StorageId,
    /// Display name.
    pub name: String,
    /// Size of the content, in bytes.
    pub byte_size: i64,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// The content.
    pub blob_id: BlobId,
    /// Time at which the export was written.
    pub created_at: Timestamp,
    /// Time at which the export expires.
    pub expires_at: Timestamp,
}

impl DataExport {
    /// Returns the file as an item.
    #[must_use]
    pub fn item(&self) -> StorageItem {
        let export = self.clone();
        StorageItem {
            id: export.id,
            storefront_id: export.storefront_id,
            storage_id: export.storage_id,
            name: export.name,
            folder: String::new(),
            kind: ItemKind::Other,
            content_type: sniff::JSON.to_owned(),
            byte_size: export.byte_size,
            sha256: export.sha256,
            blob_id: export.blob_id,
            created_at: export.created_at,
            updated_at: export.created_at,
        }
    }

    /// Whether the export has not expired at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

impl TenantDocument for DataExport {
    type Id = StorageItemId;
    const COLLECTION: &'static str = "dataExports";
    const HOLDER: Holder = Holder::StorefrontUser("userId");

    fn id(&self) -> &StorageItemId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl Personal for DataExport {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("userId", StoredField::Kept("storefrontUserId")),
            ("customerId", StoredField::Kept("customerId")),
            ("storageId", StoredField::Free),
            ("name", StoredField::Personal("name")),
            ("byteSize", StoredField::Personal("byteSize")),
            ("sha256", StoredField::Personal("sha256")),
            ("blobId", StoredField::Hidden),
            ("createdAt", StoredField::Kept("createdAt")),
            ("expiresAt", StoredField::Kept("expiresAt")),
        ],
    };
    const NAME: &'static str = "dataExports";
    const LINK: SubjectLink = SubjectLink::User("userId");
}
