//! Input of the mutation of single sign-on.

use async_graphql::{ID, InputObject};

use super::authorization::{MAX_STATE, MIN_STATE, can_be_made_up};
use super::exchange::Returned;
use super::{IdentityProvider, refusal};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::{secret::Secret, text};

/// Maximum length of a code, in characters; codes of providers have a few hundred.
const MAX_CODE: usize = 4096;
/// Maximum length of a redirect URI, in characters.
const MAX_REDIRECT_URI: usize = 2048;
/// Length of a code verifier (RFC 7636 §4.1).
const VERIFIER: std::ops::RangeInclusive<usize> = 43..=128;

/// Input of `customerTokenCreateWithOidc`: the result of a sign-in at an identity provider.
#[derive(InputObject)]
pub struct CustomerTokenCreateWithOidcInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// `key` of the identity provider.
    pub(super) provider: String,
    /// The `code` that the browser returned with; it works once.
    pub(super) code: String,
    /// The redirect URI, exactly as in `authorizationUrl`.
    pub(super) redirect_uri: String,
    /// Code verifier of the code challenge: 43 to 128 letters, digits, `-`, `.`, `_` and `~` (RFC 7636).
    pub(super) code_verifier: String,
    /// The nonce of `authorizationUrl`. The browser itself compares the returned `state` with the one it sent.
    pub(super) nonce: String,
    /// Token of the anonymous storefront user whose private storage is merged into the customer's; it may have expired.
    /// A token that cannot be used does not prevent the sign-in; `warnings` contains the reason.
    pub(super) anonymous_user_token: Option<String>,
}

/// Returns the checked parameters with which the browser returned, or notes the faults.
pub(super) fn returned(
    faults: &mut Faults,
    (code, redirect_uri, code_verifier, nonce): (String, Option<String>, String, &str),
) -> Option<Returned> {
    let (code, code_verifier) = (Secret::from(code), Secret::from(code_verifier));
    let good_code = faults.take(text::required(code.expose(), "code", MAX_CODE));
    let good_verifier = faults.take(check_verifier(code_verifier.expose()));
    let nonce = faults.take(check_nonce(nonce));
    good_code.map(Secret::from).zip(good_verifier)?;
    Some(Returned {
        code,
        redirect_uri: redirect_uri?,
        code_verifier,
        nonce: nonce?,
    })
}

/// Returns the redirect URI, which must be one of those that are allowed for the provider.
pub(super) fn redirect_uri(provider: Option<&IdentityProvider>, sent: &str) -> Result<String, UserError> {
    let sent = text::required(sent, "redirectUri", MAX_REDIRECT_URI)?;
    match provider {
        Some(provider) if !provider.returns_to(&sent) => Err(refusal::redirect_uri_not_allowed()),
        _ => Ok(sent),
    }
}

fn check_verifier(verifier: &str) -> Result<(), UserError> {
    text::required(verifier, "codeVerifier", *VERIFIER.end()).map(Secret::from)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if VERIFIER.contains(&verifier.len()) && verifier.bytes().all(allowed) {
        return Ok(());
    }
    let message = "A code verifier has 43 to 128 letters, digits, -, ., _ and ~ (RFC 7636).";
    Err(UserError::new(
        wrong(verifier, *VERIFIER.start()),
        ["codeVerifier"],
        message,
    ))
}

fn check_nonce(nonce: &str) -> Result<String, UserError> {
    let nonce = text::required(nonce, "nonce", MAX_STATE)?;
    if can_be_made_up(&nonce) {
        return Ok(nonce);
    }
    let message = "This cannot have been the nonce of authorizationUrl.";
    Err(UserError::new(wrong(&nonce, MIN_STATE), ["nonce"], message))
}

/// Returns the error code for a text that is too short or otherwise invalid.
fn wrong(text: &str, shortest: usize) -> UserErrorCode {
    if text.len() < shortest {
        UserErrorCode::TooShort
    } else {
        UserErrorCode::Invalid
    }
}
