//! E-mail addresses: the one place where they are checked and normalised (SPR-10).

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};

use crate::error::{UserError, UserErrorCode};

/// Longest address (RFC 5321 §4.5.3.1.3: a path of 256 with its angle brackets).
const LONGEST: usize = 254;

/// An address that was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// As it was written, without white space around it.
    pub written: String,
    /// As it is compared: two addresses that differ in case only are one.
    pub key: String,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// Checks an address.
///
/// # Errors
/// REQUIRED when empty or blank, EMAIL_INVALID for what is no address, on `field`.
pub fn check(text: &str, field: &str) -> Result<Email, UserError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        let message = "This must not be empty or blank.";
        return Err(UserError::new(UserErrorCode::Required, [field], message));
    }
    parse(trimmed)
        .ok_or_else(|| UserError::new(UserErrorCode::EmailInvalid, [field], "This is no e-mail address."))
}

/// An address, for lookups: what is none is simply not found.
#[must_use]
pub fn parse(text: &str) -> Option<Email> {
    let text = text.trim();
    // Neither a display name nor an address literal is a mailbox that a customer writes.
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    let is_plain =
        text.len() <= LONGEST && !text.chars().any(|char| char.is_control() || char.is_whitespace());
    if !is_plain
        || EmailAddress::parse_with_options(text, options).is_err()
        || EmailAddress::from_str(text).is_err()
    {
        return None;
    }
    Some(Email {
        written: text.to_owned(),
        key: text.to_lowercase(),
    })
}

/// What stands for an account in the limits on sign-ins: the compared form, and for what is no address its beginning, which
/// is all that is folded of a text of any size.
#[must_use]
pub fn account(text: &str) -> String {
    parse(text).map_or_else(
        || text.chars().take(LONGEST).collect::<String>().to_lowercase(),
        |email| email.key,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-01
    #[test]
    fn no_text_breaks_the_reader_and_a_compared_address_fits_into_a_cursor() {
        crate::fuzz::each_text(21, &["Ada.Lovelace+shop@Example.COM", "ä@müller.de"], |text| {
            if let Some(email) = parse(text) {
                assert!(email.written.len() <= LONGEST);
                assert!(email.key.len() <= crate::platform::page::MAX_TEXT);
            }
            assert!(account(text).len() <= LONGEST * 8);
        });
    }

    // SPR-10
    #[test]
    fn addresses_are_checked_and_compared_without_case() {
        for good in [
            "a@b.co",
            "Ada.Lovelace+shop@Example.COM",
            "ä@müller.de",
            "o'neil@sub.example.org",
        ] {
            let email = check(&format!(" {good} "), "email").expect(good);
            assert_eq!(email.written, good);
            assert_eq!(email.key, good.to_lowercase());
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a@@b.co",
            "a b@c.de",
            "Ada <a@b.co>",
            "a@[127.0.0.1]",
            "a@b..co",
            "a\n@b.co",
            "a@b.co,c@d.de",
            long.as_str(),
        ] {
            let refused = check(bad, "email").map_err(|error| error.code);
            assert_eq!(refused, Err(UserErrorCode::EmailInvalid), "{bad}");
        }
        assert_eq!(
            check("  ", "email").map_err(|error| error.code),
            Err(UserErrorCode::Required)
        );
    }
}
