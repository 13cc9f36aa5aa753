//! Access tokens: JWT with the profile of RFC 9068 (`typ: at+jwt`), signed with ES256.

mod claims;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation, decode, decode_header, encode};
use moka::sync::Cache;

use self::claims::UnverifiedClaims;
pub use self::claims::{Claims, TokenKind};
use super::bad_credential::BadCredential;
use super::client::ApiClient;
use super::keys::{KeyRing, Which};
use super::session::Session;
use crate::config::TokenLifetimes;
use crate::error::{Error, Result};
use crate::platform::{
    clock::{Clock, Timestamp},
    crypto::digest,
    id::{Id, MemberId, OrganizationId, StorefrontId, StorefrontUserId},
    random::Random,
};
use crate::reach::scope::{Scope, write_list};

/// Audience of every token.
pub const AUDIENCE: &str = "storefront-gateway";
const TYPE: &str = "at+jwt";
/// Maximum difference of clocks.
const LEEWAY: Duration = Duration::from_secs(5);
/// Longest token that is parsed, in bytes. The longest issued token is a storefront user's with an `external_id` of 256
/// characters, below 3 KiB.
const LONGEST: usize = 4096;
/// Longest encoded header of a token, in bytes; issued ones have about 100.
const LONGEST_HEADER: usize = 512;
/// Longest `kid`, in bytes.
const LONGEST_KEY_ID: usize = 64;
/// Number of verified tokens that are cached; verifying one again costs 35 µs.
const VERIFIED: u64 = 100_000;

/// A signed token.
#[derive(Clone, Debug)]
pub struct SignedToken {
    /// The JWT.
    pub token: String,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The contents of a storefront user's token.
#[derive(Clone, Copy, Debug)]
pub struct StorefrontUserSubject<'a> {
    /// The storefront user.
    pub id: &'a StorefrontUserId,
    /// The user's storefront.
    pub storefront: &'a StorefrontId,
    /// The organization that owns the storefront.
    pub organization: &'a OrganizationId,
    /// The online store's own id of the user.
    pub external_id: &'a str,
    /// Whether the user is anonymous now.
    pub anonymous: bool,
    /// The user's token epoch: how often all sign-ins of its customer have been ended.
    pub epoch: i64,
}

/// Issues and verifies tokens.
pub struct Tokens {
    /// The signing keys.
    pub keys: KeyRing,
    clock: Clock,
    random: Random,
    issuer: String,
    lifetimes: TokenLifetimes,
    verified: Cache<[u8; 32], VerifiedClaims>,
}

/// The claims of a token whose signature was verified; valid as long as no key has been lost since.
#[derive(Clone, Debug)]
struct VerifiedClaims {
    claims: Arc<Claims>,
    losses: u64,
}

impl Tokens {
    /// Creates the service for tokens of this issuer.
    #[must_use]
    pub fn new(
        keys: KeyRing,
        clock: Clock,
        random: Random,
        issuer: String,
        lifetimes: TokenLifetimes,
    ) -> Self {
        Self {
            keys,
            clock,
            random,
            issuer,
            lifetimes,
            verified: Cache::new(VERIFIED),
        }
    }

    /// Issues a storefront user's token, which opens its private storage (SFU-20).
    pub fn issue_storefront_user(
        &self,
        client: &str,
        subject: StorefrontUserSubject<'_>,
    ) -> Result<SignedToken> {
        let id = subject.id.as_str();
        let mut claims = self.claims(id, client, subject.organization, TokenKind::StorefrontUser);
        claims.sto = Some(subject.storefront.to_string());
        claims.sfu = Some(subject.id.to_string());
        claims.external_id = Some(subject.external_id.to_owned());
        claims.anonymous = Some(subject.anonymous);
        claims.epoch = (subject.epoch > 0).then_some(subject.epoch);
        self.sign(claims, self.lifetimes.storefront_user)
    }

    /// Issues a customer's token; it is valid no longer than the session.
    pub fn issue_customer(&self, session: &Session) -> Result<SignedToken> {
        let (customer, organization) = (session.customer_id.as_str(), &session.organization_id);
        let mut claims = self.claims(customer, &session.client_id, organization, TokenKind::Customer);
        claims.sto = Some(session.storefront_id.to_string());
        claims.sid = Some(session.id.to_string());
        claims.sfu = Some(session.user_id.to_string());
        claims.anonymous = Some(false);
        claims.owner = session.owner_id.as_ref().map(ToString::to_string);
        self.sign(claims, self.lifetimes.access)
    }

    /// Issues a backend's token with these scopes, on behalf of `owner`. It names the storefront if the client covers
    /// exactly one.
    pub fn issue_integration(
        &self,
        client: &ApiClient,
        scopes: &[Scope],
        owner: Option<&MemberId>,
    ) -> Result<SignedToken> {
        let id = client.id.as_str();
        let mut claims = self.claims(id, id, &client.organization_id, TokenKind::Integration);
        if let Some([one]) = client.storefront_ids.as_deref() {
            claims.sto = Some(one.to_string());
        }
        claims.scope = Some(write_list(scopes));
        claims.owner = owner.map(ToString::to_string);
        self.sign(claims, self.lifetimes.access)
    }

    fn claims(&self, subject: &str, client: &str, organization: &OrganizationId, kind: TokenKind) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: subject.to_owned(),
            iat: self.clock.now().seconds(),
            exp: 0,
            jti: data_encoding::BASE64URL_NOPAD.encode(&self.random.bytes::<16>()),
            client_id: client.to_owned(),
            org: organization.to_string(),
            sto: None,
            kind,
            sid: None,
            sfu: None,
            external_id: None,
            anonymous: None,
            epoch: None,
            scope: None,
            owner: None,
        }
    }

    fn sign(&self, mut claims: Claims, ttl: Duration) -> Result<SignedToken> {
        let expires_at = Timestamp::from_millis(claims.iat * 1000).after(ttl);
        claims.exp = expires_at.seconds();
        self.keys.sign(|id: &str, key: &EncodingKey| {
            let mut header = Header::new(Algorithm::ES256);
            header.typ = Some(TYPE.to_owned());
            header.kid = Some(id.to_owned());
            let token = encode(&header, &claims, key).map_err(Error::internal)?;
            let expires_at = Timestamp::from_millis(claims.exp * 1000);
            Ok(SignedToken { token, expires_at })
        })
    }

    /// The claims of an issued token that has not expired; `None` for any other text. Does not check whether its
    /// subject still exists.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn verify(&self, token: &str) -> Result<Option<Arc<Claims>>> {
        Ok(self.examine(token).await?.ok())
    }

    /// As [`Tokens::verify`], with the reason why any other text is invalid.
    ///
    /// # Errors
    /// The outer error when the keys cannot be read.
    pub async fn examine(&self, token: &str) -> Result<Result<Arc<Claims>, BadCredential>> {
        if !has_form(token) {
            return Ok(Err(BadCredential::Malformed));
        }
        let name = digest(token.as_bytes());
        let losses = self.keys.confirm().await?;
        let known = self.verified.get(&name).filter(|known| known.losses == losses);
        let claims = match known {
            Some(known) => known.claims,
            None => match self.verify_signature(token, Which::Verifying).await? {
                Ok(claims) => {
                    let claims = Arc::new(claims);
                    let verified = VerifiedClaims {
                        claims: Arc::clone(&claims),
                        losses,
                    };
                    self.verified.insert(name, verified);
                    claims
                }
                Err(bad) => return Ok(Err(bad)),
            },
        };
        if self.is_late(claims.exp) {
            self.verified.invalidate(&name);
            return Ok(Err(BadCredential::ExpiredToken));
        }
        if self.is_early(&claims) {
            return Ok(Err(BadCredential::ForeignToken));
        }
        Ok(Ok(claims))
    }

    /// As [`Tokens::verify`], but accepts expired tokens, as long as the public half of their key is kept.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn verify_of_any_age(&self, token: &str) -> Result<Option<Claims>> {
        if !has_form(token) {
            return Ok(None);
        }
        self.keys.confirm().await?;
        let claims = self.verify_signature(token, Which::Kept).await?.ok();
        Ok(claims.filter(|claims| !self.is_early(claims)))
    }

    /// Whether a token's expiry, in seconds, has passed.
    fn is_late(&self, expires: i64) -> bool {
        self.clock.now().before(LEEWAY).seconds() >= expires
    }

    /// Whether a token claims to be issued in the future.
    fn is_early(&self, claims: &Claims) -> bool {
        self.clock.now().after(LEEWAY).seconds() < claims.iat
    }

    async fn verify_signature(&self, token: &str, which: Which) -> Result<Result<Claims, BadCredential>> {
        let Ok(header) = decode_header(token) else {
            return Ok(Err(BadCredential::Malformed));
        };
        // The library checks neither of them (RFC 9068 §4).
        let (Some(kid), Some(TYPE)) = (&header.kid, header.typ.as_deref()) else {
            return Ok(Err(BadCredential::ForeignToken));
        };
        if header.alg != Algorithm::ES256 || kid.len() > LONGEST_KEY_ID {
            return Ok(Err(BadCredential::ForeignToken));
        }
        let Some(key) = self.keys.verifier(kid, which).await? else {
            return Ok(Err(self.without_a_key(token)));
        };
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Times are compared with the gateway's clock, which follows the database's.
        validation.validate_exp = false;
        let decoded = decode::<Claims>(token, &key, &validation);
        Ok(decoded.map_or(Err(BadCredential::ForeignToken), |data| Ok(data.claims)))
    }

    /// Why a token whose key is unknown is invalid, by its own unverified claims. Keys are deleted once their last token
    /// has expired: only the claims distinguish an expired token from a foreign one. A false claim gains nothing.
    fn without_a_key(&self, token: &str) -> BadCredential {
        match UnverifiedClaims::read(token) {
            Some(named) if named.iss != self.issuer || named.aud != AUDIENCE => BadCredential::ForeignToken,
            Some(named) if self.is_late(named.exp) => BadCredential::ExpiredToken,
            Some(_) => BadCredential::EndedToken,
            None => BadCredential::ForeignToken,
        }
    }
}

/// Whether a text has the form of a token: three parts of base64url of plausible length (RFC 7515 §3.1). No other text
/// is decoded or hashed.
fn has_form(token: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let header = token.split('.').next().unwrap_or_default();
    token.len() <= LONGEST
        && header.len() <= LONGEST_HEADER
        && token.bytes().all(is_plain)
        && token.bytes().filter(|byte| *byte == b'.').count() == 2
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;

    use super::*;

    // DEF-01
    #[test]
    fn only_what_may_be_a_token_is_decoded() {
        let token = |header: usize, payload: usize| {
            [("a", header), ("b", payload), ("c", 86)]
                .map(|(text, times)| text.repeat(times))
                .join(".")
        };
        assert!(has_form(&token(100, 3000)));
        for bad in [
            String::new(),
            token(LONGEST_HEADER + 1, 10),
            token(100, LONGEST),
            token(100, 1024 * 1024),
            token(10, 10).replace('b', "="),
            "a.b".to_owned(),
            "a.b.c.d".to_owned(),
            ".".repeat(1024 * 1024),
        ] {
            assert!(!has_form(&bad), "{} bytes", bad.len());
        }
    }

    // DEF-01
    #[test]
    fn no_text_breaks_the_reader_of_headers() {
        let deep = BASE64URL_NOPAD.encode(format!("{{\"alg\":{}", "[".repeat(300)).as_bytes());
        let header = BASE64URL_NOPAD.encode(br#"{"alg":"ES256","typ":"at+jwt","kid":"key_1","jwk":{}}"#);
        let good = format!("{header}.e30.{}", "c".repeat(86));
        let deep = format!("{deep}.e30.cc");
        crate::fuzz::each_text(7, &[&good, &deep], |token| {
            if has_form(token)
                && let Ok(header) = decode_header(token)
            {
                assert!(header.kid.is_none_or(|kid| kid.len() <= LONGEST_HEADER));
                let _read = UnverifiedClaims::read(token);
            }
        });
    }
}
