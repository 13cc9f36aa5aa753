//! The stored form of a signing key: its private half, encrypted under the master key. A key that no longer signs keeps
//! its public half only, which is encrypted too, so that an attacker with write access to the database cannot add a
//! key.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use bson::{Binary, Document, doc, spec::BinarySubtype};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{Jwk, PublicKeyUse},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::platform::stored::{Stored, all_free};
use crate::platform::{
    clock::Timestamp,
    crypto::Vault,
    database::{Index, IndexKind},
    random::Random,
};

pub(super) const COLLECTION: &str = "signingKeys";
pub(super) const SEQUENCE: &str = "sequence";

/// Indexes of the keys.
pub const INDEXES: &[Index] = &[Index::new(
    COLLECTION,
    SEQUENCE,
    &[("sequence", 1)],
    IndexKind::Unique,
)];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: COLLECTION,
    fields: &all_free(["_id", "sequence", "sealed", "sealedPublic", "signsFrom"]),
}];

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredKey {
    /// The key id (`kid`).
    #[serde(rename = "_id")]
    pub(super) id: String,
    /// Order of the keys; unique, so that of two concurrent rotations one creates the key.
    pub(super) sequence: i32,
    /// Private half as PKCS #8, encrypted; absent once every token that it signed has expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sealed: Option<Binary>,
    /// Public half as JWK if there is no private one; encrypted too, so that nobody can add a key of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sealed_public: Option<Binary>,
    /// Time from which it signs.
    pub(super) signs_from: Timestamp,
}

/// A decrypted key.
pub(super) struct DecryptedKey {
    pub(super) id: String,
    pub(super) sequence: i32,
    /// Private half; `None` for a key that no longer signs.
    pub(super) encoding: Option<EncodingKey>,
    pub(super) decoding: DecodingKey,
    pub(super) public: Jwk,
}

impl StoredKey {
    /// Generates a new key, which is not stored yet.
    pub(super) fn fresh(
        vault: &Vault,
        random: &Random,
        sequence: i32,
        signs_from: Timestamp,
    ) -> Result<Self> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(Error::internal)?;
        let id = data_encoding::BASE64URL_NOPAD.encode(&random.bytes::<12>());
        Ok(Self {
            sealed: Some(seal(vault, &id, pkcs8.as_ref())?),
            sealed_public: None,
            id,
            sequence,
            signs_from,
        })
    }

    /// Decrypts the key.
    ///
    /// # Errors
    /// [`Error::Internal`] for a key that was encrypted under another master key.
    pub(super) fn open(&self, vault: &Vault) -> Result<DecryptedKey> {
        let (encoding, mut public) = match (&self.sealed, &self.sealed_public) {
            (Some(sealed), _) => {
                let pkcs8 = Zeroizing::new(vault.open(&self.id, &sealed.bytes)?);
                let encoding = EncodingKey::from_ec_der(&pkcs8);
                let public = Jwk::from_encoding_key(&encoding, Algorithm::ES256).map_err(Error::internal)?;
                (Some(encoding), public)
            }
            (None, Some(sealed)) => {
                let json = vault.open(&public_name(&self.id), &sealed.bytes)?;
                (None, serde_json::from_slice(&json).map_err(Error::internal)?)
            }
            (None, None) => return Err(Error::internal("a signing key has neither half")),
        };
        public.common.key_id = Some(self.id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(DecryptedKey {
            id: self.id.clone(),
            sequence: self.sequence,
            encoding,
            decoding: DecodingKey::from_jwk(&public).map_err(Error::internal)?,
            public,
        })
    }
}

impl DecryptedKey {
    /// The update of the stored key that keeps its public half only.
    pub(super) fn without_private_half(&self, vault: &Vault) -> Result<Document> {
        let json = serde_json::to_vec(&self.public).map_err(Error::internal)?;
        let public = seal(vault, &public_name(&self.id), &json)?;
        Ok(doc! { "$set": { "sealedPublic": public }, "$unset": { "sealed": "" } })
    }
}

fn seal(vault: &Vault, name: &str, content: &[u8]) -> Result<Binary> {
    Ok(Binary {
        subtype: BinarySubtype::Generic,
        bytes: vault.seal(name, content)?,
    })
}

/// The name under which a public half is encrypted.
fn public_name(id: &str) -> String {
    format!("{id} public")
}
