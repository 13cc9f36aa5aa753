//! Creation and renaming of customer groups.

use bson::doc;
use futures_util::FutureExt;

use super::{CustomerGroup, Name, refusal, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::id::CustomerGroupId;
use crate::reach::{Reach, StorefrontReach};

/// Creates a group without members.
///
/// # Errors
/// CUSTOMER_GROUP_NAME_TAKEN.
pub async fn create(app: &App, place: &StorefrontReach, name: Name) -> Result<CustomerGroup> {
    let now = app.clock.now();
    let group = CustomerGroup {
        id: CustomerGroupId::fresh(now, &app.random),
        storefront_id: place.id().clone(),
        name,
        created_at: now,
        version: 1,
    };
    let groups = app.database.open::<CustomerGroup>(place.reach());
    let written = app
        .database
        .transaction((&groups, place, &group), |tx, (groups, place, group)| {
            groups.insert_in(tx, place.reach(), group).boxed()
        });
    written.await.map_err(store::taken)?;
    Ok(group)
}

/// Renames a group and returns it as stored.
///
/// # Errors
/// CUSTOMER_GROUP_NOT_FOUND, CUSTOMER_GROUP_NAME_TAKEN.
pub async fn rename(app: &App, reach: &Reach, id: &CustomerGroupId, name: &Name) -> Result<CustomerGroup> {
    let change = doc! { "$set": { "name": bson::serialize_to_bson(name)? }, "$inc": { "version": 1_i64 } };
    let groups = app.database.open::<CustomerGroup>(reach);
    let renamed = groups.update(doc! { "_id": id }, change).await;
    let renamed = renamed.map_err(store::taken)?;
    renamed.ok_or_else(|| Error::rejected(refusal::group_not_found()))
}
