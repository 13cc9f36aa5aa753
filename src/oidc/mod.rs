//! Single sign-on: customers sign in at an identity provider of their storefront, by OpenID Connect's authorization
//! code flow with PKCE (EPC-09). Only operators add providers; there is no mutation for it.
//!
//! | file | content |
//! |---|---|
//! | `authorization_url` | `IdentityProvider.authorizationUrl`: the URL that a browser is sent to |
//! | `token_create` | `customerTokenCreateWithOidc`: the sign-in with the code that the browser returns with |
//! | `discovery`, `keys` | metadata and keys that a provider publishes |
//! | `exchange` | exchange of a code for tokens |
//! | `id_token`, `claims` | verification of an id token, and its claims about a person |
//! | `admission` | selection of the account: the linked one, one to link, or a new one |

pub mod admission;
pub mod authorization_url;
pub mod claims;
pub mod discovery;
pub mod exchange;
pub mod fault;
pub mod id_token;
pub mod keys;
pub mod node;
pub mod store;
pub mod token_create;

use std::fmt;

use async_graphql::{EmptyMutation, MergedObject};
use bson::Binary;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::app::Domain;
use crate::platform::{
    clock::Timestamp,
    id::{IdentityProviderId, StorefrontId},
};
use crate::reach::{Holder, tenant::TenantDocument};

/// The declaration of identity providers.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    stored: &[store::STORED],
    ..Domain::EMPTY
};

/// The mutations of identity providers.
#[derive(MergedObject, Default)]
#[graphql(name = "OidcMutation")]
pub struct Mutation(token_create::CustomerTokenCreateWithOidc);

/// It has no queries.
pub type Query = EmptyMutation;

/// Maximum length of a provider's key.
pub const MAX_KEY: usize = 64;
/// Maximum number of identity providers of a storefront, which lists them without pages.
pub const MAX_PROVIDERS: usize = 50;
/// Maximum number of identities of a customer.
pub const MAX_IDENTITIES: usize = 20;
/// Maximum length of a subject (OpenID Connect Core 1.0 §2).
pub const MAX_SUBJECT: usize = 255;

/// An identity provider at which customers of a storefront can sign in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityProvider {
    /// Id.
    #[serde(rename = "_id")]
    pub id: IdentityProviderId,
    /// Storefront of the provider.
    pub storefront_id: StorefrontId,
    /// Name for programs; unique in the storefront.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Its issuer identifier, verbatim.
    pub issuer: String,
    /// The gateway's client id at the provider.
    pub client_id: String,
    /// Client secret, encrypted; none for a public client.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed_secret: Option<Binary>,
    /// Allowed redirect URIs, verbatim.
    pub redirect_uris: Vec<String>,
    /// Time at which an operator added it.
    pub created_at: Timestamp,
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityProvider({})", self.id)
    }
}

impl TenantDocument for IdentityProvider {
    type Id = IdentityProviderId;
    const COLLECTION: &'static str = "identityProviders";
    const HOLDER: Holder = Holder::Storefront;

    fn id(&self) -> &IdentityProviderId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl IdentityProvider {
    /// Whether this redirect URI is allowed. It is compared exactly, as OAuth 2.0 Security (RFC 9700 §2.1) requires.
    #[must_use]
    pub fn returns_to(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|allowed| allowed == redirect_uri)
    }
}

/// Checks the key of a provider: 1 to 64 lower-case letters, digits, `-` and `_`, starting with a letter.
///
/// # Errors
/// A message for the operator.
pub fn check_key(key: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let good = key.len() <= MAX_KEY
        && key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.bytes().all(allowed);
    good.then(|| key.to_owned()).ok_or_else(|| {
        format!(
            "not a valid key: it must be a lower-case letter, then lower-case letters, digits, - and _, at most \
             {MAX_KEY} characters in all"
        )
    })
}

/// Checks an issuer: https, or http on a loopback address, without query and fragment (EPC-09, OpenID Connect Discovery
/// 1.0 §3). It is compared exactly and therefore returned as written.
///
/// # Errors
/// A message for the operator.
pub fn check_issuer(issuer: &str) -> Result<String, String> {
    let good = Url::parse(issuer).is_ok_and(|url| {
        (url.scheme() == "https" && url.has_host() || is_loopback(&url))
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let bad = "not a valid issuer: it must be an https URL without user name, query and fragment, such as \
               https://accounts.example; http is allowed for loopback addresses only";
    good.then(|| issuer.to_owned()).ok_or_else(|| bad.to_owned())
}

/// Checks a redirect URI: https, http on a loopback address, or an app's own scheme, which contains a dot (RFC 8252
/// §7); without fragment (RFC 6749 §3.1.2).
///
/// # Errors
/// A message for the operator.
pub fn check_redirect_uri(uri: &str) -> Result<String, String> {
    let good = Url::parse(uri).is_ok_and(|url| {
        let is_apps = url.scheme().contains('.');
        (url.scheme() == "https" && url.has_host() || is_loopback(&url) || is_apps)
            && url.fragment().is_none()
            && !uri.contains(|char: char| char.is_whitespace() || char.is_control())
    });
    let bad = "not a valid redirect URI: it must be an https URL without fragment, such as \
               https://shop.example/signed-in, http on a loopback address, or a URI of an app, such as \
               com.example.app:/signed-in";
    good.then(|| uri.to_owned()).ok_or_else(|| bad.to_owned())
}

/// Whether this is http on a loopback address, where the traffic cannot be intercepted.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// User errors of single sign-on.
pub mod refusal {
    use super::MAX_IDENTITIES;
    use crate::error::{UserError, UserErrorCode};

    /// The storefront has no such provider.
    #[must_use]
    pub fn provider_not_found() -> UserError {
        let message = "No identity provider with this key was found in this storefront.";
        UserError::new(UserErrorCode::IdentityProviderNotFound, ["provider"], message)
    }

    /// The redirect URI is not allowed for the provider.
    #[must_use]
    pub fn redirect_uri_not_allowed() -> UserError {
        let message =
            "This is not one of the redirect URIs that an operator allowed for the identity provider.";
        UserError::new(UserErrorCode::RedirectUriNotAllowed, ["redirectUri"], message)
    }

    /// The provider does not respond, refuses the code, or its response cannot be trusted.
    #[must_use]
    pub fn rejected(field: &'static str, message: &str) -> UserError {
        UserError::new(UserErrorCode::IdentityProviderRejected, [field], message)
    }

    /// The identity has no account, and none can be created or linked.
    #[must_use]
    pub fn not_linked(message: &str) -> UserError {
        UserError::new(UserErrorCode::IdentityNotLinked, [], message)
    }

    /// The account has the maximum number of identities.
    #[must_use]
    pub fn too_many_identities() -> UserError {
        let message = format!("An account is linked to at most {MAX_IDENTITIES} identities.");
        UserError::new(UserErrorCode::TooMany, [], message)
    }

    /// The account is erased or its erasure has started: the same code as for a password (EPC-08).
    #[must_use]
    pub fn account_is_gone() -> UserError {
        let message = "The account of this identity can no longer be signed in to.";
        UserError::new(UserErrorCode::CredentialsInvalid, [], message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_checks(check: fn(&str) -> Result<String, String>, good: &[&str], bad: &[&str]) {
        for good in good {
            assert_eq!(check(good).as_deref(), Ok(*good));
        }
        for bad in bad {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    // EPC-09
    #[test]
    fn epc_09_an_issuer_is_https_or_http_on_a_loopback_address() {
        let good = [
            "https://accounts.example",
            "https://accounts.example/",
            "https://login.example:8443/realms/shop",
            "http://127.0.0.1:4000",
            "http://localhost:4000/op",
            "http://[::1]:4000",
        ];
        let bad = [
            "",
            "accounts.example",
            "http://accounts.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "ftp://localhost",
            "https://accounts.example?tenant=1",
            "https://accounts.example#top",
            "https://user@accounts.example",
            "https://user:secret@accounts.example",
            "file:///etc/passwd",
        ];
        assert_checks(check_issuer, &good, &bad);
    }

    // EPC-09
    #[test]
    fn epc_09_a_redirect_uri_leads_where_nobody_listens_in() {
        let good = [
            "https://shop.example/signed-in",
            "https://shop.example/signed-in?from=sso",
            "http://127.0.0.1:3000/cb",
            "com.example.app:/signed-in",
        ];
        let bad = [
            "",
            "/signed-in",
            "http://shop.example/signed-in",
            "https://shop.example/#signed-in",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://shop.example/a b",
            "https://shop.example/\n",
        ];
        assert_checks(check_redirect_uri, &good, &bad);
    }

    #[test]
    fn a_key_is_small_and_plain() {
        let good = ["google", "azure-ad", "op_2", &"k".repeat(64)];
        let bad = [
            "",
            "2op",
            "-a",
            "Google",
            "a.b",
            "$gt",
            "a b",
            "ä",
            &"k".repeat(65),
        ];
        assert_checks(check_key, &good, &bad);
    }
}
