//! One-time keys that are mailed. Only a hash is stored, only the newest key of a kind is valid, and it can be used
//! once.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::Collection;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::platform::stored::{Stored, StoredField};
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::fingerprint,
    database::{Database, Index, IndexKind, Tx},
    id::{CustomerId, OrganizationId, StorefrontId, StorefrontUserId},
    random::Random,
    secret::Secret,
};
use crate::reach::principal::{CredentialKind, Identity, Person};

/// Collection of the keys.
pub const COLLECTION: &str = "oneTimeKeys";
/// The index that refuses a key whose place is sealed ([`OneTimeKeys::seal`]).
pub const SEALED: &str = "_id_";
/// How long an expired key is kept, so that it is distinguished from an unknown one.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Indexes of the keys.
pub const INDEXES: &[Index] = &[
    Index::new(
        COLLECTION,
        "hash",
        &[("hash", 1)],
        IndexKind::UniqueHaving("hash"),
    ),
    Index::new(
        COLLECTION,
        "expiry",
        &[("expiresAt", 1)],
        IndexKind::Expiry(REMEMBERED),
    ),
];

/// Stored fields. The e-mail address in a key is removed when the place of the key is sealed.
pub const STORED: &[Stored] = &[Stored {
    collection: COLLECTION,
    fields: &[
        ("_id", StoredField::Free),
        ("purpose", StoredField::Free),
        ("organizationId", StoredField::Free),
        ("storefrontId", StoredField::Free),
        ("userId", StoredField::Free),
        ("customerId", StoredField::Free),
        ("email", StoredField::Hidden),
        ("hash", StoredField::Hidden),
        ("sealed", StoredField::Free),
        ("expiresAt", StoredField::Free),
    ],
}];

/// The operation that a key authorizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Purpose {
    /// Choose a new password.
    PasswordReset,
    /// Verify an e-mail address.
    EmailVerification,
    /// Change the e-mail address.
    EmailChange,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 3] = [Self::PasswordReset, Self::EmailVerification, Self::EmailChange];

    const fn text(self) -> &'static str {
        match self {
            Self::PasswordReset => "PASSWORD_RESET",
            Self::EmailVerification => "EMAIL_VERIFICATION",
            Self::EmailChange => "EMAIL_CHANGE",
        }
    }
}

/// A one-time key: its holder, its purpose and the address that it is bound to.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OneTimeKey {
    /// The customer and the purpose: a customer has at most one key of each purpose.
    #[serde(rename = "_id")]
    id: String,
    /// The operation that it authorizes.
    pub purpose: Purpose,
    /// The organization that owns the storefront.
    pub organization_id: OrganizationId,
    /// The customer's storefront.
    pub storefront_id: StorefrontId,
    /// The customer's storefront user.
    pub user_id: StorefrontUserId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The address that the key is bound to: the one it is mailed to, or the new one.
    pub email: String,
    /// Hash of the key; absent until it is mailed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    hash: Option<String>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// Longest text that is looked up as a key, in bytes; keys have 43.
const LONGEST: usize = 256;

impl OneTimeKey {
    /// The identity of the customer who holds the key.
    pub(super) fn identity(&self) -> Identity {
        let (organization, storefront) = (self.organization_id.clone(), self.storefront_id.clone());
        let person = Person::of(self.user_id.clone());
        Identity::of_person(CredentialKind::Customer, organization, storefront, person)
    }
}

/// The holder of a key.
#[derive(Clone, Copy)]
pub struct KeyHolder<'a> {
    /// The organization that owns the storefront.
    pub organization: &'a OrganizationId,
    /// The customer's storefront.
    pub storefront: &'a StorefrontId,
    /// The customer's storefront user.
    pub user: &'a StorefrontUserId,
    /// The customer.
    pub customer: &'a CustomerId,
}

/// The result of looking up a key.
pub enum Looked {
    /// The key is valid.
    Good(Box<OneTimeKey>),
    /// The key was valid and has expired.
    Expired,
    /// The key never existed, or a newer key has replaced it.
    Unknown,
}

/// Creates, looks up and consumes keys.
#[derive(Clone)]
pub struct OneTimeKeys {
    database: Database,
    clock: Clock,
    random: Random,
}

impl OneTimeKeys {
    /// Uses the keys in this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random) -> Self {
        Self {
            database,
            clock,
            random,
        }
    }

    fn collection(&self) -> Collection<OneTimeKey> {
        self.database.internal(COLLECTION)
    }

    /// Prepares a key within a transaction and voids the previous key of this kind. The new key is valid once
    /// [`OneTimeKeys::cut`] has generated its secret.
    ///
    /// # Errors
    /// A violation of [`SEALED`] for a customer whose keys were sealed ([`OneTimeKeys::seal`]).
    pub async fn prepare_in(
        &self,
        tx: &mut Tx,
        holder: KeyHolder<'_>,
        purpose: Purpose,
        email: &str,
        ttl: Duration,
    ) -> Result<()> {
        let key = OneTimeKey {
            id: name(holder.customer, purpose),
            purpose,
            organization_id: holder.organization.clone(),
            storefront_id: holder.storefront.clone(),
            user_id: holder.user.clone(),
            customer_id: holder.customer.clone(),
            email: email.to_owned(),
            hash: None,
            expires_at: self.clock.now().after(ttl),
        };
        let keys = self.collection();
        let replaced = keys.replace_one(open(&key.id), &key).upsert(true);
        replaced.session(tx).await?;
        Ok(())
    }

    /// Generates the secret of a prepared key, which is to be mailed now; the returned key holds the address. `None` if
    /// no key is prepared any more. A second call replaces the secret of the first.
    pub async fn cut(
        &self,
        customer: &CustomerId,
        purpose: Purpose,
        ttl: Duration,
    ) -> Result<Option<(OneTimeKey, Secret)>> {
        let secret = self.random.token();
        let made = doc! { "hash": fingerprint(&secret), "expiresAt": self.clock.now().after(ttl) };
        let prepared = open(&name(customer, purpose));
        let key = self
            .collection()
            .find_one_and_update(prepared, doc! { "$set": made })
            .await?;
        Ok(key.map(|key| (key, Secret::from(secret))))
    }

    /// Looks up a key without consuming it.
    pub async fn look(&self, secret: &str, purpose: Purpose) -> Result<Looked> {
        if secret.len() > LONGEST {
            return Ok(Looked::Unknown);
        }
        let known = doc! { "hash": fingerprint(secret), "purpose": purpose.text() };
        Ok(match self.collection().find_one(known).await? {
            None => Looked::Unknown,
            Some(key) if key.expires_at <= self.clock.now() => Looked::Expired,
            Some(key) => Looked::Good(Box::new(key)),
        })
    }

    /// The new address of a pending e-mail change.
    pub async fn pending_email(&self, customer: &CustomerId) -> Result<Option<String>> {
        let name = name(customer, Purpose::EmailChange);
        let pending = self.collection().find_one(open(&name)).await?;
        let pending = pending.filter(|key| self.clock.now() < key.expires_at);
        Ok(pending.map(|key| key.email))
    }

    /// Consumes a key within a transaction. Returns false if a concurrent request has consumed or replaced it.
    pub async fn use_up_in(&self, tx: &mut Tx, key: &OneTimeKey) -> Result<bool> {
        let same = doc! { "_id": &key.id, "hash": key.hash.as_deref() };
        let deleted = self.collection().delete_one(same).session(tx).await?;
        Ok(deleted.deleted_count == 1)
    }

    /// Voids all of a customer's keys, one after the other, and prevents new ones: the addresses in them are deleted
    /// with them. A concurrent [`OneTimeKeys::prepare_in`] writes to the same document, so its transaction is retried
    /// or refused.
    pub async fn seal(&self, customer: &CustomerId) -> Result<()> {
        for purpose in Purpose::ALL {
            let name = name(customer, purpose);
            let sealed = doc! { "_id": &name, "sealed": true, "expiresAt": self.clock.now() };
            let keys = self.database.internal::<Document>(COLLECTION);
            keys.replace_one(doc! { "_id": &name }, sealed)
                .upsert(true)
                .await?;
        }
        Ok(())
    }

    /// Voids a customer's keys of these kinds within a transaction.
    pub async fn void_in(&self, tx: &mut Tx, customer: &CustomerId, purposes: &[Purpose]) -> Result<()> {
        let names: Vec<String> = purposes.iter().map(|purpose| name(customer, *purpose)).collect();
        let named = doc! { "_id": { "$in": names } };
        self.collection().delete_many(named).session(tx).await?;
        Ok(())
    }
}

/// Filter for the key with this name, unless its place is sealed.
fn open(name: &str) -> Document {
    doc! { "_id": name, "sealed": { "$exists": false } }
}

fn name(customer: &CustomerId, purpose: Purpose) -> String {
    format!("{customer} {}", purpose.text())
}
