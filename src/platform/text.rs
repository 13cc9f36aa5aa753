//! Rules for texts from outside: what is refused is named, nothing is altered.

use crate::error::{UserError, UserErrorCode};

/// A text that must say something, verbatim.
///
/// # Errors
/// REQUIRED when empty or blank; TOO_LONG beyond `max` characters (code points); INVALID for control characters.
pub fn required(value: &str, field: &str, max: usize) -> Result<String, UserError> {
    if value.trim().is_empty() {
        return Err(UserError::new(
            UserErrorCode::Required,
            [field],
            "This must not be empty or blank.",
        ));
    }
    optional(value, field, max)
}

/// A text that may be empty, verbatim.
///
/// # Errors
/// TOO_LONG and INVALID as for [`required`].
pub fn optional(value: &str, field: &str, max: usize) -> Result<String, UserError> {
    if value.chars().count() > max {
        let message = format!("This has at most {max} characters.");
        return Err(UserError::new(UserErrorCode::TooLong, [field], message));
    }
    if value.chars().any(char::is_control) {
        return Err(UserError::new(
            UserErrorCode::Invalid,
            [field],
            "This has no control characters.",
        ));
    }
    Ok(value.to_owned())
}
