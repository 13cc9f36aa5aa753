//! The eraser: a job that removes, step by step, what is stored about a customer.
//!
//! 1. [`super::begin`] closes the customer and records this in the customer's own document, regardless of
//!    concurrent writes.
//! 2. [`steps`] remove what is left elsewhere, a bounded number of documents per transaction, and each transaction
//!    counts what it removes. A repeated step finds less to do, so any node can resume a job that died at any point.
//! 3. The last transaction marks the erasure as completed, or, in a deletion, deletes the customer.
//!
//! Until then the status is IN_PROGRESS, or FAILED while the job waits for its next attempt (ERA-03).

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::ERASE;
use super::begin::{self, Closing, Trigger};
use super::steps;
use crate::app::App;
use crate::audit::{Action, AuditActor, AuditEntry};
use crate::customer::{Customer, anonymization::AnonymizationStatus, limits};
use crate::domain::personal::Subject;
use crate::error::{Error, Result};
use crate::platform::{
    database::{Tx, Write},
    id::{CustomerId, Id},
    job::{JobFailure, JobKind},
};
use crate::reach::{HouseReach, tenant::TenantDocument};
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage};

/// Interval at which abandoned starts of erasures are searched for and completed.
const RESUME_INTERVAL: Duration = Duration::from_secs(10);
/// Age at which a started erasure is considered abandoned; starting one takes far less.
const ABANDONED: Duration = Duration::from_secs(10);
/// Maximum number of abandoned erasures that one run resumes; the next run continues.
const BATCH: i64 = 100;

/// The jobs of this domain.
pub const JOBS: &[JobKind<Arc<App>>] = &[
    JobKind {
        name: ERASE,
        every: None,
        run: erase,
    },
    JobKind {
        name: "customer.resume_erasures",
        every: Some(RESUME_INTERVAL),
        run: resume,
    },
];

/// Completes abandoned starts of erasures; the job that this enqueues does the rest.
fn resume(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let system = HouseReach::everywhere();
        let abandoned = doc! {
            "anonymization.closing": { "$exists": true },
            "anonymization.startedAt": { "$lte": app.clock.now().before(ABANDONED) },
        };
        let customers = app.database.open::<Customer>(&system);
        for id in customers.ids(abandoned, BATCH).await? {
            begin::complete_with_job(&app, &system, &id).await?;
        }
        Ok(())
    }
    .boxed()
}

fn erase(app: Arc<App>, payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let id = CustomerId::parse(payload.get_str("customerId").unwrap_or_default());
        let id = id.ok_or_else(|| JobFailure::Fail(Error::internal("the job has no customer")))?;
        let done = run(&app, &id).await;
        if done.is_err() {
            // If even this write fails, the status stays IN_PROGRESS until the job's lease expires.
            let everywhere = HouseReach::everywhere();
            let recorded = set_status(&app, &everywhere, &id, AnonymizationStatus::Failed).await;
            if let Err(error) = recorded {
                tracing::debug!(?error, "cannot record that an erasure failed");
            }
        }
        Ok(done?)
    }
    .boxed()
}

async fn run(app: &Arc<App>, id: &CustomerId) -> Result<()> {
    let everywhere = app.database.open::<Customer>(&HouseReach::everywhere());
    let Some(before) = everywhere.get(id).await? else {
        // The deletion is finished.
        return Ok(());
    };
    let system = HouseReach::within(&before.storefront_id);
    let closing = Closing {
        app: app.as_ref(),
        reach: &system,
        by: &AuditActor::SYSTEM,
        customer: id,
        trigger: &Trigger::Request,
    };
    if closing.run().await? {
        limits::forget(app, &before).await;
    }
    begin::complete(app, &system, id).await?;
    let customers = app.database.open::<Customer>(&system);
    let Some(customer) = customers.get(id).await? else {
        // A concurrent job has finished the deletion.
        return Ok(());
    };
    let state = match customer.anonymization {
        Some(state) if state.started_at.is_some() => state,
        // Cancelled, or postponed by another request, which has its own job.
        _ => return Ok(()),
    };
    if state.status == AnonymizationStatus::Completed && !state.is_deletion {
        return Ok(());
    }
    set_status(app, &system, id, AnonymizationStatus::InProgress).await?;
    let subject = Subject {
        storefront: customer.storefront_id,
        customer: customer.id,
        user: customer.user_id,
        storages: state.storages,
    };
    steps::all(app, &subject, state.is_deletion).await?;
    let completion = Completion {
        app,
        system: &system,
        subject: &subject,
        is_deletion: state.is_deletion,
    };
    app.database.run(&completion).await?;
    app.access.forget_person(&subject.user).await;
    Ok(())
}

/// The write that completes an erasure, or deletes the customer and its storefront user.
struct Completion<'a> {
    app: &'a App,
    system: &'a HouseReach,
    subject: &'a Subject,
    is_deletion: bool,
}

impl Write for Completion<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self { app, subject, .. } = *self;
        let customers = app.database.open::<Customer>(self.system);
        let completed = bson::serialize_to_bson(&AnonymizationStatus::Completed)?;
        // An erasure that became a deletion meanwhile has its own job, which finds this part done. The condition on the
        // status lets only one of two concurrent jobs finish.
        let open = doc! {
            "_id": &subject.customer, "anonymization.isDeletion": self.is_deletion,
            "anonymization.status": { "$ne": &completed },
        };
        let action = if self.is_deletion {
            if customers.delete_in(tx, open).await?.is_none() {
                return Ok(());
            }
            self.delete_user_in(tx).await?;
            Action::Deleted
        } else {
            let now = app.clock.now();
            let done = doc! {
                "$set": {
                    "anonymization.status": completed, "anonymization.completedAt": now, "updatedAt": now,
                },
                "$unset": { "anonymization.storages": "" },
                "$inc": { "version": 1_i64 },
            };
            if customers.update_in(tx, open, done).await?.is_none() {
                return Ok(());
            }
            Action::AnonymizationCompleted
        };
        let entry = AuditEntry::new(&subject.storefront, &subject.customer, action);
        app.audit.note_in(tx, AuditActor::SYSTEM, [entry]).await
    }
}

impl Completion<'_> {
    /// Deletes the storefront user and its empty storage.
    async fn delete_user_in(&self, tx: &mut Tx) -> Result<()> {
        let subject = self.subject;
        let users = self.app.database.open::<StorefrontUser>(self.system);
        users.delete_in(tx, doc! { "_id": &subject.user }).await?;
        let owned = doc! { PrivateStorage::STOREFRONT: &subject.storefront, "ownerId": &subject.user };
        let storages = self.app.database.open::<PrivateStorage>(self.system);
        storages.delete_many_in(tx, owned).await?;
        Ok(())
    }
}

/// Sets the status of an erasure that has started and is not completed.
async fn set_status(
    app: &App,
    system: &HouseReach,
    id: &CustomerId,
    status: AnonymizationStatus,
) -> Result<()> {
    let mut set = doc! { "anonymization.status": bson::serialize_to_bson(&status)? };
    if status == AnonymizationStatus::Failed {
        set.insert("anonymization.failedAt", app.clock.now());
    }
    let unfinished = [AnonymizationStatus::InProgress, AnonymizationStatus::Failed];
    let unfinished =
        doc! { "_id": id, "anonymization.status": { "$in": bson::serialize_to_bson(&unfinished)? } };
    let customers = app.database.open::<Customer>(system);
    customers.update(unfinished, doc! { "$set": set }).await?;
    Ok(())
}
