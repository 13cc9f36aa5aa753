//! Claims of a provider about a person, in an id token or from its userinfo endpoint (OpenID Connect Core 1.0 §5.1).

use serde_json::{Map, Value};

use crate::customer::{
    MAX_NAME,
    email::{self, Email},
};

/// Claims about a person. They are only as trustworthy as their source.
pub type PersonClaims = Map<String, Value>;

/// The profile of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// E-mail address, if it is valid.
    pub email: Option<Email>,
    /// Whether the provider has verified that the address is the person's.
    pub is_email_verified: bool,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
}

/// Returns a claim that is a string.
#[must_use]
pub fn text<'a>(claims: &'a PersonClaims, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

impl Profile {
    /// Returns the profile from claims.
    #[must_use]
    pub fn of(claims: &PersonClaims) -> Self {
        let email = text(claims, "email").and_then(email::parse);
        let mut first_name = text(claims, "given_name").and_then(name);
        let mut last_name = text(claims, "family_name").and_then(name);
        // The full name is used only if the claims contain neither of its parts. Its last word is the last name.
        if first_name.is_none()
            && last_name.is_none()
            && let Some(full) = text(claims, "name")
        {
            let (first, last) = match full.trim().rsplit_once(char::is_whitespace) {
                Some((first, last)) => (first, name(last)),
                None => (full, None),
            };
            (first_name, last_name) = (name(first), last);
        }
        Self {
            is_email_verified: email.is_some() && is_true(claims.get("email_verified")),
            email,
            first_name,
            last_name,
        }
    }
}

/// Some providers send the boolean as a string.
fn is_true(claim: Option<&Value>) -> bool {
    matches!(claim, Some(Value::Bool(true))) || claim.and_then(Value::as_str) == Some("true")
}

/// Returns a name in the form of a customer's name: without control characters and surrounding white space, truncated
/// to the maximum length (SPR-11). It is not rejected, because the person cannot change the provider's data here.
fn name(text: &str) -> Option<String> {
    let plain = text.replace(char::is_control, " ");
    let cut: String = plain.trim().chars().take(MAX_NAME).collect();
    let cut = cut.trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(claims: Value) -> Profile {
        let Value::Object(claims) = claims else {
            panic!("claims are an object")
        };
        Profile::of(&claims)
    }

    fn names(claims: Value) -> (Option<String>, Option<String>) {
        let profile = profile(claims);
        (profile.first_name, profile.last_name)
    }

    // EPC-09
    #[test]
    fn epc_09_names_come_as_they_are_told() {
        for (claims, first, last) in [
            (
                json!({ "given_name": " Ada ", "family_name": "King\u{0} Noel", "name": "X Y" }),
                Some("Ada"),
                Some("King  Noel"),
            ),
            (
                json!({ "name": "Ada Maria Lovelace" }),
                Some("Ada Maria"),
                Some("Lovelace"),
            ),
            (json!({ "name": "Ada" }), Some("Ada"), None),
            (json!({ "family_name": "Ada" }), None, Some("Ada")),
            (json!({ "given_name": " ", "name": 5 }), None, None),
        ] {
            let expected = (first.map(str::to_owned), last.map(str::to_owned));
            assert_eq!(names(claims), expected);
        }
        let (first, _) = names(json!({ "given_name": "é".repeat(1000) }));
        assert_eq!(first.map(|name| name.chars().count()), Some(100));
    }

    // EPC-09
    #[test]
    fn epc_09_only_what_is_said_to_be_verified_is() {
        let verified = |claim: Value| {
            profile(json!({ "email": "ada@example.com", "email_verified": claim })).is_email_verified
        };
        assert!(verified(json!(true)));
        assert!(verified(json!("true")));
        let others = json!([false, "false", 1, "1", null, [true]]);
        for other in others.as_array().expect("a list") {
            assert!(!verified(other.clone()), "{other}");
        }
        assert!(!profile(json!({ "email": "ada@example.com" })).is_email_verified);
        assert_eq!(
            profile(json!({ "email": "ada", "email_verified": true })),
            Profile::default()
        );
    }
}
