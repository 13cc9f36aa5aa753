//! One-time keys that are mailed: only a hash is stored, the newest of a kind is the one that works, and it works once.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Collection;
use serde::{Deserialize, Serialize};

use super::principal::{Identity, Person};
use crate::error::Result;
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::fingerprint,
    database::{Database, Index, IndexKind, Tx},
    id::{CustomerId, OrganizationId, StorefrontId, StorefrontUserId},
    random::Random,
    secret::Secret,
};

/// Collection of the keys.
pub const COLLECTION: &str = "oneTimeKeys";
/// The index that refuses a key whose place is sealed.
pub const SEALED: &str = "_id_";
/// A key that has ended is told from one that never was for this long.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Indexes of the keys.
pub const INDEXES: &[Index] = &[
    Index {
        collection: COLLECTION,
        name: "hash",
        keys: &[("hash", 1)],
        kind: IndexKind::UniqueHaving("hash"),
    },
    Index {
        collection: COLLECTION,
        name: "expiry",
        keys: &[("expiresAt", 1)],
        kind: IndexKind::Expiry(REMEMBERED),
    },
];

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Purpose {
    /// Choosing a new password.
    PasswordReset,
    /// Showing that an address is one's own.
    EmailVerification,
    /// Taking another address.
    EmailChange,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PasswordReset, Self::EmailVerification, Self::EmailChange];

    const fn text(self) -> &'static str {
        match self {
            Self::PasswordReset => "PASSWORD_RESET",
            Self::EmailVerification => "EMAIL_VERIFICATION",
            Self::EmailChange => "EMAIL_CHANGE",
        }
    }
}

/// Whose key, and what it is bound to.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OneTimeKey {
    /// The customer and the purpose: there is one key of a kind.
    #[serde(rename = "_id")]
    id: String,
    /// Good for what.
    pub purpose: Purpose,
    /// Whose storefront.
    pub organization_id: OrganizationId,
    /// Where.
    pub storefront_id: StorefrontId,
    /// The customer's storefront user.
    pub user_id: StorefrontUserId,
    /// Whose.
    pub customer_id: CustomerId,
    /// The address that the key is for: where it goes, or which one is to come.
    pub email: String,
    /// Hash of the key; absent until it is mailed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    hash: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Longest text that is looked up as a key, in bytes; keys have 43.
const LONGEST: usize = 256;

impl OneTimeKey {
    /// The customer whose it is.
    pub(super) fn identity(&self) -> Identity {
        let person = Person {
            storefront_user: self.user_id.clone(),
            customer: None,
            merged: false,
        };
        Identity::of_customer(self.organization_id.clone(), self.storefront_id.clone(), person)
    }
}

/// Whom a key is for.
#[derive(Clone, Copy)]
pub struct Holder<'a> {
    /// Whose storefront.
    pub organization: &'a OrganizationId,
    /// Where.
    pub storefront: &'a StorefrontId,
    /// The customer's storefront user.
    pub user: &'a StorefrontUserId,
    /// Who.
    pub customer: &'a CustomerId,
}

/// What a key came to.
pub enum Looked {
    /// It works.
    Good(Box<OneTimeKey>),
    /// It did.
    Expired,
    /// It never did, or another one has taken its place.
    Unknown,
}

/// Makes, looks up and uses up keys.
#[derive(Clone)]
pub struct OneTimeKeys {
    database: Database,
    clock: Clock,
    random: Random,
}

impl OneTimeKeys {
    /// The keys in this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random) -> Self {
        Self {
            database,
            clock,
            random,
        }
    }

    fn collection(&self) -> Collection<OneTimeKey> {
        self.database.house(COLLECTION)
    }

    /// Prepares a key within a transaction; the one of this kind that there was works no more. It works once
    /// [`OneTimeKeys::cut`] has made it.
    ///
    /// # Errors
    /// A violation of [`SEALED`] for somebody who is to have no keys any more ([`OneTimeKeys::seal`]).
    pub async fn prepare_in(
        &self,
        tx: &mut Tx,
        holder: Holder<'_>,
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
        self.collection()
            .replace_one(open(&key.id), &key)
            .upsert(true)
            .session(tx)
            .await?;
        Ok(())
    }

    /// Makes the key that was prepared, to be mailed now, and says for which address; `None` when there is none to be
    /// made any more. A second one takes the place of the first.
    pub async fn cut(
        &self,
        customer: &CustomerId,
        purpose: Purpose,
        ttl: Duration,
    ) -> Result<Option<(OneTimeKey, Secret)>> {
        let secret = self.random.token();
        let made = doc! { "$set": {
            "hash": fingerprint(&secret), "expiresAt": self.clock.now().after(ttl),
        } };
        let key = self
            .collection()
            .find_one_and_update(open(&name(customer, purpose)), made)
            .await?;
        Ok(key.map(|key| (key, Secret::from(secret))))
    }

    /// What a key is, without using it up.
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

    /// The address that a customer is about to take.
    pub async fn pending_email(&self, customer: &CustomerId) -> Result<Option<String>> {
        let name = name(customer, Purpose::EmailChange);
        let pending = self.collection().find_one(open(&name)).await?;
        let pending = pending.filter(|key| self.clock.now() < key.expires_at);
        Ok(pending.map(|key| key.email))
    }

    /// Uses a key up within a transaction. False when somebody else was quicker.
    pub async fn use_up_in(&self, tx: &mut Tx, key: &OneTimeKey) -> Result<bool> {
        let same = doc! { "_id": &key.id, "hash": key.hash.as_deref() };
        let deleted = self.collection().delete_one(same).session(tx).await?;
        Ok(deleted.deleted_count == 1)
    }

    /// Voids all of a customer's keys, one after the other, and lets none be prepared any more: the addresses in them are gone
    /// with them. Whoever prepares one at the same time writes to the same place, and begins anew or is refused.
    pub async fn seal(&self, customer: &CustomerId) -> Result<()> {
        for purpose in Purpose::ALL {
            let name = name(customer, purpose);
            let sealed = doc! { "_id": &name, "sealed": true, "expiresAt": self.clock.now() };
            let keys = self.database.house::<Document>(COLLECTION);
            keys.replace_one(doc! { "_id": &name }, sealed)
                .upsert(true)
                .await?;
        }
        Ok(())
    }

    /// Voids a customer's keys of these kinds within a transaction.
    pub async fn void_in(&self, tx: &mut Tx, customer: &CustomerId, purposes: &[Purpose]) -> Result<()> {
        let names: Vec<Bson> = purposes
            .iter()
            .map(|purpose| Bson::from(name(customer, *purpose)))
            .collect();
        let keys = self.database.house::<Document>(COLLECTION);
        keys.delete_many(doc! { "_id": { "$in": names } })
            .session(tx)
            .await?;
        Ok(())
    }
}

/// The key of this name, unless its place is sealed.
fn open(name: &str) -> Document {
    doc! { "_id": name, "sealed": { "$exists": false } }
}

fn name(customer: &CustomerId, purpose: Purpose) -> String {
    format!("{customer} {}", purpose.text())
}
