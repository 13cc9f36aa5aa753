//! What is wrong with a text that is no token, or none that is good now.

use serde::Deserialize;

/// Why a text is no token that is good now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It has not the form of one.
    Malformed,
    /// It is no token of this gateway's, or was changed.
    Foreign,
    /// Its key was ended (`keys rotate --now`), by its own word: there is no key to check that with.
    KeyEnded,
    /// It has run out.
    Expired,
}

/// What a token says of itself that has no key to be verified by.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) exp: i64,
}

impl Named {
    /// Reads the payload of a text that has the form of a token.
    pub(super) fn read(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}
