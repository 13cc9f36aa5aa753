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
        Some(_second) => Err(SEVERAL),
    };
    let bearer = bearer.map_err(unauthorized)?;
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

/// Returns the token in the header.
fn bearer(value: &HeaderValue) -> Result<&str, Explanation> {
    let text = value.to_str().map_err(|_not_ascii| MALFORMED)?.trim();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(if text.is_empty() {
            EMPTY
        } else if BEGINNINGS.iter().any(|beginning| scheme.starts_with(beginning)) {
            WITHOUT_SCHEME
        } else if scheme.eq_ignore_ascii_case("Basic") {
            BASIC
        } else {
            OTHER_SCHEME
        });
    }
    let first = token.split(' ').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() {
        Err(EMPTY)
    } else if PLACEHOLDERS.iter().any(|known| token.eq_ignore_ascii_case(known)) {
        Err(PLACEHOLDER)
    } else if first.eq_ignore_ascii_case("Bearer") {
        Err(SCHEME_TWICE)
    } else if token.len() > LONGEST || !token.bytes().all(is_plain) {
        Err(MALFORMED)
    } else {
        Ok(token)
    }
}

/// Why a credential is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

const SEVERAL: Explanation = Explanation::of("The Authorization header was sent more than once.", SEND);
const EMPTY: Explanation = Explanation::of(
    "The token is missing: the Authorization header contains none.",
    SEND,
);
const PLACEHOLDER: Explanation = Explanation::of(
    "The token is missing: the Authorization header contains a word such as undefined or null instead.",
    SEND,
);
const WITHOUT_SCHEME: Explanation = Explanation::of(
    "The word Bearer is missing before the key or token in the Authorization header.",
    SEND,
);
const BASIC: Explanation = Explanation::of(
    "HTTP Basic is for /oauth/token and /oauth/revoke only.",
    "Here a client secret is sent as \"Authorization: Bearer sk_…\", like a token from /oauth/token.",
);
const OTHER_SCHEME: Explanation =
    Explanation::of("The Authorization header has another scheme than Bearer.", SEND);
const SCHEME_TWICE: Explanation =
    Explanation::of("The Authorization header has the word Bearer twice.", SEND);
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
        for (bad, explanation) in [
            ("", EMPTY),
            ("Bearer", EMPTY),
            ("Bearer ", EMPTY),
            ("Bearer undefined", PLACEHOLDER),
            ("Bearer NULL", PLACEHOLDER),
            ("Bearer [object Object]", PLACEHOLDER),
            ("Basic YTpi", BASIC),
            ("pk_1", WITHOUT_SCHEME),
            ("eyJhbGciOiJFUzI1NiJ9.e30.x", WITHOUT_SCHEME),
            ("Token abc", OTHER_SCHEME),
            ("Bearer Bearer pk_1", SCHEME_TWICE),
            ("Bearer a b", MALFORMED),
            ("Bearer \"pk_1\"", MALFORMED),
        ] {
            assert_eq!(read(bad), Err(explanation), "{bad}");
        }
        let long = HeaderValue::try_from(format!("Bearer {}", "a".repeat(LONGEST + 1))).expect("a header");
        assert_eq!(bearer(&long), Err(MALFORMED));
        let no_ascii = HeaderValue::from_bytes(b"Bearer \xe4").expect("a header");
        assert_eq!(bearer(&no_ascii), Err(MALFORMED));
    }

    // GQL-07
    #[test]
    fn each_challenge_has_a_description_that_its_grammar_admits() {
        let refused = [
            SEVERAL,
            EMPTY,
            PLACEHOLDER,
            WITHOUT_SCHEME,
            BASIC,
            OTHER_SCHEME,
            SCHEME_TWICE,
            explanation(BadCredential::Malformed),
            explanation(BadCredential::RefreshToken),
            explanation(BadCredential::UnknownKey),
            explanation(BadCredential::ForeignToken),
            explanation(BadCredential::ExpiredToken),
            explanation(BadCredential::EndedToken),
        ];
        for explanation in refused {
            let is_admitted = |char| matches!(char, '\u{20}'..='\u{7e}') && !matches!(char, '"' | '\\');
            let problem = explanation.problem;
            assert!(problem.chars().all(is_admitted), "{problem}");
            assert!(unauthorized(explanation).message.starts_with(problem));
        }
    }
}
