use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use aws_lc_rs::{encoding::AsDer, hmac, rsa};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, encode};
use serde_json::json;

use super::*;

/// A key of a provider.
struct Signer(EncodingKey, Algorithm);

impl Signer {
    fn new() -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .expect("a key");
        Self(EncodingKey::from_ec_der(pkcs8.as_ref()), ES256)
    }

    fn jwk(&self) -> Jwk {
        Jwk::from_encoding_key(&self.0, self.1).expect("a JWK")
    }

    fn key(&self) -> DecodingKey {
        DecodingKey::from_jwk(&self.jwk()).expect("its public half")
    }

    fn sign(&self, claims: &Value) -> String {
        let header = jsonwebtoken::Header::new(self.1);
        encode(&header, claims, &self.0).expect("signed")
    }

    fn verify(&self, token: &str) -> Result<PersonClaims, ProviderFault> {
        verify(token, &self.key(), self.1, &expected())
    }
}

const NOW: i64 = 1_800_000_000;
const ACCESS_TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";

fn expected() -> ExpectedClaims<'static> {
    ExpectedClaims {
        issuer: "https://op.example",
        client_id: "gateway",
        nonce: "n-0S6_WzA2Mj",
        access_token: Some(ACCESS_TOKEN),
        now: Timestamp::from_millis(NOW * 1000),
    }
}

fn good() -> Value {
    json!({
        "iss": "https://op.example", "aud": "gateway", "sub": "248289761001", "nonce": "n-0S6_WzA2Mj",
        "iat": NOW, "exp": NOW + 300,
    })
}

/// Returns the good claims with changes; null removes a claim.
fn with(changes: &Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => _ = claims.as_object_mut().and_then(|claims| claims.remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn outcome(claims: &Value) -> Result<PersonClaims, ProviderFault> {
    let signer = Signer::new();
    signer.verify(&signer.sign(claims))
}

#[track_caller]
fn assert_refused(changes: &Value, fault: ProviderFault) {
    assert_eq!(outcome(&with(changes)).err(), Some(fault), "{changes}");
}

// EPC-09
#[test]
fn epc_09_a_good_token_is_believed() {
    let claims = outcome(&good()).expect("believed");
    assert_eq!(text(&claims, "sub"), Some("248289761001"));
}

// EPC-09
#[test]
fn epc_09_another_issuers_token_is_not_believed() {
    let fault = Untrusted("the id token has another issuer (iss)");
    for changes in [
        json!({ "iss": "https://op.example/" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": ["https://op.example"] }),
        json!({ "iss": null }),
    ] {
        assert_refused(&changes, fault);
    }
}

// EPC-09
#[test]
fn epc_09_a_token_for_somebody_else_is_not_believed() {
    let fault = Untrusted("the id token is for another client (aud or azp)");
    for claims in [
        json!({ "aud": "other" }),
        json!({ "aud": null }),
        json!({ "aud": [] }),
        json!({ "aud": ["other"] }),
        json!({ "aud": ["gateway", "other"] }),
        json!({ "aud": ["gateway", "other"], "azp": "other" }),
        json!({ "azp": "other" }),
        json!({ "azp": 1 }),
    ] {
        assert_refused(&claims, fault);
    }
    for claims in [
        json!({ "aud": ["gateway"] }),
        json!({ "aud": ["gateway", "other"], "azp": "gateway" }),
        json!({ "azp": "gateway" }),
    ] {
        assert!(outcome(&with(&claims)).is_ok(), "{claims}");
    }
}

// EPC-09
#[test]
fn epc_09_a_token_of_another_sign_in_is_not_believed() {
    for nonce in [json!("n-0S6_WzA2Mk"), json!(""), json!(null), json!(1)] {
        assert_refused(&json!({ "nonce": nonce }), ProviderFault::OtherNonce);
    }
}

// EPC-09
#[test]
fn epc_09_a_token_is_good_in_its_time_only() {
    let expired = Untrusted("the id token has expired");
    for end in [json!(NOW - 60), json!(0), json!("soon"), json!(null)] {
        assert_refused(&json!({ "exp": end }), expired);
    }
    let early = Untrusted("the id token is from the future");
    for claims in [
        json!({ "iat": NOW + 61 }),
        json!({ "iat": null }),
        json!({ "nbf": NOW + 61 }),
    ] {
        assert_refused(&claims, early);
    }
    // Clocks may differ by a minute, and some providers write fractions.
    for claims in [
        json!({ "exp": NOW - 59 }),
        json!({ "iat": NOW + 60 }),
        json!({ "exp": 1_800_000_000.5 }),
    ] {
        assert!(outcome(&with(&claims)).is_ok(), "{claims}");
    }
}

// EPC-09
#[test]
fn epc_09_a_token_names_somebody() {
    let nobody = Untrusted("the id token has no valid subject (sub)");
    for subject in [
        json!(null),
        json!(""),
        json!(5),
        json!("x".repeat(256)),
        json!("a\u{0}b"),
    ] {
        assert_refused(&json!({ "sub": subject }), nobody);
    }
    assert!(outcome(&with(&json!({ "sub": "x".repeat(255) }))).is_ok());
}

// EPC-09
#[test]
fn epc_09_a_token_with_the_hash_of_another_access_token_is_not_believed() {
    // The example of OpenID Connect Core 1.0, appendix A.3.
    assert_eq!(half_hash(RS256, ACCESS_TOKEN), "77QmUPtjPfzWtF2AnpK9RQ");
    assert!(outcome(&with(&json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" }))).is_ok());
    let other = Untrusted("the id token belongs to another access token");
    assert_refused(&json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RA" }), other);
}

// EPC-09
#[test]
fn epc_09_a_signature_by_another_key_or_over_other_claims_is_none() {
    let (signer, other) = (Signer::new(), Signer::new());
    let token = signer.sign(&good());
    let bad = Some(Untrusted("the signature of the id token is not valid"));
    assert!(signer.verify(&token).is_ok());
    assert_eq!(other.verify(&token).err(), bad);
    let mut forged: Vec<&str> = token.split('.').collect();
    let claims = BASE64URL_NOPAD.encode(with(&json!({ "sub": "somebody else" })).to_string().as_bytes());
    forged[1] = &claims;
    assert_eq!(signer.verify(&forged.join(".")).err(), bad);
}

// EPC-09
#[test]
fn epc_09_a_token_that_nobody_signed_or_that_everybody_could_sign_is_none() {
    let signer = Signer::new();
    let by = |header: &Value| {
        let [header, claims] =
            [header, &good()].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
        format!("{header}.{claims}")
    };
    let unsigned = by(&json!({ "alg": "none" }));
    // The classic attack: a public key used as the secret of an HMAC.
    let public = serde_json::to_vec(&signer.jwk()).expect("JSON");
    let hs256 = by(&json!({ "alg": "HS256" }));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), hs256.as_bytes());
    for token in [
        format!("{unsigned}."),
        unsigned.clone(),
        format!("{hs256}.{}", BASE64URL_NOPAD.encode(tag.as_ref())),
        format!("{}.", by(&json!({ "alg": "NONE" }))),
        format!("{}.", by(&json!({}))),
        String::new(),
        "a.b.c".to_owned(),
    ] {
        assert!(header(&token).is_err(), "{token}");
        assert!(signer.verify(&token).is_err(), "{token}");
    }
    let signed = header(&signer.sign(&good())).expect("a header");
    assert_eq!((signed.algorithm, signed.key_id), (ES256, None));
}

// EPC-09: the algorithms that most providers use.
#[test]
fn epc_09_rsa_signs_both_ways() {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).expect("DER");
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        data_encoding::BASE64.encode(der.as_ref())
    );
    for algorithm in [RS256, PS512] {
        let signer = Signer(
            EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key"),
            algorithm,
        );
        let token = signer.sign(&good());
        assert!(signer.verify(&token).is_ok(), "{algorithm:?}");
        let other = verify(&token, &signer.key(), RS384, &expected());
        assert!(other.is_err(), "{algorithm:?} is not RS384");
    }
}

// DEF-01
#[test]
fn no_token_and_no_key_breaks_the_readers() {
    let signer = Signer::new();
    let token = signer.sign(&good());
    let (header_part, rest) = token.split_once('.').expect("parts");
    let key = signer.key();
    crate::fuzz::each_text(24, &[&token, header_part, rest], |text| {
        if let Ok(read) = header(text) {
            let verified = verify(text, &key, read.algorithm, &expected());
            assert!(verified.is_err() || text == token, "{text}");
        }
    });
    let long = format!("{header_part}.{}.c", "a".repeat(MAX_TOKEN));
    assert!(header(&long).is_err());
}
