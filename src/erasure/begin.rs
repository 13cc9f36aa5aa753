//! The start of an erasure, which is not delayed by concurrent writes (ERA-05):
//!
//! 1. [`close`] is one update of the customer's own document. It removes the personal data there, frees the e-mail
//!    address and marks the erasure as started. From then on every other change of the customer is refused, and a
//!    transaction that read the customer before is retried. The update waits only for a write that is being committed.
//! 2. One update each closes the storefront user, the documents of mailed one-time keys and the sessions, so that
//!    uploads, merges, keys and refreshes are refused too.
//! 3. One transaction, which can no longer conflict with other writes, ends the sessions, removes identities and
//!    storages, and enqueues the job that does the rest.
//!
//! If the process dies in between, `anonymization.closing` stays in the customer's document, and another node resumes
//! from it.

use bson::{Bson, Document, doc};
use futures_util::FutureExt;

use super::eraser::ERASE;
use super::refusal;
use crate::app::App;
use crate::audit;
use crate::audit::Action;
use crate::auth::session::EndedSessions;
use crate::customer::{
    Customer,
    anonymization::{Actor, Anonymization, AnonymizationStatus, open},
    identity, refusal as customer_refusal,
};
use crate::domain::personal::Personal;
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    database::Tx,
    id::{CustomerId, StorageId},
};
use crate::reach::{Confine, HouseReach};
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage, store as users};

/// How an erasure is started.
#[derive(Clone, Debug)]
pub enum Door {
    /// By a request whose grace period has ended.
    Request,
    /// Immediately, at the customer's own request or as a deletion.
    AtOnce {
        /// Who requested it.
        actor: Actor,
        /// Whether the customer's document is deleted in the end.
        is_deletion: bool,
    },
}

/// Starts the erasure of a customer whose erasure has not started yet. Returns false for a request that was cancelled
/// or postponed, and if the erasure has already started. The caller must call [`complete`] afterwards.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`; `CUSTOMER_ANONYMIZED` if an immediate erasure is requested and one has already started, unless
/// it is a deletion, which continues from there.
pub async fn close(
    app: &App,
    (reach, by): (&impl Confine, &audit::AuditActor),
    id: &CustomerId,
    door: &Door,
) -> Result<bool> {
    let now = app.clock.now();
    let in_progress = bson::serialize_to_bson(&AnonymizationStatus::InProgress)?;
    let (filter, state) = match door {
        Door::Request => {
            let requested = bson::serialize_to_bson(&AnonymizationStatus::Requested)?;
            let filter = doc! {
                "_id": id, "anonymization.status": requested, "anonymization.scheduledFor": { "$lte": now },
            };
            let state = doc! {
                "anonymization.status": literal(in_progress),
                "anonymization.startedAt": now,
                "anonymization.closing": literal(bson::serialize_to_bson(by)?),
            };
            (filter, state)
        }
        Door::AtOnce { actor, is_deletion } => {
            let state = Anonymization {
                status: AnonymizationStatus::InProgress,
                started_at: Some(now),
                closing: Some(by.clone()),
                is_deletion: *is_deletion,
                ..Anonymization::asked(actor.clone(), now, now)
            };
            let state = doc! { "anonymization": literal(bson::serialize_to_bson(&state)?) };
            (open(doc! { "_id": id }), state)
        }
    };
    let customers = app.database.open::<Customer>(reach);
    if customers.update_by(filter, emptied(state, now)).await?.is_some() {
        return Ok(true);
    }
    let left = customers.get(id).await?;
    match (door, left) {
        (Door::Request, _) => Ok(false),
        (Door::AtOnce { .. }, None) => Err(customer_refusal::not_found("customerId").into()),
        (
            Door::AtOnce {
                is_deletion: false, ..
            },
            Some(_),
        ) => Err(customer_refusal::anonymized([]).into()),
        (
            Door::AtOnce {
                is_deletion: true, ..
            },
            Some(customer),
        ) => {
            let context = (app, reach, by, &customer);
            let noted = app
                .database
                .transaction(context, |tx, (app, reach, by, customer)| {
                    delete_too_in(app, (*reach, by), tx, customer).boxed()
                });
            noted.await.map(|()| false)
        }
    }
}

fn literal(value: Bson) -> Document {
    doc! { "$literal": value }
}

/// Returns the update that removes the personal data from a customer's document and counts the removed custom fields.
fn emptied(mut state: Document, now: Timestamp) -> Vec<Document> {
    let one_more = |field: &str| doc! { "$add": [format!("${field}"), 1_i64] };
    state.extend(doc! {
        "isEmailVerified": false, "updatedAt": now,
        "version": one_more("version"), "credentialEpoch": one_more("credentialEpoch"),
    });
    let custom_fields = doc! { "$size": { "$ifNull": ["$customFields", []] } };
    let personal: Vec<String> = Customer::STORED.unset().keys().cloned().collect();
    vec![
        doc! { "$set": state },
        doc! { "$set": { "anonymization.erased.customFields": { "$toLong": custom_fields } } },
        doc! { "$unset": personal },
    ]
}

/// Turns an erasure that has started or completed into a deletion.
async fn delete_too_in(
    app: &App,
    (reach, by): (&impl Confine, &audit::AuditActor),
    tx: &mut Tx,
    customer: &Customer,
) -> Result<()> {
    let in_progress = bson::serialize_to_bson(&AnonymizationStatus::InProgress)?;
    let update = doc! {
        "$set": { "anonymization.isDeletion": true, "anonymization.status": in_progress },
        "$inc": { "version": 1_i64 },
    };
    let customers = app.database.open::<Customer>(reach);
    customers
        .update_in(tx, doc! { "_id": &customer.id }, update)
        .await?;
    let entry = customer.entry(Action::DeletionRequested);
    app.audit.note_in(tx, by, [entry]).await
}

/// Ends a closed customer's sessions, identities and storages, and evicts what this node has cached of them. Does
/// nothing if this was already done. Returns the id of the job that does the rest, if `wants_job`.
///
/// # Errors
/// Any database error; a repeated call continues from there.
pub async fn complete(app: &App, id: &CustomerId, wants_job: bool) -> Result<Option<String>> {
    let system = HouseReach::everywhere();
    let closing = doc! { "_id": id, "anonymization.closing": { "$exists": true } };
    if let Some(customer) = app.database.open::<Customer>(&system).find_one(closing).await? {
        shut(app, &system, &customer).await?;
    }
    let context = (app, id);
    let written = app.database.transaction(context, |tx, (app, id)| {
        async move {
            let ended = complete_in(app, tx, id).await?;
            let payload = doc! { "customerId": *id };
            let job = match wants_job {
                true => Some(app.queue.enqueue(tx, ERASE, payload, app.clock.now()).await?),
                false => None,
            };
            Ok((ended, job))
        }
        .boxed()
    });
    let (ended, job) = written.await?;
    if let Some(ended) = ended {
        app.access.forget_ended(&ended).await;
    }
    Ok(job)
}

/// Closes everything that can change without touching the customer's own document.
async fn shut(app: &App, system: &HouseReach, customer: &Customer) -> Result<()> {
    let now = app.clock.now();
    let open = doc! { "_id": &customer.user_id, "erasedAt": { "$exists": false } };
    let closed = doc! { "$set": { "erasedAt": now, "updatedAt": now }, "$inc": { "version": 1_i64 } };
    let users = app.database.open::<StorefrontUser>(system);
    users.update(open, closed).await?;
    app.one_time.seal(&customer.id).await?;
    let (storefront, user) = (&customer.storefront_id, &customer.user_id);
    app.access.sessions.stop(storefront, user).await
}

async fn complete_in(app: &App, tx: &mut Tx, id: &CustomerId) -> Result<Option<EndedSessions>> {
    let system = HouseReach::everywhere();
    let customers = app.database.open::<Customer>(&system);
    let Some(customer) = customers.find_one_in(tx, doc! { "_id": id }).await? else {
        return Ok(None);
    };
    let state = customer.anonymization.as_ref();
    let Some((by, state)) = state.and_then(|state| Some((state.closing.as_ref()?, state))) else {
        return Ok(None);
    };
    let asks = state.is_deletion.then_some(Action::DeletionRequested);
    let told = asks.into_iter().chain([Action::AnonymizationStarted]);
    let told = told.map(|action| customer.entry(action));
    app.audit.note_in(tx, by, told).await?;
    let (storefront, user) = (&customer.storefront_id, &customer.user_id);
    let ended = app.access.sessions.end_all_in(tx, storefront, user, None);
    let ended = ended.await?;
    identity::forget_in(&app.database, &system, tx, storefront, user).await?;
    let (storages, items) = part_with_storages_in(app, &system, tx, &customer).await?;
    let storages: Vec<Bson> = storages.iter().map(Bson::from).collect();
    let sessions = i64::try_from(ended.sessions.len()).unwrap_or(i64::MAX);
    let update = doc! {
        "$set": {
            "anonymization.erased.sessions": sessions, "anonymization.erased.storageItems": items,
            "anonymization.storages": storages,
        },
        "$unset": { "anonymization.closing": "" },
    };
    match customers.update_in(tx, doc! { "_id": id }, update).await? {
        Some(_) => Ok(Some(ended)),
        None => Err(Error::internal(
            "a customer was removed while it was being closed",
        )),
    }
}

/// Replaces the user's storages by an empty one. The previous storages lose their owner, so that an upload in progress
/// finds none. Returns their ids and the number of items in them.
async fn part_with_storages_in(
    app: &App,
    system: &HouseReach,
    tx: &mut Tx,
    customer: &Customer,
) -> Result<(Vec<StorageId>, i64)> {
    let database = &app.database;
    let known = doc! { "_id": &customer.user_id };
    let user = database
        .open::<StorefrontUser>(system)
        .find_one_in(tx, known)
        .await?;
    let user = user.ok_or_else(|| Error::internal("a customer has no storefront user"))?;
    let storages = users::part_with_storages_in(database, system, tx, &user).await?;
    let now = app.clock.now();
    let fresh = PrivateStorage {
        id: StorageId::fresh(now, &app.random),
        storefront_id: user.storefront_id.clone(),
        owner_id: Some(user.id.clone()),
        item_count: 0,
        total_bytes: 0,
        created_at: now,
    };
    database
        .open::<PrivateStorage>(system)
        .insert_in(tx, system, &fresh)
        .await?;
    let items = storages.iter().map(|storage| storage.item_count).sum();
    Ok((storages.into_iter().map(|storage| storage.id).collect(), items))
}

/// Checks that an erasure can be requested in the customer's current state.
///
/// # Errors
/// `ANONYMIZATION_ALREADY_REQUESTED`, `ANONYMIZATION_ALREADY_STARTED`, `CUSTOMER_ANONYMIZED`.
pub fn check_requestable(customer: &Customer) -> Result<()> {
    Err(match customer.erasure() {
        None | Some(AnonymizationStatus::Cancelled) => return Ok(()),
        Some(AnonymizationStatus::Requested) => refusal::already_requested(),
        Some(AnonymizationStatus::InProgress | AnonymizationStatus::Failed) => refusal::already_started(),
        Some(AnonymizationStatus::Completed) => customer_refusal::anonymized(["customerId"]),
    }
    .into())
}
