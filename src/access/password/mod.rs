//! Passwords: the rules for new ones, and hashing them off the async threads.

mod hasher;
mod policy;
mod threads;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::config::PasswordConfig;
use crate::error::{Error, Result};
use crate::platform::{random::Random, secret::Secret};
use hasher::Hasher;
pub use policy::{MAX_LENGTH, Place, Policy};
use threads::Threads;

/// What is stored of a password: its Argon2id hash as a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$…`), mute in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hashed(String);

impl Hashed {
    /// The PHC string, for the database and for [`Passwords::verify`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed(…)")
    }
}

/// What a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// It is the right password.
    pub matches: bool,
    /// It is, and its stored hash has lower parameters than are set now: hash it anew while it is at hand.
    pub outdated: bool,
}

/// The rules for passwords, and the threads that hash them.
pub struct Passwords {
    /// What a new password must be.
    pub policy: Policy,
    hasher: Arc<Hasher>,
    threads: Threads,
    delayed: Semaphore,
    random: Random,
}

/// How long somebody waits for room before being told that there is none.
const REFUSE_AFTER: Duration = Duration::from_millis(250);
/// How many may wait for that at once; the others are told at once.
const DELAYED: usize = 128;

impl Passwords {
    /// Starts the threads. Each takes its memory with its first hash.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system grants no thread.
    pub fn new(config: &PasswordConfig, random: Random) -> Result<Self> {
        Ok(Self {
            policy: Policy {
                min_length: config.min_length,
            },
            hasher: Arc::new(Hasher::new(&config.argon2, &random.bytes(), &random.bytes())?),
            threads: Threads::start(config.argon2.threads)?,
            delayed: Semaphore::new(DELAYED),
            random,
        })
    }

    /// Whether a password could be looked at now, asked before anything else is done for it: in a flood, being refused must
    /// cost next to nothing. Nobody is refused at once, so that whoever tries again at once does so a few times a second.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait when too many hashes wait, now and a moment later.
    pub async fn room(&self) -> Result<()> {
        if self.threads.room().is_ok() {
            return Ok(());
        }
        // Only so many, because each of them holds a request's place.
        if let Ok(_place) = self.delayed.try_acquire() {
            sleep(REFUSE_AFTER).await;
        }
        self.threads.room()
    }

    /// The hash of a password that [`Policy::check`] found good, under a fresh salt.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait when too many hashes wait already. [`Error::Internal`] for a password over
    /// [`MAX_LENGTH`], which is never hashed, or when memory runs out.
    pub async fn hash(&self, password: Secret) -> Result<Hashed> {
        if policy::is_too_long(&password) {
            return Err(Error::internal("a password is too long to be hashed"));
        }
        let (hasher, salt) = (Arc::clone(&self.hasher), self.random.bytes());
        self.threads
            .run(move |memory| hasher.hash(memory, &password, &salt))
            .await?
    }

    /// Whether this is the password that `stored` was made of.
    ///
    /// Where there is no account, or no password, give `None`: the answer is no, after the work of a hash of the present
    /// parameters, so that time tells nobody which it was (EPC-08). It is the same for a password over [`MAX_LENGTH`],
    /// which cannot be the right one and is never hashed. A stored hash costs what its own parameters say.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait when too many hashes wait already. [`Error::Internal`] for a stored text
    /// that is no hash, or when memory runs out.
    pub async fn verify(&self, password: Secret, stored: Option<&str>) -> Result<Verified> {
        let hasher = Arc::clone(&self.hasher);
        let (password, stored) = if policy::is_too_long(&password) {
            (Secret::from(String::new()), None)
        } else {
            (password, stored.map(hasher::parse).transpose()?)
        };
        self.threads
            .run(move |memory| hasher.verify(memory, &password, stored.as_ref()))
            .await?
    }
}

#[cfg(test)]
mod tests;
