//! The start of an erasure, which is not delayed by concurrent writes (ERA-05):
//!
//! 1. [`Closing`] is one update of the customer's own document. It removes the personal data there, frees the e-mail
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

use super::ERASE;
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::session::EndedSessions;
use crate::customer::{
    Customer,
    anonymization::{Anonymization, AnonymizationStatus, open},
    identity, refusal,
};
use crate::domain::personal::Personal;
use crate::error::{Error, Result};
use crate::organization::actor::Actor;
use crate::platform::{
    clock::Timestamp,
    database::{Tx, Write},
    id::{CustomerId, StorageId},
};
use crate::reach::{Confine, HouseReach};
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage, store::part_with_storages_in};

/// What starts an erasure.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A request whose grace period has ended.
    Request,
    /// The customer itself or a deletion, without a grace period.
    Immediate {
        /// Who requested it.
        actor: Actor,
        /// Whether the customer's document is deleted in the end.
        is_deletion: bool,
    },
}

impl Trigger {
    /// Returns the filter for the customer, as long as this trigger may start its erasure.
    fn condition(&self, id: &CustomerId, now: Timestamp) -> Result<Document> {
        match self {
            Self::Request => {
                let requested = bson::serialize_to_bson(&AnonymizationStatus::Requested)?;
                Ok(doc! {
                    "_id": id, "anonymization.status": requested, "anonymization.scheduledFor": { "$lte": now },
                })
            }
            Self::Immediate { .. } => Ok(open(doc! { "_id": id })),
        }
    }

    /// Returns the fields that mark the erasure as started by this actor, for a `$set` stage.
    fn started(&self, by: &AuditActor, now: Timestamp) -> Result<Document> {
        match self {
            Self::Request => Ok(doc! {
                "anonymization.status": literal(bson::serialize_to_bson(&AnonymizationStatus::InProgress)?),
                "anonymization.startedAt": now,
                "anonymization.closing": literal(bson::serialize_to_bson(by)?),
            }),
            Self::Immediate { actor, is_deletion } => {
                let state = Anonymization {
                    status: AnonymizationStatus::InProgress,
                    started_at: Some(now),
                    closing: Some(by.clone()),
                    is_deletion: *is_deletion,
                    ..Anonymization::asked(actor.clone(), now, now)
                };
                Ok(doc! { "anonymization": literal(bson::serialize_to_bson(&state)?) })
            }
        }
    }
}

/// The update that closes a customer whose erasure has not started yet.
pub struct Closing<'a, R> {
    /// The app.
    pub app: &'a App,
    /// The reach with which the customer is found.
    pub reach: &'a R,
    /// The actor in the audit trail.
    pub by: &'a AuditActor,
    /// The customer.
    pub customer: &'a CustomerId,
    /// What starts the erasure.
    pub trigger: &'a Trigger,
}

impl<R: Confine> Closing<'_, R> {
    /// Closes the customer. Returns false for a request that was cancelled or postponed, and if the erasure has already
    /// started. The caller must call [`complete`] or [`complete_with_job`] afterwards.
    ///
    /// # Errors
    /// CUSTOMER_NOT_FOUND (402); CUSTOMER_ANONYMIZED if an immediate erasure is requested and one has already started,
    /// unless it is a deletion, which continues from there.
    pub async fn run(&self) -> Result<bool> {
        let now = self.app.clock.now();
        let condition = self.trigger.condition(self.customer, now)?;
        let started = self.trigger.started(self.by, now)?;
        let customers = self.app.database.open::<Customer>(self.reach);
        let closed = customers.update(condition, emptied(started, now)).await?;
        if closed.is_some() {
            return Ok(true);
        }
        let found = customers.get(self.customer).await?;
        match (self.trigger, found) {
            (Trigger::Request, _) => Ok(false),
            (Trigger::Immediate { .. }, None) => Err(refusal::not_found("customerId").into()),
            (Trigger::Immediate { is_deletion, .. }, Some(_)) if !is_deletion => {
                Err(refusal::anonymized([]).into())
            }
            (Trigger::Immediate { .. }, Some(customer)) => {
                let conversion = Conversion {
                    closing: self,
                    customer: &customer,
                };
                self.app.database.run(&conversion).await?;
                Ok(false)
            }
        }
    }
}

fn literal(value: Bson) -> Document {
    doc! { "$literal": value }
}

/// Returns the update that removes the personal data from a customer's document and counts the removed custom fields.
fn emptied(mut set: Document, now: Timestamp) -> Vec<Document> {
    let increased = |field: &str| doc! { "$add": [format!("${field}"), 1_i64] };
    set.extend(doc! {
        "isEmailVerified": false, "updatedAt": now,
        "version": increased("version"), "credentialEpoch": increased("credentialEpoch"),
    });
    let custom_fields = doc! { "$size": { "$ifNull": ["$customFields", []] } };
    let personal: Vec<String> = Customer::STORED.unset().keys().cloned().collect();
    vec![
        doc! { "$set": set },
        doc! { "$set": { "anonymization.erased.customFields": { "$toLong": custom_fields } } },
        doc! { "$unset": personal },
    ]
}

/// The write that turns an erasure that has started or completed into a deletion.
struct Conversion<'a, R> {
    closing: &'a Closing<'a, R>,
    customer: &'a Customer,
}

impl<R: Confine> Write for Conversion<'_, R> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Closing { app, reach, by, .. } = self.closing;
        let in_progress = bson::serialize_to_bson(&AnonymizationStatus::InProgress)?;
        let update = doc! {
            "$set": { "anonymization.isDeletion": true, "anonymization.status": in_progress },
            "$inc": { "version": 1_i64 },
        };
        let customers = app.database.open::<Customer>(*reach);
        customers
            .update_in(tx, doc! { "_id": &self.customer.id }, update)
            .await?;
        let entry = self.customer.entry(Action::DeletionRequested);
        app.audit.note_in(tx, *by, [entry]).await
    }
}

/// Ends a closed customer's sessions, identities and storages, and evicts what this node has cached of them. Does
/// nothing if this was already done.
///
/// # Errors
/// Any database error; a repeated call continues from there.
pub async fn complete(app: &App, system: &HouseReach, id: &CustomerId) -> Result<()> {
    close_related_documents(app, system, id).await?;
    let shutdown = AccountShutdown { app, system, id };
    let ended = app.database.run(&shutdown).await?;
    forget_ended(app, ended).await;
    Ok(())
}

/// As [`complete`]; also enqueues the job that does the rest and returns its id.
///
/// # Errors
/// As [`complete`].
pub async fn complete_with_job(app: &App, system: &HouseReach, id: &CustomerId) -> Result<String> {
    close_related_documents(app, system, id).await?;
    let shutdown = QueuedShutdown(AccountShutdown { app, system, id });
    let ShutdownWithJob { ended, job } = app.database.run(&shutdown).await?;
    forget_ended(app, ended).await;
    Ok(job)
}

/// Evicts what this node has cached of ended sessions.
async fn forget_ended(app: &App, ended: Option<EndedSessions>) {
    if let Some(ended) = ended {
        app.access.forget_ended(&ended).await;
    }
}

/// Closes everything that can change without touching the customer's own document, unless this was already done.
async fn close_related_documents(app: &App, system: &HouseReach, id: &CustomerId) -> Result<()> {
    let closing = doc! { "_id": id, "anonymization.closing": { "$exists": true } };
    let customer = app.database.open::<Customer>(system).find_one(closing).await?;
    let Some(customer) = customer else {
        return Ok(());
    };
    let now = app.clock.now();
    let open = doc! { "_id": &customer.user_id, "erasedAt": { "$exists": false } };
    let closed = doc! { "$set": { "erasedAt": now, "updatedAt": now }, "$inc": { "version": 1_i64 } };
    let users = app.database.open::<StorefrontUser>(system);
    users.update(open, closed).await?;
    app.one_time.seal(&customer.id).await?;
    let (storefront, user) = (&customer.storefront_id, &customer.user_id);
    app.access.sessions.stop(storefront, user).await
}

/// The write that ends a closed customer's sessions and removes its identities and storages. Returns the ended sessions;
/// `None` if this was already done, or the customer does not exist any more.
struct AccountShutdown<'a> {
    app: &'a App,
    system: &'a HouseReach,
    id: &'a CustomerId,
}

impl Write for AccountShutdown<'_> {
    type Output = Option<EndedSessions>;

    async fn write(&self, tx: &mut Tx) -> Result<Option<EndedSessions>> {
        let Self { app, system, id } = *self;
        let customers = app.database.open::<Customer>(system);
        let Some(customer) = customers.find_one_in(tx, doc! { "_id": id }).await? else {
            return Ok(None);
        };
        let state = customer.anonymization.as_ref();
        let Some((by, state)) = state.and_then(|state| Some((state.closing.as_ref()?, state))) else {
            return Ok(None);
        };
        let requested = state.is_deletion.then_some(Action::DeletionRequested);
        let actions = requested.into_iter().chain([Action::AnonymizationStarted]);
        let entries = actions.map(|action| customer.entry(action));
        app.audit.note_in(tx, by, entries).await?;
        let (storefront, user) = (&customer.storefront_id, &customer.user_id);
        let ended = app.access.sessions.end_all_in(tx, storefront, user, None);
        let ended = ended.await?;
        identity::forget_in(&app.database, system, tx, storefront, user).await?;
        let detached = self.detach_storages_in(tx, &customer).await?;
        let storages: Vec<Bson> = detached.ids.iter().map(Bson::from).collect();
        let sessions = i64::try_from(ended.sessions.len()).unwrap_or(i64::MAX);
        let update = doc! {
            "$set": {
                "anonymization.erased.sessions": sessions, "anonymization.erased.storageItems": detached.items,
                "anonymization.storages": storages,
            },
            "$unset": { "anonymization.closing": "" },
        };
        match customers.update_in(tx, doc! { "_id": id }, update).await? {
            Some(_) => Ok(Some(ended)),
            None => Err(Error::internal(
                "customer not found during the transaction that completes its closing",
            )),
        }
    }
}

impl AccountShutdown<'_> {
    /// Replaces the user's storages by an empty one. The previous storages lose their owner, so that an upload in
    /// progress finds none.
    async fn detach_storages_in(&self, tx: &mut Tx, customer: &Customer) -> Result<DetachedStorages> {
        let Self { app, system, .. } = *self;
        let database = &app.database;
        let users = database.open::<StorefrontUser>(system);
        let user = users.find_one_in(tx, doc! { "_id": &customer.user_id }).await?;
        let user = user.ok_or_else(|| Error::internal("storefront user of a customer not found"))?;
        let storages = part_with_storages_in(database, system, tx, &user).await?;
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
        Ok(DetachedStorages {
            items: storages.iter().map(|storage| storage.item_count).sum(),
            ids: storages.into_iter().map(|storage| storage.id).collect(),
        })
    }
}

/// The storages that a user has lost.
struct DetachedStorages {
    /// Their ids.
    ids: Vec<StorageId>,
    /// Number of items in them.
    items: i64,
}

/// As [`AccountShutdown`]; also enqueues the job that does the rest.
struct QueuedShutdown<'a>(AccountShutdown<'a>);

/// The result of [`QueuedShutdown`].
struct ShutdownWithJob {
    /// The result of the [`AccountShutdown`].
    ended: Option<EndedSessions>,
    /// Id of the job.
    job: String,
}

impl Write for QueuedShutdown<'_> {
    type Output = ShutdownWithJob;

    async fn write(&self, tx: &mut Tx) -> Result<ShutdownWithJob> {
        let Self(shutdown) = self;
        let ended = shutdown.write(tx).await?;
        let payload = doc! { "customerId": shutdown.id };
        let (queue, now) = (&shutdown.app.queue, shutdown.app.clock.now());
        let job = queue.enqueue(tx, ERASE, payload, now).await?;
        Ok(ShutdownWithJob { ended, job })
    }
}
