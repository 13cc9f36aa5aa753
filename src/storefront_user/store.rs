//! Database access for storefront users and their storages.

use bson::doc;

use super::StorefrontUser;
use super::private_storage::PrivateStorage;
use crate::auth::STOREFRONT_USERS;
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    database::{Database, Index, IndexKind, Tx},
    id::{CustomerId, StorageId, StorefrontUserId},
    random::Random,
    stored::{Stored, StoredField},
};
use crate::reach::{Confine, Reach, StorefrontReach, tenant::TenantDocument};

/// The index that keeps a `storefrontUserId` unique in its storefront.
pub const UNIQUE_EXTERNAL_ID: &str = "storefront_storefrontUserId";

/// Indexes of the users and their storages.
pub const INDEXES: &[Index] = &[
    Index::new(
        STOREFRONT_USERS,
        UNIQUE_EXTERNAL_ID,
        &[("storefrontId", 1), ("storefrontUserId", 1)],
        IndexKind::Unique,
    ),
    Index::new(
        STOREFRONT_USERS,
        "storefront_id",
        &[("storefrontId", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
    // For the erasure of a customer, which removes the anonymous users merged into the customer's user.
    Index::new(
        STOREFRONT_USERS,
        "storefront_mergedInto",
        &[("storefrontId", 1), ("mergedInto", 1)],
        IndexKind::Having("mergedInto"),
    ),
    Index::new(
        STOREFRONT_USERS,
        "expiry",
        &[("expiresAt", 1)],
        IndexKind::Having("expiresAt"),
    ),
    Index::new(
        PrivateStorage::COLLECTION,
        "storefront_owner",
        &[("storefrontId", 1), ("ownerId", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
];

impl Personal for StorefrontUser {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("storefrontUserId", StoredField::Kept("storefrontUserId")),
            ("isAnonymous", StoredField::Kept("isAnonymous")),
            ("customerId", StoredField::Kept("customerId")),
            ("mergedInto", StoredField::Kept("mergedInto")),
            ("mergedAt", StoredField::Kept("mergedAt")),
            ("expiresAt", StoredField::Free),
            ("erasedAt", StoredField::Free),
            ("tokenEpoch", StoredField::Free),
            ("createdAt", StoredField::Kept("createdAt")),
            ("updatedAt", StoredField::Kept("updatedAt")),
            ("version", StoredField::Free),
        ],
    };
    const NAME: &'static str = "storefrontUsers";
    const LINK: SubjectLink = SubjectLink::User("_id");
}

impl Personal for PrivateStorage {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("ownerId", StoredField::Kept("storefrontUserId")),
            ("itemCount", StoredField::Kept("itemCount")),
            ("totalBytes", StoredField::Kept("totalBytes")),
            ("createdAt", StoredField::Kept("createdAt")),
        ],
    };
    const NAME: &'static str = "privateStorages";
    const LINK: SubjectLink = SubjectLink::User("ownerId");
}

/// Returns the user with this id in the online store.
///
/// # Errors
/// Any database error.
pub async fn by_external_id(
    database: &Database,
    reach: &Reach,
    external_id: &str,
) -> Result<Option<StorefrontUser>> {
    let users = database.open::<StorefrontUser>(reach);
    users.find_one(doc! { "storefrontUserId": external_id }).await
}

/// A new user.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Id in the online store.
    pub external_id: String,
    /// Time at which an anonymous user is removed; `None` for a regular user.
    pub expires_at: Option<Timestamp>,
    /// The customer of a regular user.
    pub customer: Option<CustomerId>,
}

/// The documents of a new user.
#[derive(Clone, Debug)]
pub struct UserDocuments {
    /// The user.
    pub user: StorefrontUser,
    /// The user's private storage, which is empty.
    pub storage: PrivateStorage,
}

/// Returns the documents of a new user and its storage, which are not stored yet.
#[must_use]
pub fn documents(reach: &StorefrontReach, now: Timestamp, random: &Random, new: NewUser) -> UserDocuments {
    let user = StorefrontUser {
        id: StorefrontUserId::fresh(now, random),
        storefront_id: reach.id().clone(),
        external_id: new.external_id,
        is_anonymous: new.expires_at.is_some(),
        customer_id: new.customer,
        merged_into: None,
        merged_at: None,
        expires_at: new.expires_at,
        erased_at: None,
        token_epoch: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let storage = PrivateStorage {
        id: StorageId::fresh(now, random),
        storefront_id: reach.id().clone(),
        owner_id: Some(user.id.clone()),
        item_count: 0,
        total_bytes: 0,
        created_at: now,
    };
    UserDocuments { user, storage }
}

/// Inserts a user and its storage within the caller's transaction.
///
/// # Errors
/// A violation of [`UNIQUE_EXTERNAL_ID`] if the id is taken.
pub async fn insert_in(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    user: &StorefrontUser,
    storage: &PrivateStorage,
) -> Result<()> {
    let users = database.open::<StorefrontUser>(reach);
    users.insert_in(tx, reach, user).await?;
    let storages = database.open::<PrivateStorage>(reach);
    storages.insert_in(tx, reach, storage).await
}

/// Removes the owner of a user's storages within the caller's transaction. Returns the storages as they were.
///
/// # Errors
/// Any database error.
pub async fn part_with_storages_in(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    user: &StorefrontUser,
) -> Result<Vec<PrivateStorage>> {
    let storages = database.open::<PrivateStorage>(reach);
    let owned = doc! { "storefrontId": &user.storefront_id, "ownerId": &user.id };
    let found = storages.find_in(tx, owned.clone()).await?;
    let unset = doc! { "$unset": { "ownerId": "" } };
    storages.update_many_in(tx, owned, unset).await?;
    Ok(found)
}

/// The result of [`touch`].
pub enum Touched {
    /// The user's version was increased.
    Open(Box<StorefrontUser>),
    /// The user's customer is erased, or being erased; nothing was written.
    Erased,
    /// The user does not exist.
    Gone,
}

/// Increases the version of a user within the caller's transaction, so that this transaction and a concurrent merge or
/// removal of the user cannot both succeed.
///
/// # Errors
/// Any database error.
pub async fn touch(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    id: &StorefrontUserId,
) -> Result<Touched> {
    let users = database.open::<StorefrontUser>(reach);
    let open = doc! { "_id": id, "erasedAt": { "$exists": false } };
    let touched = users.update_in(tx, open, doc! { "$inc": { "version": 1 } });
    if let Some(user) = touched.await? {
        return Ok(Touched::Open(Box::new(user)));
    }
    let left = users.find_one_in(tx, doc! { "_id": id }).await?;
    Ok(left.map_or(Touched::Gone, |_| Touched::Erased))
}
