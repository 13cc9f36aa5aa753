//! Resolves a bearer credential to a principal. Whatever can be revoked is looked up on every request, through caches
//! of a few seconds that this node's own revocations clear.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use futures_util::TryStreamExt;
use moka::future::Cache;
use serde::Deserialize;

use super::bad_credential::BadCredential;
use super::cache::{cache, remembered};
use super::client::{ApiClient, ClientKind, Clients, LONGEST_KEY, PUBLIC_PREFIX, SECRET_PREFIX};
use super::one_time::OneTimeKey;
use super::session::{EndedSessions, Session, Sessions};
use super::token::{Claims, TokenKind, Tokens};
use super::{STOREFRONT_USERS, STOREFRONTS, refresh_token};
use crate::error::Result;
use crate::organization::store::Organizations;
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::fingerprint,
    database::Database,
    id::{ApiClientId, Id, MemberId, OrganizationId, SessionId, StorefrontId, StorefrontUserId},
};
use crate::reach::Reach;
use crate::reach::principal::{ClientStorefronts, CredentialKind, Identity, Person, Principal};
use crate::reach::scope::parse_list;

/// Authentication of requests: clients, tokens and sessions, and the caches of what was looked up.
pub struct Access {
    /// Organizations and members.
    pub organizations: Organizations,
    /// API clients.
    pub clients: Clients,
    /// Tokens and their keys.
    pub tokens: Tokens,
    /// Customers' sessions.
    pub sessions: Sessions,
    pub(super) database: Database,
    clock: Clock,
    anonymous_ttl: Duration,
    cached_clients: Cache<ClientName, Option<Arc<ActiveClient>>>,
    cached_persons: Cache<StorefrontUserId, Option<Arc<PersonState>>>,
    cached_sessions: Cache<SessionId, Option<Arc<Session>>>,
    /// Whether the token with this `jti` was revoked.
    pub(super) revoked_tokens: Cache<String, bool>,
}

/// What credentials are checked against.
pub struct CredentialStores {
    /// Organizations and members.
    pub organizations: Organizations,
    /// API clients.
    pub clients: Clients,
    /// Tokens and their keys.
    pub tokens: Tokens,
    /// Customers' sessions.
    pub sessions: Sessions,
}

/// The key by which a client is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ClientName {
    Fingerprint(String),
    Id(ApiClientId),
}

/// A client that is not revoked, and its identity with the storefronts that it covers now.
#[derive(Debug)]
struct ActiveClient {
    client: ApiClient,
    identity: Arc<Identity>,
}

/// The fields of a storefront user that access needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonState {
    merged_into: Option<StorefrontUserId>,
    expires_at: Option<Timestamp>,
    erased_at: Option<Timestamp>,
    #[serde(default)]
    token_epoch: i64,
}

impl Access {
    /// Creates the service over this database. `anonymous_ttl` is the idle time of anonymous users.
    #[must_use]
    pub fn new(database: Database, clock: Clock, stores: CredentialStores, anonymous_ttl: Duration) -> Self {
        Self {
            organizations: stores.organizations,
            clients: stores.clients,
            tokens: stores.tokens,
            sessions: stores.sessions,
            database,
            clock,
            anonymous_ttl,
            cached_clients: cache(),
            cached_persons: cache(),
            cached_sessions: cache(),
            revoked_tokens: cache(),
        }
    }

    /// Resolves a bearer credential to its principal.
    ///
    /// # Errors
    /// The outer error when the lookup fails; the inner one when the credential is invalid.
    pub async fn authenticate(&self, bearer: &str) -> Result<Result<Principal, BadCredential>> {
        let (identity, otherwise) = if bearer.starts_with(PUBLIC_PREFIX) || bearer.starts_with(SECRET_PREFIX)
        {
            let active = self.active_client_by_key(bearer).await?;
            let identity = active.map(|active| Arc::clone(&active.identity));
            (identity, BadCredential::UnknownKey)
        } else if bearer.starts_with(refresh_token::PREFIX) {
            (None, BadCredential::RefreshToken)
        } else {
            let claims = match self.tokens.examine(bearer).await? {
                Ok(claims) => claims,
                Err(bad) => return Ok(Err(bad)),
            };
            let identity = match self.is_revoked(&claims.jti).await? {
                false => self.by_claims(&claims).await?,
                true => None,
            };
            (identity, BadCredential::EndedToken)
        };
        Ok(identity.map(Principal::Known).ok_or(otherwise))
    }

    async fn active_client_by_key(&self, key: &str) -> Result<Option<Arc<ActiveClient>>> {
        if key.len() > LONGEST_KEY {
            return Ok(None);
        }
        let name = ClientName::Fingerprint(fingerprint(key));
        self.active_client(name).await
    }

    /// The client that a secret belongs to; `None` if it is unknown or the client was revoked.
    pub async fn client_of_secret(&self, secret: &str) -> Result<Option<ApiClient>> {
        let active = self.active_client_by_key(secret).await?;
        Ok(active.map(|active| active.client.clone()))
    }

    async fn by_claims(&self, claims: &Claims) -> Result<Option<Arc<Identity>>> {
        match claims.kind {
            TokenKind::Integration => self.by_backend_claims(claims).await,
            TokenKind::StorefrontUser => self.by_user_claims(claims).await,
            TokenKind::Customer => self.by_customer_claims(claims).await,
        }
    }

    async fn by_backend_claims(&self, claims: &Claims) -> Result<Option<Arc<Identity>>> {
        let Some(id) = ApiClientId::parse(&claims.sub) else {
            return Ok(None);
        };
        let Some(active) = self.active_client(ClientName::Id(id)).await? else {
            return Ok(None);
        };
        // Scopes that the client has lost since are removed from its tokens too.
        let mut scopes = claims.scope.as_deref().and_then(parse_list).unwrap_or_default();
        scopes.retain(|scope| active.client.scopes.contains(scope));
        let owner = claims.owner.as_deref().and_then(MemberId::parse);
        let identity = Identity::clone(&active.identity);
        Ok(Some(Arc::new(identity.with_scopes(scopes).with_owner(owner))))
    }

    async fn by_user_claims(&self, claims: &Claims) -> Result<Option<Arc<Identity>>> {
        let user = StorefrontUserId::parse(&claims.sub);
        let storefront = claims.sto.as_deref().and_then(StorefrontId::parse);
        let organization = OrganizationId::parse(&claims.org);
        let (Some(user), Some(storefront), Some(organization)) = (user, storefront, organization) else {
            return Ok(None);
        };
        let Some(state) = self.active_person(&user).await? else {
            return Ok(None);
        };
        // The token was issued before all of the customer's sign-ins were ended (TOK-06). A later epoch than the cached
        // one is valid, because the cache may be a few seconds old.
        if claims.epoch.unwrap_or(0) < state.token_epoch {
            return Ok(None);
        }
        let person = Person {
            merged: state.merged_into.is_some(),
            ..Person::of(user)
        };
        let kind = CredentialKind::StorefrontUser;
        let identity = Identity::of_person(kind, organization, storefront, person);
        Ok(Some(Arc::new(identity)))
    }

    async fn by_customer_claims(&self, claims: &Claims) -> Result<Option<Arc<Identity>>> {
        let Some(id) = claims.sid.as_deref().and_then(SessionId::parse) else {
            return Ok(None);
        };
        let look = async |id: SessionId| Ok(self.sessions.find(&id).await?.map(Arc::new));
        let session = remembered(&self.cached_sessions, id, look).await?;
        let session = session.filter(|session| self.clock.now() < session.expires_at);
        Ok(session.map(|session| Arc::new(session.identity())))
    }

    /// The reach of a customer whose refresh token was accepted.
    #[must_use]
    pub fn reach_of_session(&self, session: &Session) -> Reach {
        Reach::of(&Arc::new(session.identity()))
    }

    /// The reach of a customer who presented a one-time key.
    #[must_use]
    pub fn reach_of_key(&self, key: &OneTimeKey) -> Reach {
        Reach::of(&Arc::new(key.identity()))
    }

    /// Evicts ended sessions from this node's cache.
    pub async fn forget_sessions(&self, ids: &[SessionId]) {
        for id in ids {
            self.cached_sessions.invalidate(id).await;
        }
    }

    /// Evicts from this node's caches everything that ended with a customer's sessions.
    pub async fn forget_ended(&self, ended: &EndedSessions) {
        self.forget_sessions(&ended.sessions).await;
        self.forget_person(&ended.user).await;
    }

    async fn active_client(&self, name: ClientName) -> Result<Option<Arc<ActiveClient>>> {
        let look = |name| self.look_up_client(name);
        remembered(&self.cached_clients, name, look).await
    }

    async fn look_up_client(&self, name: ClientName) -> Result<Option<Arc<ActiveClient>>> {
        let found = match &name {
            ClientName::Fingerprint(fingerprint) => self.clients.by_fingerprint(fingerprint).await?,
            ClientName::Id(id) => self.clients.find(id).await?,
        };
        let Some(client) = found.filter(|client| client.revoked_at.is_none()) else {
            return Ok(None);
        };
        let storefronts = match &client.storefront_ids {
            Some(ids) => ids.clone(),
            None => self.storefronts_of(&client.organization_id).await?,
        };
        let identity = Arc::new(identity_of(&client, storefronts));
        Ok(Some(Arc::new(ActiveClient { client, identity })))
    }

    async fn storefronts_of(&self, organization: &OrganizationId) -> Result<Vec<StorefrontId>> {
        #[derive(Deserialize)]
        struct StorefrontRow {
            #[serde(rename = "_id")]
            id: StorefrontId,
        }
        let storefronts = self.database.internal::<StorefrontRow>(STOREFRONTS);
        let found = storefronts.find(doc! { "organizationId": organization });
        let found = found.projection(doc! { "_id": 1 });
        let rows = found.sort(doc! { "_id": 1 }).await?;
        Ok(rows.map_ok(|row| row.id).try_collect().await?)
    }

    /// Reads a backend's identity again with the storefronts that its organization has now, for a request that names a
    /// storefront which was created within the last seconds.
    pub async fn renewed(&self, identity: &Identity) -> Result<Option<Identity>> {
        let Some(client) = identity.client().cloned() else {
            return Ok(None);
        };
        let Some(active) = self.look_up_client(ClientName::Id(client.clone())).await? else {
            return Ok(None);
        };
        let renewed = Identity::clone(&active.identity)
            .with_scopes(identity.scopes().to_vec())
            .with_owner(identity.owner().cloned());
        let by_fingerprint = ClientName::Fingerprint(active.client.fingerprint.clone());
        for name in [by_fingerprint, ClientName::Id(client)] {
            self.cached_clients.insert(name, Some(Arc::clone(&active))).await;
        }
        Ok(Some(renewed))
    }

    /// `None` for a user that was deleted or has expired, and for the user of an erased customer.
    async fn active_person(&self, id: &StorefrontUserId) -> Result<Option<Arc<PersonState>>> {
        let look = |id| self.look_up_person(id);
        let state = remembered(&self.cached_persons, id.clone(), look).await?;
        let now = self.clock.now();
        Ok(state.filter(|state| state.expires_at.is_none_or(|at| now < at)))
    }

    async fn look_up_person(&self, id: StorefrontUserId) -> Result<Option<Arc<PersonState>>> {
        let persons = self.database.internal::<PersonState>(STOREFRONT_USERS);
        let fields = doc! { "mergedInto": 1, "expiresAt": 1, "erasedAt": 1, "tokenEpoch": 1 };
        let found = persons.find_one(doc! { "_id": &id }).projection(fields).await?;
        let Some(mut state) = found.filter(|state| state.erased_at.is_none()) else {
            return Ok(None);
        };
        if let Some(expires_at) = state.expires_at {
            state.expires_at = Some(self.count_use(&id, expires_at).await?);
        }
        Ok(Some(Arc::new(state)))
    }

    /// Counts a use of an anonymous user's token or storage: the user is deleted the idle time after its last use
    /// (SFU-09). To save writes, a use counts only if a tenth of the idle time has passed since the last one that
    /// counted.
    pub async fn count_use(&self, id: &StorefrontUserId, expires_at: Timestamp) -> Result<Timestamp> {
        let now = self.clock.now();
        let later = now.after(self.anonymous_ttl);
        let counts_again = later.before(self.anonymous_ttl / 10);
        if now >= expires_at || expires_at > counts_again {
            return Ok(expires_at);
        }
        // A user that expires, is merged or is promoted at the same time is left unchanged.
        let still = doc! { "_id": id, "expiresAt": expires_at };
        let persons = self.database.internal::<bson::Document>(STOREFRONT_USERS);
        let update = doc! { "$set": { "expiresAt": later } };
        let updated = persons.update_one(still, update).await?;
        Ok(if updated.modified_count == 1 {
            later
        } else {
            expires_at
        })
    }

    /// Evicts a storefront user from this node's cache, after a change.
    pub async fn forget_person(&self, id: &StorefrontUserId) {
        self.cached_persons.invalidate(id).await;
    }
}

fn identity_of(client: &ApiClient, storefronts: Vec<StorefrontId>) -> Identity {
    let kind = match client.kind {
        ClientKind::Public => CredentialKind::Public,
        ClientKind::Integration => CredentialKind::Integration,
    };
    let storefronts = match client.storefront_ids {
        None => ClientStorefronts::All(storefronts),
        Some(_) => ClientStorefronts::Listed(storefronts),
    };
    let (organization, id) = (client.organization_id.clone(), client.id.clone());
    Identity::of_client(kind, organization, id, storefronts, client.scopes.clone())
}
