//! The check of a customer's current password.

use crate::context::RequestContext;
use crate::customer::{Customer, limits};
use crate::error::{Result, UserError, UserErrorCode};
use crate::password::Hashed;
use crate::platform::secret::Secret;

/// The stored hash of a customer's password.
#[must_use]
pub fn stored_hash(customer: &Customer) -> Option<&str> {
    customer.password_hash.as_ref().map(Hashed::as_str)
}

/// Checks the current password of a known customer. Each call counts as an attempt, whatever other errors the input
/// has.
///
/// # Errors
/// PASSWORD_INVALID (408) on `password`, RATE_LIMITED.
pub async fn check_current(context: &RequestContext, customer: &Customer, password: Secret) -> Result<()> {
    let guess = limits::password(context, customer).await?;
    let passwords = &context.app.passwords;
    let verified = passwords.verify(password, stored_hash(customer)).await;
    let checked = verified.and_then(|verified| match verified.matches {
        true => Ok(()),
        false => Err(invalid().into()),
    });
    limits::settle(guess, checked).await
}

/// The current password is wrong (SPR-80).
#[must_use]
pub fn invalid() -> UserError {
    let message = "This is not the current password.";
    UserError::new(UserErrorCode::PasswordInvalid, ["password"], message).legacy(408)
}
