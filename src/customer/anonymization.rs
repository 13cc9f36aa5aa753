//! Where the erasure of a customer's personal data stands (CLY-20).

use async_graphql::Enum;
use bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::Customer;
use crate::error::Result;

/// Where it is stored in a customer's document.
const STATUS: &str = "anonymization.status";

/// Where an erasure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnonymizationStatus {
    /// Asked for; it starts when the grace period is over, and can be cancelled until then.
    Requested,
    /// Under way; nothing stops it any more.
    InProgress,
    /// Done: nothing personal is left.
    Completed,
    /// It could not be finished yet, and is tried again.
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
}

impl Customer {
    /// Where the erasure stands; `None` when none was ever asked for.
    #[must_use]
    pub fn erasure(&self) -> Option<AnonymizationStatus> {
        self.anonymization.as_ref().map(|erasure| erasure.status)
    }
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
