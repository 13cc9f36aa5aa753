//! Registration, promotion and removal of storefront users, and the expiry of anonymous ones.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::merge::{ANONYMOUS_FIELD, REGULAR_FIELD};
use super::store::{self, NewUser, UNIQUE_EXTERNAL_ID};
use super::{StorefrontUser, refusal};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    database::{Tx, violated_index},
    id::Id,
    job::{JobFailure, JobKind},
};
use crate::reach::{Confine, HouseReach, Reach, StorefrontReach};

/// Name of the job that empties the storages of a removed user; the storage module runs it.
pub const EMPTY_STORAGES: &str = "storage.empty";
/// Interval at which expired anonymous users are removed.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(15);
/// Maximum number of users that one run removes; the next run continues.
const EXPIRY_BATCH: i64 = 500;
/// Name of the input's field for the online store's id.
pub const ID_FIELD: &str = "storefrontUserId";

/// Returns the new expiry of an anonymous user that is used now.
#[must_use]
pub fn expiry_after_use(app: &App) -> Timestamp {
    app.clock.now().after(app.config.anonymous_ttl)
}

/// Registers a user with its storage.
///
/// # Errors
/// STOREFRONT_USER_ALREADY_EXISTS; the stored user does not change (SFU-14).
pub async fn register(
    app: &App,
    reach: &StorefrontReach,
    external_id: String,
    is_anonymous: bool,
) -> Result<StorefrontUser> {
    let new = NewUser {
        external_id,
        expires_at: is_anonymous.then(|| expiry_after_use(app)),
        customer: None,
    };
    let inserted = store::insert(&app.database, reach, app.clock.now(), &app.random, new).await;
    inserted.map_err(|error| match violated_index(&error) {
        Some(UNIQUE_EXTERNAL_ID) => Error::rejected(refusal::already_exists(ID_FIELD)),
        _ => error,
    })
}

/// Returns the user, which is registered if it does not exist, and whether it was registered (SFU-26).
///
/// # Errors
/// STOREFRONT_USER_ALREADY_EXISTS if it exists with the other value of `is_anonymous`.
pub async fn ensure(
    app: &App,
    reach: &StorefrontReach,
    external_id: &str,
    is_anonymous: bool,
) -> Result<(StorefrontUser, bool)> {
    let find = || store::by_external_id(&app.database, reach.reach(), external_id);
    let mut existing = find().await?;
    if existing.is_none() {
        match register(app, reach, external_id.to_owned(), is_anonymous).await {
            Ok(user) => return Ok((user, true)),
            // A concurrent request has registered it.
            Err(Error::Rejected(faults)) => {
                existing = find().await?;
                if existing.is_none() {
                    return Err(Error::Rejected(faults));
                }
            }
            Err(other) => return Err(other),
        }
    }
    match existing {
        Some(user) if user.is_anonymous == is_anonymous => Ok((user, false)),
        _ => Err(Error::rejected(refusal::already_exists(ID_FIELD))),
    }
}

/// Turns an anonymous user into a regular one with another id (SFU-36).
///
/// # Errors
/// The user errors of its two ids.
pub async fn promote(app: &App, reach: &Reach, anonymous: &str, regular: &str) -> Result<StorefrontUser> {
    let user = store::by_external_id(&app.database, reach, anonymous).await?;
    let user = promotable(user)?;
    let promoted = store::promote(&app.database, reach, &user.id, regular, app.clock.now()).await;
    let promoted = promoted.map_err(|error| match violated_index(&error) {
        Some(UNIQUE_EXTERNAL_ID) => Error::rejected(refusal::already_exists(REGULAR_FIELD)),
        _ => error,
    })?;
    if let Some(promoted) = promoted {
        app.access.forget_person(&promoted.id).await;
        return Ok(promoted);
    }
    // A merge, another promotion or the expiry came first: report which.
    let now = store::by_external_id(&app.database, reach, anonymous).await?;
    promotable(now).and_then(|_| Err(Error::rejected(refusal::not_found(ANONYMOUS_FIELD))))
}

fn promotable(user: Option<StorefrontUser>) -> Result<StorefrontUser> {
    match user {
        None => Err(Error::rejected(refusal::not_found(ANONYMOUS_FIELD))),
        Some(user) if !user.is_anonymous => Err(Error::rejected(refusal::not_anonymous(ANONYMOUS_FIELD))),
        Some(user) if user.merged_into.is_some() => {
            Err(Error::rejected(refusal::already_merged(ANONYMOUS_FIELD)))
        }
        Some(user) => Ok(user),
    }
}

/// Removes a user with everything that belongs to it and returns the number of its items. One transaction removes the
/// user and the access to its storages; the content is removed before this returns. If the process dies in between, the
/// job does the rest.
///
/// # Errors
/// STOREFRONT_USER_NOT_FOUND; FORBIDDEN for a customer's user (SFU-38).
pub async fn remove(app: &Arc<App>, reach: &Reach, external_id: &str) -> Result<i64> {
    let alone = doc! { "storefrontUserId": external_id, "customerId": { "$exists": false } };
    let removed = detach(app, reach, alone).await?;
    let Some((items, job)) = removed else {
        let left = store::by_external_id(&app.database, reach, external_id).await?;
        return Err(Error::rejected(match left {
            Some(_) => refusal::belongs_to_customer(ID_FIELD),
            None => refusal::not_found(ID_FIELD),
        }));
    };
    if let Some(runner) = app.runner() {
        runner.finish(&job, Arc::clone(app)).await?;
    }
    Ok(items)
}

/// Removes a user and enqueues the job that empties its storages, in one transaction. Returns the number of items and
/// the job's id.
async fn detach(app: &App, reach: &impl Confine, filter: Document) -> Result<Option<(i64, String)>> {
    let context = (app, reach, filter);
    let detached = app
        .database
        .transaction(context, |tx, (app, reach, filter)| {
            detach_in(app, *reach, tx, filter).boxed()
        })
        .await?;
    let Some((user, items, job)) = detached else {
        return Ok(None);
    };
    app.access.forget_person(&user.id).await;
    Ok(Some((items, job)))
}

async fn detach_in(
    app: &App,
    reach: &impl Confine,
    tx: &mut Tx,
    filter: &Document,
) -> Result<Option<(StorefrontUser, i64, String)>> {
    let Some((user, storages)) = store::detach(&app.database, reach, tx, filter.clone()).await? else {
        return Ok(None);
    };
    app.access.forget_revoked_in(tx, &user.id).await?;
    let ids: Vec<&str> = storages.iter().map(|storage| storage.id.as_str()).collect();
    let job = app
        .queue
        .enqueue(tx, EMPTY_STORAGES, doc! { "storageIds": ids }, app.clock.now())
        .await?;
    Ok(Some((
        user,
        storages.iter().map(|storage| storage.item_count).sum(),
        job,
    )))
}

/// The jobs of this domain.
pub const JOBS: &[JobKind<Arc<App>>] = &[JobKind {
    name: "storefront_user.expire",
    every: Some(EXPIRY_INTERVAL),
    run: expire,
}];

/// Removes anonymous users that have expired without use (SFU-09).
fn expire(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let system = HouseReach::everywhere();
        let due = doc! { "expiresAt": { "$lte": app.clock.now() } };
        let users = app.database.open::<StorefrontUser>(&system);
        let found = users.find(due, doc! { "expiresAt": 1 }, EXPIRY_BATCH).await?;
        for user in found {
            // A user that was used, merged or promoted meanwhile is kept.
            let still_due = doc! { "_id": &user.id, "expiresAt": { "$lte": app.clock.now() } };
            detach(&app, &system, still_due).await?;
        }
        Ok(())
    }
    .boxed()
}
