//! Authentication by the Authorization header, which accepts `Bearer` only (RFC 6750 §2.1). A refusal says what is
//! wrong with the header and what to send instead (GQL-07).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::fault::Fault;
use crate::auth::{authenticate::Access, bad_credential::BadCredential};
use crate::error::Error;
use crate::reach::principal::Principal;

/// Maximum length of a credential, in bytes; those of the gateway have less than a kilobyte.
const LONGEST: usize = 4096;

/// Values that programs send before they have a token, in lower case.
const PLACEHOLDERS: [&str; 7] = [
    "undefined",
    "null",
    "none",
    "nil",
    "nan",
    "[object object]",
    "[object promise]",
];

/// Prefixes of a key, a secret, a refresh token and a JWT.
const BEGINNINGS: [&str; 4] = ["pk_", "sk_", "rt_", "eyJ"];

/// A request that is refused because of its credential.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) fault: Box<Fault>,
    /// Whether the credential is an access token that was valid once: a request that refreshes it is answered as if it
    /// had no credential (TOK-07).
    pub(super) has_lapsed: bool,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self {
            fault: Box::new(fault),
            has_lapsed: false,
        }
    }
}

/// Returns the principal of a request: nobody without a credential. An invalid credential is refused, never ignored.
///
/// # Errors
/// 401 for an invalid credential, 503 if it cannot be looked up.
pub(super) async fn principal(
    access: &Access,
    headers: &HeaderMap,
    request_id: &str,
) -> Result<Principal, Refused> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(Principal::Nobody);
    };
    let bearer = match values.next() {
        None => bearer(value),
        Some(_second) => Err(Misuse::Several),
    };
    let bearer = bearer.map_err(|misuse| Refused::from(unauthorized(misuse.explanation())))?;
    match access.authenticate(bearer).await {
        Ok(Ok(principal)) => Ok(principal),
        Ok(Err(bad)) => Err(Refused {
            fault: Box::new(unauthorized(explanation(bad))),
            has_lapsed: bad.has_lapsed(),
        }),
        Err(error @ (Error::Unavailable(_) | Error::Timeout)) => {
            tracing::debug!(request_id, error = ?error, "cannot check a credential: the database does not answer");
            let message = "The database does not answer; please try again shortly.";
            Err(Fault::unavailable(message).into())
        }
        Err(error) => {
            tracing::error!(request_id, error = ?error, "cannot check a credential");
            Err(Fault::internal(request_id).into())
        }
    }
}

/// What is wrong with a header that has no bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Misuse {
    Several,
    Empty,
    Placeholder,
    WithoutScheme,
    Basic,
    OtherScheme,
    SchemeTwice,
    Malformed,
}

/// Returns the token in the header.
fn bearer(value: &HeaderValue) -> Result<&str, Misuse> {
    let text = value.to_str().map_err(|_not_ascii| Misuse::Malformed)?.trim();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(if text.is_empty() {
            Misuse::Empty
        } else if BEGINNINGS.iter().any(|beginning| scheme.starts_with(beginning)) {
            Misuse::WithoutScheme
        } else if scheme.eq_ignore_ascii_case("Basic") {
            Misuse::Basic
        } else {
            Misuse::OtherScheme
        });
    }
    let first = token.split(' ').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() {
        Err(Misuse::Empty)
    } else if PLACEHOLDERS.iter().any(|known| token.eq_ignore_ascii_case(known)) {
        Err(Misuse::Placeholder)
    } else if first.eq_ignore_ascii_case("Bearer") {
        Err(Misuse::SchemeTwice)
    } else if token.len() > LONGEST || !token.bytes().all(is_plain) {
        Err(Misuse::Malformed)
    } else {
        Ok(token)
    }
}

/// Why a credential is refused.
#[derive(Clone, Copy, Debug)]
struct Explanation {
    /// What is wrong, in the characters allowed in an `error_description` (RFC 6750 §3).
    problem: &'static str,
    /// What to send instead.
    remedy: &'static str,
}

impl Explanation {
    const fn of(problem: &'static str, remedy: &'static str) -> Self {
        Self { problem, remedy }
    }
}

const SEND: &str =
    "Send the header as \"Authorization: Bearer …\" with a key or an access token, or leave it out.";
const RENEW: &str = "Get a new one (customerTokenRefresh for customers, storefrontUserTokenIssue for storefront users, \
     /oauth/token for backends), or leave the header out.";

impl Misuse {
    fn explanation(self) -> Explanation {
        match self {
            Self::Several => Explanation::of("The Authorization header was sent more than once.", SEND),
            Self::Empty => Explanation::of(
                "The token is missing: the Authorization header contains none.",
                SEND,
            ),
            Self::Placeholder => Explanation::of(
                "The token is missing: the Authorization header contains a word such as undefined or null instead.",
                SEND,
            ),
            Self::WithoutScheme => Explanation::of(
                "The word Bearer is missing before the key or token in the Authorization header.",
                SEND,
            ),
            Self::Basic => Explanation::of(
                "HTTP Basic is for /oauth/token and /oauth/revoke only.",
                "Here a client secret is sent as \"Authorization: Bearer sk_…\", like a token from /oauth/token.",
            ),
            Self::OtherScheme => {
                Explanation::of("The Authorization header has another scheme than Bearer.", SEND)
            }
            Self::SchemeTwice => Explanation::of("The Authorization header has the word Bearer twice.", SEND),
            Self::Malformed => MALFORMED,
        }
    }
}

const MALFORMED: Explanation = Explanation::of(
    "The token is malformed: it is neither a key (pk_ or sk_) nor a JWT.",
    "Send the complete key or token as it was issued, without quotes or spaces, or leave the header out.",
);

fn explanation(bad: BadCredential) -> Explanation {
    match bad {
        BadCredential::Malformed => MALFORMED,
        BadCredential::RefreshToken => Explanation::of(
            "The token is a refresh token, which is not accepted as a bearer token.",
            "Exchange it with customerTokenRefresh, and send the access token of the response.",
        ),
        BadCredential::UnknownKey => Explanation::of(
            "The key or client secret is unknown, or was revoked.",
            "Send a complete key or client secret of this gateway, or leave the header out.",
        ),
        BadCredential::ForeignToken => Explanation::of(
            "The token is unknown: this gateway has not issued it, or it was changed.",
            "Send a token of this gateway as it was issued, or leave the header out.",
        ),
        BadCredential::ExpiredToken => Explanation::of("The access token has expired.", RENEW),
        BadCredential::EndedToken => Explanation::of(
            "The access token is no longer valid: it, its session or its subject was revoked or deleted.",
            "Sign in again, or leave the header out.",
        ),
    }
}

/// Returns a 401 with a challenge (RFC 6750 §3).
fn unauthorized(explanation: Explanation) -> Fault {
    let Explanation { problem, remedy } = explanation;
    let described = problem.trim_end_matches('.');
    let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{described}\"");
    let challenge = HeaderValue::try_from(challenge).expect("descriptions are plain ASCII");
    let message = format!("{problem} {remedy}");
    Fault::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message).with(header::WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    // GQL-07
    #[test]
    fn only_bearer_credentials_are_read_and_others_named() {
        let read = |text: &'static str| bearer(&HeaderValue::from_static(text)).map(str::to_owned);
        assert_eq!(read("Bearer pk_1"), Ok("pk_1".to_owned()));
        assert_eq!(read("bearer  a.b-c_d"), Ok("a.b-c_d".to_owned()));
        for (bad, misuse) in [
            ("", Misuse::Empty),
            ("Bearer", Misuse::Empty),
            ("Bearer ", Misuse::Empty),
            ("Bearer undefined", Misuse::Placeholder),
            ("Bearer NULL", Misuse::Placeholder),
            ("Bearer [object Object]", Misuse::Placeholder),
            ("Basic YTpi", Misuse::Basic),
            ("pk_1", Misuse::WithoutScheme),
            ("eyJhbGciOiJFUzI1NiJ9.e30.x", Misuse::WithoutScheme),
            ("Token abc", Misuse::OtherScheme),
            ("Bearer Bearer pk_1", Misuse::SchemeTwice),
            ("Bearer a b", Misuse::Malformed),
            ("Bearer \"pk_1\"", Misuse::Malformed),
        ] {
            assert_eq!(read(bad), Err(misuse), "{bad}");
        }
        let long = HeaderValue::try_from(format!("Bearer {}", "a".repeat(LONGEST + 1))).expect("a header");
        assert_eq!(bearer(&long), Err(Misuse::Malformed));
        let no_ascii = HeaderValue::from_bytes(b"Bearer \xe4").expect("a header");
        assert_eq!(bearer(&no_ascii), Err(Misuse::Malformed));
    }

    // GQL-07
    #[test]
    fn each_challenge_has_a_description_that_its_grammar_admits() {
        let misuses = [
            Misuse::Several,
            Misuse::Empty,
            Misuse::Placeholder,
            Misuse::WithoutScheme,
            Misuse::Basic,
            Misuse::OtherScheme,
            Misuse::SchemeTwice,
            Misuse::Malformed,
        ];
        let bad = [
            BadCredential::Malformed,
            BadCredential::RefreshToken,
            BadCredential::UnknownKey,
            BadCredential::ForeignToken,
            BadCredential::ExpiredToken,
            BadCredential::EndedToken,
        ];
        let all = misuses
            .map(Misuse::explanation)
            .into_iter()
            .chain(bad.map(explanation));
        for explanation in all {
            let is_admitted = |char| matches!(char, '\u{20}'..='\u{7e}') && !matches!(char, '"' | '\\');
            let problem = explanation.problem;
            assert!(problem.chars().all(is_admitted), "{problem}");
            assert!(unauthorized(explanation).message.starts_with(problem));
        }
    }
}
