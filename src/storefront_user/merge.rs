//! Merge of an anonymous user into a regular one: the storage gets another owner, and the anonymous user becomes a
//! tombstone. One transaction with a fixed number of writes, whatever the storage contains (SFU-35).

use bson::doc;

use super::private_storage::PrivateStorage;
use super::{REGULAR_FIELD, StorefrontUser, refusal};
use crate::app::App;
use crate::audit::{Action, AuditActor, AuditEntry};
use crate::error::Result;
use crate::platform::{clock::Timestamp, database::Tx, id::StorefrontUserId};
use crate::reach::Confine;

/// The result of a merge.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The regular user.
    pub regular: StorefrontUser,
    /// The anonymous user.
    pub anonymous: StorefrontUser,
    /// Whether the same pair was merged before, so that nothing was left to do (SFU-32).
    pub already: bool,
    /// Number of items that were moved.
    pub items: i64,
    /// Size of their content, in bytes.
    pub bytes: i64,
}

/// The result of attempting a merge within a transaction.
pub enum MergeAttempt {
    /// The users are merged.
    Merged(Box<Merged>),
    /// Nothing was written, because the anonymous user was merged, promoted or removed before.
    TooLate(Box<StoredPair>),
}

/// Both users of a merge as they are stored; `None` for a user that does not exist.
#[derive(Clone, Debug)]
pub struct StoredPair {
    /// The anonymous user.
    pub anonymous: Option<StorefrontUser>,
    /// The regular user.
    pub regular: Option<StorefrontUser>,
}

/// The merge of two users, as a part of a transaction. It relies only on what the transaction itself reads.
pub struct Merge<'a, R> {
    /// The app.
    pub app: &'a App,
    /// The reach for the users and their storages.
    pub reach: &'a R,
    /// Who merges them, for the audit log.
    pub actor: &'a AuditActor,
    /// The anonymous user.
    pub anonymous: &'a StorefrontUserId,
    /// The regular user.
    pub regular: &'a StorefrontUserId,
}

impl<R: Confine> Merge<'_, R> {
    /// Merges the users within a transaction.
    ///
    /// # Errors
    /// If the regular user cannot receive the storage any more: STOREFRONT_USER_NOT_FOUND, CUSTOMER_ANONYMIZED, on
    /// `regularStorefrontUserId`.
    pub async fn attempt_in(&self, tx: &mut Tx) -> Result<MergeAttempt> {
        let users = self.app.database.open::<StorefrontUser>(self.reach);
        let now = self.app.clock.now();
        let unmerged =
            doc! { "_id": self.anonymous, "isAnonymous": true, "mergedInto": { "$exists": false } };
        let merged = doc! {
            "$set": { "mergedInto": self.regular, "mergedAt": now, "updatedAt": now },
            "$unset": { "expiresAt": "" },
            "$inc": { "version": 1 },
        };
        let Some(anonymous) = users.update_in(tx, unmerged, merged).await? else {
            // Another merge, a promotion or the expiry came first.
            return Ok(MergeAttempt::TooLate(Box::new(StoredPair {
                anonymous: users.find_one_in(tx, doc! { "_id": self.anonymous }).await?,
                regular: users.find_one_in(tx, doc! { "_id": self.regular }).await?,
            })));
        };
        let regular = self.touch_regular_in(tx, now).await?;
        let storages = self.app.database.open::<PrivateStorage>(self.reach);
        let owned = doc! { "ownerId": self.anonymous };
        let moved = storages.find_in(tx, owned.clone()).await?;
        let new_owner = doc! { "$set": { "ownerId": self.regular } };
        storages.update_many_in(tx, owned, new_owner).await?;
        if let Some(customer) = &regular.customer_id {
            let entry = AuditEntry::new(&regular.storefront_id, customer, Action::AnonymousMerged);
            let entry = entry.on(self.anonymous);
            self.app.audit.note_in(tx, self.actor, [entry]).await?;
        }
        Ok(MergeAttempt::Merged(Box::new(Merged {
            items: moved.iter().map(|storage| storage.item_count).sum(),
            bytes: moved.iter().map(|storage| storage.total_bytes).sum(),
            anonymous,
            regular,
            already: false,
        })))
    }

    /// Increases the version of the regular user, so that of this merge and a concurrent erasure or removal of the user
    /// one fails.
    async fn touch_regular_in(&self, tx: &mut Tx, now: Timestamp) -> Result<StorefrontUser> {
        let users = self.app.database.open::<StorefrontUser>(self.reach);
        let regular = doc! { "_id": self.regular, "isAnonymous": false, "erasedAt": { "$exists": false } };
        let touch = doc! { "$set": { "updatedAt": now }, "$inc": { "version": 1 } };
        if let Some(regular) = users.update_in(tx, regular, touch).await? {
            return Ok(regular);
        }
        let stored = users.find_one_in(tx, doc! { "_id": self.regular }).await?;
        let is_erased = stored.is_some_and(|user| user.erased_at.is_some());
        let refusal = if is_erased {
            refusal::anonymized
        } else {
            refusal::not_found
        };
        Err(refusal(REGULAR_FIELD).into())
    }
}
