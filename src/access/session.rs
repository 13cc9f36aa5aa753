//! Customers' sessions: one for each live refresh token. A refresh token works once; the next one is derived from it under
//! a server key, so that only hashes are stored and an answer that was lost can still be given again (RFC 9700 §4.14.2).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt;
use mongodb::{Collection, options::ReturnDocument};
use serde::{Deserialize, Serialize};

use super::personal::{Link, Personal};
use super::principal::{Identity, Person};
use super::reach::Holder;
use super::tenant::TenantDocument;
use crate::error::Result;
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::{Vault, fingerprint},
    database::{Database, Index, IndexKind, Tx},
    id::{CustomerId, Id, MemberId, OrganizationId, SessionId, StorefrontId, StorefrontUserId},
    random::Random,
    stored::{Field, Stored},
};

/// Collection of the sessions.
pub const COLLECTION: &str = "sessions";
/// How refresh tokens begin.
pub const PREFIX: &str = "rt_";
/// How long a used refresh token gives its client the same answer again (TOK-01).
const GRACE: Duration = Duration::from_secs(10);
/// Longest user agent that is kept, in characters.
const MAX_USER_AGENT: usize = 255;
/// How far back a used token is recognised as one of its session's: a month of refreshes, one every ten minutes.
const MOST_ROTATIONS: i64 = 5000;

/// Indexes of the sessions.
pub const INDEXES: &[Index] = &[
    Index {
        collection: COLLECTION,
        name: "storefront_user",
        keys: &[("storefrontId", 1), ("userId", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
    Index {
        collection: COLLECTION,
        name: "expiry",
        keys: &[("expiresAt", 1)],
        kind: IndexKind::Expiry(Duration::ZERO),
    },
];

/// A signed-in device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Id; `sid` of its access tokens.
    #[serde(rename = "_id")]
    pub id: SessionId,
    /// Whose storefront.
    pub organization_id: OrganizationId,
    /// Where.
    pub storefront_id: StorefrontId,
    /// The customer's storefront user.
    pub user_id: StorefrontUserId,
    /// Whose.
    pub customer_id: CustomerId,
    /// The API client that began it, which alone may refresh it.
    pub client_id: String,
    /// The member on whose behalf a backend began it (TOK-04).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner_id: Option<MemberId>,
    /// The device, as it calls itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_agent: Option<String>,
    /// Hash of the refresh token that works.
    refresh_hash: String,
    /// The last refresh.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rotation: Option<Rotation>,
    /// How often it was refreshed.
    rotations: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When its refresh token was made.
    pub last_used_at: Timestamp,
    /// When its refresh token ends.
    pub expires_at: Timestamp,
}

/// Who used which token, for the time in which the answer may be asked for again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rotation {
    used_hash: String,
    at: Timestamp,
    /// Hash over the used token, address and user agent: tells the same client, and nothing to whoever reads it.
    by: String,
}

impl Session {
    /// Whether this API client may use its refresh token: the one that began it. One that was begun by a mailed key
    /// without a credential is whoever's holds the token.
    #[must_use]
    pub fn is_refreshed_by(&self, client: &str) -> bool {
        self.client_id.is_empty() || self.client_id == client
    }

    /// The customer who is signed in by it.
    pub(super) fn identity(&self) -> Identity {
        let person = Person {
            storefront_user: self.user_id.clone(),
            customer: Some((self.customer_id.clone(), self.id.clone())),
            merged: false,
        };
        Identity {
            owner: self.owner_id.clone(),
            ..Identity::of_customer(self.organization_id.clone(), self.storefront_id.clone(), person)
        }
    }
}

impl TenantDocument for Session {
    type Id = SessionId;
    const COLLECTION: &'static str = COLLECTION;
    const HOLDER: Holder = Holder::StorefrontUser("userId");

    fn id(&self) -> &SessionId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl Personal for Session {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", Field::Told("id")),
            ("organizationId", Field::Free),
            ("storefrontId", Field::Told("storefrontId")),
            ("userId", Field::Told("storefrontUserId")),
            ("customerId", Field::Told("customerId")),
            ("clientId", Field::Free),
            ("ownerId", Field::Free),
            ("userAgent", Field::Personal("userAgent")),
            ("refreshHash", Field::Hidden),
            ("rotation", Field::Hidden),
            ("rotations", Field::Free),
            ("createdAt", Field::Told("createdAt")),
            ("lastUsedAt", Field::Told("lastUsedAt")),
            ("expiresAt", Field::Told("expiresAt")),
        ],
    };
    const NAME: &'static str = "sessions";
    const LINK: Link = Link::User("userId");
}

/// Whom a session is for.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// Whose storefront.
    pub organization: &'a OrganizationId,
    /// Where.
    pub storefront: &'a StorefrontId,
    /// The customer's storefront user.
    pub user: &'a StorefrontUserId,
    /// Whose.
    pub customer: &'a CustomerId,
    /// The API client that begins it.
    pub client: &'a str,
    /// The member on whose behalf a backend does.
    pub owner: Option<&'a MemberId>,
}

/// The device that a request comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Device<'a> {
    /// Its address, behind trusted proxies.
    pub address: Option<IpAddr>,
    /// What it calls itself.
    pub user_agent: Option<&'a str>,
}

/// What a refresh came to.
pub enum Refreshed {
    /// The session goes on with this refresh token.
    Good(Box<Session>, String),
    /// The token is not, or no longer, one that works.
    Invalid,
    /// The token was used before: whoever has it now, the session must end.
    Reused(Box<Session>),
}

/// Begins, refreshes and ends sessions.
#[derive(Clone)]
pub struct Sessions {
    database: Database,
    clock: Clock,
    random: Random,
    vault: Arc<Vault>,
    ttl: Duration,
}

impl Sessions {
    /// Sessions whose refresh tokens live for `ttl`.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random, vault: Arc<Vault>, ttl: Duration) -> Self {
        Self {
            database,
            clock,
            random,
            vault,
            ttl,
        }
    }

    fn collection(&self) -> Collection<Session> {
        self.database.house(COLLECTION)
    }

    /// A session and its first refresh token, to be stored by the caller in the transaction that signs the customer in.
    #[must_use]
    pub fn begin(&self, new: &NewSession<'_>, device: Device<'_>) -> (Session, String) {
        let now = self.clock.now();
        let id = SessionId::fresh(now, &self.random);
        let token = written(&id, &self.random.token());
        let user_agent = device
            .user_agent
            .map(|text| text.chars().take(MAX_USER_AGENT).collect());
        let session = Session {
            id,
            organization_id: new.organization.clone(),
            storefront_id: new.storefront.clone(),
            user_id: new.user.clone(),
            customer_id: new.customer.clone(),
            client_id: new.client.to_owned(),
            owner_id: new.owner.cloned(),
            user_agent,
            refresh_hash: fingerprint(&token),
            rotation: None,
            rotations: 0,
            created_at: now,
            last_used_at: now,
            expires_at: now.after(self.ttl),
        };
        (session, token)
    }

    /// Stores a begun session.
    pub async fn insert_in(&self, tx: &mut Tx, session: &Session) -> Result<()> {
        self.collection().insert_one(session).session(tx).await?;
        Ok(())
    }

    /// Uses a refresh token. `client`: who asks, where that is known; another's token is refused and stays good.
    pub async fn refresh(&self, token: &str, client: Option<&str>, device: Device<'_>) -> Result<Refreshed> {
        let Some(id) = session_of(token) else {
            return Ok(Refreshed::Invalid);
        };
        let now = self.clock.now();
        let (used, next) = (fingerprint(token), written(&id, &self.vault.next_refresh(token)));
        let by = fingerprint(&format!(
            "{token}|{:?}|{}",
            device.address,
            device.user_agent.unwrap_or_default()
        ));
        let mut fresh = doc! { "_id": &id, "refreshHash": &used, "expiresAt": { "$gt": now } };
        if let Some(client) = client {
            // As `Session::is_refreshed_by` has it.
            fresh.insert("clientId", doc! { "$in": [client, ""] });
        }
        let rotation = doc! { "usedHash": &used, "at": now, "by": &by };
        let update = doc! {
            "$set": {
                "refreshHash": fingerprint(&next), "rotation": rotation, "lastUsedAt": now,
                "expiresAt": now.after(self.ttl),
            },
            "$inc": { "rotations": 1_i64 },
        };
        let rotated = self
            .collection()
            .find_one_and_update(fresh, update)
            .return_document(ReturnDocument::After)
            .await?;
        if let Some(session) = rotated {
            return Ok(Refreshed::Good(Box::new(session), next));
        }
        let Some(session) = self.collection().find_one(doc! { "_id": &id }).await? else {
            return Ok(Refreshed::Invalid);
        };
        let is_anothers = |client: &str| !session.is_refreshed_by(client);
        if client.is_some_and(is_anothers) || session.refresh_hash == used {
            return Ok(Refreshed::Invalid);
        }
        let just_used = session.rotation.as_ref().is_some_and(|rotation| {
            rotation.used_hash == used && rotation.by == by && now <= rotation.at.after(GRACE)
        });
        if just_used {
            // The answer of a moment ago was lost, or another call of the same client was quicker: the same answer.
            return Ok(Refreshed::Good(Box::new(session), next));
        }
        if session
            .rotation
            .as_ref()
            .is_some_and(|rotation| now <= rotation.at)
        {
            // A call that waited, for a database without a primary say, while its client tried again and went on: it was
            // made before the session's last refresh, so it is no sign of a theft. It gets nothing.
            return Ok(Refreshed::Invalid);
        }
        if self.is_ancestor(&id, token, &session) {
            return Ok(Refreshed::Reused(Box::new(session)));
        }
        Ok(Refreshed::Invalid)
    }

    /// Whether the session's token was derived from this one. Without this, whoever knows a session's id could end it with
    /// any text.
    fn is_ancestor(&self, id: &SessionId, token: &str, session: &Session) -> bool {
        let mut text = token.to_owned();
        (0..session.rotations.min(MOST_ROTATIONS)).any(|_| {
            text = written(id, &self.vault.next_refresh(&text));
            fingerprint(&text) == session.refresh_hash
        })
    }

    /// The session that a refresh token belongs to, also one that was used before: a client whose last answer was lost has
    /// no other to sign out with.
    pub async fn of_token(&self, token: &str) -> Result<Option<Session>> {
        let Some(id) = session_of(token) else {
            return Ok(None);
        };
        let found = self.collection().find_one(doc! { "_id": &id }).await?;
        let used = fingerprint(token);
        Ok(found.filter(|session| session.refresh_hash == used || self.is_ancestor(&id, token, session)))
    }

    /// The session, as long as it lives.
    pub async fn find(&self, id: &SessionId) -> Result<Option<Session>> {
        let live = doc! { "_id": id, "expiresAt": { "$gt": self.clock.now() } };
        Ok(self.collection().find_one(live).await?)
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

    /// Ends a person's sessions within a transaction, but for `spared`. Their ids, to be forgotten by access afterwards.
    pub async fn end_all_in(
        &self,
        tx: &mut Tx,
        storefront: &StorefrontId,
        user: &StorefrontUserId,
        spared: Option<&SessionId>,
    ) -> Result<Vec<SessionId>> {
        let mut theirs = doc! { "storefrontId": storefront, "userId": user };
        if let Some(spared) = spared {
            theirs.insert("_id", doc! { "$ne": spared });
        }
        let sessions = self.database.house::<Document>(COLLECTION);
        let mut found = sessions
            .find(theirs.clone())
            .projection(doc! { "_id": 1 })
            .session(&mut *tx)
            .await?;
        let found: Vec<Document> = found.stream(tx).try_collect().await?;
        sessions.delete_many(theirs).session(tx).await?;
        let ids = found.iter().filter_map(|row| row.get_str("_id").ok());
        Ok(ids.filter_map(SessionId::parse).collect())
    }
}

/// A refresh token: it names its session, so that it can be looked up by that.
fn written(session: &SessionId, secret: &str) -> String {
    let body = session.as_str().trim_start_matches("ses_");
    format!("{PREFIX}{body}.{secret}")
}

/// The session that a refresh token names.
fn session_of(token: &str) -> Option<SessionId> {
    let (body, _) = token.strip_prefix(PREFIX)?.split_once('.')?;
    SessionId::parse(&format!("ses_{body}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_session_and_nothing_else_does() {
        let random = Random::seeded(1);
        let id = SessionId::fresh(Timestamp::from_millis(5), &random);
        assert_eq!(session_of(&written(&id, "secret")), Some(id));
        for bad in ["", "rt_", "rt_x.y", "pk_abc", "rt_01arz3ndektsv4rrffq69g5fav"] {
            assert_eq!(session_of(bad), None, "{bad}");
        }
    }
}
