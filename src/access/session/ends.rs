//! How sessions are stored and end: one by one, the surplus, and all of a customer's together.

use bson::{Bson, Document, doc};
use futures_util::TryStreamExt;

use super::{COLLECTION, MOST, Session, Sessions};
use crate::access::STOREFRONT_USERS;
use crate::error::Result;
use crate::platform::{
    database::Tx,
    id::{Id, SessionId, StorefrontId, StorefrontUserId},
};

/// Surplus sessions that one sign-in ends. There is more than one only where an earlier version has left them.
const MOST_ENDED: i64 = 1000;

/// What ended with all of a customer's sessions; [`Access::forget_ended`](crate::access::Access::forget_ended) takes
/// it once the transaction is committed.
#[derive(Debug)]
#[must_use = "this node accepts the tokens for seconds until it forgets them"]
pub struct Ended {
    /// The customer's storefront user, whose own tokens have ended too (TOK-06).
    pub user: StorefrontUserId,
    /// The sessions.
    pub sessions: Vec<SessionId>,
}

impl Sessions {
    /// Stores a begun session. Where the customer then has more than [`MOST`], those used longest ago end: their ids, to be
    /// forgotten by access afterwards. Exact at once with others as long as the transaction changes the customer's own
    /// document before: of two, one begins anew and sees what the other has stored.
    pub async fn insert_in(&self, tx: &mut Tx, session: &Session) -> Result<Vec<SessionId>> {
        self.collection().insert_one(session).session(&mut *tx).await?;
        let others = doc! {
            "storefrontId": &session.storefront_id, "userId": &session.user_id, "_id": { "$ne": &session.id },
        };
        let surplus = self.database.house::<Document>(COLLECTION);
        let mut surplus = surplus
            .find(others)
            .sort(doc! { "lastUsedAt": -1, "_id": -1 })
            .skip(MOST as u64 - 1)
            .limit(MOST_ENDED)
            .projection(doc! { "_id": 1 })
            .session(&mut *tx)
            .await?;
        let surplus: Vec<Document> = surplus.stream(&mut *tx).try_collect().await?;
        let surplus = ids_in(&surplus);
        if !surplus.is_empty() {
            let named: Vec<Bson> = surplus.iter().map(Bson::from).collect();
            self.collection()
                .delete_many(doc! { "_id": { "$in": named } })
                .session(tx)
                .await?;
        }
        Ok(surplus)
    }

    /// Ends one session within a transaction. False where it has ended already.
    pub async fn end_in(&self, tx: &mut Tx, id: &SessionId) -> Result<bool> {
        let ended = self
            .collection()
            .delete_one(doc! { "_id": id })
            .session(tx)
            .await?;
        Ok(ended.deleted_count == 1)
    }

    /// Lets no refresh token of a person work any more, one session after the other. For an erasure, which then ends the
    /// sessions in a transaction that no refresh is in the way of.
    pub async fn stop(&self, storefront: &StorefrontId, user: &StorefrontUserId) -> Result<()> {
        let theirs = doc! { "storefrontId": storefront, "userId": user };
        let stopped = doc! { "$set": { "refreshHash": "" } };
        self.collection().update_many(theirs, stopped).await?;
        Ok(())
    }

    /// Ends all that a customer is signed in by, within a transaction: every session but `spared`, and the tokens that were
    /// issued for their storefront user (TOK-02, TOK-06). The one way to do so; a caller also increments `credentialEpoch`
    /// in its own change of the customer, and before this, so that no sign-in that began earlier comes after it. After the
    /// commit the result goes to [`Access::forget_ended`](crate::access::Access::forget_ended).
    pub async fn end_all_in(
        &self,
        tx: &mut Tx,
        storefront: &StorefrontId,
        user: &StorefrontUserId,
        spared: Option<&SessionId>,
    ) -> Result<Ended> {
        let mut theirs = doc! { "storefrontId": storefront, "userId": user };
        if let Some(spared) = spared {
            theirs.insert("_id", doc! { "$ne": spared });
        }
        let users = self.database.house::<Document>(STOREFRONT_USERS);
        users
            .update_one(doc! { "_id": user }, doc! { "$inc": { "tokenEpoch": 1_i64 } })
            .session(&mut *tx)
            .await?;
        let sessions = self.database.house::<Document>(COLLECTION);
        let mut found = sessions
            .find(theirs.clone())
            .projection(doc! { "_id": 1 })
            .session(&mut *tx)
            .await?;
        let found: Vec<Document> = found.stream(&mut *tx).try_collect().await?;
        sessions.delete_many(theirs).session(tx).await?;
        Ok(Ended {
            user: user.clone(),
            sessions: ids_in(&found),
        })
    }
}

fn ids_in(rows: &[Document]) -> Vec<SessionId> {
    let ids = rows.iter().filter_map(|row| row.get_str("_id").ok());
    ids.filter_map(SessionId::parse).collect()
}
