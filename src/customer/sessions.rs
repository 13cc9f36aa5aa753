//! The GraphQL node of sessions.

use std::collections::HashMap;

use async_graphql::{Description, ID, Object};
use bson::{Bson, doc};
use serde::Deserialize;

use crate::auth::session::{MOST, Session};
use crate::context::{GlobalNode, RequestContext};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    id::{Id, SessionId, StorefrontUserId},
    loader::Batch,
};
use crate::reach::{Confine, Reach, principal::Policy, scope::Scope, tenant::Tenant};

/// Who may read a customer's sessions.
pub const READ: Policy = Policy::backend(Scope::CustomersRead).and_customer();

/// A session: a device on which the customer is signed in.
/// Requires an integration token or client secret with the scope `customers:read`, or the token of this customer.
#[derive(Clone, Description)]
pub struct CustomerSessionNode {
    session: Session,
    is_current: bool,
}

impl CustomerSessionNode {
    fn new(context: &RequestContext, session: &Session) -> Self {
        let identity = context.principal.standing();
        let person = identity.and_then(|identity| identity.person());
        let current = person.and_then(|person| person.customer.as_ref());
        Self {
            is_current: current.is_some_and(|(_, current)| *current == session.id),
            session: session.clone(),
        }
    }
}

#[Object(name = "CustomerSession", use_type_description)]
impl CustomerSessionNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.session.id)
    }

    /// Time of the sign-in.
    async fn created_at(&self) -> Timestamp {
        self.session.created_at
    }

    /// Time of the last token refresh; equal to `createdAt` before the first one.
    async fn last_used_at(&self) -> Timestamp {
        self.session.last_used_at
    }

    /// User agent of the device at the sign-in, cut to 255 characters; null if it sent none.
    async fn user_agent(&self) -> Option<&str> {
        self.session.user_agent.as_deref()
    }

    /// Whether the access token of this request belongs to the session.
    async fn is_current(&self) -> bool {
        self.is_current
    }
}

#[derive(Deserialize)]
struct SessionPageRow {
    #[serde(rename = "_id")]
    user: StorefrontUserId,
    sessions: Vec<Session>,
}

impl SessionPageRow {
    fn oldest_first(mut self) -> (StorefrontUserId, Vec<Session>) {
        self.sessions
            .sort_unstable_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        (self.user, self.sessions)
    }
}

/// Reads the live sessions of each person in one command; never more than the limit, also if an earlier version left
/// more.
struct LiveSessions {
    sessions: Tenant<Session>,
    now: Timestamp,
}

impl Batch for LiveSessions {
    type Key = StorefrontUserId;
    type Value = Vec<Session>;

    async fn load(&self, keys: &[StorefrontUserId]) -> Result<HashMap<StorefrontUserId, Vec<Session>>> {
        let users: Vec<Bson> = keys.iter().map(Bson::from).collect();
        let live = doc! { "userId": { "$in": users }, "expiresAt": { "$gt": self.now } };
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let newest = doc! { "$firstN": { "n": most, "input": "$$ROOT" } };
        let pipeline = vec![
            doc! { "$match": live },
            doc! { "$sort": { "storefrontId": 1, "userId": 1, "lastUsedAt": -1, "_id": -1 } },
            doc! { "$group": { "_id": "$userId", "sessions": newest } },
        ];
        let rows: Vec<SessionPageRow> = self.sessions.aggregate(pipeline).await?;
        Ok(rows.into_iter().map(SessionPageRow::oldest_first).collect())
    }
}

/// The live sessions of a person, oldest first; for all persons of a level in one command.
///
/// # Errors
/// Any database error.
pub async fn of(
    context: &RequestContext,
    reach: &Reach,
    user: &StorefrontUserId,
) -> Result<Vec<CustomerSessionNode>> {
    let make = || LiveSessions {
        sessions: context.app.database.open(reach),
        now: context.app.clock.now(),
    };
    let found = context.loader(reach.scope(), make).load(user.clone()).await?;
    let sessions = found.iter().flat_map(|sessions| sessions.iter());
    let nodes = sessions.map(|session| CustomerSessionNode::new(context, session));
    Ok(nodes.collect())
}

impl GlobalNode for CustomerSessionNode {
    type Id = SessionId;

    async fn find(context: &RequestContext, id: &SessionId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        let now = context.app.clock.now();
        let found = context.by_id::<Session>(&reach, id).await?;
        let live = found.filter(|session| now < session.expires_at);
        Ok(live.map(|session| Self::new(context, &session)))
    }
}
