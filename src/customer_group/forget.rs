//! The job that removes a deleted group from its members' documents.

use std::sync::Arc;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::CustomerGroup;
use crate::app::App;
use crate::customer;
use crate::error::{Error, Result};
use crate::platform::{
    database::Tx,
    id::{CustomerGroupId, Id, StorefrontId},
    job::{JobFailure, JobKind},
};
use crate::reach::HouseReach;

/// Name of the job.
const FORGET: &str = "customer_group.forget";
/// Number of members that one step of the job examines: each step is short, and there are few of them.
const BATCH: i64 = 1_000;

/// The jobs of this domain.
pub const JOBS: &[JobKind<Arc<App>>] = &[JobKind {
    name: FORGET,
    every: None,
    run: forget,
}];

/// Enqueues the job for a group, in the transaction that deletes the group.
///
/// # Errors
/// Any database error.
pub async fn enqueue_in(app: &App, tx: &mut Tx, group: &CustomerGroup) -> Result<()> {
    let payload = doc! { "storefrontId": &group.storefront_id, "groupId": &group.id };
    app.queue.enqueue(tx, FORGET, payload, app.clock.now()).await?;
    Ok(())
}

/// Removes the group from its members' documents in batches; a repeated run continues. No customer can join meanwhile,
/// because joining updates the group's document, which is deleted.
fn forget(app: Arc<App>, payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let id = |field: &str| payload.get_str(field).unwrap_or_default();
        let ids = StorefrontId::parse(id("storefrontId")).zip(CustomerGroupId::parse(id("groupId")));
        let invalid = || {
            JobFailure::Fail(Error::internal(
                "ids of storefront and customer group not found in a job",
            ))
        };
        let (storefront, group) = ids.ok_or_else(invalid)?;
        let system = HouseReach::within(&storefront);
        loop {
            let members = doc! { "groupIds": &group };
            let left = customer::store::leave_in_part(&app.database, &system, members, &group, BATCH);
            if left.await? == 0 {
                return Ok(());
            }
        }
    }
    .boxed()
}
