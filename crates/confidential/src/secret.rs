//! Secret texts: hidden in `Debug`, compared in constant time, zeroed when dropped.
//!
//! The type has neither `Display` nor `Serialize`, so a secret reaches a log line, an error or a response only through a
//! call of `expose()`, which can be searched for.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text: a connection string, a password, a client secret, a key sent by mail.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Returns the text itself, for the code that needs it. Copies of it are not protected.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes ownership of the text without a copy, so that none remains in memory.
impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Takes the same time wherever two secrets of the same length differ; a different length is observable.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret(…)");
        assert_eq!(format!("{:?}", Some(Secret::from("hunter2"))), "Some(Secret(…))");
    }

    #[test]
    fn secrets_are_equal_by_content() {
        assert_eq!(Secret::from("same"), Secret::from("same".to_owned()));
        assert_ne!(Secret::from("same"), Secret::from("sane"));
        assert_ne!(Secret::from("same"), Secret::from("same "));
        assert_eq!(Secret::from(""), Secret::from(""));
    }

    #[test]
    fn zeroizing_leaves_nothing() {
        let mut secret = Secret::from("hunter2");
        secret.zeroize();
        assert_eq!(secret.expose(), "");
    }

    /// Checks at compile time that the destructor zeroes the value.
    #[test]
    fn a_secret_is_zeroed_on_drop() {
        fn zeroed_on_drop<T: ZeroizeOnDrop>() {}
        zeroed_on_drop::<Secret>();
    }
}
