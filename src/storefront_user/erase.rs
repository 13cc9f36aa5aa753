//! The storefront users' part of an erasure: deletes the anonymous users that were merged into a customer's user.

use std::sync::Arc;

use bson::{Bson, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::{StorefrontUser, store};
use crate::app::App;
use crate::domain::personal::Subject;
use crate::error::Result;
use crate::platform::{
    database::{Database, Tx, Write},
    id::StorefrontUserId,
};
use crate::reach::HouseReach;

/// Maximum number of users that one transaction deletes: few, so that it is short and does not block others.
const BATCH: i64 = 50;

/// Deletes the merged users, because the ids that the store gave them may be personal data.
///
/// # Errors
/// Any database error; a repeated call continues.
pub fn erase<'a>(app: &'a Arc<App>, subject: &'a Subject) -> BoxFuture<'a, Result<()>> {
    async move {
        let system = HouseReach::within(&subject.storefront);
        let database = &app.database;
        loop {
            let merged =
                store::merged_into(database, &system, &subject.storefront, &subject.user, BATCH).await?;
            if merged.is_empty() {
                return Ok(());
            }
            let deletion = MergedUsersDeletion {
                database,
                system: &system,
                users: &merged,
            };
            database.run(&deletion).await?;
            for user in &merged {
                app.access.forget_person(user).await;
            }
        }
    }
    .boxed()
}

/// The write that deletes users.
struct MergedUsersDeletion<'a> {
    database: &'a Database,
    system: &'a HouseReach,
    users: &'a [StorefrontUserId],
}

impl Write for MergedUsersDeletion<'_> {
    type Output = u64;

    async fn write(&self, tx: &mut Tx) -> Result<u64> {
        let ids: Vec<Bson> = self.users.iter().map(Bson::from).collect();
        let users = self.database.open::<StorefrontUser>(self.system);
        users.delete_many_in(tx, doc! { "_id": { "$in": ids } }).await
    }
}
