//! Exchange of an authorization code for verified claims about a person (OpenID Connect Core 1.0 §3.1.3, RFC 7636
//! §4.5).

use std::time::Duration;

use data_encoding::BASE64;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::claims::{PersonClaims, Profile, text};
use super::discovery::{self, Age, ClientAuthentication, ProviderMetadata};
use super::fault::ProviderFault::{self, Untrusted};
use super::id_token::{self, ExpectedClaims};
use super::{IdentityProvider, keys};
use crate::app::App;
use crate::error::Error;
use crate::platform::{
    fetch::{Question, Unread},
    id::Id,
    secret::Secret,
};

/// Maximum duration of all requests until an id token is verified, so that the response is sent before the request's
/// deadline.
const LIMIT: Duration = Duration::from_secs(8);

/// An authorization code, and what it is checked against at the provider and in the id token.
pub struct CodeGrant {
    /// Authorization code.
    pub code: Secret,
    /// Redirect URI of the authorization request.
    pub redirect_uri: String,
    /// Code verifier, from which the code challenge was derived.
    pub code_verifier: Secret,
    /// Nonce that the id token must contain.
    pub nonce: String,
}

/// A person whom a provider has authenticated.
pub struct AuthenticatedPerson {
    /// The provider's identifier of the person.
    pub subject: String,
    claims: PersonClaims,
    access_token: Option<Secret>,
    userinfo_endpoint: Option<Url>,
}

/// A provider's response to a valid code.
struct ProviderTokens {
    id_token: Secret,
    access_token: Option<Secret>,
}

/// Exchanges a code for a person whom the provider has authenticated.
///
/// # Errors
/// IDENTITY_PROVIDER_REJECTED on the field that caused it; RATE_LIMITED if too many exchanges are in progress.
pub async fn authenticate(
    app: &App,
    provider: &IdentityProvider,
    grant: &CodeGrant,
) -> Result<AuthenticatedPerson, Error> {
    let secret = match &provider.sealed_secret {
        Some(sealed) => {
            let opened = app.vault.open(provider.id.as_str(), &sealed.bytes)?;
            Some(Secret::from(String::from_utf8(opened).map_err(Error::internal)?))
        }
        None => None,
    };
    let exchanged = timeout(LIMIT, exchange(app, provider, secret.as_ref(), grant)).await;
    let exchanged = exchanged.unwrap_or(Err(ProviderFault::Down(Unread::Slow)));
    exchanged.map_err(|fault| fault.reported(provider))
}

/// Exchanges the code and verifies the id token, without a time limit of its own.
async fn exchange(
    app: &App,
    provider: &IdentityProvider,
    secret: Option<&Secret>,
    grant: &CodeGrant,
) -> Result<AuthenticatedPerson, ProviderFault> {
    let metadata = discovery::metadata(app, provider, Age::Fresh).await?;
    let tokens = redeem(app, provider, &metadata, secret, grant).await?;
    let header = id_token::header(tokens.id_token.expose())?;
    let key_id = header.key_id.as_deref();
    let key = keys::find(app, &metadata.jwks_uri, header.algorithm, key_id).await?;
    let expected = ExpectedClaims {
        issuer: &provider.issuer,
        client_id: &provider.client_id,
        nonce: &grant.nonce,
        access_token: tokens.access_token.as_ref().map(Secret::expose),
        now: app.clock.now(),
    };
    let claims = id_token::verify(tokens.id_token.expose(), &key, header.algorithm, &expected)?;
    Ok(AuthenticatedPerson {
        subject: text(&claims, "sub").unwrap_or_default().to_owned(),
        claims,
        access_token: tokens.access_token,
        userinfo_endpoint: metadata.userinfo_endpoint,
    })
}

/// Redeems the code at the token endpoint.
async fn redeem(
    app: &App,
    provider: &IdentityProvider,
    metadata: &ProviderMetadata,
    secret: Option<&Secret>,
    grant: &CodeGrant,
) -> Result<ProviderTokens, ProviderFault> {
    let request = token_request(provider, metadata, secret, grant)?;
    let response = app.fetcher.ask(request).await.map_err(|unread| match unread {
        Unread::TooLarge => Untrusted("the token response is too long"),
        other => ProviderFault::Down(other),
    })?;
    let body: Option<Value> = response.json_of_any_status().ok();
    match (response.status, body) {
        (200, Some(body)) => tokens(&body),
        (400 | 401, Some(body)) => Err(refused(&body)),
        (500.., _) => Err(ProviderFault::Down(Unread::Unreachable)),
        _ => Err(Untrusted("the response to the code is not a token response")),
    }
}

fn token_request<'a>(
    provider: &IdentityProvider,
    metadata: &'a ProviderMetadata,
    secret: Option<&Secret>,
    grant: &CodeGrant,
) -> Result<Question<'a>, ProviderFault> {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", grant.code.expose())
        .append_pair("redirect_uri", &grant.redirect_uri)
        .append_pair("code_verifier", grant.code_verifier.expose());
    let mut authorization = None;
    match (secret, metadata.authentication) {
        (None, _) => _ = form.append_pair("client_id", &provider.client_id),
        (Some(secret), ClientAuthentication::Basic) => {
            authorization = Some(basic(&provider.client_id, secret));
        }
        (Some(secret), ClientAuthentication::Post) => {
            form.append_pair("client_id", &provider.client_id)
                .append_pair("client_secret", secret.expose());
        }
        (Some(_), ClientAuthentication::Other) => {
            return Err(Untrusted(
                "the provider supports neither client_secret_basic nor client_secret_post",
            ));
        }
    }
    Ok(Question {
        url: &metadata.token_endpoint,
        authorization,
        form: Some(Secret::from(form.finish())),
    })
}

/// Returns the value of HTTP Basic, both halves form-encoded first (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &Secret) -> Secret {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::from(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
    Secret::from(format!("Basic {}", BASE64.encode(pair.expose().as_bytes())))
}

fn tokens(body: &Value) -> Result<ProviderTokens, ProviderFault> {
    let token = |name: &str| body.get(name).and_then(Value::as_str).map(Secret::from);
    Ok(ProviderTokens {
        id_token: token("id_token").ok_or(Untrusted("the token response has no id token"))?,
        access_token: token("access_token"),
    })
}

/// Maps the error codes of RFC 6749 §5.2. Other text of the provider is untrusted and stays out of the log.
fn refused(body: &Value) -> ProviderFault {
    ProviderFault::Refused(match body.get("error").and_then(Value::as_str) {
        Some("invalid_grant") => return ProviderFault::CodeRefused,
        Some("invalid_client") => "the provider refused the client id or client secret (invalid_client)",
        Some("unauthorized_client") => {
            "the provider does not allow this client to use codes (unauthorized_client)"
        }
        Some("unsupported_grant_type") => {
            "the provider does not support authorization codes (unsupported_grant_type)"
        }
        Some("invalid_request") => "the provider rejected the request (invalid_request)",
        _ => "the provider refused without a known reason",
    })
}

impl AuthenticatedPerson {
    /// Returns the profile of the person. If the id token has no address, it is requested from the userinfo endpoint:
    /// providers may return it only there (OpenID Connect Core 1.0 §5.4).
    ///
    /// # Errors
    /// IDENTITY_PROVIDER_REJECTED if the endpoint fails or its response is invalid.
    pub async fn profile(&self, app: &App, provider: &IdentityProvider) -> Result<Profile, Error> {
        let mut claims = self.claims.clone();
        if !claims.contains_key("email")
            && let (Some(token), Some(url)) = (&self.access_token, &self.userinfo_endpoint)
        {
            let more = self.userinfo(app, url, token).await;
            claims.extend(more.map_err(|fault| fault.reported(provider))?);
        }
        Ok(Profile::of(&claims))
    }

    async fn userinfo(&self, app: &App, url: &Url, token: &Secret) -> Result<PersonClaims, ProviderFault> {
        let request = Question {
            authorization: Some(Secret::from(format!("Bearer {}", token.expose()))),
            ..Question::get(url)
        };
        let Value::Object(claims) = app.fetcher.ask(request).await?.json()? else {
            return Err(Untrusted("the userinfo response is not a JSON object"));
        };
        // §5.3.2: otherwise the claims may be another person's.
        if text(&claims, "sub") != Some(&self.subject) {
            return Err(Untrusted(
                "the userinfo response has another subject (sub) than the id token",
            ));
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
    #[test]
    fn a_client_id_with_a_colon_is_told_from_its_secret() {
        let header = basic("a:b c", &Secret::from("s%/ü"));
        assert_eq!(
            header.expose(),
            format!("Basic {}", BASE64.encode(b"a%3Ab+c:s%25%2F%C3%BC"))
        );
    }

    // EPC-09
    #[test]
    fn epc_09_who_is_to_blame_is_told_by_the_field_and_nothing_of_what_was_sent() {
        let field = |body: Value| refused(&body).refusal().field.expect("a field").join(".");
        assert_eq!(field(json!({ "error": "invalid_grant" })), "code");
        for code in [json!("invalid_client"), json!("hunter2"), json!(1), json!(null)] {
            let other = json!({ "error": code });
            assert_eq!(field(other.clone()), "provider");
            assert!(!refused(&other).to_string().contains("hunter2"));
        }
        assert_eq!(field(json!(null)), "provider");
    }
}
