//! The claims of an access token (RFC 9068 §2.2).

use serde::{Deserialize, Serialize};

use crate::platform::id::{Id, StorefrontId, StorefrontUserId};

/// Kind of a token's subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenKind {
    /// A storefront user.
    StorefrontUser,
    /// A customer.
    Customer,
    /// A backend.
    Integration,
}

/// The claims.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer: the public URL.
    pub iss: String,
    /// Audience: [`crate::auth::token::AUDIENCE`].
    pub aud: String,
    /// Subject: a `cus_`, `sfu_` or `cli_` id.
    pub sub: String,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Expires at, in seconds.
    pub exp: i64,
    /// Id of the token.
    pub jti: String,
    /// The API client that requested it.
    pub client_id: String,
    /// Organization.
    pub org: String,
    /// Storefront; absent for a backend that covers several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sto: Option<String>,
    /// Kind of the subject.
    pub kind: TokenKind,
    /// A customer's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Storefront user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sfu: Option<String>,
    /// The online store's own id of the storefront user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether the storefront user was anonymous at issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<bool>,
    /// The storefront user's token epoch at issue, unless it is 0: a token of an earlier epoch has ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub epoch: Option<i64>,
    /// A backend's scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The member on whose behalf a backend's token was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl Claims {
    /// The user and the storefront of an anonymous user's token; `None` for every other token.
    pub(in crate::auth) fn guest(&self) -> Option<(StorefrontUserId, StorefrontId)> {
        if self.kind != TokenKind::StorefrontUser || self.anonymous != Some(true) {
            return None;
        }
        let user = StorefrontUserId::parse(&self.sub)?;
        Some((user, StorefrontId::parse(self.sto.as_deref()?)?))
    }
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
