//! Argon2id (RFC 9106) in memory that is reused, and its hashes as PHC strings.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};

use super::hashed::{Hashed, Verified};
use crate::config::Argon2Config;
use crate::error::{Error, Result};
use crate::platform::secret::Secret;

/// Bytes of a salt (RFC 9106 §3.1).
pub(super) const SALT: usize = 16;
/// Bytes of a hash (RFC 9106 §4).
const OUTPUT: usize = 32;

/// The memory of a hashing thread. It grows to the most that a hash has needed, and is never released.
///
/// It is not cleared between hashes, because the next one overwrites it and clearing takes a tenth of a hash's time.
#[derive(Default)]
pub(super) struct HasherMemory(Vec<Block>);

impl HasherMemory {
    fn of(&mut self, params: &Params) -> Result<&mut [Block]> {
        let needed = params.block_count();
        if let Some(missing) = needed.checked_sub(self.0.len()) {
            // Without this, an allocation failure would abort the process.
            self.0.try_reserve_exact(missing).map_err(Error::internal)?;
            self.0.resize(needed, Block::new());
        }
        Ok(self.0.as_mut_slice())
    }
}

/// Hashes with the configured parameters, verifies with those of the stored hash.
pub(super) struct Hasher {
    params: Params,
    /// Replaces the hash of an account that is unknown or has no password.
    dummy: PasswordHash,
}

impl Hasher {
    /// Creates a hasher with these parameters. The dummy hash consists of `salt` and `output`, which must be random:
    /// verifying against it costs as much as against a real hash, although no password was ever hashed for it.
    ///
    /// # Errors
    /// [`Error::Internal`] for parameters that Argon2 does not support.
    pub(super) fn new(config: &Argon2Config, salt: &[u8; SALT], output: &[u8; OUTPUT]) -> Result<Self> {
        let params = Params::new(
            config.memory_kib,
            config.iterations,
            config.parallelism,
            Some(OUTPUT),
        )
        .map_err(Error::internal)?;
        let dummy = phc(&params, salt, output)?;
        Ok(Self { params, dummy })
    }

    /// Hashes a password with this salt.
    pub(super) fn hash(
        &self,
        memory: &mut HasherMemory,
        password: &Secret,
        salt: &[u8; SALT],
    ) -> Result<Hashed> {
        let mut output = [0; OUTPUT];
        run(&self.params, memory, password, salt, &mut output)?;
        Ok(Hashed(phc(&self.params, salt, &output)?.to_string()))
    }

    /// Whether the password matches `stored`. Without a stored hash the result is false, after the same work.
    pub(super) fn verify(
        &self,
        memory: &mut HasherMemory,
        password: &Secret,
        stored: Option<&PasswordHash>,
    ) -> Result<Verified> {
        let against = stored.unwrap_or(&self.dummy);
        let params = Params::try_from(against).map_err(Error::internal)?;
        let (Some(salt), Some(expected)) = (&against.salt, &against.hash) else {
            return Err(Error::internal("a stored password hash is truncated"));
        };
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = &mut buffer[..expected.len()];
        run(&params, memory, password, salt, output)?;
        // Compares in constant time.
        let same = Output::new(output).map_err(Error::internal)? == *expected;
        let matches = same && stored.is_some();
        Ok(Verified {
            matches,
            outdated: matches && self.exceeds(&params),
        })
    }

    /// Whether the configured parameters are stronger than the stored ones.
    fn exceeds(&self, stored: &Params) -> bool {
        stored.m_cost() < self.params.m_cost()
            || stored.t_cost() < self.params.t_cost()
            || stored.p_cost() < self.params.p_cost()
            || stored.output_len() < self.params.output_len()
    }
}

/// Parses a stored hash.
///
/// # Errors
/// [`Error::Internal`] for a text that is not one; the message does not contain it.
pub(super) fn parse(stored: &Hashed) -> Result<PasswordHash> {
    PasswordHash::new(&stored.0)
        .ok()
        .filter(|hash| hash.algorithm == ARGON2ID_IDENT && hash.version == Some(Version::V0x13.into()))
        .ok_or_else(|| Error::internal("a stored password hash cannot be read"))
}

fn phc(params: &Params, salt: &[u8], output: &[u8]) -> Result<PasswordHash> {
    Ok(PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(Error::internal)?,
        salt: Some(Salt::new(salt).map_err(Error::internal)?),
        hash: Some(Output::new(output).map_err(Error::internal)?),
    })
}

fn run(
    params: &Params,
    memory: &mut HasherMemory,
    password: &Secret,
    salt: &[u8],
    output: &mut [u8],
) -> Result<()> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, memory.of(params)?)
        .map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    fn hasher(memory_kib: u32, iterations: u32, parallelism: u32) -> Hasher {
        let config = Argon2Config {
            memory_kib,
            iterations,
            parallelism,
            threads: NonZeroUsize::MIN,
        };
        Hasher::new(&config, &[1; SALT], &[2; OUTPUT]).expect("good parameters")
    }

    fn hashed(hasher: &Hasher, password: &str) -> PasswordHash {
        let hashed = hasher.hash(&mut HasherMemory::default(), &password.into(), &[7; SALT]);
        parse(&hashed.expect("hashes")).expect("reads what it wrote")
    }

    /// The expected hash comes from the reference implementation of Argon2 (argon2-cffi 25.1: `hash_secret`, type ID,
    /// version 19).
    #[test]
    fn a_hash_is_argon2id_as_others_compute_it() {
        let (memory, salt) = (&mut HasherMemory::default(), b"0123456789abcdef");
        let hashed = hasher(64, 3, 2).hash(memory, &"pässword".into(), salt);
        assert_eq!(
            hashed.expect("hashes").as_str(),
            "$argon2id$v=19$m=64,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$bqX6IGQ3Poi2qdxmoBPGKwGr/+h7rqSidHQ1bCBYmcU"
        );
    }

    #[test]
    fn memory_that_other_hashes_left_behind_changes_nothing() {
        let (small, large) = (hasher(64, 1, 1), hasher(256, 2, 4));
        let stored = [&small, &large].map(|hasher| hashed(hasher, "change123"));
        let mut memory = HasherMemory::default();
        for _round in 0..2 {
            for stored in &stored {
                for (password, matches) in [("change123", true), ("change124", false)] {
                    let verified = small.verify(&mut memory, &password.into(), Some(stored));
                    assert_eq!(verified.expect("verifies").matches, matches);
                }
            }
        }
        assert_eq!(memory.0.len(), 256, "one KiB a block, for the largest");
    }

    #[test]
    fn a_hash_of_lower_parameters_is_outdated() {
        let present = hasher(128, 2, 2);
        let table = [
            (hasher(128, 2, 2), false),
            (hasher(256, 3, 4), false),
            (hasher(64, 2, 2), true),
            (hasher(128, 1, 2), true),
            (hasher(128, 2, 1), true),
        ];
        for (past, outdated) in table {
            let stored = hashed(&past, "change123");
            // A wrong password is nothing to hash again.
            for (password, expected) in [("change123", outdated), ("change124", false)] {
                let verified = present.verify(&mut HasherMemory::default(), &password.into(), Some(&stored));
                assert_eq!(verified.expect("verifies").outdated, expected, "{stored}");
            }
        }
    }

    #[test]
    fn the_dummy_hash_has_the_configured_parameters_and_never_matches() {
        let hasher = hasher(128, 3, 2);
        assert_eq!(hasher.dummy.params.to_string(), "m=128,t=3,p=2");
        let mut memory = HasherMemory::default();
        let verified = hasher.verify(&mut memory, &Secret::from("change123"), None);
        assert!(!verified.expect("verifies").matches);
        assert_eq!(memory.0.len(), 128, "it did the work");
    }

    #[test]
    fn a_damaged_hash_is_an_internal_error_that_does_not_show_it() {
        for damaged in [
            "",
            "change123",
            "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg",
            "$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg",
        ] {
            let Err(Error::Internal(cause)) = parse(&Hashed(damaged.to_owned())) else {
                panic!("{damaged} must be refused")
            };
            assert_eq!(cause.to_string(), "a stored password hash cannot be read");
        }
        for damaged in [
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg",
            "$argon2id$v=19$m=1,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg",
        ] {
            let stored = parse(&Hashed(damaged.to_owned())).expect("the form is right");
            let verified =
                hasher(64, 1, 1).verify(&mut HasherMemory::default(), &Secret::from("x"), Some(&stored));
            assert!(matches!(verified, Err(Error::Internal(_))), "{damaged}");
        }
    }
}
