//! Tokens of anonymous users that somebody brings along to a registration or a sign-in, or has renewed: they are as good when
//! they have run out (CST-02).

use super::authenticate::Access;
use super::token::{Claims, TokenKind};
use crate::error::Result;
use crate::platform::id::{Id, StorefrontId, StorefrontUserId};

impl Claims {
    /// Whom the token of an anonymous user stands for, and where; `None` for every other token.
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
    /// The anonymous user whose token this is, also when it has run out, and the user's storefront. `None` for any other
    /// text, and for a token that was revoked. Says nothing about whether there is the user, and whether it is anonymous
    /// still.
    ///
    /// # Errors
    /// When the database does not answer.
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
