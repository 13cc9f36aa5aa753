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
        let mut broken = Vec::new();
        let mut refuse = |code, message: &str| {
            let mut fault = UserError::new(code, [place.field], message);
            fault.legacy_code = place.legacy_code;
            broken.push(fault);
        };
        if has_fewer_than(self.min_length, password) {
            let message = format!("The password needs at least {} characters.", self.min_length);
            refuse(UserErrorCode::PasswordTooShort, &message);
        }
        if is_too_long(password) {
            let message = format!("The password may have at most {MAX_LENGTH} characters.");
            refuse(UserErrorCode::PasswordTooLong, &message);
        } else if is_common(password) {
            // No common password is too long, and a long text need not be case-folded.
            let message = "This password is one of the most common ones; please choose another.";
            refuse(UserErrorCode::PasswordTooCommon, message);
        }
        if confirmation != Some(password) {
            let message = "The two passwords differ. Send the same new password in both fields.";
            let differ = UserError::new(UserErrorCode::PasswordsDoNotMatch, ["confirmPassword"], message);
            broken.push(differ.legacy(406));
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
        for (min_length, password, expected) in [
            (6, "kx9!rtv", vec![]),
            (8, "kx9!rtv", vec![PasswordTooShort]),
            (1, "1111", vec![PasswordTooCommon]),
        ] {
            let policy = PasswordPolicy { min_length };
            assert_eq!(codes(policy, password, Some(password)), expected);
        }
    }

    // SPR-09
    #[test]
    fn the_confirmation_must_be_there_and_the_same() {
        assert_eq!(codes(POLICY, "change123", None), [PasswordsDoNotMatch]);
        for other in ["", "change124", "Change123", "change1234"] {
            assert_eq!(
                codes(POLICY, "change123", Some(other)),
                [PasswordsDoNotMatch],
                "{other}"
            );
        }
    }

    // SPR-13, SPR-09, SPR-80
    #[test]
    fn every_broken_rule_is_reported_with_its_field_and_number() {
        let faults = POLICY.check(&Secret::from("qwerty"), None, CHANGE).into_iter();
        let seen: Vec<_> = faults
            .map(|fault| (fault.code, fault.field.unwrap_or_default(), fault.legacy_code))
            .collect();
        let field = |name: &str| vec![name.to_owned()];
        assert_eq!(
            seen,
            [
                (PasswordTooShort, field("newPassword"), Some(408)),
                (PasswordTooCommon, field("newPassword"), Some(408)),
                (PasswordsDoNotMatch, field("confirmPassword"), Some(406)),
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
