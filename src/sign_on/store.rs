//! Identity providers and identities in the database.

use std::collections::HashMap;
use std::sync::Arc;

use bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use futures_util::FutureExt;

use super::{IdentityProvider, MAX_PROVIDERS};
use crate::access::{
    reach::{Confine, Reach, SystemReach},
    tenant::TenantDocument,
};
use crate::app::App;
use crate::customer::identity::Identity;
use crate::error::Result;
use crate::platform::{
    database::{Database, Index, IndexKind, Tx, violated_index},
    id::{Id, IdentityProviderId, StorefrontId, StorefrontUserId},
    loader::Batch,
    secret::Secret,
};
use crate::storefront::Storefront;

/// The index that keeps a provider's key unique in its storefront.
pub const UNIQUE_KEY: &str = "storefront_key";
/// The index that ties a provider's subject to one customer.
pub const UNIQUE_SUBJECT: &str = "provider_subject";
/// Identities that are removed in one transaction with their provider.
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
        collection: Identity::COLLECTION,
        name: UNIQUE_SUBJECT,
        keys: &[("providerId", 1), ("subject", 1)],
        kind: IndexKind::Unique,
    },
    Index {
        collection: Identity::COLLECTION,
        name: "storefront_user",
        keys: &[("storefrontId", 1), ("userId", 1)],
        kind: IndexKind::Plain,
    },
];

/// The provider that a storefront's programs call so.
pub async fn by_key(
    database: &Database,
    reach: &impl Confine,
    storefront: &StorefrontId,
    key: &str,
) -> Result<Option<IdentityProvider>> {
    let named = doc! { "storefrontId": storefront, "key": key };
    database.open::<IdentityProvider>(reach).find_one(named).await
}

/// Reads the providers of each of a level of storefronts, in one command.
pub struct ProvidersOf {
    /// Where.
    pub database: Database,
    /// How far.
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

/// What an operator says of a provider.
pub struct NewProvider {
    /// Where.
    pub storefront: StorefrontId,
    /// Unique in the storefront.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// What it calls the gateway.
    pub client_id: String,
    /// The secret between the two.
    pub client_secret: Option<Secret>,
    /// Where it may send browsers back to.
    pub redirect_uris: Vec<String>,
}

/// Why a provider is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdded {
    /// Another one of the storefront has the key.
    KeyTaken,
    /// The storefront has as many as it may have.
    TooMany,
}

/// Adds a provider.
///
/// # Errors
/// The outer error when the database fails; the inner one when the provider cannot be added.
pub async fn add(
    app: &App,
    system: &SystemReach,
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

/// Inserts a provider unless the storefront has as many as it may have. Whoever adds one touches the storefront, so that
/// of two at once one begins anew and counts the other's.
async fn insert(
    database: &Database,
    system: &SystemReach,
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

/// How many identities a person has, within a transaction.
pub async fn count_identities_in(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    (storefront, user): (&StorefrontId, &StorefrontUserId),
) -> Result<usize> {
    let theirs = doc! { "storefrontId": storefront, "userId": user };
    let found = database.open::<Identity>(reach).find_in(tx, theirs).await?;
    Ok(found.len())
}

/// All providers, or a storefront's, oldest first.
pub async fn list(
    database: &Database,
    system: &SystemReach,
    storefront: Option<&StorefrontId>,
) -> Result<Vec<IdentityProvider>> {
    let filter = storefront.map_or_else(Document::new, |id| doc! { "storefrontId": id });
    let providers = database.open::<IdentityProvider>(system);
    providers.find(filter, doc! { "_id": 1 }, 0).await
}

/// Removes a provider, then what ties its subjects to customers, part by part. False where there is nothing of it; what was
/// broken off is finished by doing it again.
pub async fn remove(database: &Database, system: &SystemReach, id: &IdentityProviderId) -> Result<bool> {
    let providers = database.open::<IdentityProvider>(system);
    let context = (&providers, id);
    let removing = database.transaction(context, |tx, (providers, id)| {
        providers.delete_in(tx, doc! { "_id": *id }).boxed()
    });
    let mut any = removing.await?.is_some();
    let identities = database.open::<Identity>(system);
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

/// The identity that a provider knows by this subject.
pub async fn by_subject(
    database: &Database,
    reach: &impl Confine,
    provider: &IdentityProvider,
    subject: &str,
) -> Result<Option<Identity>> {
    let named = doc! {
        "storefrontId": &provider.storefront_id, "providerId": &provider.id, "subject": subject,
    };
    database.open::<Identity>(reach).find_one(named).await
}
