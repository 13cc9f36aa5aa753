//! Deletion of customer groups. The group and its links are deleted immediately; a job removes it from its members'
//! documents, which may be very many. In between, the deleted group opens no market, and no query returns it.

use std::sync::Arc;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::{CustomerGroup, refusal, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::{
    database::Tx,
    id::{CustomerGroupId, Id, StorefrontId},
    job::{JobFailure, JobKind},
};
use crate::reach::Reach;

/// Name of the job.
const FORGET: &str = "customer_group.forget";
/// Number of members that one step of the job examines: each step is short, and there are few of them.
const BATCH: i64 = 1_000;

/// Deletes a group. Markets that it opened stay private; those without another group are closed (CLY-15).
///
/// # Errors
/// CUSTOMER_GROUP_NOT_FOUND.
pub async fn delete(app: &Arc<App>, reach: &Reach, id: &CustomerGroupId) -> Result<()> {
    let deleted = app
        .database
        .transaction((&**app, reach, id), |tx, (app, reach, id)| {
            delete_in(app, reach, tx, id).boxed()
        });
    deleted.await
}

async fn delete_in(app: &App, reach: &Reach, tx: &mut Tx, id: &CustomerGroupId) -> Result<()> {
    let groups = app.database.open::<CustomerGroup>(reach);
    let deleted = groups.delete_in(tx, doc! { "_id": id }).await?;
    let group = deleted.ok_or_else(|| Error::rejected(refusal::group_not_found()))?;
    store::unlink(&app.database, reach, tx, &group).await?;
    let payload = doc! { "storefrontId": &group.storefront_id, "groupId": &group.id };
    app.queue.enqueue(tx, FORGET, payload, app.clock.now()).await?;
    Ok(())
}

/// The jobs of this domain.
pub const JOBS: &[JobKind<Arc<App>>] = &[JobKind {
    name: FORGET,
    every: None,
    run: forget,
}];

/// Removes the group from its members' documents in batches; a repeated run continues. No customer can join meanwhile,
/// because joining updates the group's document, which is deleted.
fn forget(app: Arc<App>, payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let id = |field: &str| payload.get_str(field).unwrap_or_default();
        let named = StorefrontId::parse(id("storefrontId")).zip(CustomerGroupId::parse(id("groupId")));
        let wrong = || JobFailure::Fail(Error::internal("the job has no customer group"));
        let (storefront, group) = named.ok_or_else(wrong)?;
        while store::forget_members(&app.database, &storefront, &group, BATCH).await? > 0 {}
        Ok(())
    }
    .boxed()
}
