//! Where the erasure of a customer's personal data stands, as the customer's document tells it (CLY-20).

use async_graphql::Enum;
use bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::{Customer, refusal};
use crate::access::audit::Actor as AuditActor;
use crate::error::{Result, UserError};
use crate::platform::{clock::Timestamp, id::StorageId};

/// Where it is stored in a customer's document.
const STATUS: &str = "anonymization.status";

/// Status of the erasure of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnonymizationStatus {
    /// Requested; it starts at the end of the grace period and can be cancelled until then.
    Requested,
    /// Started; it can no longer be cancelled.
    InProgress,
    /// Completed: all personal data is erased.
    Completed,
    /// The last attempt failed; the erasure is retried.
    Failed,
    /// Cancelled before it started.
    Cancelled,
}

/// What is stored of a customer's erasure, where one was ever asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Anonymization {
    /// Where it stands.
    pub status: AnonymizationStatus,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the grace period ends.
    pub scheduled_for: Timestamp,
    /// Who asked.
    pub requester: Actor,
    /// When it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled_at: Option<Timestamp>,
    /// Who cancelled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub canceller: Option<Actor>,
    /// When it began. From then on nothing of the customer is changed any more (ERA-04).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started_at: Option<Timestamp>,
    /// Who began it, until all that its beginning does is done: then another node goes on with it where one has died.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closing: Option<AuditActor>,
    /// When it last failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failed_at: Option<Timestamp>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub completed_at: Option<Timestamp>,
    /// What was erased so far.
    #[serde(default)]
    pub erased: Counts,
    /// Storages that are to be emptied; nobody's since the erasure began.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub storages: Vec<StorageId>,
    /// Whether the customer is to be gone in the end (EPC-04).
    #[serde(default)]
    pub is_deletion: bool,
}

impl Anonymization {
    /// One that somebody asks for at `now`, to start at `scheduled_for`.
    #[must_use]
    pub fn asked(requester: Actor, now: Timestamp, scheduled_for: Timestamp) -> Self {
        Self {
            status: AnonymizationStatus::Requested,
            requested_at: now,
            scheduled_for,
            requester,
            cancelled_at: None,
            canceller: None,
            started_at: None,
            closing: None,
            failed_at: None,
            completed_at: None,
            erased: Counts::default(),
            storages: Vec::new(),
            is_deletion: false,
        }
    }
}

/// What was erased, counted by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Addresses.
    pub addresses: i64,
    /// Orders that had an address or an e-mail address in them.
    pub orders: i64,
    /// Items of private storage.
    pub storage_items: i64,
    /// Sessions.
    pub sessions: i64,
    /// Values of custom fields.
    pub custom_fields: i64,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// Its id.
    pub id: String,
}

/// Kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActorKind {
    /// A member of the organization, who acted through an integration.
    Member,
    /// The customer itself.
    Customer,
    /// An integration that acted without an owner.
    System,
}

impl Customer {
    /// Where the erasure stands; `None` when none was ever asked for.
    #[must_use]
    pub fn erasure(&self) -> Option<AnonymizationStatus> {
        self.anonymization.as_ref().map(|erasure| erasure.status)
    }

    /// Whether an erasure has begun, so that nothing is changed any more.
    #[must_use]
    pub fn is_being_erased(&self) -> bool {
        let erasure = self.anonymization.as_ref();
        erasure.is_some_and(|erasure| erasure.started_at.is_some())
    }

    /// Whether the customer may be changed.
    ///
    /// # Errors
    /// CUSTOMER_ANONYMIZED on `field` (ERA-04).
    pub fn check_open(&self, field: &str) -> Result<(), UserError> {
        if self.is_being_erased() {
            Err(refusal::anonymized([field]))
        } else {
            Ok(())
        }
    }
}

/// The filter for customers of whom it finds only those that may be changed: for writes that do not read the customer in
/// the same transaction (ERA-04).
#[must_use]
pub fn open(mut filter: Document) -> Document {
    filter.insert("anonymization.startedAt", doc! { "$exists": false });
    filter
}

/// The condition that a customer's erasure stands there.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a status that cannot be written.
pub fn stands_at(status: AnonymizationStatus) -> Result<Document> {
    Ok(doc! { STATUS: bson::serialize_to_bson(&status)? })
}

/// The condition that a customer's data is erased, or that it is not.
///
/// # Errors
/// As [`stands_at`].
pub fn is_done(done: bool) -> Result<Document> {
    let completed = bson::serialize_to_bson(&AnonymizationStatus::Completed)?;
    Ok(if done {
        doc! { STATUS: completed }
    } else {
        doc! { STATUS: { "$ne": completed } }
    })
}
