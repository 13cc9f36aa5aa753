//! Notes that the store's staff keeps about a customer (NTE-01). Customers do not see that there are any, but the export
//! of their data contains them, and the erasure deletes them.

pub mod create;
pub mod delete;
pub mod node;
pub mod store;

use std::fmt;

use async_graphql::{EmptyMutation, MergedObject};
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::domain::personal::{Erasure, PersonalKind};
use crate::error::{UserError, UserErrorCode};
use crate::organization::actor::Actor;
use crate::platform::{
    clock::Timestamp,
    id::{CustomerId, StorefrontId, StorefrontUserId, ids},
};
use crate::reach::{Holder, principal::Policy, scope::Scope, tenant::TenantDocument};

/// The declaration of customers' notes.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    personal: &[PersonalKind::of::<CustomerNote>(Erasure::Delete {
        counted: None,
    })],
    ..Domain::EMPTY
};

/// It has no queries of its own; a customer's notes are read through the customer.
pub type Query = EmptyMutation;

/// The mutations of notes.
#[derive(MergedObject, Default)]
#[graphql(name = "CustomerNoteMutation")]
pub struct Mutation(create::CustomerNoteCreate, delete::CustomerNoteDelete);

/// Who may read notes: back ends only.
pub const READ: Policy = Policy::backend(Scope::CustomersRead);
/// Who may write notes.
const WRITE: Policy = Policy::backend(Scope::CustomersWrite);

/// Maximum length of a note, in characters.
pub const MAX_TEXT: usize = 2_000;

ids! {
    /// A note about a customer.
    CustomerNoteId = "nte";
}

/// A note about a customer. It is written once and never changes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerNote {
    /// Id.
    #[serde(rename = "_id")]
    pub id: CustomerNoteId,
    /// The customer's storefront.
    pub storefront_id: StorefrontId,
    /// The customer's storefront user.
    pub user_id: StorefrontUserId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The text, verbatim.
    pub text: String,
    /// Who wrote it: the owner of the token, or the API client.
    pub author: Actor,
    /// When it was written.
    pub created_at: Timestamp,
}

// Personal data must not reach a log through its document.
impl fmt::Debug for CustomerNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerNote({})", self.id)
    }
}

impl TenantDocument for CustomerNote {
    type Id = CustomerNoteId;
    const COLLECTION: &'static str = "customerNotes";
    // A person's token reaches nothing of it: no policy admits one.
    const HOLDER: Holder = Holder::StorefrontUser("userId");

    fn id(&self) -> &CustomerNoteId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

/// Checks the text of a note. Line breaks and tabs are allowed.
///
/// # Errors
/// REQUIRED if it is empty or blank, TOO_LONG, INVALID for other control characters.
pub fn check_text(text: &str) -> Result<String, UserError> {
    let fault = |code, message: &str| Err(UserError::new(code, ["text"], message));
    if text.trim().is_empty() {
        return fault(UserErrorCode::Required, "The note must not be empty or blank.");
    }
    if text.chars().count() > MAX_TEXT {
        let message = format!("A note has at most {MAX_TEXT} characters.");
        return fault(UserErrorCode::TooLong, &message);
    }
    let is_allowed = |char: char| !char.is_control() || ['\n', '\r', '\t'].contains(&char);
    if !text.chars().all(is_allowed) {
        return fault(
            UserErrorCode::Invalid,
            "A note has no control characters except line breaks and tabs.",
        );
    }
    Ok(text.to_owned())
}

/// The note was not found for this credential.
#[must_use]
pub fn not_found() -> UserError {
    UserError::new(
        UserErrorCode::CustomerNoteNotFound,
        ["id"],
        "No note with this id was found for this credential. Send an id as customer.notes returns it (nte_…).",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // NTE-01
    #[test]
    fn a_note_has_1_to_2000_characters_and_may_have_lines() {
        let longest = "ä".repeat(MAX_TEXT);
        for good in ["x", "Called back.\r\n\tPrefers e-mail.", longest.as_str()] {
            assert_eq!(check_text(good).as_deref(), Ok(good));
        }
        let too_long = "x".repeat(MAX_TEXT + 1);
        for (bad, code) in [
            ("", UserErrorCode::Required),
            (" \n ", UserErrorCode::Required),
            (too_long.as_str(), UserErrorCode::TooLong),
            ("a\u{0}b", UserErrorCode::Invalid),
            ("a\u{1b}b", UserErrorCode::Invalid),
        ] {
            assert_eq!(check_text(bad).map_err(|error| error.code), Err(code));
        }
    }
}
