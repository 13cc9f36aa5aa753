//! Randomness as a dependency: the system's, or seeded for reproducible tests.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{RngCore, SeedableRng, rngs::StdRng};

/// Draws unguessable values. Clones share one source.
#[derive(Clone, Debug)]
pub struct Random(Arc<RandomKind>);

#[derive(Debug)]
enum RandomKind {
    /// The thread's generator (a CSPRNG), which is seeded and reseeded by the system.
    System,
    /// Reproducible, for tests only.
    Seeded(Box<Mutex<StdRng>>),
}

impl Random {
    /// Returns the system's source of randomness.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(RandomKind::System))
    }

    /// Returns a source that draws the same values for the same seed, for tests only.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(RandomKind::Seeded(Box::new(Mutex::new(
            StdRng::seed_from_u64(seed),
        )))))
    }

    /// Returns `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &*self.0 {
            RandomKind::System => fill_from_system(&mut bytes),
            RandomKind::Seeded(rng) => {
                rng.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .fill_bytes(&mut bytes);
            }
        }
        bytes
    }

    /// Returns 128 random bits.
    #[must_use]
    pub fn u128(&self) -> u128 {
        u128::from_le_bytes(self.bytes())
    }

    /// Returns a token of 256 random bits, as 43 characters of URL-safe base64. It cannot be guessed: RFC 6749 §10.10
    /// requires a probability of at most 2^-128.
    #[must_use]
    pub fn token(&self) -> String {
        data_encoding::BASE64URL_NOPAD.encode(&self.bytes::<32>())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that draws from the system's generator"
)]
fn fill_from_system(bytes: &mut [u8]) {
    rand::rng().fill_bytes(bytes);
}
