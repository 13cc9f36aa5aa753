//! Passwords: the rules for new ones, and hashing them off the async threads.

mod hashed;
mod hasher;
mod policy;
mod threads;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

pub use self::hashed::{Hashed, Verified};
use self::hasher::{Hasher, HasherMemory};
pub use self::policy::{MAX_LENGTH, PasswordField, PasswordPolicy};
use self::threads::Threads;
use crate::config::PasswordConfig;
use crate::error::{Error, Result};
use crate::platform::{random::Random, secret::Secret};

/// The rules for passwords, and the threads that hash them.
pub struct Passwords {
    /// The rules for new passwords.
    pub policy: PasswordPolicy,
    hasher: Arc<Hasher>,
    threads: Threads,
    delayed: Semaphore,
    random: Random,
}

/// How long a request waits for room in the queue before it is refused.
const REFUSE_AFTER: Duration = Duration::from_millis(250);
/// How many requests may wait for room at once; any further one is refused at once.
const DELAYED: usize = 128;

impl Passwords {
    /// Starts the threads. Each allocates its memory with its first hash.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system cannot start a thread.
    pub fn new(config: &PasswordConfig, random: Random) -> Result<Self> {
        Ok(Self {
            policy: PasswordPolicy {
                min_length: config.min_length,
            },
            hasher: Arc::new(Hasher::new(&config.argon2, &random.bytes(), &random.bytes())?),
            threads: Threads::start(config.argon2.threads)?,
            delayed: Semaphore::new(DELAYED),
            random,
        })
    }

    /// Checks for room in the queue before any other work is done for a request: in a flood, a refusal must cost next
    /// to nothing. A refusal is delayed by `REFUSE_AFTER`, so that a client that retries at once does so only a few
    /// times a second.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait when too many hashes wait, now and after the delay.
    pub async fn room(&self) -> Result<()> {
        if self.threads.room().is_ok() {
            return Ok(());
        }
        // Limited, because each waiting request occupies one of the places for requests.
        if let Ok(_place) = self.delayed.try_acquire() {
            sleep(REFUSE_AFTER).await;
        }
        self.threads.room()
    }

    /// Hashes a password that [`PasswordPolicy::check`] accepted, with a new salt.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait when too many hashes wait already. [`Error::Internal`] for a password over
    /// [`MAX_LENGTH`], which is never hashed, or when memory runs out.
    pub async fn hash(&self, password: Secret) -> Result<Hashed> {
        if policy::is_too_long(&password) {
            return Err(Error::internal("a password is too long to be hashed"));
        }
        let (hasher, salt) = (Arc::clone(&self.hasher), self.random.bytes());
        let work = move |memory: &mut HasherMemory| hasher.hash(memory, &password, &salt);
        self.threads.run(work).await?
    }

    /// Whether the password matches `stored`.
    ///
    /// Pass `None` if there is no account or no password: the result is false, after the work of a hash with the
    /// configured parameters, so that the time does not reveal which case it was (EPC-08). The same applies to a
    /// password over [`MAX_LENGTH`], which cannot be the right one and is never hashed. A stored hash costs what its
    /// own parameters require.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait when too many hashes wait already. [`Error::Internal`] for a stored text
    /// that is not a hash, or when memory runs out.
    pub async fn verify(&self, password: Secret, stored: Option<&Hashed>) -> Result<Verified> {
        let hasher = Arc::clone(&self.hasher);
        let (password, stored) = if policy::is_too_long(&password) {
            (Secret::from(String::new()), None)
        } else {
            (password, stored.map(hasher::parse).transpose()?)
        };
        let work = move |memory: &mut HasherMemory| hasher.verify(memory, &password, stored.as_ref());
        self.threads.run(work).await?
    }
}

#[cfg(test)]
mod tests;
