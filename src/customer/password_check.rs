//! The check of a new password in an input.

use crate::context::RequestContext;
use crate::error::Faults;
use crate::password::PasswordField;
use crate::platform::secret::Secret;

/// Checks a new password and its repetition, and adds an error for every rule that they break.
pub fn checked_password(
    context: &RequestContext,
    faults: &mut Faults,
    password: Secret,
    confirmation: Option<String>,
    field: PasswordField,
) -> Secret {
    let confirmation = confirmation.map(Secret::from);
    let policy = &context.app.passwords.policy;
    for fault in policy.check(&password, confirmation.as_ref(), field) {
        faults.push(fault);
    }
    password
}
