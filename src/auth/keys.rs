//! Signing keys: ES256 (RFC 7518 §3.4), private halves encrypted under the master key, public halves published as JWKS
//! (RFC 7517).
//!
//! A new key is published for as long as anybody may cache the JWKS before it signs, and an old key verifies until its
//! last token has expired. Its public half is kept for longer, for the renewal of tokens that have expired.
//! [`KeyRing::replace_all`] instead ends every key at once and creates a new one.

mod rotation;
mod stored;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bson::doc;
use futures_util::TryStreamExt;
use jsonwebtoken::{DecodingKey, EncodingKey, jwk::Jwk};
use mongodb::Collection;
use tokio::time::Instant;

use self::stored::{COLLECTION, DecryptedKey, StoredKey};
pub use self::stored::{INDEXES, STORED};
use crate::error::{Error, Result};
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::Vault,
    database::Database,
    random::Random,
};

/// Interval at which nodes read the keys again.
pub const REFRESH: Duration = Duration::from_secs(2);
/// Maximum age of the keys that a node has read when it accepts a token. The keys that [`KeyRing::replace_all`] ends
/// are accepted for at most 5 seconds, of which this leaves one second for the request.
const TRUST: Duration = Duration::from_secs(4);
/// How long others may cache the JWKS; less when this node has not read the keys for a while.
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(60);
/// How long a new key is published before it signs.
const PUBLISHED_BEFORE_USE: Duration = Duration::from_secs(120);
/// Part of that time reserved for clock differences and for the delivery of the response.
const MARGIN: Duration = Duration::from_secs(30);
/// Minimum interval between the readings that an unknown key in a token, or a request for the JWKS, can cause.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A key and the time from which it signs, which can change after the key was read.
#[derive(Clone)]
struct KnownKey {
    key: Arc<DecryptedKey>,
    signs_from: Timestamp,
}

/// Lifetimes of tokens.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Lifetime of the longest-lived token; an old key verifies for this long.
    pub longest_token: Duration,
    /// For how long a token can be renewed; the public half of an old key is kept for this long.
    pub renewable: Duration,
}

/// Which keys are accepted for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Keys that may have signed a token which has not expired yet.
    Verifying,
    /// All keys whose public half is kept, for tokens that have expired.
    Kept,
}

/// The published keys.
#[derive(Debug)]
pub struct Jwks {
    /// The JWKS (RFC 7517 §5), as JSON.
    pub text: String,
    /// How long it may be cached.
    pub max_age: Duration,
}

/// When a request last made the node read the keys, and whether that failed.
#[derive(Debug, Default)]
struct Look {
    at: Option<Instant>,
    failed: bool,
}

/// The signing keys of the gateway, as this node has read them.
pub struct KeyRing {
    database: Database,
    clock: Clock,
    random: Random,
    vault: Arc<Vault>,
    lifetimes: Lifetimes,
    keys: RwLock<Arc<Vec<KnownKey>>>,
    /// When the reading started that `keys` comes from, in milliseconds since the epoch.
    read_at: AtomicI64,
    /// How many readings found that a known key was gone.
    losses: AtomicU64,
    looked: tokio::sync::Mutex<Look>,
}

impl KeyRing {
    /// Creates the key ring without keys; [`KeyRing::refresh`] reads them.
    #[must_use]
    pub fn new(
        database: Database,
        clock: Clock,
        random: Random,
        vault: Arc<Vault>,
        lifetimes: Lifetimes,
    ) -> Self {
        Self {
            database,
            clock,
            random,
            vault,
            lifetimes,
            keys: RwLock::default(),
            read_at: AtomicI64::new(i64::MIN),
            losses: AtomicU64::new(0),
            looked: tokio::sync::Mutex::default(),
        }
    }

    fn stored(&self) -> Collection<StoredKey> {
        self.database.internal(COLLECTION)
    }

    fn keys(&self) -> Arc<Vec<KnownKey>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Age of the keys that were read last.
    fn age(&self) -> Duration {
        let read_at = Timestamp::from_millis(self.read_at.load(Ordering::Acquire));
        self.clock.now().since(read_at)
    }

    /// Reads the keys again, and creates the first one if there is none.
    ///
    /// # Errors
    /// [`Error::Internal`] for keys that were encrypted under another master key.
    pub async fn refresh(&self) -> Result<()> {
        let mut asked = self.clock.now();
        let mut stored = self.read().await?;
        if stored.is_empty() {
            // No JWKS was published before, so the first key may sign at once.
            let first = self.fresh(1, self.clock.now())?;
            self.insert(first).await?;
            asked = self.clock.now();
            stored = self.read().await?;
        }
        let before = self.keys();
        let keys = stored.iter().map(|stored| self.known(&before, stored));
        self.learn(keys.collect::<Result<_>>()?, asked);
        Ok(())
    }

    /// Takes over the keys that were read, unless a later reading was taken over meanwhile.
    fn learn(&self, keys: Vec<KnownKey>, asked: Timestamp) {
        let mut ours = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if asked.millis() < self.read_at.load(Ordering::Acquire) {
            return;
        }
        let is_gone = |old: &KnownKey| !keys.iter().any(|new| new.key.id == old.key.id);
        if ours.iter().any(is_gone) {
            self.losses.fetch_add(1, Ordering::Release);
        }
        *ours = Arc::new(keys);
        self.read_at.store(asked.millis(), Ordering::Release);
    }

    /// Makes a stored key usable; a key that is known already is not decrypted again.
    fn known(&self, before: &[KnownKey], stored: &StoredKey) -> Result<KnownKey> {
        let same = |known: &&KnownKey| {
            known.key.id == stored.id && known.key.encoding.is_some() == stored.sealed.is_some()
        };
        let key = match before.iter().find(same) {
            Some(known) => Arc::clone(&known.key),
            None => Arc::new(stored.open(&self.vault)?),
        };
        let signs_from = stored.signs_from;
        Ok(KnownKey { key, signs_from })
    }

    /// Decrypts all stored keys without creating any, and returns their number.
    ///
    /// # Errors
    /// [`Error::Internal`] for keys that were encrypted under another master key.
    pub async fn check(&self) -> Result<usize> {
        let stored = self.read().await?;
        for key in &stored {
            key.open(&self.vault)?;
        }
        Ok(stored.len())
    }

    async fn read(&self) -> Result<Vec<StoredKey>> {
        let found = self.stored().find(doc! {}).sort(doc! { "sequence": 1 }).await?;
        Ok(found.try_collect().await?)
    }

    /// Whether a key verifies: until the tokens that it signed before its successor took over have expired.
    fn verifies(&self, keys: &[KnownKey], known: &KnownKey) -> bool {
        !self.has_passed(keys, known, self.lifetimes.longest_token)
    }

    /// Whether this much time has passed since the key signed its last token.
    fn has_passed(&self, keys: &[KnownKey], known: &KnownKey, time: Duration) -> bool {
        let successor = keys.iter().find(|other| other.key.sequence > known.key.sequence);
        successor.is_some_and(|successor| self.clock.now() > successor.signs_from.after(time + MARGIN))
    }

    /// Signs with the newest key whose signing time has begun.
    pub(super) fn sign<T>(&self, with: impl FnOnce(&str, &EncodingKey) -> Result<T>) -> Result<T> {
        let now = self.clock.now();
        let keys = self.keys();
        let newest = keys
            .iter()
            .rev()
            .find(|known| known.signs_from <= now)
            // No key's time has begun: a node whose clock is ahead created the first key.
            .or_else(|| keys.first());
        let signing = newest.and_then(|known| Some((&known.key.id, known.key.encoding.as_ref()?)));
        let (id, encoding) = signing.ok_or_else(|| Error::Unavailable(Arc::new(NotRead)))?;
        with(id, encoding)
    }

    /// Ensures that the known keys are recent enough to accept tokens. Returns how often a key was lost so far: a token
    /// that was verified before the last loss has to be verified again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the keys cannot be read.
    pub(super) async fn confirm(&self) -> Result<u64> {
        if self.age() >= TRUST {
            // Boxed, because this path is rare and its future large.
            let confirmed = Box::pin(async {
                let mut look = self.looked.lock().await;
                if self.age() < TRUST {
                    Ok(())
                } else {
                    self.look(&mut look).await
                }
            });
            confirmed.await?;
        }
        Ok(self.losses.load(Ordering::Acquire))
    }

    /// The key with this id; reads the keys again for an id that is not known yet.
    pub(super) async fn verifier(&self, id: &str, which: Which) -> Result<Option<DecodingKey>> {
        if let Some(key) = self.known_verifier(id, which) {
            return Ok(Some(key));
        }
        self.look_again().await?;
        Ok(self.known_verifier(id, which))
    }

    /// Reads the keys again, unless that was done within `LOOK_AGAIN`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the keys cannot be read.
    pub async fn look_again(&self) -> Result<()> {
        let mut look = self.looked.lock().await;
        if self.age() >= LOOK_AGAIN || look.at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
            self.look(&mut look).await?;
        }
        Ok(())
    }

    /// Reads the keys again, once for all waiting requests. If that failed within `LOOK_AGAIN`, they fail at once.
    async fn look(&self, look: &mut Look) -> Result<()> {
        if look.failed && look.at.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
            return Err(Error::Unavailable(Arc::new(NotRead)));
        }
        let outcome = self.refresh().await;
        *look = Look {
            at: Some(Instant::now()),
            failed: outcome.is_err(),
        };
        outcome
    }

    fn known_verifier(&self, id: &str, which: Which) -> Option<DecodingKey> {
        let keys = self.keys();
        let known = keys.iter().find(|known| known.key.id == id)?;
        let may = which == Which::Kept || self.verifies(&keys, known);
        may.then(|| known.key.decoding.clone())
    }

    /// The public halves of all keys that verify; `None` before the keys were read. A key that is missing was stored
    /// after the reading and signs [`PUBLISHED_BEFORE_USE`] later at the earliest, so that a reader who caches the
    /// response for its `max_age` cannot meet a token that it signed.
    #[must_use]
    pub fn jwks(&self) -> Option<Jwks> {
        let age = self.age();
        let keys = self.keys();
        let public: Vec<&Jwk> = keys
            .iter()
            .filter(|known| self.verifies(&keys, known))
            .map(|known| &known.key.public)
            .collect();
        (!public.is_empty()).then(|| Jwks {
            text: serde_json::json!({ "keys": public }).to_string(),
            max_age: JWKS_MAX_AGE.min((PUBLISHED_BEFORE_USE - MARGIN).saturating_sub(age)),
        })
    }

    /// Whether there are keys to sign with.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.keys().is_empty()
    }
}

/// The keys have not been read, or not recently enough, because the database does not respond.
#[derive(Debug)]
struct NotRead;

impl std::fmt::Display for NotRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot read the signing keys")
    }
}

impl std::error::Error for NotRead {}
