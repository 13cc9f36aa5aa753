//! Customers' sessions: one for each valid refresh token ([`crate::auth::refresh_token`]). A refresh token can
//! be used once; a lost response can be repeated for a few seconds (RFC 9700 §4.14.2).

mod ends;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use self::ends::EndedSessions;

use bson::doc;
use mongodb::{Collection, options::ReturnDocument};
use serde::{Deserialize, Serialize};

use super::refresh_token;
use super::refresh_token::Presented;
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::Result;
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::{Vault, fingerprint},
    database::{Database, Index, IndexKind},
    id::{CustomerId, MemberId, OrganizationId, SessionId, StorefrontId, StorefrontUserId},
    random::Random,
    stored::{Stored, StoredField},
};
use crate::reach::Holder;
use crate::reach::principal::{CredentialKind, Identity, Person};
use crate::reach::tenant::TenantDocument;

/// Collection of the sessions.
pub const COLLECTION: &str = "sessions";
/// Maximum number of sessions of a customer; a further one ends the least recently used (TOK-05).
pub const MOST: usize = 100;
/// How long a used refresh token yields the same response to the same client again (TOK-01).
const GRACE: Duration = Duration::from_secs(10);
/// Maximum length of a stored user agent, in characters.
const MAX_USER_AGENT: usize = 255;

/// Indexes of the sessions.
pub const INDEXES: &[Index] = &[
    Index::new(
        COLLECTION,
        "storefront_user",
        &[("storefrontId", 1), ("userId", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
    // Finds a customer's most recently used sessions, for the limit and for lists.
    Index::new(
        COLLECTION,
        "storefront_user_lastUsedAt",
        &[
            ("storefrontId", 1),
            ("userId", 1),
            ("lastUsedAt", -1),
            ("_id", -1),
        ],
        IndexKind::Plain,
    ),
    Index::new(
        COLLECTION,
        "expiry",
        &[("expiresAt", 1)],
        IndexKind::Expiry(Duration::ZERO),
    ),
];

/// A signed-in device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Id; the `sid` claim of its access tokens.
    #[serde(rename = "_id")]
    pub id: SessionId,
    /// The organization that owns the storefront.
    pub organization_id: OrganizationId,
    /// The customer's storefront.
    pub storefront_id: StorefrontId,
    /// The customer's storefront user.
    pub user_id: StorefrontUserId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The API client that started it, which alone may refresh it.
    pub client_id: String,
    /// The member on whose behalf a backend started it (TOK-08).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner_id: Option<MemberId>,
    /// The user agent of the device.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_agent: Option<String>,
    /// Hash of the valid refresh token. Empty: no token is valid, because the session is about to be deleted.
    refresh_hash: String,
    /// Hash of the last token that was issued without a tag, by an earlier version of the gateway.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    legacy_hash: Option<String>,
    /// The last refresh.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rotation: Option<Rotation>,
    /// How often it was refreshed.
    rotations: i64,
    /// When it started.
    pub created_at: Timestamp,
    /// When its refresh token was issued.
    pub last_used_at: Timestamp,
    /// When its refresh token expires.
    pub expires_at: Timestamp,
}

/// The last use of a refresh token, kept for as long as the same response may be requested again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rotation {
    used_hash: String,
    at: Timestamp,
    /// Hash over the used token, address and user agent: identifies the same client, and reveals nothing to a reader.
    by: String,
}

impl Session {
    /// Whether this API client may use its refresh token: only the one that started the session. A session that was
    /// started by a mailed key without a credential can be refreshed by any client that holds the token.
    #[must_use]
    pub fn is_refreshed_by(&self, client: &str) -> bool {
        self.client_id.is_empty() || self.client_id == client
    }

    /// The identity of the customer who is signed in by it.
    pub(super) fn identity(&self) -> Identity {
        let person = Person {
            customer: Some((self.customer_id.clone(), self.id.clone())),
            ..Person::of(self.user_id.clone())
        };
        let (organization, storefront) = (self.organization_id.clone(), self.storefront_id.clone());
        Identity::of_person(CredentialKind::Customer, organization, storefront, person)
            .with_owner(self.owner_id.clone())
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
            ("_id", StoredField::Kept("id")),
            ("organizationId", StoredField::Free),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("userId", StoredField::Kept("storefrontUserId")),
            ("customerId", StoredField::Kept("customerId")),
            ("clientId", StoredField::Free),
            ("ownerId", StoredField::Free),
            ("userAgent", StoredField::Personal("userAgent")),
            ("refreshHash", StoredField::Hidden),
            ("legacyHash", StoredField::Hidden),
            ("rotation", StoredField::Hidden),
            ("rotations", StoredField::Free),
            ("createdAt", StoredField::Kept("createdAt")),
            ("lastUsedAt", StoredField::Kept("lastUsedAt")),
            ("expiresAt", StoredField::Kept("expiresAt")),
        ],
    };
    const NAME: &'static str = "sessions";
    const LINK: SubjectLink = SubjectLink::User("userId");
}

/// The input for a new session.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// The organization that owns the storefront.
    pub organization: &'a OrganizationId,
    /// The customer's storefront.
    pub storefront: &'a StorefrontId,
    /// The customer's storefront user.
    pub user: &'a StorefrontUserId,
    /// The customer.
    pub customer: &'a CustomerId,
    /// The API client that starts it.
    pub client: &'a str,
    /// The member on whose behalf a backend starts it.
    pub owner: Option<&'a MemberId>,
}

/// The device that a request comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Device<'a> {
    /// Its IP address, resolved behind trusted proxies.
    pub address: Option<IpAddr>,
    /// Its user agent.
    pub user_agent: Option<&'a str>,
}

/// The result of a refresh.
pub enum Refreshed {
    /// The session continues with this refresh token.
    Good(Box<Session>, String),
    /// The token is not valid.
    Invalid,
    /// The token was used before, so that it may have been stolen: the session must end.
    Reused(Box<Session>),
}

/// Starts, refreshes and ends sessions.
#[derive(Clone)]
pub struct Sessions {
    database: Database,
    clock: Clock,
    random: Random,
    vault: Arc<Vault>,
    ttl: Duration,
}

impl Sessions {
    /// Creates the service; refresh tokens live for `ttl`.
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
        self.database.internal(COLLECTION)
    }

    /// Creates a session and its first refresh token. The caller stores it in the transaction that signs the customer
    /// in.
    #[must_use]
    pub fn begin(&self, new: &NewSession<'_>, device: Device<'_>) -> (Session, String) {
        let now = self.clock.now();
        let id = SessionId::fresh(now, &self.random);
        let token = refresh_token::written(&self.vault, &id, &self.random.token());
        let cut = |text: &str| text.chars().take(MAX_USER_AGENT).collect();
        let session = Session {
            id,
            organization_id: new.organization.clone(),
            storefront_id: new.storefront.clone(),
            user_id: new.user.clone(),
            customer_id: new.customer.clone(),
            client_id: new.client.to_owned(),
            owner_id: new.owner.cloned(),
            user_agent: device.user_agent.map(cut),
            refresh_hash: fingerprint(&token),
            legacy_hash: None,
            rotation: None,
            rotations: 0,
            created_at: now,
            last_used_at: now,
            expires_at: now.after(self.ttl),
        };
        (session, token)
    }

    /// Uses a refresh token. `client` is the API client that presents it, if known; another client's token is refused
    /// and stays valid.
    pub async fn refresh(&self, token: &str, client: Option<&str>, device: Device<'_>) -> Result<Refreshed> {
        let Some(presented) = Presented::read(&self.vault, token) else {
            return Ok(Refreshed::Invalid);
        };
        let id = &presented.session;
        let now = self.clock.now();
        let (used, next) = (fingerprint(token), presented.next(&self.vault));
        let user_agent = device.user_agent.unwrap_or_default();
        let by = fingerprint(&format!("{token}|{:?}|{user_agent}", device.address));
        let mut fresh = doc! { "_id": id, "refreshHash": &used, "expiresAt": { "$gt": now } };
        if let Some(client) = client {
            // The same rule as `Session::is_refreshed_by`.
            fresh.insert("clientId", doc! { "$in": [client, ""] });
        }
        let rotation = doc! { "usedHash": &used, "at": now, "by": &by };
        let mut set = doc! {
            "refreshHash": fingerprint(&next), "rotation": rotation, "lastUsedAt": now,
            "expiresAt": now.after(self.ttl),
        };
        if !presented.is_tagged {
            set.insert("legacyHash", &used);
        }
        let update = doc! { "$set": set, "$inc": { "rotations": 1_i64 } };
        let sessions = self.collection();
        let rotated = sessions.find_one_and_update(fresh, update);
        if let Some(session) = rotated.return_document(ReturnDocument::After).await? {
            return Ok(Refreshed::Good(Box::new(session), next));
        }
        let Some(session) = self.collection().find_one(doc! { "_id": id }).await? else {
            return Ok(Refreshed::Invalid);
        };
        let is_of_another = |client: &str| !session.is_refreshed_by(client);
        let is_over = session.refresh_hash.is_empty() || session.refresh_hash == used;
        if client.is_some_and(is_of_another) || is_over {
            return Ok(Refreshed::Invalid);
        }
        match &session.rotation {
            // The response was lost a moment ago, or a concurrent call of the same client was first: the same response.
            Some(last) if last.used_hash == used && last.by == by && now <= last.at.after(GRACE) => {
                Ok(Refreshed::Good(Box::new(session), next))
            }
            // The call was delayed, for example by a database without a primary, while its client retried and
            // succeeded. It was made before the session's last refresh, so it is not a sign of theft, and is only
            // refused.
            Some(last) if now <= last.at => Ok(Refreshed::Invalid),
            _ if self.is_own(&presented, &used, &session) => Ok(Refreshed::Reused(Box::new(session))),
            _ => Ok(Refreshed::Invalid),
        }
    }

    /// Whether the token is, or once was, issued for its session. Without this check, anybody who knows a session's id
    /// could end it with an arbitrary text.
    fn is_own(&self, presented: &Presented<'_>, used: &str, session: &Session) -> bool {
        let is_known =
            |hash: &str| session.refresh_hash == hash || session.legacy_hash.as_deref() == Some(hash);
        presented.is_tagged || is_known(used) || presented.leads_to(&self.vault, is_known)
    }

    /// The session that a refresh token belongs to. Accepts a token that was used before: a client whose last response
    /// was lost has no other token to sign out with.
    pub async fn of_token(&self, token: &str) -> Result<Option<Session>> {
        let Some(presented) = Presented::read(&self.vault, token) else {
            return Ok(None);
        };
        let named = doc! { "_id": &presented.session };
        let found = self.collection().find_one(named).await?;
        let used = fingerprint(token);
        Ok(found.filter(|session| self.is_own(&presented, &used, session)))
    }

    /// The session, unless it has expired.
    pub async fn find(&self, id: &SessionId) -> Result<Option<Session>> {
        let live = doc! { "_id": id, "expiresAt": { "$gt": self.clock.now() } };
        Ok(self.collection().find_one(live).await?)
    }
}
