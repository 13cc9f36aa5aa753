//! The beginning of an erasure: one transaction, after which the customer is signed out everywhere, all personal fields of
//! their own document are gone, the e-mail address is free, and nothing new can come: whatever adds to the customer at the
//! same time has changed one of the documents that are changed here, or finds the customer closed.

use bson::{Document, doc};

use super::refusal;
use crate::access::{
    audit::{self, Action},
    personal::Personal,
    reach::{Confine, SystemReach},
    session::Ended,
};
use crate::app::App;
use crate::customer::{
    Customer,
    anonymization::{Actor, Anonymization, AnonymizationStatus, Counts},
    refusal as customer_refusal,
};
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    database::Tx,
    id::{CustomerId, StorageId},
};
use crate::sign_on::store::forget_identities_in;
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage, store as users};

/// How an erasure comes about.
#[derive(Clone, Debug)]
pub enum Door {
    /// A request whose grace period is over.
    Request,
    /// At once, by the customer's own wish, or as a deletion.
    AtOnce {
        /// Who wants it.
        actor: Actor,
        /// Whether the customer is to be gone in the end.
        is_deletion: bool,
    },
}

/// Begins the erasure of a customer who is not being erased yet. `None` for a request that was cancelled or put off, and
/// for one that has begun.
///
/// # Errors
/// CUSTOMER_NOT_FOUND; CUSTOMER_ANONYMIZED where it is to begin at once and has begun, unless it is a deletion, which goes
/// on from there.
pub async fn begin_in(
    app: &App,
    (reach, by): (&impl Confine, &audit::Actor),
    tx: &mut Tx,
    id: &CustomerId,
    door: &Door,
) -> Result<Option<Ended>> {
    let customers = app.database.open::<Customer>(reach);
    let Some(customer) = customers.find_one_in(tx, doc! { "_id": id }).await? else {
        return match door {
            Door::Request => Ok(None),
            Door::AtOnce { .. } => Err(customer_refusal::not_found("customerId").into()),
        };
    };
    let now = app.clock.now();
    let known = customer.anonymization.clone();
    let state = match (door, known) {
        (Door::Request, Some(asked))
            if asked.status == AnonymizationStatus::Requested && asked.scheduled_for <= now =>
        {
            asked
        }
        (Door::Request, _) => return Ok(None),
        (Door::AtOnce { is_deletion, .. }, Some(begun)) if begun.started_at.is_some() => {
            return match is_deletion {
                true => delete_too_in(app, (reach, by), tx, &customer).await,
                false => Err(customer_refusal::anonymized([]).into()),
            };
        }
        (Door::AtOnce { actor, is_deletion }, _) => Anonymization {
            is_deletion: *is_deletion,
            ..Anonymization::asked(actor.clone(), now, now)
        },
    };
    empty_in(app, by, tx, (customer, state), now).await.map(Some)
}

/// A customer who is erased, or being erased, is to be gone altogether.
async fn delete_too_in(
    app: &App,
    (reach, by): (&impl Confine, &audit::Actor),
    tx: &mut Tx,
    customer: &Customer,
) -> Result<Option<Ended>> {
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
    app.audit.note_in(tx, by, [entry]).await?;
    Ok(None)
}

/// Takes what is personal out of the customer's document, and away from them whatever more could come by.
async fn empty_in(
    app: &App,
    by: &audit::Actor,
    tx: &mut Tx,
    (customer, asked): (Customer, Anonymization),
    now: Timestamp,
) -> Result<Ended> {
    let asks = asked.is_deletion.then_some(Action::DeletionRequested);
    let told = asks.into_iter().chain([Action::AnonymizationStarted]);
    let told = told.map(|action| customer.entry(action));
    app.audit.note_in(tx, by, told).await?;
    let system = SystemReach::for_background_work();
    let sessions = app
        .access
        .sessions
        .end_all_in(tx, &customer.storefront_id, &customer.user_id, None);
    let ended = sessions.await?;
    app.one_time.seal_in(tx, &customer.id).await?;
    let (storefront, user) = (&customer.storefront_id, &customer.user_id);
    forget_identities_in(&app.database, &system, tx, storefront, user).await?;
    let (storages, items) = part_with_storages_in(app, &system, tx, &customer, now).await?;
    let count = |many: usize| i64::try_from(many).unwrap_or(i64::MAX);
    let state = Anonymization {
        status: AnonymizationStatus::InProgress,
        started_at: Some(now),
        erased: Counts {
            storage_items: items,
            sessions: count(ended.sessions.len()),
            custom_fields: count(customer.custom_fields.len()),
            ..asked.erased
        },
        storages,
        ..asked
    };
    let update: Document = doc! {
        "$set": {
            "anonymization": bson::serialize_to_bson(&state)?, "isEmailVerified": false, "updatedAt": now,
        },
        "$unset": Customer::STORED.unset(),
        "$inc": { "version": 1_i64, "credentialEpoch": 1_i64 },
    };
    let customers = app.database.open::<Customer>(&system);
    let emptied = customers
        .update_in(tx, doc! { "_id": &customer.id }, update)
        .await?;
    match emptied {
        Some(_) => Ok(ended),
        None => Err(Error::internal(
            "a customer that was read in a transaction stays for its time",
        )),
    }
}

/// Leaves the user an empty storage: those so far become nobody's, so that an upload under way finds no owner. Their ids,
/// and how many items are in them.
async fn part_with_storages_in(
    app: &App,
    system: &SystemReach,
    tx: &mut Tx,
    customer: &Customer,
    now: Timestamp,
) -> Result<(Vec<StorageId>, i64)> {
    let database = &app.database;
    let closed = doc! { "$set": { "erasedAt": now, "updatedAt": now }, "$inc": { "version": 1_i64 } };
    let own = doc! { "_id": &customer.user_id };
    let user = database
        .open::<StorefrontUser>(system)
        .update_in(tx, own, closed)
        .await?;
    let user = user.ok_or_else(|| Error::internal("a customer has a storefront user"))?;
    let storages = users::part_with_storages_in(database, system, tx, &user).await?;
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

/// Whether a request may be made for a customer whose erasure stands there.
///
/// # Errors
/// ANONYMIZATION_ALREADY_REQUESTED, ANONYMIZATION_ALREADY_STARTED, CUSTOMER_ANONYMIZED.
pub fn check_requestable(customer: &Customer) -> Result<()> {
    Err(match customer.erasure() {
        None | Some(AnonymizationStatus::Cancelled) => return Ok(()),
        Some(AnonymizationStatus::Requested) => refusal::already_requested(),
        Some(AnonymizationStatus::InProgress | AnonymizationStatus::Failed) => refusal::already_started(),
        Some(AnonymizationStatus::Completed) => customer_refusal::anonymized(["customerId"]),
    }
    .into())
}
