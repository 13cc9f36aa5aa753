//! Deleting customer groups: the group and its links go at once, and a job takes it out of its members' documents, of
//! which there may be very many. In between, a group that is gone opens nothing and is nobody's.

use std::sync::Arc;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::{CustomerGroup, refusal, store};
use crate::access::reach::Reach;
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::{
    database::Tx,
    id::{CustomerGroupId, Id, StorefrontId},
    job::{Failure, Kind},
};

/// The job's name.
const FORGET: &str = "customer_group.forget";
/// Members whom one step of the job looks at: quick, and few steps.
const BATCH: i64 = 1_000;

/// Deletes a group. Markets that it opened stay private, those without another group closed (CLY-15).
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
#[must_use]
pub fn jobs() -> Vec<Kind<Arc<App>>> {
    vec![Kind {
        name: FORGET,
        every: None,
        run: forget,
    }]
}

/// Takes the group out of its members' documents, some at a time; running it again goes on. Nobody joins meanwhile,
/// because whoever does touches the group, which is gone.
fn forget(app: Arc<App>, payload: Document) -> BoxFuture<'static, Result<(), Failure>> {
    async move {
        let id = |field: &str| payload.get_str(field).unwrap_or_default();
        let named = StorefrontId::parse(id("storefrontId")).zip(CustomerGroupId::parse(id("groupId")));
        let wrong = || Failure::Fail(Error::internal("the job has no customer group"));
        let (storefront, group) = named.ok_or_else(wrong)?;
        while store::forget_members(&app.database, &storefront, &group, BATCH).await? > 0 {}
        Ok(())
    }
    .boxed()
}
