//! Tokens of anonymous users that are presented at registration, at sign-in or for renewal. They are accepted there
//! also after they have expired (CST-02).

use super::authenticate::Access;
use super::token::{Claims, TokenKind};
use crate::error::Result;
use crate::platform::id::{Id, StorefrontId, StorefrontUserId};

impl Claims {
    /// The user and the storefront of an anonymous user's token; `None` for every other token.
    #[must_use]
    pub fn guest(&self) -> Option<(StorefrontUserId, StorefrontId)> {
        match (self.kind, self.anonymous) {
            (TokenKind::StorefrontUser, Some(true)) => {
                let user = StorefrontUserId::parse(&self.sub)?;
                Some((user, StorefrontId::parse(self.sto.as_deref()?)?))
            }
            _ => None,
        }
    }
}

impl Access {
    /// The anonymous user whose token this is, and the user's storefront. Expired tokens are accepted. `None` for any
    /// other text and for a revoked token. Does not check whether the user exists and is still anonymous.
    ///
    /// # Errors
    /// Any database error.
    pub async fn guest_of(&self, token: &str) -> Result<Option<(StorefrontUserId, StorefrontId)>> {
        let Some(claims) = self.tokens.verify_of_any_age(token).await? else {
            return Ok(None);
        };
        let Some(guest) = claims.guest() else {
            return Ok(None);
        };
        let is_revoked = self.is_revoked(&claims.jti).await?;
        Ok((!is_revoked).then_some(guest))
    }
}
