//! Digests, keyed digests and encryption at rest, all by aws-lc-rs.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    constant_time::verify_slices_are_equal,
    digest as lc, hmac,
};

use super::secret::MasterKey;
use crate::error::{Error, Result};

/// Bytes of a tag: nobody finds 128 bits by trying.
const TAG: usize = 16;

/// SHA-256.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(lc::digest(&lc::SHA256, bytes).as_ref());
    out
}

/// What is stored of a secret that has 256 random bits itself: its SHA-256 in hex. Nothing slower is needed, because
/// there is nothing to guess.
#[must_use]
pub fn fingerprint(secret: &str) -> String {
    data_encoding::HEXLOWER.encode(&digest(secret.as_bytes()))
}

/// SHA-256 of a content that arrives in pieces.
pub struct Digester(lc::Context);

impl Default for Digester {
    fn default() -> Self {
        Self(lc::Context::new(&lc::SHA256))
    }
}

impl Digester {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest in hex.
    #[must_use]
    pub fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(self.0.finish().as_ref())
    }
}

/// What this gateway signs and encrypts for itself. Each purpose has a key of its own, derived from the master key, so
/// that a signature for one is worth nothing for another.
pub struct Vault {
    encryption: RandomizedNonceKey,
    links: hmac::Key,
    refresh: hmac::Key,
    refresh_tags: hmac::Key,
    blinding: hmac::Key,
    demo: hmac::Key,
    cursors: CursorKey,
}

/// Bytes of a cursor's tag: 128 bits of HMAC-SHA256 (RFC 2104 §5).
pub const TAG_LENGTH: usize = 16;

/// Authenticates the cursors of pages. Cheap to clone; shows nothing in `Debug`.
#[derive(Clone)]
pub struct CursorKey(Arc<hmac::Key>);

impl CursorKey {
    /// The tag of a cursor's values in the order of this label, which ends with a byte that it has nowhere else.
    #[must_use]
    pub fn tag(&self, label: &[u8], values: &[u8]) -> [u8; TAG_LENGTH] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(label);
        context.update(values);
        let mut tag = [0; TAG_LENGTH];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_LENGTH]);
        tag
    }

    /// Whether a tag is that of these values in this order, in constant time.
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
    /// Derives the keys.
    ///
    /// # Errors
    /// [`Error::Internal`] when the library refuses the key.
    pub fn new(master: &MasterKey) -> Result<Self> {
        let derive = |purpose: &str| {
            hmac::sign(
                &hmac::Key::new(hmac::HMAC_SHA256, master.expose()),
                purpose.as_bytes(),
            )
        };
        let encryption = RandomizedNonceKey::new(&AES_256_GCM, derive("encryption at rest").as_ref())
            .map_err(Error::internal)?;
        Ok(Self {
            encryption,
            links: hmac::Key::new(hmac::HMAC_SHA256, derive("content links").as_ref()),
            refresh: hmac::Key::new(hmac::HMAC_SHA256, derive("refresh tokens").as_ref()),
            refresh_tags: hmac::Key::new(hmac::HMAC_SHA256, derive("tags of refresh tokens").as_ref()),
            blinding: hmac::Key::new(hmac::HMAC_SHA256, derive("blinded values").as_ref()),
            demo: hmac::Key::new(hmac::HMAC_SHA256, derive("demo credentials").as_ref()),
            cursors: CursorKey(Arc::new(hmac::Key::new(
                hmac::HMAC_SHA256,
                derive("cursors").as_ref(),
            ))),
        })
    }

    /// Encrypts for the database; `context` (an id) is bound to it, so that it opens in its own place only.
    ///
    /// # Errors
    /// [`Error::Internal`] when the library fails.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .encryption
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut sealed)
            .map_err(Error::internal)?;
        let mut out = nonce.as_ref().to_vec();
        out.append(&mut sealed);
        Ok(out)
    }

    /// Opens what [`Vault::seal`] made.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was made under another master key, for another place, or changed.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let foreign = || Error::internal("stored data is encrypted with another master key, or damaged");
        let (nonce, cipher) = sealed.split_at_checked(NONCE_LEN).ok_or_else(foreign)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| foreign())?;
        let mut plain = cipher.to_vec();
        let length = self
            .encryption
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut plain)
            .map_err(|_| foreign())?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Signs the text of a content link.
    #[must_use]
    pub fn sign_link(&self, text: &str) -> String {
        data_encoding::BASE64URL_NOPAD.encode(hmac::sign(&self.links, text.as_bytes()).as_ref())
    }

    /// Whether `signature` is this text's, in constant time.
    #[must_use]
    pub fn verify_link(&self, text: &str, signature: &str) -> bool {
        // 32 bytes are 43 characters; nothing longer is decoded.
        signature.len() == 43
            && data_encoding::BASE64URL_NOPAD
                .decode(signature.as_bytes())
                .is_ok_and(|signature| hmac::verify(&self.links, text.as_bytes(), &signature).is_ok())
    }

    /// The secret of the refresh token that follows `used` in its session: the same for everyone who asks, so that an answer
    /// that was lost can be given again without the token being stored.
    #[must_use]
    pub fn next_refresh(&self, used: &str) -> String {
        data_encoding::BASE64URL_NOPAD.encode(hmac::sign(&self.refresh, used.as_bytes()).as_ref())
    }

    /// The tag of a refresh token that is issued: 128 bits in base64url.
    #[must_use]
    pub fn refresh_tag(&self, token: &str) -> String {
        data_encoding::BASE64URL_NOPAD.encode(&self.tag(token))
    }

    /// Whether `tag` is this refresh token's, in constant time.
    #[must_use]
    pub fn verify_refresh_tag(&self, token: &str, tag: &str) -> bool {
        data_encoding::BASE64URL_NOPAD
            .decode(tag.as_bytes())
            .is_ok_and(|tag| verify_slices_are_equal(&self.tag(token), &tag).is_ok())
    }

    fn tag(&self, token: &str) -> [u8; TAG] {
        let mut tag = [0; TAG];
        tag.copy_from_slice(&hmac::sign(&self.refresh_tags, token.as_bytes()).as_ref()[..TAG]);
        tag
    }

    /// What is stored of a value that could be guessed, such as an e-mail address: without the master key nobody can
    /// try out which value it was.
    #[must_use]
    pub fn blind(&self, value: &[u8]) -> String {
        data_encoding::BASE64URL_NOPAD.encode(hmac::sign(&self.blinding, value).as_ref())
    }

    /// The key of the cursors of pages.
    #[must_use]
    pub fn cursors(&self) -> &CursorKey {
        &self.cursors
    }

    /// The demo's secret for `name`: the same at every start, so that it can be shown again although only its hash is
    /// stored.
    #[must_use]
    pub fn demo_secret(&self, name: &str) -> String {
        data_encoding::BASE64URL_NOPAD.encode(hmac::sign(&self.demo, name.as_bytes()).as_ref())
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
