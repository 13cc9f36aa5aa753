//! Merge of an anonymous user into a regular one: the storage gets another owner, and the anonymous user becomes a
//! tombstone. One transaction with a fixed number of writes, whatever the storage contains (SFU-35).

use bson::doc;
use futures_util::FutureExt;

use super::private_storage::PrivateStorage;
use super::{StorefrontUser, refusal, store};
use crate::app::App;
use crate::audit::{Action, AuditActor, AuditEntry};
use crate::error::{Error, Faults, Result, UserError};
use crate::platform::database::Tx;
use crate::reach::{Reach, StorefrontReach};

/// The users to merge, by their ids in the online store.
#[derive(Clone, Copy, Debug)]
pub struct UsersToMerge<'a> {
    /// The anonymous user.
    pub anonymous: &'a str,
    /// The regular user.
    pub regular: &'a str,
}

/// Name of the input's field for the anonymous user.
pub const ANONYMOUS_FIELD: &str = "anonymousStorefrontUserId";
/// Name of the input's field for the regular user.
pub const REGULAR_FIELD: &str = "regularStorefrontUserId";

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
    TooLate(Box<Late>),
}

/// The current state of both users of a merge that came too late.
pub struct Late {
    /// The anonymous user.
    pub anonymous: Option<StorefrontUser>,
    /// The regular user.
    pub regular: Option<StorefrontUser>,
}

impl MergeAttempt {
    /// Returns the merge, or the error that prevents it.
    fn outcome(self) -> Result<Merged> {
        match self {
            Self::Merged(merged) => Ok(*merged),
            Self::TooLate(late) => {
                let (anonymous, regular) = admissible(late.anonymous, late.regular)?;
                Ok(Merged::nothing(anonymous, regular))
            }
        }
    }
}

impl Merged {
    fn nothing(anonymous: StorefrontUser, regular: StorefrontUser) -> Self {
        Self {
            regular,
            anonymous,
            already: true,
            items: 0,
            bytes: 0,
        }
    }
}

/// Merges the pair.
///
/// # Errors
/// The user errors of SFU-23, SFU-30 and SFU-32; then nothing is moved.
pub async fn merge(app: &App, reach: &StorefrontReach, pair: UsersToMerge<'_>) -> Result<Merged> {
    let database = &app.database;
    let found = store::by_external_ids(database, reach.reach(), &[pair.anonymous, pair.regular]).await?;
    let find = |id: &str| found.iter().find(|user| user.external_id == id).cloned();
    let (anonymous, regular) = admissible(find(pair.anonymous), find(pair.regular))?;
    if anonymous.merged_into.as_ref() == Some(&regular.id) {
        return Ok(Merged::nothing(anonymous, regular));
    }
    let by = AuditActor::from(reach.reach());
    let context = (app, (reach.reach(), &by), &anonymous, &regular);
    let moved = database.pressing_transaction(context, |tx, (app, by, anonymous, regular)| {
        let attempt = merge_in(app, *by, tx, anonymous, regular);
        async { attempt.await?.outcome() }.boxed()
    });
    moved.await
}

/// Returns the pair if both exist and are of the right kind; otherwise reports all faults.
fn admissible(
    anonymous: Option<StorefrontUser>,
    regular: Option<StorefrontUser>,
) -> Result<(StorefrontUser, StorefrontUser)> {
    let mut faults = Faults::default();
    let anonymous = faults.take(of_kind(anonymous, true, ANONYMOUS_FIELD, refusal::not_anonymous));
    let regular = faults.take(of_kind(regular, false, REGULAR_FIELD, refusal::not_regular));
    if let (Some(anonymous), Some(regular)) = (&anonymous, &regular)
        && anonymous
            .merged_into
            .as_ref()
            .is_some_and(|into| *into != regular.id)
    {
        faults.push(refusal::already_merged(ANONYMOUS_FIELD));
    }
    faults.check()?;
    anonymous
        .zip(regular)
        .ok_or_else(|| Error::internal("a validated pair of users is incomplete"))
}

fn of_kind(
    user: Option<StorefrontUser>,
    is_anonymous: bool,
    field: &str,
    otherwise: fn(&str) -> UserError,
) -> std::result::Result<StorefrontUser, UserError> {
    match user {
        None => Err(refusal::not_found(field)),
        Some(user) if user.is_anonymous == is_anonymous => Ok(user),
        Some(_) => Err(otherwise(field)),
    }
}

/// Merges the pair within a transaction. It relies only on what the transaction itself reads, because the given
/// documents may be outdated.
///
/// # Errors
/// If the regular user has changed: STOREFRONT_USER_NOT_FOUND, CUSTOMER_ANONYMIZED.
pub async fn merge_in(
    app: &App,
    (reach, by): (&Reach, &AuditActor),
    tx: &mut Tx,
    anonymous: &StorefrontUser,
    regular: &StorefrontUser,
) -> Result<MergeAttempt> {
    let users = app.database.open::<StorefrontUser>(reach);
    let now = app.clock.now();
    let unmerged = doc! { "_id": &anonymous.id, "isAnonymous": true, "mergedInto": { "$exists": false } };
    let bury = doc! {
        "$set": { "mergedInto": &regular.id, "mergedAt": now, "updatedAt": now },
        "$unset": { "expiresAt": "" },
        "$inc": { "version": 1 },
    };
    let Some(tombstone) = users.update_in(tx, unmerged, bury).await? else {
        // Another merge, a promotion or the expiry came first.
        return Ok(MergeAttempt::TooLate(Box::new(Late {
            anonymous: users.find_one_in(tx, doc! { "_id": &anonymous.id }).await?,
            regular: users.find_one_in(tx, doc! { "_id": &regular.id }).await?,
        })));
    };
    let still_regular = doc! { "_id": &regular.id, "isAnonymous": false, "erasedAt": { "$exists": false } };
    let note = doc! { "$set": { "updatedAt": now }, "$inc": { "version": 1 } };
    let Some(regular) = users.update_in(tx, still_regular, note).await? else {
        let left = users.find_one_in(tx, doc! { "_id": &regular.id }).await?;
        let is_erased = left.is_some_and(|left| left.erased_at.is_some());
        return Err(Error::rejected(match is_erased {
            true => refusal::anonymized(REGULAR_FIELD),
            false => refusal::not_found(REGULAR_FIELD),
        }));
    };
    let storages = app.database.open::<PrivateStorage>(reach);
    let owned = doc! { "ownerId": &anonymous.id };
    let moved = storages.find_in(tx, owned.clone()).await?;
    storages
        .update_many_in(tx, owned, doc! { "$set": { "ownerId": &regular.id } })
        .await?;
    if let Some(customer) = &regular.customer_id {
        let entry = AuditEntry::new(&regular.storefront_id, customer, Action::AnonymousMerged);
        app.audit.note_in(tx, by, [entry.on(&anonymous.id)]).await?;
    }
    Ok(MergeAttempt::Merged(Box::new(Merged {
        items: moved.iter().map(|storage| storage.item_count).sum(),
        bytes: moved.iter().map(|storage| storage.total_bytes).sum(),
        anonymous: tombstone,
        regular,
        already: false,
    })))
}
