//! API clients: publishable keys (`pk_…`), which identify a storefront and are safe in a browser, and client secrets
//! (`sk_…`), which authenticate an organization's backend.

use async_graphql::Enum;
use bson::doc;
use futures_util::TryStreamExt;
use mongodb::Collection;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::platform::stored::{Stored, all_free};
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::fingerprint,
    database::{Database, Index, IndexKind},
    id::{ApiClientId, OrganizationId, StorefrontId},
    random::Random,
    secret::Secret,
};
use crate::reach::scope::Scope;

const COLLECTION: &str = "apiClients";

/// Prefix of publishable keys.
pub const PUBLIC_PREFIX: &str = "pk_";
/// Prefix of client secrets.
pub const SECRET_PREFIX: &str = "sk_";

/// Longest text that is looked up as a key or secret, in bytes; generated ones have 46.
pub const LONGEST_KEY: usize = 128;

/// Indexes of the clients.
pub const INDEXES: &[Index] = &[
    Index::new(
        COLLECTION,
        "fingerprint",
        &[("fingerprint", 1)],
        IndexKind::Unique,
    ),
    Index::new(
        COLLECTION,
        "organization",
        &[("organizationId", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: COLLECTION,
    fields: &all_free([
        "_id",
        "organizationId",
        "kind",
        "name",
        "storefrontIds",
        "scopes",
        "fingerprint",
        "createdAt",
        "revokedAt",
    ]),
}];

/// Kind of an API client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "ApiClientKind")]
pub enum ClientKind {
    /// The publishable key of one storefront; safe to ship to a browser.
    Public,
    /// An integration: the API client of a store's own system, with a client secret.
    Integration,
}

/// An API client. Only the fingerprint of its key or secret is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiClient {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ApiClientId,
    /// The organization that the client belongs to.
    pub organization_id: OrganizationId,
    /// Kind of the client.
    pub kind: ClientKind,
    /// Display name.
    pub name: String,
    /// The storefronts that it covers; absent: all of the organization, also later ones.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub storefront_ids: Option<Vec<StorefrontId>>,
    /// Scopes; empty for publishable keys.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the key or secret.
    pub fingerprint: String,
    /// When an operator created it.
    pub created_at: Timestamp,
    /// When it was revoked; it is refused since.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<Timestamp>,
}

/// The input for a new client.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// The organization that the client belongs to.
    pub organization: OrganizationId,
    /// Kind of the client.
    pub kind: ClientKind,
    /// Display name.
    pub name: String,
    /// Covered storefronts; `None`: all.
    pub storefronts: Option<Vec<StorefrontId>>,
    /// Scopes.
    pub scopes: Vec<Scope>,
}

/// Reads and writes API clients.
#[derive(Clone)]
pub struct Clients {
    database: Database,
    clock: Clock,
    random: Random,
}

impl Clients {
    /// Uses the clients of this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random) -> Self {
        Self {
            database,
            clock,
            random,
        }
    }

    fn clients(&self) -> Collection<ApiClient> {
        self.database.internal(COLLECTION)
    }

    /// Creates a client. Its key or secret is returned here only and cannot be read later.
    pub async fn create(&self, new: NewClient) -> Result<(ApiClient, Secret)> {
        let secret = self.random.token();
        self.create_with(new, &secret).await
    }

    /// Creates a client with a given random part of the secret, for the demo, which shows its credentials at every
    /// start.
    pub async fn create_with(&self, new: NewClient, secret: &str) -> Result<(ApiClient, Secret)> {
        let key = key(new.kind, secret);
        let now = self.clock.now();
        let client = ApiClient {
            id: ApiClientId::fresh(now, &self.random),
            organization_id: new.organization,
            kind: new.kind,
            name: new.name,
            storefront_ids: new.storefronts,
            scopes: new.scopes,
            fingerprint: fingerprint(&key),
            created_at: now,
            revoked_at: None,
        };
        self.clients().insert_one(&client).await?;
        Ok((client, Secret::from(key)))
    }

    /// The client that the key or secret with this fingerprint belongs to, revoked or not.
    pub async fn by_fingerprint(&self, fingerprint: &str) -> Result<Option<ApiClient>> {
        let named = doc! { "fingerprint": fingerprint };
        Ok(self.clients().find_one(named).await?)
    }

    /// The client with this id, revoked or not.
    pub async fn find(&self, id: &ApiClientId) -> Result<Option<ApiClient>> {
        Ok(self.clients().find_one(doc! { "_id": id }).await?)
    }

    /// The clients of an organization, or all clients, oldest first.
    pub async fn list(&self, organization: Option<&OrganizationId>) -> Result<Vec<ApiClient>> {
        let filter = organization.map_or_else(|| doc! {}, |id| doc! { "organizationId": id });
        let found = self.clients().find(filter).sort(doc! { "_id": 1 }).await?;
        Ok(found.try_collect().await?)
    }

    /// Revokes a client: on this node at once, on other nodes within five seconds. Returns false if there is no such
    /// client.
    pub async fn revoke(&self, id: &ApiClientId) -> Result<bool> {
        // Repeated revocations keep the time of the first.
        let first = doc! { "_id": id, "revokedAt": { "$exists": false } };
        self.clients()
            .update_one(first, doc! { "$set": { "revokedAt": self.clock.now() } })
            .await?;
        Ok(self.find(id).await?.is_some())
    }
}

/// Composes the whole key or secret from its random part.
#[must_use]
pub fn key(kind: ClientKind, secret: &str) -> String {
    match kind {
        ClientKind::Public => format!("{PUBLIC_PREFIX}{secret}"),
        ClientKind::Integration => format!("{SECRET_PREFIX}{secret}"),
    }
}
