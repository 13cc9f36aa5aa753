//! The keys of a provider (RFC 7517), and which of them may have signed an id token.

use jsonwebtoken::Algorithm::{self, ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde_json::Value;
use url::Url;

use super::fault::ProviderFault;
use crate::app::App;

/// Returns the key by which a token with this algorithm and key id was signed. If the cached keys contain none, the
/// keys are fetched again, at most once a minute (EPC-09).
///
/// # Errors
/// If there is no such key, or the keys cannot be fetched.
pub async fn find(
    app: &App,
    jwks_uri: &Url,
    algorithm: Algorithm,
    key_id: Option<&str>,
) -> Result<DecodingKey, ProviderFault> {
    let known = app.documents.get(jwks_uri).await?;
    if let Some(key) = among(&known, algorithm, key_id) {
        return Ok(key);
    }
    let renewed = app.documents.renewed(jwks_uri).await?;
    among(&renewed, algorithm, key_id).ok_or(ProviderFault::Untrusted(
        "the key of the id token is not a key of the provider",
    ))
}

/// Returns the key with this id that signs by this algorithm; without an id, the only one that does (OpenID Connect
/// Core 1.0 §10.1).
fn among(jwks: &Value, algorithm: Algorithm, key_id: Option<&str>) -> Option<DecodingKey> {
    let keys = jwks.get("keys")?.as_array()?.iter();
    // Keys that cannot be parsed are ignored; they are for other purposes.
    let keys = keys.filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    let mut fitting = keys.filter(|key| {
        signs_by(key, algorithm) && key_id.is_none_or(|id| key.common.key_id.as_deref() == Some(id))
    });
    let key = fitting.next()?;
    if key_id.is_none() && fitting.next().is_some() {
        return None;
    }
    DecodingKey::from_jwk(&key).ok()
}

/// Whether the key is for signatures by this algorithm. A shared secret (`oct`) never is, because what a provider
/// publishes is public.
fn signs_by(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_of_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => [RS256, RS384, RS512, PS256, PS384, PS512].contains(&algorithm),
        AlgorithmParameters::EllipticCurve(key) => matches!(
            (&key.curve, algorithm),
            (EllipticCurve::P256, ES256) | (EllipticCurve::P384, ES384)
        ),
        AlgorithmParameters::OctetKeyPair(key) => key.curve == EllipticCurve::Ed25519 && algorithm == EdDSA,
        _ => false,
    };
    let (own, purpose) = (key.common.key_algorithm, &key.common.public_key_use);
    is_of_kind
        && own.is_none_or(|own| own == KeyAlgorithm::from(algorithm))
        && purpose
            .as_ref()
            .is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
    };
    use jsonwebtoken::EncodingKey;
    use serde_json::json;

    use super::*;

    fn key(changes: &Value) -> Value {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .expect("a key");
        let jwk = Jwk::from_encoding_key(&EncodingKey::from_ec_der(pkcs8.as_ref()), ES256);
        let mut jwk = serde_json::to_value(jwk.expect("a JWK")).expect("JSON");
        for (field, value) in changes.as_object().expect("an object") {
            jwk[field] = value.clone();
        }
        jwk
    }

    fn found(keys: &[Value], algorithm: Algorithm, id: Option<&str>) -> bool {
        among(&json!({ "keys": keys }), algorithm, id).is_some()
    }

    // EPC-09
    #[test]
    fn epc_09_a_key_is_found_by_its_id_and_signs_by_its_own_algorithm_only() {
        let [a, b] = ["a", "b"].map(|id| key(&json!({ "kid": id })));
        let both = [a.clone(), b];
        assert!(found(&both, ES256, Some("a")));
        assert!(!found(&both, ES256, Some("c")));
        for other in [ES384, RS256, EdDSA, Algorithm::HS256] {
            assert!(!found(&both, other, Some("a")), "{other:?}");
        }
        // Without an id there must be only one key.
        assert!(found(&[a], ES256, None));
        assert!(!found(&both, ES256, None));
    }

    // EPC-09
    #[test]
    fn epc_09_a_key_for_another_purpose_signs_nothing() {
        let good = key(&json!({ "kid": "a", "use": "sig", "alg": "ES256" }));
        assert!(found(&[good], ES256, Some("a")));
        for other in [
            json!({ "use": "enc" }),
            json!({ "alg": "ES384" }),
            json!({ "alg": "X" }),
        ] {
            let mut other = key(&other);
            other["kid"] = json!("a");
            assert!(!found(&[other.clone()], ES256, Some("a")), "{other}");
        }
        let secret = json!({ "kty": "oct", "kid": "a", "k": "c2VjcmV0" });
        assert!(!found(&[secret], Algorithm::HS256, Some("a")));
    }

    #[test]
    fn what_is_no_key_is_passed_over() {
        let keys = [
            json!(1),
            json!({}),
            json!({ "kty": "new" }),
            key(&json!({ "kid": "a" })),
        ];
        assert!(found(&keys, ES256, Some("a")));
        for none in [json!(null), json!([]), json!({ "keys": 1 }), json!({})] {
            assert!(among(&none, ES256, None).is_none(), "{none}");
        }
    }
}
