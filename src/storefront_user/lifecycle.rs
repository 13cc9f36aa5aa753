//! Removal of storefront users with their storages, and the expiry of anonymous users.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::{StorefrontUser, store};
use crate::app::App;
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    database::{Tx, Write},
    id::{Id, StorefrontUserId},
    job::{JobFailure, JobKind},
};
use crate::reach::{Confine, HouseReach};

/// Name of the job that empties the storages of a removed user; the storage module runs it.
pub const EMPTY_STORAGES: &str = "storage.empty";
/// Interval at which expired anonymous users are removed.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(15);
/// Maximum number of users that one run removes; the next run continues.
const EXPIRY_BATCH: i64 = 500;

/// The jobs of this domain.
pub const JOBS: &[JobKind<Arc<App>>] = &[JobKind {
    name: "storefront_user.expire",
    every: Some(EXPIRY_INTERVAL),
    run: expire,
}];

/// Returns the new expiry of an anonymous user that is used now.
#[must_use]
pub fn expiry_after_use(app: &App) -> Timestamp {
    app.clock.now().after(app.config.anonymous_ttl)
}

/// The write that removes the user that a filter matches, and enqueues the job that empties its storages.
pub struct UserRemoval<'a, R> {
    /// The app.
    pub app: &'a App,
    /// The reach for the user and its storages.
    pub reach: &'a R,
    /// Which user.
    pub filter: Document,
}

/// A user that was removed.
#[derive(Clone, Debug)]
pub struct RemovedUser {
    /// Its id.
    pub id: StorefrontUserId,
    /// Number of items in its storages.
    pub items: i64,
    /// Id of the job that empties the storages.
    pub job: String,
}

impl<R: Confine> UserRemoval<'_, R> {
    /// Removes the user; `None` if the filter matches none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn run(&self) -> Result<Option<RemovedUser>> {
        let removed = self.app.database.run(self).await?;
        if let Some(removed) = &removed {
            self.app.access.forget_person(&removed.id).await;
        }
        Ok(removed)
    }
}

impl<R: Confine> Write for UserRemoval<'_, R> {
    type Output = Option<RemovedUser>;

    async fn write(&self, tx: &mut Tx) -> Result<Option<RemovedUser>> {
        let Self { app, reach, filter } = self;
        let users = app.database.open::<StorefrontUser>(*reach);
        let Some(user) = users.delete_in(tx, filter.clone()).await? else {
            return Ok(None);
        };
        let storages = store::part_with_storages_in(&app.database, *reach, tx, &user).await?;
        app.access.forget_revoked_in(tx, &user.id).await?;
        let ids: Vec<&str> = storages.iter().map(|storage| storage.id.as_str()).collect();
        let payload = doc! { "storageIds": ids };
        let job = app.queue.enqueue(tx, EMPTY_STORAGES, payload, app.clock.now());
        Ok(Some(RemovedUser {
            id: user.id,
            items: storages.iter().map(|storage| storage.item_count).sum(),
            job: job.await?,
        }))
    }
}

/// Removes anonymous users that have expired without use (SFU-09).
fn expire(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let everywhere = HouseReach::everywhere();
        let due = doc! { "expiresAt": { "$lte": app.clock.now() } };
        let users = app.database.open::<StorefrontUser>(&everywhere);
        let found = users.find(due, doc! { "expiresAt": 1 }, EXPIRY_BATCH).await?;
        for user in found {
            let removal = UserRemoval {
                app: &app,
                reach: &everywhere,
                // A user that was used, merged or promoted meanwhile is kept.
                filter: doc! { "_id": &user.id, "expiresAt": { "$lte": app.clock.now() } },
            };
            removal.run().await?;
        }
        Ok(())
    }
    .boxed()
}
