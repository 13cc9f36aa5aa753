//! Secret values: hidden in `Debug`, compared in constant time, zeroed when dropped.
//!
//! Neither type has `Display` or `Serialize`, so a secret reaches a log line, an error or a response only through a
//! call of `expose()`, which can be searched for.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
pub use confidential::Secret;
use data_encoding::{BASE64, BASE64_NOPAD};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The key that encrypts signing keys and identity providers' secrets: 32 bytes, for AES-256-GCM.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; MasterKey::LENGTH]);

impl MasterKey {
    /// Bytes in a key.
    pub const LENGTH: usize = 32;

    /// Creates a key from these bytes, which must come from a secure random generator.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Parses base64 in the standard or the URL-safe alphabet, with or without padding (RFC 4648 §4, §5).
    ///
    /// # Errors
    /// [`MasterKeyError`] says whether the alphabet or the length is wrong; it never repeats the text.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let bare = text.trim_end_matches('=');
        let padding = text.len() - bare.len();
        if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
            return Err(MasterKeyError::NotBase64);
        }
        let standard: Zeroizing<String> = Zeroizing::new(
            bare.chars()
                .map(|c| match c {
                    '-' => '+',
                    '_' => '/',
                    other => other,
                })
                .collect(),
        );
        let bytes = BASE64_NOPAD.decode(standard.as_bytes());
        let bytes = Zeroizing::new(bytes.map_err(|_position| MasterKeyError::NotBase64)?);
        let key = bytes.as_slice().try_into();
        Ok(Self(key.map_err(|_length| MasterKeyError::Length(bytes.len()))?))
    }

    /// Encodes the key for a file or a variable: standard base64 with padding.
    #[must_use]
    pub fn to_base64(&self) -> Secret {
        Secret::from(BASE64.encode(&self.0))
    }

    /// Returns the bytes, for the cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for MasterKey {}

/// Why a text is not a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterKeyError {
    /// A character outside base64, or a length that base64 cannot have.
    NotBase64,
    /// Base64 of another number of bytes than [`MasterKey::LENGTH`].
    Length(usize),
}

impl fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBase64 => f.write_str("is not base64"),
            Self::Length(bytes) => write!(f, "has {bytes} bytes instead of {}", MasterKey::LENGTH),
        }
    }
}

impl std::error::Error for MasterKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_equal_by_content_and_debug_shows_nothing_of_them() {
        assert_eq!(MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([1; 32]));
        assert_ne!(MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
        assert_eq!(format!("{:?}", MasterKey::from_bytes([7; 32])), "MasterKey(…)");
    }

    #[test]
    fn a_key_is_zeroed_on_drop() {
        // Checks at compile time that the destructor zeroes the value.
        fn zeroed_on_drop<T: ZeroizeOnDrop>(_key: &T) {}
        let mut key = MasterKey::from_bytes([9; 32]);
        zeroed_on_drop(&key);
        key.zeroize();
        assert_eq!(key.expose(), &[0; 32]);
    }

    #[test]
    fn a_key_is_read_in_both_alphabets_with_and_without_padding() {
        let bytes = [0xfb; 32];
        let standard = BASE64.encode(&bytes);
        let needs_both = standard.contains('+') && standard.ends_with('=');
        assert!(needs_both, "the sample must need both: {standard}");
        let url_safe = standard.replace('+', "-").replace('/', "_");
        for padded in [&standard, &url_safe] {
            for text in [padded.as_str(), padded.trim_end_matches('=')] {
                let key = MasterKey::from_base64(text);
                assert_eq!(key.as_ref().map(MasterKey::expose), Ok(&bytes), "{text}");
            }
        }
        assert_eq!(MasterKey::from_bytes(bytes).to_base64().expose(), standard);
    }

    #[test]
    fn a_wrong_key_is_refused_with_its_reason() {
        for text in [
            "not base64!",
            &format!("{}==", "A".repeat(43)),
            &"A".repeat(44).replace('A', "A="),
            &format!("{}====", "A".repeat(44)),
        ] {
            assert_eq!(
                MasterKey::from_base64(text),
                Err(MasterKeyError::NotBase64),
                "{text}"
            );
        }
        for (text, length) in [
            (String::new(), 0),
            (BASE64.encode(&[0; 31]), 31),
            (BASE64_NOPAD.encode(&[0; 31]), 31),
            (BASE64.encode(&[0; 33]), 33),
            (BASE64.encode(&[0; 64]), 64),
        ] {
            assert_eq!(MasterKey::from_base64(&text), Err(MasterKeyError::Length(length)));
        }
        let message = MasterKeyError::Length(31).to_string();
        assert_eq!(message, "has 31 bytes instead of 32");
    }
}
