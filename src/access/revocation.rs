//! Access tokens that are ended before their time (RFC 7009).

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};

use super::authenticate::Access;
use super::standing::remembered;
use super::token::Claims;
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    database::{Index, IndexKind, Tx},
    id::StorefrontUserId,
};

/// Revoked access tokens by their `jti`.
const REVOKED: &str = "revokedTokens";

/// Indexes of the revoked tokens.
pub const INDEXES: &[Index] = &[
    Index {
        collection: REVOKED,
        name: "expiry",
        keys: &[("expiresAt", 1)],
        kind: IndexKind::Expiry(Duration::ZERO),
    },
    Index {
        collection: REVOKED,
        name: "user",
        keys: &[("userId", 1)],
        kind: IndexKind::Having("userId"),
    },
];

impl Access {
    /// The claims of a token that is still good for something, so that it can be revoked; `None` for any other text.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub(super) async fn revocable(&self, token: &str) -> Result<Option<Arc<Claims>>> {
        if let Some(live) = self.tokens.verify(token).await? {
            return Ok(Some(live));
        }
        let expired = self.tokens.verify_of_any_age(token).await?;
        Ok(expired.filter(|claims| claims.guest().is_some()).map(Arc::new))
    }

    /// Ends a token before its time: here at once, on other nodes within five seconds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke_token(&self, claims: &Claims) -> Result<()> {
        let until = match claims.guest() {
            // Good for bringing things along also when it has run out: remembered for as long as there is the user.
            Some((user, _)) => doc! { "userId": user },
            None => doc! { "expiresAt": Timestamp::from_millis(claims.exp * 1000) },
        };
        self.database
            .house::<Document>(REVOKED)
            .update_one(doc! { "_id": &claims.jti }, doc! { "$set": until })
            .upsert(true)
            .await?;
        self.revoked_tokens.insert(claims.jti.clone(), true).await;
        Ok(())
    }

    /// Whether the token of this `jti` was revoked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn is_revoked(&self, jti: &str) -> Result<bool> {
        let look = async |jti: String| {
            let revoked = self.database.house::<Document>(REVOKED);
            Ok(revoked.find_one(doc! { "_id": jti }).await?.is_some())
        };
        remembered(&self.revoked_tokens, jti.to_owned(), look).await
    }

    /// Forgets which tokens of an anonymous user were revoked, in the transaction that removes the user.
    ///
    /// # Errors
    /// Whatever the database fails with.
    pub async fn forget_revoked_in(&self, tx: &mut Tx, user: &StorefrontUserId) -> Result<()> {
        let revoked = self.database.house::<Document>(REVOKED);
        revoked.delete_many(doc! { "userId": user }).session(tx).await?;
        Ok(())
    }
}
