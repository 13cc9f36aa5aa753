//! Why a credential is invalid, as reported to the caller (GQL-07).

/// Why a credential is refused; the response is 401 for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCredential {
    /// Neither a key nor a secret, and not in the form of a token.
    Malformed,
    /// A refresh token, which is not accepted as a bearer token.
    RefreshToken,
    /// A key or secret that belongs to no client, or whose client was revoked.
    UnknownKey,
    /// A token that another issuer signed, or that was altered.
    ForeignToken,
    /// An access token that has expired.
    ExpiredToken,
    /// An access token that was revoked, or whose session, subject or signing key has ended.
    EndedToken,
}

impl BadCredential {
    /// Whether the credential was a valid access token before (TOK-07).
    #[must_use]
    pub fn has_lapsed(self) -> bool {
        matches!(self, Self::ExpiredToken | Self::EndedToken)
    }
}
