//! A backend's request for an erasure, and its cancellation.

use bson::{Document, doc};
use futures_util::FutureExt;

use super::begin::check_requestable;
use super::eraser::ERASE;
use super::refusal;
use crate::app::App;
use crate::audit::Action;
use crate::customer::{
    Customer,
    anonymization::{Actor, Anonymization, AnonymizationStatus},
    refusal as customer_refusal,
};
use crate::error::{Error, Result};
use crate::platform::{database::Tx, id::CustomerId};
use crate::reach::Reach;

/// Requests the erasure of a customer at the end of the grace period (CLY-17).
///
/// # Errors
/// CUSTOMER_NOT_FOUND (402), ANONYMIZATION_ALREADY_REQUESTED, ANONYMIZATION_ALREADY_STARTED, CUSTOMER_ANONYMIZED.
pub async fn request(app: &App, reach: &Reach, id: &CustomerId, actor: Actor) -> Result<Customer> {
    app.database
        .transaction((app, reach, id, actor), |tx, (app, reach, id, actor)| {
            request_in(app, reach, tx, id, actor).boxed()
        })
        .await
}

async fn request_in(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    id: &CustomerId,
    actor: &Actor,
) -> Result<Customer> {
    check_requestable(&stored(app, reach, tx, id).await?)?;
    let now = app.clock.now();
    let scheduled_for = now.after(app.config.anonymization_grace);
    let state = Anonymization::asked(actor.clone(), now, scheduled_for);
    let requested = doc! { "$set": { "anonymization": bson::serialize_to_bson(&state)? } };
    let customer = changed(app, reach, tx, id, requested).await?;
    app.queue
        .enqueue(tx, ERASE, doc! { "customerId": id }, state.scheduled_for)
        .await?;
    let entry = customer.entry(Action::AnonymizationRequested);
    app.audit.note_in(tx, reach, [entry]).await?;
    Ok(customer)
}

/// Cancels a requested erasure that has not started (CLY-18).
///
/// # Errors
/// CUSTOMER_NOT_FOUND (402), ANONYMIZATION_NOT_REQUESTED, ANONYMIZATION_ALREADY_STARTED.
pub async fn cancel(app: &App, reach: &Reach, id: &CustomerId, actor: Actor) -> Result<Customer> {
    app.database
        .transaction((app, reach, id, actor), |tx, (app, reach, id, actor)| {
            cancel_in(app, reach, tx, id, actor).boxed()
        })
        .await
}

async fn cancel_in(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    id: &CustomerId,
    actor: &Actor,
) -> Result<Customer> {
    // Read and changed in one transaction, like the start of an erasure: of the two, the later one sees the other's
    // change.
    match stored(app, reach, tx, id).await?.erasure() {
        Some(AnonymizationStatus::Requested) => {}
        None | Some(AnonymizationStatus::Cancelled) => return Err(refusal::not_requested().into()),
        Some(_) => return Err(refusal::already_started().into()),
    }
    let cancelled = doc! { "$set": {
        "anonymization.status": bson::serialize_to_bson(&AnonymizationStatus::Cancelled)?,
        "anonymization.cancelledAt": app.clock.now(),
        "anonymization.canceller": bson::serialize_to_bson(actor)?,
    } };
    let customer = changed(app, reach, tx, id, cancelled).await?;
    let entry = customer.entry(Action::AnonymizationCancelled);
    app.audit.note_in(tx, reach, [entry]).await?;
    Ok(customer)
}

async fn stored(app: &App, reach: &Reach, tx: &mut Tx, id: &CustomerId) -> Result<Customer> {
    let customers = app.database.open::<Customer>(reach);
    let found = customers.find_one_in(tx, doc! { "_id": id }).await?;
    found.ok_or_else(|| customer_refusal::not_found("customerId").into())
}

/// Updates the state of the erasure. `version` and `updatedAt` stay, because the customer's own data does not change.
async fn changed(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    id: &CustomerId,
    update: Document,
) -> Result<Customer> {
    let customers = app.database.open::<Customer>(reach);
    let changed = customers.update_in(tx, doc! { "_id": id }, update).await?;
    changed.ok_or_else(|| Error::internal("a customer disappeared during a transaction"))
}
