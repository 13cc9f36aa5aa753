//! Rules for texts from outside: texts are rejected with a reason, and never altered.

use async_graphql::MaybeUndefined;

use super::change::sent;
use crate::error::{Faults, UserError, UserErrorCode};

/// Accepts a text that is not blank, unchanged.
///
/// # Errors
/// `REQUIRED` when empty or blank; `TOO_LONG` beyond `max` characters (code points); `INVALID` for control characters.
pub fn required(value: &str, field: &str, max: usize) -> Result<String, UserError> {
    if value.trim().is_empty() {
        let message = "This must not be empty or blank.";
        return Err(UserError::new(UserErrorCode::Required, [field], message));
    }
    optional(value, field, max)
}

/// Accepts a text that may be empty, unchanged.
///
/// # Errors
/// `TOO_LONG` and `INVALID` as for [`required`].
pub fn optional(value: &str, field: &str, max: usize) -> Result<String, UserError> {
    if value.chars().count() > max {
        let message = format!("This has at most {max} characters.");
        return Err(UserError::new(UserErrorCode::TooLong, [field], message));
    }
    if value.chars().any(char::is_control) {
        let message = "This has no control characters.";
        return Err(UserError::new(UserErrorCode::Invalid, [field], message));
    }
    Ok(value.to_owned())
}

/// Checks the texts of an input, all with the same maximum length, and adds the errors to `faults`.
pub struct TextChecks<'f> {
    /// Receives the errors.
    pub faults: &'f mut Faults,
    /// Maximum length of each text, in characters.
    pub max: usize,
}

impl TextChecks<'_> {
    /// Checks a text that must not be blank; see [`required`].
    pub fn required(&mut self, value: &str, field: &str) -> Option<String> {
        self.faults.take(required(value, field, self.max))
    }

    /// Checks a text that may be omitted; see [`optional`].
    pub fn optional(&mut self, value: Option<String>, field: &str) -> Option<String> {
        self.faults.take(optional(&value?, field, self.max))
    }

    /// Checks the change of a text that must not be blank; null counts as blank.
    pub fn change(&mut self, value: MaybeUndefined<String>, field: &str) -> Option<String> {
        self.required(&sent(value)?.unwrap_or_default(), field)
    }

    /// Checks the change of a text that can be removed by null.
    pub fn change_or_clear(&mut self, value: MaybeUndefined<String>, field: &str) -> Option<Option<String>> {
        Some(self.optional(sent(value)?, field))
    }
}

/// Returns the text without leading and trailing white space and invisible characters, which are often pasted along
/// with a text (UNI-02).
#[must_use]
pub fn without_margins(text: &str) -> &str {
    text.trim_matches(|char: char| char.is_whitespace() || is_invisible(char) || char == BRAILLE_BLANK)
}

/// A braille pattern without dots: visible according to Unicode, but blank.
const BRAILLE_BLANK: char = '\u{2800}';

/// Returns whether a character has no glyph of its own (Unicode's property `Default_Ignorable_Code_Point`,
/// DerivedCoreProperties.txt of Unicode 16).
#[must_use]
pub const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}
