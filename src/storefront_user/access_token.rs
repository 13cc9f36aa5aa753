//! Access tokens of storefront users.

use async_graphql::SimpleObject;

use super::StorefrontUser;
use crate::auth::token::{SignedToken, StorefrontUserSubject};
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::clock::Timestamp;
use crate::reach::Reach;

/// An access token of a storefront user. Send it as `Authorization: Bearer …`.
#[derive(SimpleObject)]
pub struct AccessToken {
    /// The access token: a JWT (ES256, keys at /.well-known/jwks.json), valid for 24 hours by default.
    access_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// Time at which the token expires.
    expires_at: Timestamp,
}

impl AccessToken {
    /// Issues a token for a user; its claims name the client whose credential has the reach.
    ///
    /// # Errors
    /// Any error of signing.
    pub fn issue(context: &RequestContext, reach: &Reach, user: &StorefrontUser) -> Result<Self> {
        let identity = reach.identity();
        let client = identity.client().map(ToString::to_string).unwrap_or_default();
        let subject = StorefrontUserSubject {
            id: &user.id,
            storefront: &user.storefront_id,
            organization: identity.organization(),
            external_id: &user.external_id,
            anonymous: user.is_anonymous,
            epoch: user.token_epoch,
        };
        let tokens = &context.app.access.tokens;
        let SignedToken { token, expires_at } = tokens.issue_storefront_user(&client, subject)?;
        Ok(Self {
            access_token: token,
            token_type: "Bearer".to_owned(),
            expires_at,
        })
    }
}
