//! OAuth 2.0: the token endpoint's client_credentials grant (RFC 6749 §4.4), revocation (RFC 7009), and the
//! authorization server's metadata (RFC 8414). Knows no HTTP beyond the status.

use serde::Serialize;
use serde_json::{Value, json};

use super::authenticate::Access;
use super::client::{ApiClient, ClientKind};
use super::scope::{Scope, parse_list, write_list};
use super::token::IntegrationSubject;
use crate::error::Result;
use crate::platform::{
    clock::Clock,
    id::{Id, MemberId},
    secret::Secret,
};

/// A client's own credentials, by HTTP Basic or form (RFC 6749 §2.3.1).
#[derive(Debug)]
pub struct ClientCredentials {
    /// `cli_…`.
    pub id: String,
    /// `sk_…`.
    pub secret: Secret,
}

/// A request to the token endpoint.
#[derive(Debug, Default)]
pub struct TokenRequest {
    /// Which grant.
    pub grant_type: Option<String>,
    /// Wanted scopes; all of the client's when left out.
    pub scope: Option<String>,
    /// A member of the client's organization, recorded as the token's owner.
    pub owner: Option<String>,
    /// Who asks.
    pub client: Option<ClientCredentials>,
}

/// A successful answer (RFC 6749 §5.1).
#[derive(Debug, Serialize)]
pub struct TokenAnswer {
    /// The JWT.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Lifetime in seconds.
    pub expires_in: i64,
    /// The scopes that were granted.
    pub scope: String,
}

/// An error answer (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A parameter is missing or repeated.
    InvalidRequest(&'static str),
    /// Unknown client or wrong secret: the same answer.
    InvalidClient,
    /// A scope that is unknown or not the client's.
    InvalidScope,
    /// The grant is not for this client.
    UnauthorizedClient,
    /// The grant is not one of ours.
    UnsupportedGrantType,
}

impl Refusal {
    /// HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        if self == Self::InvalidClient { 401 } else { 400 }
    }

    /// Body.
    #[must_use]
    pub fn body(self) -> Value {
        let (error, description) = match self {
            Self::InvalidRequest(what) => ("invalid_request", what),
            Self::InvalidClient => ("invalid_client", "The client is unknown or its secret is wrong."),
            Self::InvalidScope => (
                "invalid_scope",
                "A scope is unknown or was not given to this client.",
            ),
            Self::UnauthorizedClient => ("unauthorized_client", "This client may not use this grant."),
            Self::UnsupportedGrantType => (
                "unsupported_grant_type",
                "The grants of this endpoint are listed in the server's metadata.",
            ),
        };
        json!({ "error": error, "error_description": description })
    }
}

/// Grants that the endpoint knows.
pub const GRANTS: &[&str] = &["client_credentials"];

/// Answers the token endpoint.
///
/// # Errors
/// The outer error when the database does not answer.
pub async fn token(
    access: &Access,
    clock: &Clock,
    request: TokenRequest,
) -> Result<std::result::Result<TokenAnswer, Refusal>> {
    let TokenRequest {
        grant_type,
        scope,
        owner,
        client,
    } = request;
    match grant_type.as_deref() {
        None => return Ok(Err(Refusal::InvalidRequest("grant_type is missing."))),
        Some("client_credentials") => {}
        Some(_) => return Ok(Err(Refusal::UnsupportedGrantType)),
    }
    let Some(client) = authenticated(access, client).await? else {
        return Ok(Err(Refusal::InvalidClient));
    };
    if client.kind != ClientKind::Integration {
        return Ok(Err(Refusal::UnauthorizedClient));
    }
    let Some(scopes) = granted(&client, scope.as_deref()) else {
        return Ok(Err(Refusal::InvalidScope));
    };
    let Ok(owner) = owner_of(access, &client, owner.as_deref()).await? else {
        return Ok(Err(Refusal::InvalidRequest(
            "owner is not a member of the client's organization.",
        )));
    };
    let storefront = match client.storefront_ids.as_deref() {
        Some([one]) => Some(one),
        _ => None,
    };
    let signed = access.tokens.issue_integration(&IntegrationSubject {
        client: &client.id,
        organization: &client.organization_id,
        storefront,
        scopes: &scopes,
        owner: owner.as_ref(),
    })?;
    Ok(Ok(TokenAnswer {
        access_token: signed.token,
        token_type: "Bearer",
        expires_in: signed.expires_at.seconds() - clock.now().seconds(),
        scope: write_list(&scopes),
    }))
}

/// The member on whose behalf the token is asked for; an error for one that is none of the organization's.
async fn owner_of(
    access: &Access,
    client: &ApiClient,
    owner: Option<&str>,
) -> Result<std::result::Result<Option<MemberId>, NoMember>> {
    let Some(owner) = owner else { return Ok(Ok(None)) };
    let Some(id) = MemberId::parse(owner) else {
        return Ok(Err(NoMember));
    };
    let member = access
        .organizations
        .find_member(&client.organization_id, &id)
        .await?;
    Ok(member.map(|member| Some(member.id)).ok_or(NoMember))
}

struct NoMember;

/// The client, when it is known, stands, and the secret is its own. One lookup by the secret's fingerprint, whether the
/// client's id is known or not: the same answer in the same time.
async fn authenticated(access: &Access, credentials: Option<ClientCredentials>) -> Result<Option<ApiClient>> {
    let Some(ClientCredentials { id, secret }) = credentials else {
        return Ok(None);
    };
    let found = access.client_of_secret(secret.expose()).await?;
    Ok(found.filter(|client| client.id.as_str() == id))
}

/// The wanted scopes, which must be the client's; all of its when none are named.
fn granted(client: &ApiClient, wanted: Option<&str>) -> Option<Vec<Scope>> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.trim().is_empty()) else {
        return Some(client.scopes.clone());
    };
    let wanted = parse_list(wanted)?;
    wanted
        .iter()
        .all(|scope| client.scopes.contains(scope))
        .then_some(wanted)
}

/// Answers the revocation endpoint (RFC 7009 §2). A token that is unknown, or has ended, is no error; another client's is
/// refused and stays.
///
/// # Errors
/// The outer error when the database does not answer.
pub async fn revoke(
    access: &Access,
    client: Option<ClientCredentials>,
    token: Option<&str>,
) -> Result<std::result::Result<(), Refusal>> {
    let Some(client) = authenticated(access, client).await? else {
        return Ok(Err(Refusal::InvalidClient));
    };
    let Some(token) = token else {
        return Ok(Err(Refusal::InvalidRequest("token is missing.")));
    };
    match access.tokens.verify(token).await? {
        None => Ok(Ok(())),
        Some(claims) if claims.client_id == client.id.as_str() => {
            access.revoke_token(&claims).await?;
            Ok(Ok(()))
        }
        Some(_) => Ok(Err(Refusal::UnauthorizedClient)),
    }
}

/// The authorization server's metadata (RFC 8414 §2).
#[must_use]
pub fn metadata(public_url: &str) -> Value {
    let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.text()).collect();
    json!({
        "issuer": public_url,
        "token_endpoint": format!("{public_url}/oauth/token"),
        "revocation_endpoint": format!("{public_url}/oauth/revoke"),
        "jwks_uri": format!("{public_url}/.well-known/jwks.json"),
        "grant_types_supported": GRANTS,
        "response_types_supported": [],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })
}
