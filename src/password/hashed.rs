//! The stored form of a password, and what a verification against it finds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stored form of a password: its Argon2id hash as a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$…`). `Debug` does
/// not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hashed(pub(super) String);

impl Hashed {
    /// The PHC string, for the database.
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

/// The result of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The password is right.
    pub matches: bool,
    /// The password is right, but its stored hash has weaker parameters than are configured now: it should be hashed
    /// again.
    pub outdated: bool,
}
