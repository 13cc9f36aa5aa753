//! Revocation of access tokens (RFC 7009), and anonymous users' tokens, which end by revocation only.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};

use super::authenticate::Access;
use super::cache::remembered;
use super::token::Claims;
use crate::error::Result;
use crate::platform::stored::{Stored, all_free};
use crate::platform::{
    clock::Timestamp,
    database::{Index, IndexKind, Tx},
    id::{StorefrontId, StorefrontUserId},
};

/// Revoked access tokens by their `jti`.
const REVOKED: &str = "revokedTokens";

/// Indexes of the revoked tokens.
pub const INDEXES: &[Index] = &[
    Index::new(
        REVOKED,
        "expiry",
        &[("expiresAt", 1)],
        IndexKind::Expiry(Duration::ZERO),
    ),
    Index::new(REVOKED, "user", &[("userId", 1)], IndexKind::Having("userId")),
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: REVOKED,
    fields: &all_free(["_id", "userId", "expiresAt"]),
}];

impl Access {
    /// The claims of a token that is still accepted somewhere and so can be revoked; `None` for any other text.
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

    /// The anonymous user whose token this is, and the user's storefront. Expired tokens are accepted, because they can
    /// be presented at registration, at sign-in and for renewal (CST-02). `None` for any other text and for a revoked
    /// token. Does not check whether the user exists and is still anonymous.
    pub async fn guest_of(&self, token: &str) -> Result<Option<(StorefrontUserId, StorefrontId)>> {
        let claims = self.tokens.verify_of_any_age(token).await?;
        match claims.and_then(|claims| Some((claims.guest()?, claims.jti))) {
            Some((guest, jti)) if !self.is_revoked(&jti).await? => Ok(Some(guest)),
            _ => Ok(None),
        }
    }

    /// Revokes a token: on this node at once, on other nodes within five seconds.
    pub async fn revoke_token(&self, claims: &Claims) -> Result<()> {
        let until = match claims.guest() {
            // An anonymous user's token is accepted at sign-in also after it has expired, so the revocation is kept as
            // long as the user exists.
            Some((user, _)) => doc! { "userId": user },
            None => doc! { "expiresAt": Timestamp::from_millis(claims.exp * 1000) },
        };
        self.database
            .internal::<Document>(REVOKED)
            .update_one(doc! { "_id": &claims.jti }, doc! { "$set": until })
            .upsert(true)
            .await?;
        self.revoked_tokens.insert(claims.jti.clone(), true).await;
        Ok(())
    }

    /// Whether the token with this `jti` was revoked.
    pub(super) async fn is_revoked(&self, jti: &str) -> Result<bool> {
        let look = async |jti: String| {
            let revoked = self.database.internal::<Document>(REVOKED);
            Ok(revoked.find_one(doc! { "_id": jti }).await?.is_some())
        };
        remembered(&self.revoked_tokens, jti.to_owned(), look).await
    }

    /// Deletes the revocations of an anonymous user's tokens, in the transaction that deletes the user.
    pub async fn forget_revoked_in(&self, tx: &mut Tx, user: &StorefrontUserId) -> Result<()> {
        let revoked = self.database.internal::<Document>(REVOKED);
        revoked.delete_many(doc! { "userId": user }).session(tx).await?;
        Ok(())
    }
}
