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

use super::begin::{self, Door};
use super::steps;
use crate::app::App;
use crate::audit;
use crate::audit::{Action, AuditEntry};
use crate::customer::{
    Customer,
    anonymization::{Actor, AnonymizationStatus, ErasedCounts},
    limits, refusal,
};
use crate::domain::personal::Subject;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    database::Tx,
    id::{CustomerId, Id},
    job::{JobFailure, JobKind},
};
use crate::reach::{Confine, HouseReach, Reach};

/// Name of the job.
pub const ERASE: &str = "customer.erase";
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

/// Erases a customer and returns when everything is done. If the process dies, the job does the rest. Returns the
/// counts of what was erased, `None` for a deletion.
///
/// # Errors
/// CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED; SAVE_FAILED (410) if the erasure has started but could not be
/// finished yet.
pub async fn at_once(
    app: &Arc<App>,
    reach: &Reach,
    id: &CustomerId,
    actor: Actor,
    is_deletion: bool,
) -> Result<Option<(Timestamp, ErasedCounts)>> {
    let door = Door::AtOnce { actor, is_deletion };
    let by = audit::AuditActor::from(reach);
    begin::close(app, (reach, &by), id, &door).await?;
    let job = begin::complete(app, id, true).await.map_err(|error| {
        tracing::warn!(
            ?error,
            "erasure not completed in the request; a background job continues it"
        );
        unfinished()
    })?;
    let job = job.ok_or_else(|| Error::internal("an erasure was begun without a job"))?;
    let runner = app
        .runner()
        .ok_or_else(|| Error::internal("the job runner has not started"))?;
    let is_done = runner.finish(&job, Arc::clone(app)).await?;
    let system = HouseReach::everywhere();
    let left = app.database.open::<Customer>(&system).get(id).await?;
    match left {
        None if is_deletion => Ok(None),
        // Deleted concurrently by another request.
        None => Err(refusal::not_found("customerId").into()),
        Some(customer) if is_done && !is_deletion => {
            let state = customer.anonymization;
            let receipt = state.and_then(|state| Some((state.completed_at?, state.erased)));
            receipt.map(Some).ok_or_else(unfinished)
        }
        Some(_) => Err(unfinished()),
    }
}

/// The erasure continues in the background; the caller can query its status.
fn unfinished() -> Error {
    let message = "The erasure has begun and could not be finished yet; it goes on by itself.";
    Error::rejected(UserError::new(UserErrorCode::SaveFailed, [], message).legacy(410))
}

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
            begin::complete(&app, &id, true).await?;
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
            if let Err(error) = note_failure(&app, &id).await {
                tracing::debug!(?error, "cannot record that an erasure failed");
            }
        }
        Ok(done?)
    }
    .boxed()
}

async fn run(app: &Arc<App>, id: &CustomerId) -> Result<()> {
    let system = HouseReach::everywhere();
    let customers = app.database.open::<Customer>(&system);
    let before = customers.get(id).await?;
    let is_begun = begin::close(app, (&system, &audit::AuditActor::SYSTEM), id, &Door::Request).await?;
    if let Some(before) = before.filter(|_| is_begun) {
        limits::forget(app, &before).await;
    }
    begin::complete(app, id, false).await?;
    let Some(customer) = customers.get(id).await? else {
        // The deletion is finished.
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
    let context = (&**app, &subject, state.is_deletion);
    app.database
        .transaction(context, |tx, (app, subject, is_deletion)| {
            finish_in(app, tx, subject, *is_deletion).boxed()
        })
        .await?;
    app.access.forget_person(&subject.user).await;
    Ok(())
}

async fn finish_in(app: &App, tx: &mut Tx, subject: &Subject, is_deletion: bool) -> Result<()> {
    let system = HouseReach::everywhere();
    let customers = app.database.open::<Customer>(&system);
    let now = app.clock.now();
    let done = doc! {
        "$set": {
            "anonymization.status": bson::serialize_to_bson(&AnonymizationStatus::Completed)?,
            "anonymization.completedAt": now, "updatedAt": now,
        },
        "$unset": { "anonymization.storages": "" },
        "$inc": { "version": 1_i64 },
    };
    // An erasure that became a deletion meanwhile has its own job, which finds this part done. The condition on the
    // status lets only one of two concurrent jobs finish.
    let open = doc! {
        "_id": &subject.customer, "anonymization.isDeletion": is_deletion, "anonymization.status": {
            "$ne": bson::serialize_to_bson(&AnonymizationStatus::Completed)?,
        },
    };
    let told = if is_deletion {
        if customers.delete_in(tx, open).await?.is_none() {
            return Ok(());
        }
        steps::remove_user_in(app, tx, subject).await?;
        Action::Deleted
    } else {
        if customers.update_in(tx, open, done).await?.is_none() {
            return Ok(());
        }
        Action::AnonymizationCompleted
    };
    let entry = AuditEntry::new(&subject.storefront, &subject.customer, told);
    app.audit.note_in(tx, audit::AuditActor::SYSTEM, [entry]).await
}

async fn set_status(
    app: &App,
    reach: &impl Confine,
    id: &CustomerId,
    status: AnonymizationStatus,
) -> Result<()> {
    let mut set = doc! { "anonymization.status": bson::serialize_to_bson(&status)? };
    if status == AnonymizationStatus::Failed {
        set.insert("anonymization.failedAt", app.clock.now());
    }
    let going_on = [AnonymizationStatus::InProgress, AnonymizationStatus::Failed];
    let going_on = doc! { "_id": id, "anonymization.status": { "$in": bson::serialize_to_bson(&going_on)? } };
    let customers = app.database.open::<Customer>(reach);
    customers.update(going_on, doc! { "$set": set }).await?;
    Ok(())
}

async fn note_failure(app: &App, id: &CustomerId) -> Result<()> {
    let system = HouseReach::everywhere();
    set_status(app, &system, id, AnonymizationStatus::Failed).await
}
