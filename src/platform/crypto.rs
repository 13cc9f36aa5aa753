//! Digests, keyed digests and encryption at rest, all implemented by aws-lc-rs.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    constant_time::verify_slices_are_equal,
    digest::{self, SHA256},
    hmac,
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::secret::MasterKey;
use crate::error::{Error, Result};

/// Returns the SHA-256 digest.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&SHA256, bytes).as_ref());
    out
}

/// Returns the form in which a secret with 256 random bits is stored: its SHA-256 in hex. A slow hash is not needed,
/// because such a secret cannot be guessed.
#[must_use]
pub fn fingerprint(secret: &str) -> String {
    HEXLOWER.encode(&digest(secret.as_bytes()))
}

/// Signs and encrypts values for the gateway itself. Each purpose has its own key, derived from the master key, so that
/// a signature for one purpose is invalid for another.
pub struct Vault {
    encryption: RandomizedNonceKey,
    links: hmac::Key,
    refresh: hmac::Key,
    refresh_tags: hmac::Key,
    blinding: hmac::Key,
    demo: hmac::Key,
    cursors: CursorKey,
}

/// Bytes of a tag: 128 bits of HMAC-SHA256 (RFC 2104 §5), which cannot be guessed.
pub const TAG_LENGTH: usize = 16;

fn truncated(tag: &hmac::Tag) -> [u8; TAG_LENGTH] {
    let mut truncated = [0; TAG_LENGTH];
    truncated.copy_from_slice(&tag.as_ref()[..TAG_LENGTH]);
    truncated
}

fn signature(key: &hmac::Key, bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(hmac::sign(key, bytes).as_ref())
}

/// Authenticates the cursors of pages. Cheap to clone; `Debug` shows nothing of the key.
#[derive(Clone)]
pub struct CursorKey(Arc<hmac::Key>);

impl CursorKey {
    /// Returns the tag of a cursor's values in the order that the label names. The label must be self-delimiting (a
    /// fixed number of parts that each end with NUL), so that it cannot be confused with the values.
    #[must_use]
    pub fn tag(&self, label: &[u8], values: &[u8]) -> [u8; TAG_LENGTH] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(label);
        context.update(values);
        truncated(&context.sign())
    }

    /// Returns whether the tag matches these values in this order, in constant time.
    #[must_use]
    pub fn is_tag_of(&self, tag: &[u8], label: &[u8], values: &[u8]) -> bool {
        verify_slices_are_equal(tag, &self.tag(label, values)).is_ok()
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

impl Vault {
    /// Derives the keys from the master key.
    ///
    /// # Errors
    /// [`Error::Internal`] when the library rejects the key.
    pub fn new(master: &MasterKey) -> Result<Self> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, master.expose());
        let derive = |purpose: &str| hmac::sign(&master, purpose.as_bytes());
        let key = |purpose| hmac::Key::new(hmac::HMAC_SHA256, derive(purpose).as_ref());
        let encryption = RandomizedNonceKey::new(&AES_256_GCM, derive("encryption at rest").as_ref());
        Ok(Self {
            encryption: encryption.map_err(Error::internal)?,
            links: key("content links"),
            refresh: key("refresh tokens"),
            refresh_tags: key("tags of refresh tokens"),
            blinding: key("blinded values"),
            demo: key("demo credentials"),
            cursors: CursorKey(Arc::new(key("cursors"))),
        })
    }

    /// Encrypts a value for the database. The ciphertext is bound to `context` (an id), so that it can only be
    /// decrypted in its own place.
    ///
    /// # Errors
    /// [`Error::Internal`] when the library fails.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let place = Aad::from(context.as_bytes());
        let nonce = self.encryption.seal_in_place_append_tag(place, &mut sealed);
        let nonce = nonce.map_err(Error::internal)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Decrypts the output of [`Vault::seal`].
    ///
    /// # Errors
    /// [`Error::Internal`] when it was encrypted under another master key or for another context, or was changed.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let foreign = || Error::internal("stored data is encrypted with another master key, or damaged");
        let (nonce, cipher) = sealed.split_at_checked(NONCE_LEN).ok_or_else(foreign)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| foreign())?;
        let mut plain = cipher.to_vec();
        let place = Aad::from(context.as_bytes());
        let opened = self.encryption.open_in_place(nonce, place, &mut plain);
        let length = opened.map_err(|_| foreign())?.len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Signs the text of a content link.
    #[must_use]
    pub fn sign_link(&self, text: &str) -> String {
        signature(&self.links, text.as_bytes())
    }

    /// Returns whether `signature` is the signature of this text, in constant time.
    #[must_use]
    pub fn verify_link(&self, text: &str, signature: &str) -> bool {
        // 32 bytes are 43 characters in base64url; nothing longer is decoded.
        signature.len() == 43
            && BASE64URL_NOPAD
                .decode(signature.as_bytes())
                .is_ok_and(|signature| hmac::verify(&self.links, text.as_bytes(), &signature).is_ok())
    }

    /// Returns the secret of the refresh token that follows `used` in its session. It is deterministic, so that a lost
    /// response can be repeated without storing the token.
    #[must_use]
    pub fn next_refresh(&self, used: &str) -> String {
        signature(&self.refresh, used.as_bytes())
    }

    /// Returns the tag of a refresh token that is issued: 128 bits in base64url.
    #[must_use]
    pub fn refresh_tag(&self, token: &str) -> String {
        BASE64URL_NOPAD.encode(&self.tag(token))
    }

    /// Returns whether `tag` belongs to this refresh token, in constant time.
    #[must_use]
    pub fn verify_refresh_tag(&self, token: &str, tag: &str) -> bool {
        BASE64URL_NOPAD
            .decode(tag.as_bytes())
            .is_ok_and(|tag| verify_slices_are_equal(&self.tag(token), &tag).is_ok())
    }

    fn tag(&self, token: &str) -> [u8; TAG_LENGTH] {
        truncated(&hmac::sign(&self.refresh_tags, token.as_bytes()))
    }

    /// Returns the form in which a guessable value, such as an e-mail address, is stored: without the master key,
    /// guesses cannot be verified.
    #[must_use]
    pub fn blind(&self, value: &[u8]) -> String {
        signature(&self.blinding, value)
    }

    /// Returns the key that authenticates the cursors of pages.
    #[must_use]
    pub fn cursors(&self) -> &CursorKey {
        &self.cursors
    }

    /// Returns the demo's secret for `name`: the same at every start, so that it can be shown again although only its
    /// hash is stored.
    #[must_use]
    pub fn demo_secret(&self, name: &str) -> String {
        signature(&self.demo, name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::new(&MasterKey::from_bytes([byte; 32])).expect("a good key")
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let sealed = vault(1).seal("key_1", b"private").expect("seals");
        assert_eq!(vault(1).open("key_1", &sealed).expect("opens"), b"private");
        assert!(vault(1).open("key_2", &sealed).is_err());
        assert!(vault(2).open("key_1", &sealed).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().expect("bytes") ^= 1;
        assert!(vault(1).open("key_1", &changed).is_err());
        assert!(vault(1).open("key_1", b"short").is_err());
    }

    // STO-02
    #[test]
    fn a_changed_link_does_not_verify() {
        let signature = vault(1).sign_link("itm_1|99");
        assert!(vault(1).verify_link("itm_1|99", &signature));
        assert!(!vault(1).verify_link("itm_2|99", &signature));
        assert!(!vault(2).verify_link("itm_1|99", &signature));
        assert!(!vault(1).verify_link("itm_1|99", "?"));
    }

    #[test]
    fn a_blinded_value_is_the_same_under_the_same_master_key_only() {
        let blinded = vault(1).blind(b"ann@example.com");
        assert_eq!(vault(1).blind(b"ann@example.com"), blinded);
        assert_ne!(vault(2).blind(b"ann@example.com"), blinded);
        assert_ne!(vault(1).blind(b"bob@example.com"), blinded);
    }
}
