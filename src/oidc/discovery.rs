//! The metadata that a provider publishes (OpenID Connect Discovery 1.0).

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::fault::ProviderFault::{self, Untrusted};
use super::{IdentityProvider, is_loopback};
use crate::app::App;

/// Endpoints of a provider and how to authenticate there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// Authorization endpoint, for browsers.
    pub authorization_endpoint: Url,
    /// Token endpoint, which exchanges codes.
    pub token_endpoint: Url,
    /// URL of its keys.
    pub jwks_uri: Url,
    /// Userinfo endpoint, which returns claims about a person.
    pub userinfo_endpoint: Option<Url>,
    /// How the gateway authenticates.
    pub authentication: ClientAuthentication,
}

/// How a client authenticates with its secret (OpenID Connect Core 1.0 §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// In the header `Authorization`.
    Basic,
    /// In the form parameters.
    Post,
    /// By a method that the gateway does not support.
    Other,
}

/// The metadata as published, before its checks.
#[derive(Deserialize)]
struct PublishedMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Maximum age of cached metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// One hour.
    Fresh,
    /// Older if the provider does not respond; a browser that is sent there finds out by itself.
    Any,
}

/// Returns the provider's metadata.
///
/// # Errors
/// If the metadata cannot be fetched or cannot be trusted.
pub async fn metadata(
    app: &App,
    provider: &IdentityProvider,
    age: Age,
) -> Result<ProviderMetadata, ProviderFault> {
    let url = document_of(&provider.issuer)?;
    let document = match age {
        Age::Fresh => app.documents.get(&url).await?,
        Age::Any => app.documents.get_or_last(&url).await?,
    };
    match read(&document, &provider.issuer) {
        // Fetched again, so that a correction by the provider takes effect before the cache expires.
        Err(_) => read(&*app.documents.renewed(&url).await?, &provider.issuer),
        good => good,
    }
}

/// Returns the URL of an issuer's metadata (§4: a trailing slash is removed).
fn document_of(issuer: &str) -> Result<Url, ProviderFault> {
    let issuer = issuer.trim_end_matches('/');
    let url = format!("{issuer}/.well-known/openid-configuration");
    Url::parse(&url).map_err(|_no_url| Untrusted("the issuer is not a URL"))
}

/// Reads an issuer's metadata.
///
/// # Errors
/// If it is not trustworthy: another issuer's metadata (§4.3), or an endpoint without https, where the traffic could be
/// intercepted.
fn read(document: &Value, issuer: &str) -> Result<ProviderMetadata, ProviderFault> {
    let published = PublishedMetadata::deserialize(document)
        .map_err(|_incomplete| Untrusted("the configuration of the provider is incomplete"))?;
    if published.issuer != issuer {
        return Err(Untrusted("the configuration of the provider has another issuer"));
    }
    let on_loopback = Url::parse(issuer).is_ok_and(|url| is_loopback(&url));
    let endpoint = |text: &str| {
        let is_safe = |url: &Url| url.scheme() == "https" || on_loopback && is_loopback(url);
        let url = Url::parse(text).ok().filter(is_safe);
        url.ok_or(Untrusted("an endpoint of the provider is not an https URL"))
    };
    let userinfo = published.userinfo_endpoint.as_deref();
    Ok(ProviderMetadata {
        authorization_endpoint: endpoint(&published.authorization_endpoint)?,
        token_endpoint: endpoint(&published.token_endpoint)?,
        jwks_uri: endpoint(&published.jwks_uri)?,
        userinfo_endpoint: userinfo.map(endpoint).transpose()?,
        authentication: authentication(published.token_endpoint_auth_methods_supported.as_deref()),
    })
}

fn authentication(supported: Option<&[String]>) -> ClientAuthentication {
    // If omitted, the method is Basic (§3).
    let Some(supported) = supported else {
        return ClientAuthentication::Basic;
    };
    let has = |method: &str| supported.iter().any(|supported| supported == method);
    if has("client_secret_basic") {
        ClientAuthentication::Basic
    } else if has("client_secret_post") {
        ClientAuthentication::Post
    } else {
        ClientAuthentication::Other
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://op.example";

    fn published() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://op.example/auth?tenant=1",
            "token_endpoint": "https://op.example/token",
            "jwks_uri": "https://keys.example/jwks",
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut document = published();
        document[field] = value;
        document
    }

    // EPC-09
    #[test]
    fn epc_09_what_another_issuer_publishes_is_not_believed() {
        assert!(read(&published(), ISSUER).is_ok());
        for other in [
            "https://op.example/",
            "https://OP.example",
            "http://op.example",
            "https://evil.example",
        ] {
            let refused = read(&with("issuer", json!(other)), ISSUER);
            let expected = Err(Untrusted("the configuration of the provider has another issuer"));
            assert_eq!(refused, expected, "{other}");
        }
        for field in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            assert!(read(&with(field, json!(null)), ISSUER).is_err(), "{field}");
        }
    }

    // EPC-09
    #[test]
    fn epc_09_a_provider_cannot_lead_the_gateway_where_somebody_listens_in_or_to_its_own_machine() {
        for field in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
        ] {
            for bad in [
                "http://op.example/x",
                "http://127.0.0.1:27017/",
                "http://localhost/x",
                "file:///etc/passwd",
                "x",
            ] {
                let refused = read(&with(field, json!(bad)), ISSUER);
                assert!(refused.is_err(), "{field} {bad}");
            }
            assert!(read(&with(field, json!("https://other.example/x")), ISSUER).is_ok());
        }
        // A provider on a loopback address may have all its endpoints there.
        let local = json!({
            "issuer": "http://127.0.0.1:4000", "authorization_endpoint": "http://127.0.0.1:4000/auth",
            "token_endpoint": "http://127.0.0.1:4000/token", "jwks_uri": "http://127.0.0.1:4000/jwks",
        });
        assert!(read(&local, "http://127.0.0.1:4000").is_ok());
    }

    #[test]
    fn a_secret_is_shown_as_the_provider_likes_it() {
        let shown = |methods: Value| {
            let document = with("token_endpoint_auth_methods_supported", methods);
            read(&document, ISSUER).expect("read").authentication
        };
        let (basic, post, other) = ("client_secret_basic", "client_secret_post", "private_key_jwt");
        assert_eq!(shown(json!(null)), ClientAuthentication::Basic);
        assert_eq!(shown(json!([post, basic])), ClientAuthentication::Basic);
        assert_eq!(shown(json!([other, post])), ClientAuthentication::Post);
        assert_eq!(shown(json!([other])), ClientAuthentication::Other);
    }

    #[test]
    fn a_document_lies_below_its_issuer() {
        for (issuer, base) in [
            ("https://op.example", "https://op.example"),
            ("https://op.example/", "https://op.example"),
            ("https://op.example/a/b", "https://op.example/a/b"),
        ] {
            let document = format!("{base}/.well-known/openid-configuration");
            assert_eq!(document_of(issuer).expect("a URL").as_str(), document);
        }
    }
}
