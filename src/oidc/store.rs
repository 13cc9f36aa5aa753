//! Database access for identity providers and identities.

use std::collections::HashMap;
use std::sync::Arc;

use bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use futures_util::FutureExt;

use super::{IdentityProvider, MAX_PROVIDERS};
use crate::app::App;
use crate::customer::identity::LinkedIdentity;
use crate::error::Result;
use crate::platform::stored::{Stored, StoredField};
use crate::platform::{
    database::{Database, Index, IndexKind, Tx, violated_index},
    id::{Id, IdentityProviderId, StorefrontId, StorefrontUserId},
    loader::Batch,
    secret::Secret,
};
use crate::reach::{Confine, HouseReach, Reach, tenant::TenantDocument};
use crate::storefront::Storefront;

/// The index that keeps a provider's key unique in its storefront.
pub const UNIQUE_KEY: &str = "storefront_key";
/// The index that links a provider's subject to at most one customer.
pub const UNIQUE_SUBJECT: &str = "provider_subject";
/// Maximum number of identities that one transaction removes after their provider.
const PART: i64 = 500;

/// Indexes of the providers and the identities.
pub const INDEXES: &[Index] = &[
    Index {
        collection: IdentityProvider::COLLECTION,
        name: UNIQUE_KEY,
        keys: &[("storefrontId", 1), ("key", 1)],
        kind: IndexKind::Unique,
    },
    Index {
        collection: LinkedIdentity::COLLECTION,
        name: UNIQUE_SUBJECT,
        keys: &[("providerId", 1), ("subject", 1)],
        kind: IndexKind::Unique,
    },
    Index {
        collection: LinkedIdentity::COLLECTION,
        name: "storefront_user",
        keys: &[("storefrontId", 1), ("userId", 1)],
        kind: IndexKind::Plain,
    },
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: "identityProviders",
    fields: &[
        ("_id", StoredField::Free),
        ("storefrontId", StoredField::Free),
        ("key", StoredField::Free),
        ("name", StoredField::Free),
        ("issuer", StoredField::Free),
        ("clientId", StoredField::Free),
        ("sealedSecret", StoredField::Free),
        ("redirectUris", StoredField::Free),
        ("createdAt", StoredField::Free),
    ],
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
    system: &HouseReach,
    new: NewProvider,
) -> Result<std::result::Result<IdentityProvider, NotAdded>> {
    let NewProvider {
        storefront,
        key,
        name,
        issuer,
        client_id,
        client_secret,
        redirect_uris,
    } = new;
    let now = app.clock.now();
    let id = IdentityProviderId::fresh(now, &app.random);
    let seal = |secret: Secret| app.vault.seal(id.as_str(), secret.expose().as_bytes());
    let sealed = client_secret.map(seal).transpose()?;
    let provider = IdentityProvider {
        storefront_id: storefront,
        key,
        name,
        issuer,
        client_id,
        sealed_secret: sealed.map(|bytes| Binary {
            subtype: BinarySubtype::Generic,
            bytes,
        }),
        redirect_uris,
        created_at: now,
        id,
    };
    let context = (&app.database, system, &provider);
    let inserted = app
        .database
        .transaction(context, |tx, (database, system, provider)| {
            insert(database, system, tx, provider).boxed()
        });
    match inserted.await {
        Ok(true) => Ok(Ok(provider)),
        Ok(false) => Ok(Err(NotAdded::TooMany)),
        Err(error) if violated_index(&error) == Some(UNIQUE_KEY) => Ok(Err(NotAdded::KeyTaken)),
        Err(error) => Err(error),
    }
}

/// Inserts a provider and returns false if the storefront has the maximum number. It updates the storefront, so that of
/// two concurrent transactions one is retried and counts the other's provider.
async fn insert(
    database: &Database,
    system: &HouseReach,
    tx: &mut Tx,
    provider: &IdentityProvider,
) -> Result<bool> {
    let storefront = &provider.storefront_id;
    let touch = doc! { "$inc": { "identityProvidersAdded": 1_i64 } };
    let storefronts = database.open::<Storefront>(system);
    storefronts
        .update_in(tx, doc! { "_id": storefront }, touch)
        .await?;
    let providers = database.open::<IdentityProvider>(system);
    let theirs = providers.find_in(tx, doc! { "storefrontId": storefront }).await?;
    if theirs.len() >= MAX_PROVIDERS {
        return Ok(false);
    }
    providers.insert_in(tx, system, provider).await?;
    Ok(true)
}

/// Returns the number of a person's identities, within a transaction.
pub async fn count_identities_in(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    (storefront, user): (&StorefrontId, &StorefrontUserId),
) -> Result<usize> {
    let theirs = doc! { "storefrontId": storefront, "userId": user };
    let found = database.open::<LinkedIdentity>(reach).find_in(tx, theirs).await?;
    Ok(found.len())
}

/// Returns all providers, or those of a storefront, oldest first.
pub async fn list(
    database: &Database,
    system: &HouseReach,
    storefront: Option<&StorefrontId>,
) -> Result<Vec<IdentityProvider>> {
    let filter = storefront.map_or_else(Document::new, |id| doc! { "storefrontId": id });
    let providers = database.open::<IdentityProvider>(system);
    providers.find(filter, doc! { "_id": 1 }, 0).await
}

/// Removes a provider, then in batches the identities that link its subjects to customers. Returns false if there is
/// nothing to remove. An interrupted removal is completed by repeating it.
pub async fn remove(database: &Database, system: &HouseReach, id: &IdentityProviderId) -> Result<bool> {
    let providers = database.open::<IdentityProvider>(system);
    let context = (&providers, id);
    let removing = database.transaction(context, |tx, (providers, id)| {
        providers.delete_in(tx, doc! { "_id": *id }).boxed()
    });
    let mut any = removing.await?.is_some();
    let identities = database.open::<LinkedIdentity>(system);
    loop {
        let part = identities.ids(doc! { "providerId": id }, PART).await?;
        if part.is_empty() {
            return Ok(any);
        }
        any = true;
        let part: Vec<Bson> = part.iter().map(Bson::from).collect();
        let context = (&identities, &part);
        let removing = database.transaction(context, |tx, (identities, part)| {
            identities
                .delete_many_in(tx, doc! { "_id": { "$in": (*part).clone() } })
                .boxed()
        });
        removing.await?;
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
