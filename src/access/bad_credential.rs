//! What is wrong with a credential, for whoever sent it (GQL-07).

use super::token::flaw::Flaw;

/// Why a credential is refused; the answer is 401 whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCredential {
    /// No key, no secret, and not the form of a token.
    Malformed,
    /// A refresh token, which is not sent as a bearer token.
    RefreshToken,
    /// A key or secret that no client has, or whose client was revoked.
    UnknownKey,
    /// A token that is not this gateway's, or was changed.
    ForeignToken,
    /// An access token that has run out.
    ExpiredToken,
    /// An access token that was revoked, or whose session, subject or signing key has ended.
    EndedToken,
}

impl BadCredential {
    /// Whether it was an access token that is good no more (TOK-07).
    #[must_use]
    pub fn has_lapsed(self) -> bool {
        match self {
            Self::ExpiredToken | Self::EndedToken => true,
            Self::Malformed | Self::RefreshToken | Self::UnknownKey | Self::ForeignToken => false,
        }
    }
}

impl From<Flaw> for BadCredential {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Malformed => Self::Malformed,
            Flaw::Foreign => Self::ForeignToken,
            Flaw::KeyEnded => Self::EndedToken,
            Flaw::Expired => Self::ExpiredToken,
        }
    }
}
