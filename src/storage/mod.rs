//! Items of private storage: files that storefront users upload.

pub mod data_export;
pub mod delete;
pub mod jobs;
pub mod link;
pub mod node;
pub mod quota;
pub mod sniff;
pub mod store;
pub mod update;
pub mod upload;

use async_graphql::{EmptyMutation, MergedObject};
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::domain::personal::{Erasure, PersonalKind};
use crate::error::{UserError, UserErrorCode};
use crate::platform::{
    blob::BlobId,
    clock::Timestamp,
    id::{StorageId, StorageItemId, StorefrontId},
    text,
};
use crate::reach::{Holder, principal::Policy, scope::Scope, tenant::TenantDocument};

/// The declaration of private storages.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES, data_export::INDEXES],
    jobs: jobs::JOBS,
    personal: &[
        PersonalKind::of::<StorageItem>(Erasure::Elsewhere),
        PersonalKind::of::<data_export::DataExport>(Erasure::Elsewhere),
    ],
    erase: Some(jobs::erase),
    ..Domain::EMPTY
};

/// The mutations of private storages.
#[derive(MergedObject, Default)]
#[graphql(name = "StorageMutation")]
pub struct Mutation(
    upload::StorageItemUpload,
    update::StorageItemUpdate,
    delete::StorageItemDelete,
);

/// It has no queries.
pub type Query = EmptyMutation;

/// Who may read private storages.
pub const READ: Policy = Policy::backend(Scope::StorageRead).and_own();
/// Who may write to private storages.
pub const WRITE: Policy = Policy::backend(Scope::StorageWrite).and_own();

/// Maximum length of a name, in characters.
const MAX_NAME: usize = 255;
/// Maximum length of a folder, in characters.
const MAX_FOLDER: usize = 255;

/// Kind of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "StorageItemKind")]
pub enum ItemKind {
    /// An image.
    Image,
    /// A design that the customer personalizes, as JSON.
    Design,
    /// Any other file.
    Other,
}

/// An item. Its content is written once and never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageItem {
    /// Id.
    #[serde(rename = "_id")]
    pub id: StorageItemId,
    /// Storefront of the item.
    pub storefront_id: StorefrontId,
    /// Storage of the item; the storage's owner is the item's.
    pub storage_id: StorageId,
    /// Display name; not unique.
    pub name: String,
    /// Folder, empty for none; opaque to the gateway.
    pub folder: String,
    /// Kind of the item.
    pub kind: ItemKind,
    /// Content type, detected from the content.
    pub content_type: String,
    /// Size of the content, in bytes.
    pub byte_size: i64,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// The content.
    pub blob_id: BlobId,
    /// Time of the upload.
    pub created_at: Timestamp,
    /// Time at which the name or folder was last changed.
    pub updated_at: Timestamp,
}

impl TenantDocument for StorageItem {
    type Id = StorageItemId;
    const COLLECTION: &'static str = "storageItems";
    const HOLDER: Holder = Holder::Storage("storageId");

    fn id(&self) -> &StorageItemId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

/// Checks the name of an item: 1 to 255 characters, not blank, without control characters.
///
/// # Errors
/// REQUIRED, TOO_LONG or INVALID on `name`.
pub fn check_name(name: &str) -> Result<String, UserError> {
    text::required(name, "name", MAX_NAME)
}

/// Checks the folder of an item: at most 255 characters, without control characters.
///
/// # Errors
/// TOO_LONG or INVALID on `folder`.
pub fn check_folder(folder: &str) -> Result<String, UserError> {
    text::optional(folder, "folder", MAX_FOLDER)
}

/// Returns the kind of an item whose upload specifies none.
#[must_use]
pub fn kind_of(content_type: &str) -> ItemKind {
    match content_type {
        sniff::JSON => ItemKind::Design,
        image if image.starts_with("image/") => ItemKind::Image,
        _ => ItemKind::Other,
    }
}

/// Returns the last segment of a client's file name; a path in it must be ignored (RFC 7578 §4.2).
#[must_use]
pub fn base_name(file_name: &str) -> &str {
    file_name.rsplit(['/', '\\']).next().unwrap_or(file_name)
}

/// The user errors of the items' operations.
pub mod refusal {
    use super::{UserError, UserErrorCode};

    /// The item does not exist, or is outside the caller's reach.
    #[must_use]
    pub fn not_found() -> UserError {
        let message = "No item with this id was found for this credential. Send an id as storageItem.id returns it \
                       (itm_…).";
        UserError::new(UserErrorCode::StorageItemNotFound, ["id"], message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SFU-04
    #[test]
    fn a_files_path_is_not_its_name() {
        assert_eq!(base_name("C:\\photos\\cat.png"), "cat.png");
        assert_eq!(base_name("photos/cat.png"), "cat.png");
        assert_eq!(base_name("cat.png"), "cat.png");
    }

    // SFU-04
    #[test]
    fn an_image_is_an_image_and_json_a_design() {
        assert_eq!(kind_of("image/svg+xml"), ItemKind::Image);
        assert_eq!(kind_of("application/json"), ItemKind::Design);
        assert_eq!(kind_of("application/pdf"), ItemKind::Other);
    }
}
