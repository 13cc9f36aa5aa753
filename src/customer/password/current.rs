//! The check of a customer's current password.

use crate::context::RequestContext;
use crate::customer::{Customer, limits};
use crate::error::{Result, UserError, UserErrorCode};
use crate::platform::secret::Secret;

/// Checks the current password of a known customer. Each call counts as an attempt, whatever other errors the input
/// has.
///
/// # Errors
/// PASSWORD_INVALID (408) on `password`, RATE_LIMITED.
pub async fn check_current(context: &RequestContext, customer: &Customer, password: Secret) -> Result<()> {
    let guess = limits::password(context, customer).await?;
    let passwords = &context.app.passwords;
    let verified = passwords.verify(password, customer.password_hash.as_ref()).await;
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
