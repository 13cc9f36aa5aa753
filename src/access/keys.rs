//! Signing keys: ES256 (RFC 7518 §3.4), private halves encrypted under the master key, public halves published as JWKS
//! (RFC 7517). A new key is published before it signs, and an old one verifies until its last token has expired.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use bson::{Binary, doc, spec::BinarySubtype};
use futures_util::TryStreamExt;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, jwk::Jwk};
use mongodb::Collection;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::Vault,
    database::{Database, Index, IndexKind, violated_index},
    random::Random,
};

const COLLECTION: &str = "signingKeys";
const SEQUENCE: &str = "sequence";
/// Nodes look for new keys so often.
pub const REFRESH: Duration = Duration::from_secs(10);
/// A new key signs only when every node has seen it.
const PUBLISHED_BEFORE_USE: Duration = Duration::from_secs(30);
/// A token with an unknown key makes a node look again, at most so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Indexes of the keys.
pub const INDEXES: &[Index] = &[Index {
    collection: COLLECTION,
    name: SEQUENCE,
    keys: &[("sequence", 1)],
    kind: IndexKind::Unique,
}];

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredKey {
    /// The key id (`kid`).
    #[serde(rename = "_id")]
    id: String,
    /// Order of the keys; unique, so that of two rotations at once one makes the key.
    sequence: i32,
    /// Private half as PKCS #8, encrypted.
    sealed: Binary,
    /// From when on it signs.
    signs_from: Timestamp,
}

/// A usable key.
struct SigningKey {
    id: String,
    sequence: i32,
    signs_from: Timestamp,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: serde_json::Value,
}

/// The keys of the gateway, as this node knows them.
pub struct KeyRing {
    database: Database,
    clock: Clock,
    random: Random,
    vault: Arc<Vault>,
    /// How long the longest token lives: so long an old key is kept for verifying.
    longest_token: Duration,
    keys: RwLock<Arc<Vec<SigningKey>>>,
    looked: tokio::sync::Mutex<Option<tokio::time::Instant>>,
}

impl KeyRing {
    /// No keys yet; [`KeyRing::refresh`] reads them.
    #[must_use]
    pub fn new(
        database: Database,
        clock: Clock,
        random: Random,
        vault: Arc<Vault>,
        longest_token: Duration,
    ) -> Self {
        Self {
            database,
            clock,
            random,
            vault,
            longest_token,
            keys: RwLock::default(),
            looked: tokio::sync::Mutex::default(),
        }
    }

    fn stored(&self) -> Collection<StoredKey> {
        self.database.house(COLLECTION)
    }

    fn keys(&self) -> Arc<Vec<SigningKey>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys again, and makes the first one where there is none.
    ///
    /// # Errors
    /// [`Error::Internal`] for keys of another master key.
    pub async fn refresh(&self) -> Result<()> {
        let mut stored = self.read().await?;
        if stored.is_empty() {
            self.make(1, self.clock.now()).await?;
            stored = self.read().await?;
        }
        let keys = stored
            .iter()
            .map(|stored| self.usable(stored))
            .collect::<Result<Vec<_>>>()?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    /// Opens all stored keys and makes none: how many there are.
    ///
    /// # Errors
    /// [`Error::Internal`] for keys of another master key.
    pub async fn check(&self) -> Result<usize> {
        let stored = self.read().await?;
        for key in &stored {
            self.usable(key)?;
        }
        Ok(stored.len())
    }

    async fn read(&self) -> Result<Vec<StoredKey>> {
        Ok(self
            .stored()
            .find(doc! {})
            .sort(doc! { "sequence": 1 })
            .await?
            .try_collect()
            .await?)
    }

    /// Makes a new signing key, which signs on every node within a minute, and forgets those that no token needs any
    /// more. Its id.
    pub async fn rotate(&self) -> Result<String> {
        self.refresh().await?;
        let last = self.keys().last().map_or(0, |key| key.sequence);
        let id = self
            .make(last + 1, self.clock.now().after(PUBLISHED_BEFORE_USE))
            .await?;
        let dead: Vec<String> = self
            .keys()
            .iter()
            .filter(|key| !self.verifies(key))
            .map(|key| key.id.clone())
            .collect();
        self.stored().delete_many(doc! { "_id": { "$in": dead } }).await?;
        self.refresh().await?;
        Ok(id)
    }

    /// The id of the key with this sequence, whoever made it.
    async fn make(&self, sequence: i32, signs_from: Timestamp) -> Result<String> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(Error::internal)?;
        let id = data_encoding::BASE64URL_NOPAD.encode(&self.random.bytes::<12>());
        let bytes = self.vault.seal(&id, pkcs8.as_ref())?;
        let key = StoredKey {
            id: id.clone(),
            sequence,
            sealed: Binary {
                subtype: BinarySubtype::Generic,
                bytes,
            },
            signs_from,
        };
        match self.stored().insert_one(key).await.map_err(Error::from) {
            Ok(_) => Ok(id),
            Err(error) if violated_index(&error) == Some(SEQUENCE) => {
                let other = self.stored().find_one(doc! { "sequence": sequence }).await?;
                other.map(|key| key.id).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    fn usable(&self, stored: &StoredKey) -> Result<SigningKey> {
        let pkcs8 = Zeroizing::new(self.vault.open(&stored.id, &stored.sealed.bytes)?);
        let encoding = EncodingKey::from_ec_der(&pkcs8);
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::ES256).map_err(Error::internal)?;
        jwk.common.key_id = Some(stored.id.clone());
        jwk.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        Ok(SigningKey {
            id: stored.id.clone(),
            sequence: stored.sequence,
            signs_from: stored.signs_from,
            decoding: DecodingKey::from_jwk(&jwk).map_err(Error::internal)?,
            public: serde_json::to_value(&jwk).map_err(Error::internal)?,
            encoding,
        })
    }

    /// A key verifies until the tokens that it signed before its successor took over have expired.
    fn verifies(&self, key: &SigningKey) -> bool {
        let successor = self
            .keys()
            .iter()
            .find(|other| other.sequence > key.sequence)
            .map(|other| other.signs_from);
        successor.is_none_or(|from| self.clock.now() <= from.after(self.longest_token + REFRESH * 2))
    }

    /// Signs with the newest key that every node knows.
    pub(super) fn sign<T>(&self, with: impl FnOnce(&str, &EncodingKey) -> Result<T>) -> Result<T> {
        let now = self.clock.now();
        let keys = self.keys();
        let key = keys
            .iter()
            .rev()
            .find(|key| key.signs_from <= now)
            .or_else(|| keys.first());
        let key = key.ok_or_else(|| Error::Unavailable(Arc::new(NoKeys)))?;
        with(&key.id, &key.encoding)
    }

    /// The key with this id; looks once more for one that is not known yet.
    pub(super) async fn verifier(&self, id: &str) -> Result<Option<DecodingKey>> {
        if let Some(key) = self.known(id) {
            return Ok(Some(key));
        }
        let mut looked = self.looked.lock().await;
        if looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
            self.refresh().await?;
            *looked = Some(tokio::time::Instant::now());
        }
        Ok(self.known(id))
    }

    fn known(&self, id: &str) -> Option<DecodingKey> {
        self.keys()
            .iter()
            .find(|key| key.id == id && self.verifies(key))
            .map(|key| key.decoding.clone())
    }

    /// The public halves of all keys that verify (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<serde_json::Value> = self
            .keys()
            .iter()
            .filter(|key| self.verifies(key))
            .map(|key| key.public.clone())
            .collect();
        serde_json::json!({ "keys": keys })
    }

    /// Whether keys are there to sign with.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.keys().is_empty()
    }
}

/// The keys have not been read yet, because the database has not answered yet.
#[derive(Debug)]
struct NoKeys;

impl std::fmt::Display for NoKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the signing keys have not been read yet")
    }
}

impl std::error::Error for NoKeys {}
