//! The user errors of customers' operations, some of which other domains share.

use crate::error::{Error, UserError, UserErrorCode};
use crate::platform::{database::was_not_kept, scalar::wire_count};

/// The customer does not exist, or is outside the caller's reach (SPR-31).
#[must_use]
pub fn not_found(field: &str) -> UserError {
    UserError::new(
        UserErrorCode::CustomerNotFound,
        [field],
        "No customer with this id was found for this credential. Send an id as customer.id returns it (cus_…).",
    )
    .legacy(402)
}

/// A backend did not name the customer (SPR-32).
#[must_use]
pub fn reference_missing(field: &str) -> UserError {
    let message = "The customer's id is missing. Send it as customer.id returns it (cus_…).";
    UserError::new(UserErrorCode::CustomerReferenceMissing, [field], message).legacy(405)
}

/// The customer is erased, or its erasure has started (ERA-04).
#[must_use]
pub fn anonymized<const N: usize>(field: [&str; N]) -> UserError {
    let message = "The personal data of this customer is erased or being erased. The customer can no longer be changed.";
    UserError::new(UserErrorCode::CustomerAnonymized, field, message)
}

/// Another customer has the address (SPR-10).
#[must_use]
pub fn email_taken(field: &str) -> UserError {
    let message = "Another customer of this storefront has this e-mail address.";
    UserError::new(UserErrorCode::EmailTaken, [field], message).legacy(400)
}

/// Another customer has the shopper reference.
#[must_use]
pub fn shopper_reference_taken() -> UserError {
    let message = "Another customer of this storefront has this shopper reference.";
    UserError::new(
        UserErrorCode::ShopperReferenceTaken,
        ["shopperReference"],
        message,
    )
}

/// The same error for an unknown e-mail address, a wrong password and an account without a password (EPC-08).
#[must_use]
pub fn credentials_invalid() -> UserError {
    let message = "No customer has this e-mail address and password together.";
    UserError::new(UserErrorCode::CredentialsInvalid, [], message)
}

/// The caller may not send this field (ERR-03).
#[must_use]
pub fn forbidden(field: &str) -> UserError {
    let message = "Only a backend may send this field. Leave it out.";
    UserError::new(UserErrorCode::Forbidden, [field], message)
}

/// The input of an update names no change (SPR-33).
#[must_use]
pub fn no_changes() -> UserError {
    let message =
        "The input contains no change. Send at least one field in addition to the id and expectedVersion.";
    UserError::new(UserErrorCode::NoChanges, [], message)
}

/// The write failed and had no effect (SPR-41). If that is not certain, the error is returned unchanged.
#[must_use]
pub fn save_failed(error: Error, legacy: i32) -> Error {
    if !was_not_kept(&error) {
        return error;
    }
    match &error {
        Error::Unavailable(_) => tracing::warn!(
            ?error,
            "cannot save a change of a customer: the database does not answer"
        ),
        // A retry will hardly help, for example when the disk is full or a privilege was revoked.
        _ => tracing::error!(
            ?error,
            "cannot save a change of a customer: the database refused it"
        ),
    }
    let message = "The change could not be saved and had no effect. Try again.";
    UserError::new(UserErrorCode::SaveFailed, [], message)
        .legacy(legacy)
        .into()
}

/// The VERSION_CONFLICT error for a concurrent change (CST-03), with the stored version.
#[must_use]
pub fn version_conflict(stored: i64) -> UserError {
    let message = "This has been changed since that version. Read it again and send its current version.";
    UserError {
        current_version: Some(wire_count(stored)),
        ..UserError::new(UserErrorCode::VersionConflict, ["expectedVersion"], message)
    }
}
