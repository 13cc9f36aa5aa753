//! The storefront users' part of an erasure: deletes the anonymous users that were merged into a customer's user.

use std::sync::Arc;

use bson::{Bson, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::StorefrontUser;
use crate::app::App;
use crate::domain::personal::Subject;
use crate::error::Result;
use crate::platform::database::{Tx, Write};
use crate::reach::{HouseReach, tenant::Tenant};

/// Maximum number of users that one transaction deletes: few, so that it is short and does not block others.
const BATCH: i64 = 50;

/// Deletes the merged users, because the ids that the store gave them may be personal data.
///
/// # Errors
/// Any database error; a repeated call continues.
pub fn erase<'a>(app: &'a Arc<App>, subject: &'a Subject) -> BoxFuture<'a, Result<()>> {
    async move {
        let database = &app.database;
        let users = database.open::<StorefrontUser>(&HouseReach::within(&subject.storefront));
        let merged = doc! { "storefrontId": &subject.storefront, "mergedInto": &subject.user };
        loop {
            let found = users.ids(merged.clone(), BATCH).await?;
            if found.is_empty() {
                return Ok(());
            }
            let deletion = MergedUsersDeletion {
                users: &users,
                ids: found.iter().map(Bson::from).collect(),
            };
            database.run(&deletion).await?;
            for user in &found {
                app.access.forget_person(user).await;
            }
        }
    }
    .boxed()
}

/// The write that deletes users.
struct MergedUsersDeletion<'a> {
    users: &'a Tenant<StorefrontUser>,
    ids: Vec<Bson>,
}

impl Write for MergedUsersDeletion<'_> {
    type Output = u64;

    async fn write(&self, tx: &mut Tx) -> Result<u64> {
        let listed = doc! { "_id": { "$in": &self.ids } };
        self.users.delete_many_in(tx, listed).await
    }
}
