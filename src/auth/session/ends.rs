//! Storing and ending of sessions: one by one, the surplus, and all of a customer's together.

use bson::{Bson, Document, doc};
use futures_util::TryStreamExt;
use mongodb::action::Find;

use super::{COLLECTION, MOST, Session, Sessions};
use crate::auth::STOREFRONT_USERS;
use crate::error::Result;
use crate::platform::{
    database::Tx,
    id::{Id, SessionId, StorefrontId, StorefrontUserId},
};

/// Maximum number of surplus sessions that one sign-in ends. There is more than one only if an earlier version left
/// them.
const MOST_ENDED: i64 = 1000;

/// What ended with all of a customer's sessions. It is passed to
/// [`Access::forget_ended`](crate::auth::Access::forget_ended) once the transaction is committed.
#[derive(Debug)]
#[must_use = "this node accepts the tokens for seconds until it forgets them"]
pub struct EndedSessions {
    /// The customer's storefront user, whose own tokens have ended too (TOK-06).
    pub user: StorefrontUserId,
    /// The ended sessions.
    pub sessions: Vec<SessionId>,
}

impl Sessions {
    /// Stores a new session. If the customer then has more than [`MOST`], the least recently used ones end; returns
    /// their ids, which access must evict afterwards. The limit is exact under concurrency as long as the transaction
    /// has already changed the customer's own document: of two concurrent transactions, one is retried and sees what
    /// the other stored.
    pub async fn insert_in(&self, tx: &mut Tx, session: &Session) -> Result<Vec<SessionId>> {
        self.collection().insert_one(session).session(&mut *tx).await?;
        let others = doc! {
            "storefrontId": &session.storefront_id, "userId": &session.user_id, "_id": { "$ne": &session.id },
        };
        let sessions = self.database.internal::<Document>(COLLECTION);
        let least_recent = sessions.find(others).sort(doc! { "lastUsedAt": -1, "_id": -1 });
        let surplus = ids(least_recent.skip(MOST as u64 - 1).limit(MOST_ENDED), tx).await?;
        if !surplus.is_empty() {
            let named: Vec<Bson> = surplus.iter().map(Bson::from).collect();
            let named = doc! { "_id": { "$in": named } };
            self.collection().delete_many(named).session(tx).await?;
        }
        Ok(surplus)
    }

    /// Ends one session within a transaction. Returns false if it has ended already.
    pub async fn end_in(&self, tx: &mut Tx, id: &SessionId) -> Result<bool> {
        let named = doc! { "_id": id };
        let ended = self.collection().delete_one(named).session(tx).await?;
        Ok(ended.deleted_count == 1)
    }

    /// Invalidates the refresh tokens of all of a person's sessions, one session after the other. For an erasure, which
    /// then ends the sessions in a transaction that no refresh conflicts with.
    pub async fn stop(&self, storefront: &StorefrontId, user: &StorefrontUserId) -> Result<()> {
        let theirs = doc! { "storefrontId": storefront, "userId": user };
        let stopped = doc! { "$set": { "refreshHash": "" } };
        self.collection().update_many(theirs, stopped).await?;
        Ok(())
    }

    /// Ends all of a customer's sign-ins within a transaction: every session but `spared`, and the tokens that were
    /// issued for their storefront user (TOK-02, TOK-06). No other function does this. Before it, the caller also
    /// increments `credentialEpoch` in its own change of the customer, so that no sign-in that started earlier is
    /// committed afterwards. After the commit the result goes to
    /// [`Access::forget_ended`](crate::auth::Access::forget_ended).
    pub async fn end_all_in(
        &self,
        tx: &mut Tx,
        storefront: &StorefrontId,
        user: &StorefrontUserId,
        spared: Option<&SessionId>,
    ) -> Result<EndedSessions> {
        let mut theirs = doc! { "storefrontId": storefront, "userId": user };
        if let Some(spared) = spared {
            theirs.insert("_id", doc! { "$ne": spared });
        }
        let users = self.database.internal::<Document>(STOREFRONT_USERS);
        let ended = doc! { "$inc": { "tokenEpoch": 1_i64 } };
        users
            .update_one(doc! { "_id": user }, ended)
            .session(&mut *tx)
            .await?;
        let collection = self.database.internal::<Document>(COLLECTION);
        let sessions = ids(collection.find(theirs.clone()), tx).await?;
        collection.delete_many(theirs).session(tx).await?;
        let user = user.clone();
        Ok(EndedSessions { user, sessions })
    }
}

/// Returns the ids of the sessions that a search finds within a transaction.
async fn ids(search: Find<'_, Document>, tx: &mut Tx) -> Result<Vec<SessionId>> {
    let mut rows = search.projection(doc! { "_id": 1 }).session(&mut *tx).await?;
    let rows: Vec<Document> = rows.stream(tx).try_collect().await?;
    let ids = rows.iter().filter_map(|row| row.get_str("_id").ok());
    Ok(ids.filter_map(SessionId::parse).collect())
}
