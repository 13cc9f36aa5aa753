//! Database access for identity providers and identities.

use std::collections::HashMap;
use std::sync::Arc;

use bson::{Binary, Bson, Document, doc, spec::BinarySubtype};

use super::{IdentityProvider, MAX_PROVIDERS};
use crate::app::App;
use crate::customer::identity::LinkedIdentity;
use crate::error::Result;
use crate::platform::{
    database::{Database, Index, IndexKind, Tx, Write, violated_index},
    id::{Id, IdentityProviderId, StorefrontId},
    loader::Batch,
    secret::Secret,
    stored::{Stored, all_free},
};
use crate::reach::tenant::{Tenant, TenantDocument};
use crate::reach::{Confine, HouseReach, Reach};
use crate::storefront::Storefront;

/// The index that keeps a provider's key unique in its storefront.
pub const UNIQUE_KEY: &str = "storefront_key";
/// The index that links a provider's subject to at most one customer.
pub const UNIQUE_SUBJECT: &str = "provider_subject";
/// Maximum number of identities that one transaction removes after their provider.
const BATCH: i64 = 500;

/// Indexes of the providers and the identities.
pub const INDEXES: &[Index] = &[
    Index::new(
        IdentityProvider::COLLECTION,
        UNIQUE_KEY,
        &[("storefrontId", 1), ("key", 1)],
        IndexKind::Unique,
    ),
    Index::new(
        LinkedIdentity::COLLECTION,
        UNIQUE_SUBJECT,
        &[("providerId", 1), ("subject", 1)],
        IndexKind::Unique,
    ),
    Index::new(
        LinkedIdentity::COLLECTION,
        "storefront_user",
        &[("storefrontId", 1), ("userId", 1)],
        IndexKind::Plain,
    ),
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: IdentityProvider::COLLECTION,
    fields: &all_free([
        "_id",
        "storefrontId",
        "key",
        "name",
        "issuer",
        "clientId",
        "sealedSecret",
        "redirectUris",
        "createdAt",
    ]),
}];

/// Returns the provider of a storefront with this key.
pub async fn by_key(
    database: &Database,
    reach: &impl Confine,
    storefront: &StorefrontId,
    key: &str,
) -> Result<Option<IdentityProvider>> {
    let named = doc! { "storefrontId": storefront, "key": key };
    database.open::<IdentityProvider>(reach).find_one(named).await
}

/// Loads the providers of several storefronts of a level, in one command.
pub struct ProvidersOf {
    /// The database.
    pub database: Database,
    /// The caller's reach.
    pub reach: Reach,
}

impl Batch for ProvidersOf {
    type Key = StorefrontId;
    type Value = Vec<Arc<IdentityProvider>>;

    async fn load(&self, storefronts: &[StorefrontId]) -> Result<HashMap<StorefrontId, Self::Value>> {
        let ids: Vec<Bson> = storefronts.iter().map(Bson::from).collect();
        let theirs = doc! { "storefrontId": { "$in": ids } };
        let providers = self.database.open::<IdentityProvider>(&self.reach);
        let mut of: HashMap<_, Self::Value> = HashMap::new();
        for provider in providers.find(theirs, doc! { "_id": 1 }, 0).await? {
            let storefront = provider.storefront_id.clone();
            of.entry(storefront).or_default().push(Arc::new(provider));
        }
        Ok(of)
    }
}

/// A provider that an operator adds.
pub struct NewProvider {
    /// Storefront of the provider.
    pub storefront: StorefrontId,
    /// Unique in the storefront.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// The gateway's client id at the provider.
    pub client_id: String,
    /// Client secret.
    pub client_secret: Option<Secret>,
    /// Allowed redirect URIs.
    pub redirect_uris: Vec<String>,
}

/// Why a provider was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdded {
    /// Another provider of the storefront has this key.
    KeyTaken,
    /// The storefront has the maximum number of providers.
    TooMany,
}

/// Adds a provider.
///
/// # Errors
/// The outer error if the database fails; the inner one if the provider cannot be added.
pub async fn add(
    app: &App,
    reach: &HouseReach,
    new: NewProvider,
) -> Result<Result<IdentityProvider, NotAdded>> {
    let now = app.clock.now();
    let id = IdentityProviderId::fresh(now, &app.random);
    let seal = |secret: Secret| app.vault.seal(id.as_str(), secret.expose().as_bytes());
    let sealed = new.client_secret.map(seal).transpose()?;
    let provider = IdentityProvider {
        storefront_id: new.storefront,
        key: new.key,
        name: new.name,
        issuer: new.issuer,
        client_id: new.client_id,
        sealed_secret: sealed.map(|bytes| Binary {
            subtype: BinarySubtype::Generic,
            bytes,
        }),
        redirect_uris: new.redirect_uris,
        created_at: now,
        id,
    };
    let addition = ProviderAddition {
        database: &app.database,
        reach,
        provider: &provider,
    };
    match app.database.run(&addition).await {
        Ok(true) => Ok(Ok(provider)),
        Ok(false) => Ok(Err(NotAdded::TooMany)),
        Err(error) if violated_index(&error) == Some(UNIQUE_KEY) => Ok(Err(NotAdded::KeyTaken)),
        Err(error) => Err(error),
    }
}

/// The write that adds a provider. Returns false if the storefront has the maximum number.
struct ProviderAddition<'a> {
    database: &'a Database,
    reach: &'a HouseReach,
    provider: &'a IdentityProvider,
}

impl Write for ProviderAddition<'_> {
    type Output = bool;

    async fn write(&self, tx: &mut Tx) -> Result<bool> {
        let storefront = &self.provider.storefront_id;
        // Updates the storefront, so that of two concurrent transactions one is retried and counts the other's provider.
        let touch = doc! { "$inc": { "identityProvidersAdded": 1_i64 } };
        let storefronts = self.database.open::<Storefront>(self.reach);
        storefronts
            .update_in(tx, doc! { "_id": storefront }, touch)
            .await?;
        let providers = self.database.open::<IdentityProvider>(self.reach);
        let theirs = providers.find_in(tx, doc! { "storefrontId": storefront }).await?;
        if theirs.len() >= MAX_PROVIDERS {
            return Ok(false);
        }
        providers.insert_in(tx, self.reach, self.provider).await?;
        Ok(true)
    }
}

/// Returns all providers, or those of a storefront, oldest first.
pub async fn list(
    database: &Database,
    reach: &HouseReach,
    storefront: Option<&StorefrontId>,
) -> Result<Vec<IdentityProvider>> {
    let filter = storefront.map_or_else(Document::new, |id| doc! { "storefrontId": id });
    let providers = database.open::<IdentityProvider>(reach);
    providers.find(filter, doc! { "_id": 1 }, 0).await
}

/// Removes a provider, then in batches the identities that link its subjects to customers. Returns false if there is
/// nothing to remove. An interrupted removal is completed by repeating it.
pub async fn remove(database: &Database, reach: &HouseReach, id: &IdentityProviderId) -> Result<bool> {
    let provider = Removal {
        documents: database.open::<IdentityProvider>(reach),
        filter: doc! { "_id": id },
    };
    let mut is_anything_removed = database.run(&provider).await? > 0;
    let identities = database.open::<LinkedIdentity>(reach);
    loop {
        let ids = identities.stored_ids(doc! { "providerId": id }, BATCH).await?;
        if ids.is_empty() {
            return Ok(is_anything_removed);
        }
        is_anything_removed = true;
        let batch = Removal {
            documents: identities.clone(),
            filter: doc! { "_id": { "$in": ids } },
        };
        database.run(&batch).await?;
    }
}

/// The write that deletes the documents that a filter matches. Returns their number.
struct Removal<T: Send + Sync> {
    documents: Tenant<T>,
    filter: Document,
}

impl<T: Send + Sync> Write for Removal<T> {
    type Output = u64;

    async fn write(&self, tx: &mut Tx) -> Result<u64> {
        self.documents.delete_many_in(tx, self.filter.clone()).await
    }
}

/// Returns the identity with this subject at a provider.
pub async fn by_subject(
    database: &Database,
    reach: &impl Confine,
    provider: &IdentityProvider,
    subject: &str,
) -> Result<Option<LinkedIdentity>> {
    let named = doc! {
        "storefrontId": &provider.storefront_id, "providerId": &provider.id, "subject": subject,
    };
    database.open::<LinkedIdentity>(reach).find_one(named).await
}
