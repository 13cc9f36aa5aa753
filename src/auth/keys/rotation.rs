//! Replacement of signing keys: after the caches of the JWKS have expired, or at once.

use std::time::Duration;

use bson::doc;
use mongodb::Collection;

use super::stored::{SEQUENCE, StoredKey};
use super::{KeyRing, KnownKey, PUBLISHED_BEFORE_USE};
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    database::{Tx, Write, violated_index},
};

/// Delay until a key signs whose creator died before it could store the final time.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

impl KeyRing {
    /// Creates a new signing key and returns its id. It is published at once, and signs when every copy of the JWKS
    /// that may still be cached has it. Two concurrent rotations both return the one key that was created.
    pub async fn rotate(&self) -> Result<String> {
        self.refresh().await?;
        // Nobody can have read the key before it is stored, however long that takes, so its signing time is set
        // afterwards.
        let key = self.fresh(self.last() + 1, self.clock.now().after(LEFT_BEHIND))?;
        let (id, is_new) = self.insert(key).await?;
        if is_new {
            let signs_from = self.clock.now().after(PUBLISHED_BEFORE_USE);
            let update = doc! { "$set": { "signsFrom": signs_from } };
            self.stored().update_one(doc! { "_id": &id }, update).await?;
        }
        self.refresh().await?;
        self.tidy().await?;
        Ok(id)
    }

    /// Ends all keys and creates a new one, which signs at once; returns its id. Tokens of the old keys are refused on
    /// every node within 5 seconds. Of two concurrent calls one creates the key.
    pub async fn replace_all(&self) -> Result<String> {
        loop {
            self.refresh().await?;
            let before = self.keys();
            let key = self.fresh(self.last() + 1, self.clock.now())?;
            let id = key.id.clone();
            let replacement = KeyReplacement {
                keys: self.stored(),
                key,
            };
            match self.database.run(&replacement).await {
                // Another rotation was first. Its key is an old one, unless it has itself ended all the others.
                Err(error) if violated_index(&error) == Some(SEQUENCE) => {
                    self.refresh().await?;
                    let now = self.keys();
                    let is_left = |known: &KnownKey| now.iter().any(|left| left.key.id == known.key.id);
                    if let Some(newest) = now.last()
                        && !before.iter().any(is_left)
                    {
                        return Ok(newest.key.id.clone());
                    }
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    self.refresh().await?;
                    return Ok(id);
                }
            }
        }
    }

    fn last(&self) -> i32 {
        self.keys().last().map_or(0, |known| known.key.sequence)
    }

    pub(super) fn fresh(&self, sequence: i32, signs_from: Timestamp) -> Result<StoredKey> {
        StoredKey::fresh(&self.vault, &self.random, sequence, signs_from)
    }

    /// Stores a key. Returns the id of the key with its sequence, and whether that is this key.
    pub(super) async fn insert(&self, key: StoredKey) -> Result<(String, bool)> {
        let (id, sequence) = (key.id.clone(), key.sequence);
        match self.stored().insert_one(key).await.map_err(Error::from) {
            Ok(_) => Ok((id, true)),
            Err(error) if violated_index(&error) == Some(SEQUENCE) => {
                let other = self.stored().find_one(doc! { "sequence": sequence }).await?;
                other.map(|key| (key.id, false)).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes the private halves of keys whose last token has expired, and the keys whose tokens can no longer be
    /// renewed. Sends a command to the database only if there are such keys.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without a database.
    pub async fn tidy(&self) -> Result<()> {
        let keys = self.keys();
        for known in keys.iter().filter(|known| !self.verifies(&keys, known)) {
            let key = &known.key;
            if self.has_passed(&keys, known, self.lifetimes.renewable) {
                self.stored().delete_one(doc! { "_id": &key.id }).await?;
            } else if key.encoding.is_some() {
                let update = key.without_private_half(&self.vault)?;
                self.stored().update_one(doc! { "_id": &key.id }, update).await?;
            }
        }
        Ok(())
    }
}

/// The write that stores a key and deletes all earlier ones.
struct KeyReplacement {
    keys: Collection<StoredKey>,
    key: StoredKey,
}

impl Write for KeyReplacement {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self { keys, key } = self;
        keys.insert_one(key).session(&mut *tx).await?;
        let older = doc! { "sequence": { "$lt": key.sequence } };
        keys.delete_many(older).session(tx).await?;
        Ok(())
    }
}
