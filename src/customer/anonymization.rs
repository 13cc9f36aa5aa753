//! The status of the erasure of a customer's personal data, as the customer's document stores it (CLY-20).

use async_graphql::Enum;
use bson::{Document, doc};
use serde::{Deserialize, Serialize};

use crate::audit::AuditActor;
use crate::error::Result;
use crate::organization::actor::Actor;
use crate::platform::{clock::Timestamp, id::StorageId};

/// The field of a customer's document that holds the status.
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

/// The stored state of a customer's erasure, if one was ever requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Anonymization {
    /// Status of the erasure.
    pub status: AnonymizationStatus,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When the grace period ends.
    pub scheduled_for: Timestamp,
    /// Who requested it.
    pub requester: Actor,
    /// When it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled_at: Option<Timestamp>,
    /// Who cancelled it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub canceller: Option<Actor>,
    /// When it started. From then on the customer is no longer changed (ERA-04).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started_at: Option<Timestamp>,
    /// Who started it; absent once all steps of the start are done. If a node dies in between, another node continues.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closing: Option<AuditActor>,
    /// When it last failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failed_at: Option<Timestamp>,
    /// When it was completed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub completed_at: Option<Timestamp>,
    /// Number of erased objects so far.
    #[serde(default)]
    pub erased: ErasedCounts,
    /// Storages that are still to be emptied; since the start of the erasure they belong to nobody.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub storages: Vec<StorageId>,
    /// Whether the customer itself is deleted at the end (EPC-04).
    #[serde(default)]
    pub is_deletion: bool,
}

impl Anonymization {
    /// Creates the state of an erasure that is requested at `now` and starts at `scheduled_for`.
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
            erased: ErasedCounts::default(),
            storages: Vec::new(),
            is_deletion: false,
        }
    }
}

/// Number of erased objects by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasedCounts {
    /// Addresses.
    pub addresses: i64,
    /// Orders that contained an address or an e-mail address.
    pub orders: i64,
    /// Items of private storage.
    pub storage_items: i64,
    /// Sessions.
    pub sessions: i64,
    /// Values of custom fields.
    pub custom_fields: i64,
}

/// Restricts a filter to customers that may be changed, for writes that do not read the customer in the same
/// transaction (ERA-04).
#[must_use]
pub fn open(mut filter: Document) -> Document {
    filter.insert("anonymization.startedAt", doc! { "$exists": false });
    filter
}

/// The filter for customers whose erasure has this status.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a status that cannot be serialized.
pub fn has_status(status: AnonymizationStatus) -> Result<Document> {
    Ok(doc! { STATUS: bson::serialize_to_bson(&status)? })
}

/// The filter for customers whose erasure is completed, or is not completed.
///
/// # Errors
/// As [`has_status`].
pub fn is_done(done: bool) -> Result<Document> {
    let completed = bson::serialize_to_bson(&AnonymizationStatus::Completed)?;
    Ok(if done {
        doc! { STATUS: completed }
    } else {
        doc! { STATUS: { "$ne": completed } }
    })
}
