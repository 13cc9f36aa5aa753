//! Erasure and export of what is stored about a customer.
//!
//! One eraser has three entry points: a backend's request with a grace period, the customer's own request, and
//! deletion. All of them end in the same job, which [`eraser`] describes. What is erased and exported is derived from
//! what the domains declare ([`crate::domain::personal`]).

pub mod anonymize;
pub mod begin;
pub mod cancel;
pub mod delete;
pub mod eraser;
pub mod export;
pub mod export_file;
pub mod immediate;
pub mod migrations;
pub mod node;
pub mod on_behalf;
pub mod request;
pub mod steps;

use async_graphql::{EmptyMutation, MergedObject};

use crate::app::Domain;

/// Name of the job.
pub const ERASE: &str = "customer.erase";

/// The declaration of erasure and export.
pub const DOMAIN: Domain = Domain {
    migrations: &[migrations::SEPARATE_EXPORTS],
    jobs: eraser::JOBS,
    ..Domain::EMPTY
};

/// The mutations of erasure and export.
#[derive(MergedObject, Default)]
#[graphql(name = "ErasureMutation")]
pub struct Mutation(
    request::CustomerAnonymizationRequest,
    cancel::CustomerAnonymizationCancel,
    anonymize::CustomerAnonymize,
    delete::CustomerDelete,
    export::CustomerDataExport,
);

/// It has no queries.
pub type Query = EmptyMutation;

/// User errors of the erasure's operations.
pub mod refusal {
    use crate::error::{UserError, UserErrorCode};

    /// The erasure was already requested and has not started yet (CLY-17).
    #[must_use]
    pub fn already_requested() -> UserError {
        let message =
            "The erasure of this customer has already been requested. The first request remains in effect.";
        UserError::new(
            UserErrorCode::AnonymizationAlreadyRequested,
            ["customerId"],
            message,
        )
    }

    /// There is no request to cancel (CLY-18).
    #[must_use]
    pub fn not_requested() -> UserError {
        let message = "No erasure of this customer has been requested.";
        UserError::new(UserErrorCode::AnonymizationNotRequested, ["customerId"], message)
    }

    /// The erasure has already started (CLY-18).
    #[must_use]
    pub fn already_started() -> UserError {
        let message = "The erasure of this customer has already started.";
        UserError::new(
            UserErrorCode::AnonymizationAlreadyStarted,
            ["customerId"],
            message,
        )
    }

    /// The token has no owner who is responsible for the request (CLY-17).
    #[must_use]
    pub fn owner_required() -> UserError {
        let message =
            "This must be requested on behalf of a member. Get a token with `owner` from /oauth/token.";
        UserError::new(UserErrorCode::OwnerRequired, [], message)
    }
}
