//! Why a text is not a valid token.

use serde::Deserialize;

/// Why a text is not a valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFlaw {
    /// It does not have the form of a token.
    Malformed,
    /// It was not issued by this gateway, or it was altered.
    Foreign,
    /// Its key was ended (`keys rotate --now`), by its own unverified claims: there is no key to check them with.
    KeyEnded,
    /// It has expired.
    Expired,
}

/// The claims of a token that has no key to verify them with.
#[derive(Deserialize)]
pub(super) struct UnverifiedClaims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) exp: i64,
}

impl UnverifiedClaims {
    /// Decodes the payload of a text that has the form of a token.
    pub(super) fn read(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}
