//! Erasure and export of what is stored about a customer.
//!
//! One eraser has three entry points: a backend's request with a grace period, the customer's own request, and
//! deletion. All of them end in the same job, which [`eraser`] describes. The domains declare which of their fields are
//! personal ([`crate::platform::stored`]); [`STORED`] lists these declarations.

pub mod begin;
pub mod eraser;
pub mod export;
pub mod inputs;
pub mod mutations;
pub mod node;
pub mod request;
pub mod steps;

use crate::app::Domain;
use async_graphql::EmptyMutation;

/// The declaration of erasure and export.
pub const DOMAIN: Domain = Domain {
    migrations: &[export::SEPARATE_EXPORTS],
    jobs: eraser::JOBS,
    ..Domain::EMPTY
};

pub use mutations::ErasureMutation as Mutation;

/// It has no queries.
pub type Query = EmptyMutation;

/// User errors of the erasure's operations.
pub mod refusal {
    use crate::error::{UserError, UserErrorCode};

    /// The erasure was already requested and has not started yet (CLY-17).
    #[must_use]
    pub fn already_requested() -> UserError {
        let message = "The erasure of this customer is asked for already; the first request stands.";
        UserError::new(
            UserErrorCode::AnonymizationAlreadyRequested,
            ["customerId"],
            message,
        )
    }

    /// There is no request to cancel (CLY-18).
    #[must_use]
    pub fn not_requested() -> UserError {
        let message = "Nobody has asked for the erasure of this customer.";
        UserError::new(UserErrorCode::AnonymizationNotRequested, ["customerId"], message)
    }

    /// The erasure has already started (CLY-18).
    #[must_use]
    pub fn already_started() -> UserError {
        let message = "The erasure of this customer has begun.";
        UserError::new(
            UserErrorCode::AnonymizationAlreadyStarted,
            ["customerId"],
            message,
        )
    }

    /// The token has no owner who is responsible for the request (CLY-17).
    #[must_use]
    pub fn owner_required() -> UserError {
        let message = "This is asked for on a member's behalf: get a token with `owner` from /oauth/token.";
        UserError::new(UserErrorCode::OwnerRequired, [], message)
    }
}
