//! Verification of id tokens (OpenID Connect Core 1.0 §3.1.3.7), without I/O.

use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::Algorithm::{self, ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::MAX_SUBJECT;
use super::claims::{PersonClaims, text};
use super::fault::ProviderFault::{self, Untrusted};
use crate::platform::clock::Timestamp;

/// Maximum length of an id token, in bytes: tokens of providers that include a person's groups have tens of kilobytes.
const MAX_TOKEN: usize = 128 * 1024;
/// Maximum length of the encoded header of an id token, in bytes: some contain a certificate chain.
const MAX_HEADER: usize = 16 * 1024;

/// Maximum difference between a provider's clock and the gateway's.
const LEEWAY: Duration = Duration::from_secs(60);

/// What the token states about its signature.
#[derive(Debug)]
pub struct IdTokenHeader {
    /// The algorithm: asymmetric.
    pub algorithm: Algorithm,
    /// Id of the key.
    pub key_id: Option<String>,
}

/// What an id token must contain to belong to this sign-in.
#[derive(Clone, Copy)]
pub struct ExpectedClaims<'a> {
    /// Issuer of the token.
    pub issuer: &'a str,
    /// Audience of the token.
    pub client_id: &'a str,
    /// Nonce that the browser generated.
    pub nonce: &'a str,
    /// Access token that was issued together with it.
    pub access_token: Option<&'a str>,
    /// Current time.
    pub now: Timestamp,
}

/// Returns the header of a token, which is not verified yet.
///
/// # Errors
/// For anything but a signed token with an asymmetric algorithm. `none` and HMACs are refused; for an HMAC a public key
/// could be used as the secret.
pub fn header(token: &str) -> Result<IdTokenHeader, ProviderFault> {
    let unreadable = Untrusted("the id token is not valid, or is signed with an unsupported algorithm");
    let encoded = token.split('.').next().unwrap_or_default();
    if token.len() > MAX_TOKEN || encoded.len() > MAX_HEADER {
        return Err(Untrusted("the id token is too long"));
    }
    let header = decode_header(token).map_err(|_unknown| unreadable)?;
    if ![RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA].contains(&header.alg) {
        return Err(unreadable);
    }
    Ok(IdTokenHeader {
        algorithm: header.alg,
        key_id: header.kid,
    })
}

/// Returns the claims of a token that this key has signed by this algorithm and that belongs to this sign-in.
///
/// # Errors
/// If the signature or a claim is invalid.
pub fn verify(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    expected: &ExpectedClaims<'_>,
) -> Result<PersonClaims, ProviderFault> {
    let mut validation = Validation::new(algorithm);
    // The checks below are stricter and use the gateway's clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let token = decode::<PersonClaims>(token, key, &validation)
        .map_err(|_bad| Untrusted("the signature of the id token is not valid"))?;
    check(&token.claims, algorithm, expected)?;
    Ok(token.claims)
}

fn check(
    claims: &PersonClaims,
    algorithm: Algorithm,
    expected: &ExpectedClaims<'_>,
) -> Result<(), ProviderFault> {
    if text(claims, "iss") != Some(expected.issuer) {
        return Err(Untrusted("the id token has another issuer (iss)"));
    }
    check_audience(claims, expected.client_id)?;
    check_times(claims, expected.now)?;
    if text(claims, "nonce") != Some(expected.nonce) {
        return Err(ProviderFault::OtherNonce);
    }
    let subject = text(claims, "sub").unwrap_or_default();
    if subject.is_empty() || subject.chars().count() > MAX_SUBJECT || subject.contains(char::is_control) {
        return Err(Untrusted("the id token has no valid subject (sub)"));
    }
    match (text(claims, "at_hash"), expected.access_token) {
        (Some(hash), Some(token)) if hash != half_hash(algorithm, token) => {
            Err(Untrusted("the id token belongs to another access token"))
        }
        _ => Ok(()),
    }
}

/// §3.1.3.7, 3 to 5: the gateway is in the audience, and if the audience has other members, the gateway is the
/// authorized party.
fn check_audience(claims: &PersonClaims, client_id: &str) -> Result<(), ProviderFault> {
    let others = Untrusted("the id token is for another client (aud or azp)");
    let is_ours = |audience: &Value| audience.as_str() == Some(client_id);
    let is_only_ours = match claims.get("aud") {
        Some(Value::Array(audiences)) if audiences.iter().any(is_ours) => audiences.len() == 1,
        Some(audience) if is_ours(audience) => true,
        _ => return Err(others),
    };
    match claims.get("azp") {
        None if is_only_ours => Ok(()),
        Some(party) if is_ours(party) => Ok(()),
        _ => Err(others),
    }
}

fn check_times(claims: &PersonClaims, now: Timestamp) -> Result<(), ProviderFault> {
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    let seconds = |time: Timestamp| f64::from(u32::try_from(time.seconds()).unwrap_or(u32::MAX));
    let (earliest, latest) = (seconds(now.before(LEEWAY)), seconds(now.after(LEEWAY)));
    if time("exp").is_none_or(|end| end <= earliest) {
        return Err(Untrusted("the id token has expired"));
    }
    if time("iat").is_none_or(|made| made > latest) || time("nbf").is_some_and(|from| from > latest) {
        return Err(Untrusted("the id token is from the future"));
    }
    Ok(())
}

/// Returns the left half of a token's hash by the algorithm's own hash function (§3.1.3.6); Ed25519's is SHA-512.
fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let function = match algorithm {
        RS384 | PS384 | ES384 => &SHA384,
        RS512 | PS512 | EdDSA => &SHA512,
        _ => &SHA256,
    };
    let hash = digest::digest(function, token.as_bytes());
    let (half, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    BASE64URL_NOPAD.encode(half)
}

#[cfg(test)]
mod tests;
