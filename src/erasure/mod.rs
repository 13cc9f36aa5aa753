//! Erasing what is stored of a customer, and telling it.
//!
//! One eraser with three doors: a backend's request with a grace period, the customer's own wish, and deletion. All of them
//! come to the same job, which [`eraser`] describes. What is personal is said by the domains' own declarations
//! ([`crate::platform::stored`]); [`STORED`] is their list.

pub mod begin;
pub mod eraser;
pub mod export;
pub mod graphql;
pub mod inputs;
pub mod mutations;
pub mod request;
pub mod steps;

use crate::access::{personal::Personal, session::Session};
use crate::address::Address;
use crate::customer::{Customer, identity::Identity};
use crate::order::Order;
use crate::platform::stored::Stored;
use crate::storage::{StorageItem, data_export::DataExport};
use crate::storefront_user::StorefrontUser;
use crate::storefront_user::private_storage::PrivateStorage;

/// What is stored of a customer, by the domains' own declarations.
pub const STORED: &[Stored] = &[
    Customer::STORED,
    StorefrontUser::STORED,
    PrivateStorage::STORED,
    StorageItem::STORED,
    DataExport::STORED,
    Address::STORED,
    Order::STORED,
    Session::STORED,
    Identity::STORED,
];

/// What the erasure's operations refuse.
pub mod refusal {
    use crate::error::{UserError, UserErrorCode};

    /// Asked for before, and not begun yet (CLY-17).
    #[must_use]
    pub fn already_requested() -> UserError {
        let message = "The erasure of this customer is asked for already; the first request stands.";
        UserError::new(
            UserErrorCode::AnonymizationAlreadyRequested,
            ["customerId"],
            message,
        )
    }

    /// Nothing to cancel (CLY-18).
    #[must_use]
    pub fn not_requested() -> UserError {
        let message = "Nobody has asked for the erasure of this customer.";
        UserError::new(UserErrorCode::AnonymizationNotRequested, ["customerId"], message)
    }

    /// Too late (CLY-18).
    #[must_use]
    pub fn already_started() -> UserError {
        let message = "The erasure of this customer has begun.";
        UserError::new(
            UserErrorCode::AnonymizationAlreadyStarted,
            ["customerId"],
            message,
        )
    }

    /// Nobody would answer for it (CLY-17).
    #[must_use]
    pub fn owner_required() -> UserError {
        let message = "This is asked for on a member's behalf: get a token with `owner` from /oauth/token.";
        UserError::new(UserErrorCode::OwnerRequired, [], message)
    }
}
