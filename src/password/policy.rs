//! The rules for new passwords.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::error::{UserError, UserErrorCode};
use crate::platform::secret::Secret;

/// Maximum length of a password in code points. Limits the work of one hash; NIST SP 800-63B §5.1.1.2 asks for 64 or
/// more.
pub const MAX_LENGTH: usize = 128;

/// The most common passwords, which attackers try first, in lower case.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common.txt").lines().collect());

/// The rules for new passwords. A password that was accepted before stays valid when the rules change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Minimum length in code points.
    pub min_length: usize,
}

/// The position of the new password in an input, for the errors about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordField {
    /// The input field with the password: `password` or `newPassword`.
    pub field: &'static str,
    /// The numeric code that older commerce APIs use for a password that breaks a rule, if the operation has one.
    pub legacy_code: Option<i32>,
}

impl PasswordPolicy {
    /// Checks a new password and its confirmation, and returns an error for every rule that they break, so that all are
    /// reported in one response (SPR-13, SPR-09); none if both are valid. A missing confirmation counts as a different
    /// one.
    #[must_use]
    pub fn check(
        &self,
        password: &Secret,
        confirmation: Option<&Secret>,
        place: PasswordField,
    ) -> Vec<UserError> {
        let mut broken = self.broken(password, place);
        if confirmation != Some(password) {
            broken.push(
                UserError::new(
                    UserErrorCode::PasswordsDoNotMatch,
                    ["confirmPassword"],
                    "The two passwords differ. Send the same new password in both fields.",
                )
                .legacy(406),
            );
        }
        broken
    }

    fn broken(&self, password: &Secret, place: PasswordField) -> Vec<UserError> {
        let mut broken = Vec::new();
        let mut refuse = |code, message: String| {
            let mut fault = UserError::new(code, [place.field], message);
            fault.legacy_code = place.legacy_code;
            broken.push(fault);
        };
        if has_fewer_than(self.min_length, password) {
            refuse(
                UserErrorCode::PasswordTooShort,
                format!("The password needs at least {} characters.", self.min_length),
            );
        }
        let long = is_too_long(password);
        if long {
            refuse(
                UserErrorCode::PasswordTooLong,
                format!("The password may have at most {MAX_LENGTH} characters."),
            );
        }
        // No common password is that long; a long text need not be case-folded.
        if !long && is_common(password) {
            refuse(
                UserErrorCode::PasswordTooCommon,
                "This password is one of the most common ones; please choose another.".to_owned(),
            );
        }
        broken
    }
}

/// Whether a password has more than [`MAX_LENGTH`] code points; reads no more of it than that.
pub(super) fn is_too_long(password: &Secret) -> bool {
    password.expose().chars().nth(MAX_LENGTH).is_some()
}

fn has_fewer_than(least: usize, password: &Secret) -> bool {
    password.expose().chars().take(least).count() < least
}

fn is_common(password: &Secret) -> bool {
    let folded = Secret::from(password.expose().to_lowercase());
    COMMON.contains(folded.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use UserErrorCode::{PasswordTooCommon, PasswordTooLong, PasswordTooShort, PasswordsDoNotMatch};

    const POLICY: PasswordPolicy = PasswordPolicy { min_length: 7 };
    const CHANGE: PasswordField = PasswordField {
        field: "newPassword",
        legacy_code: Some(408),
    };

    fn codes(policy: PasswordPolicy, password: &str, confirmation: Option<&str>) -> Vec<UserErrorCode> {
        let confirmation = confirmation.map(Secret::from);
        policy
            .check(&Secret::from(password), confirmation.as_ref(), CHANGE)
            .into_iter()
            .map(|fault| fault.code)
            .collect()
    }

    // SPR-13
    #[test]
    fn each_rule_refuses_what_it_is_for_and_no_more() {
        let (longest, longer) = ("é".repeat(128), "é".repeat(129));
        let table: &[(&str, &[UserErrorCode])] = &[
            ("change123", &[]),
            ("kx9!rtv", &[]),
            ("kx9!rt", &[PasswordTooShort]),
            ("", &[PasswordTooShort]),
            // Seven characters in 28 bytes, and six in 24.
            ("🦀🦀🦀🦀🦀🦀🦀", &[]),
            ("🦀🦀🦀🦀🦀🦀", &[PasswordTooShort]),
            (&longest, &[]),
            (&longer, &[PasswordTooLong]),
            ("password", &[PasswordTooCommon]),
            ("PassWord", &[PasswordTooCommon]),
            ("CONTRASEÑA", &[PasswordTooCommon]),
            ("password ", &[]),
            ("qwerty", &[PasswordTooShort, PasswordTooCommon]),
        ];
        for (password, expected) in table {
            assert_eq!(codes(POLICY, password, Some(password)), *expected, "{password}");
        }
    }

    // SPR-13
    #[test]
    fn the_shortest_length_is_the_operators() {
        for (min_length, expected) in [(6, vec![]), (8, vec![PasswordTooShort])] {
            assert_eq!(
                codes(PasswordPolicy { min_length }, "kx9!rtv", Some("kx9!rtv")),
                expected
            );
        }
        assert_eq!(
            codes(PasswordPolicy { min_length: 1 }, "1111", Some("1111")),
            [PasswordTooCommon]
        );
    }

    // SPR-09
    #[test]
    fn the_confirmation_must_be_there_and_the_same() {
        for confirmation in [
            None,
            Some(""),
            Some("change124"),
            Some("Change123"),
            Some("change1234"),
        ] {
            assert_eq!(
                codes(POLICY, "change123", confirmation),
                [PasswordsDoNotMatch],
                "{confirmation:?}"
            );
        }
    }

    // SPR-13, SPR-09, SPR-80
    #[test]
    fn every_broken_rule_is_reported_with_its_field_and_number() {
        let faults = POLICY.check(&Secret::from("qwerty"), None, CHANGE);
        let seen: Vec<_> = faults
            .iter()
            .map(|fault| {
                (
                    fault.code,
                    fault.field.as_deref().unwrap_or_default(),
                    fault.legacy_code,
                )
            })
            .collect();
        let (new, confirm) = (["newPassword".to_owned()], ["confirmPassword".to_owned()]);
        assert_eq!(
            seen,
            [
                (PasswordTooShort, new.as_slice(), Some(408)),
                (PasswordTooCommon, new.as_slice(), Some(408)),
                (PasswordsDoNotMatch, confirm.as_slice(), Some(406)),
            ]
        );
        let register = PasswordField {
            field: "password",
            legacy_code: None,
        };
        let faults = POLICY.check(&Secret::from("qwerty"), Some(&Secret::from("qwerty")), register);
        assert!(
            faults.iter().all(|fault| fault.legacy_code.is_none()),
            "{faults:?}"
        );
    }

    // SPR-13
    #[test]
    fn the_common_passwords_are_a_thousand_plain_lines() {
        let lines: Vec<_> = include_str!("common.txt").lines().collect();
        assert!(lines.len() >= 1_000, "{}", lines.len());
        assert!(
            lines.is_sorted_by(|one, next| one < next),
            "each line once, in order"
        );
        for line in &lines {
            assert_eq!(line.to_lowercase(), *line);
            assert_eq!(line.trim(), *line);
            assert!(!line.is_empty() && line.chars().count() <= MAX_LENGTH, "{line}");
        }
        assert!(
            !lines.contains(&"change123"),
            "the seed's sample password is accepted"
        );
    }
}
