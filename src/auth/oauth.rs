//! OAuth 2.0: authentication of the clients of the token endpoint, the client_credentials grant (RFC 6749 §4.4),
//! revocation (RFC 7009), and the authorization server's metadata (RFC 8414). Independent of HTTP except for the
//! status. The grants of customers are in [`customer::oauth`](crate::customer::oauth).

use serde::Serialize;
use serde_json::{Value, json};

use super::authenticate::Access;
use super::client::{ApiClient, ClientKind, PUBLIC_PREFIX};
use super::token::SignedToken;
use crate::error::Result;
use crate::platform::{
    clock::Clock,
    id::{ApiClientId, Id, MemberId},
    secret::Secret,
};
use crate::reach::principal::Principal;
use crate::reach::scope::{Scope, parse_list, write_list};

/// The credentials that a client presents, by HTTP Basic or form (RFC 6749 §2.3.1).
#[derive(Debug)]
pub struct ClientCredentials {
    /// `cli_…`, or a publishable key, `pk_…`, which is not secret and needs no secret.
    pub id: String,
    /// The client secret, `sk_…`.
    pub secret: Option<Secret>,
}

/// A backend's request to the token endpoint.
#[derive(Debug, Default)]
pub struct BackendRequest {
    /// Requested scopes; all of the client's if absent.
    pub scope: Option<String>,
    /// A member of the client's organization, recorded as the token's owner.
    pub owner: Option<String>,
}

/// A successful response (RFC 6749 §5.1).
#[derive(Debug, Serialize)]
pub struct TokenAnswer {
    /// The JWT.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Lifetime in seconds.
    pub expires_in: i64,
    /// The refresh token of a customer's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The granted scopes; a customer's token has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl TokenAnswer {
    /// The response with this access token.
    #[must_use]
    pub fn bearer(signed: SignedToken, clock: &Clock) -> Self {
        Self {
            expires_in: signed.expires_at.seconds() - clock.now().seconds(),
            access_token: signed.token,
            token_type: "Bearer",
            refresh_token: None,
            scope: None,
        }
    }
}

/// An error response (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthError {
    /// A parameter is missing or repeated.
    InvalidRequest(&'static str),
    /// Unknown client or wrong secret; the response is the same for both.
    InvalidClient,
    /// Wrong credentials of a customer, or a refresh token that does not work.
    InvalidGrant(&'static str),
    /// A scope that is unknown or that the client does not have.
    InvalidScope,
    /// The client may not use the grant.
    UnauthorizedClient,
    /// The endpoint does not support the grant.
    UnsupportedGrantType,
    /// Too many attempts; holds the seconds after which to retry.
    TooMany(i32),
    /// The operation could not be saved, and none of it was kept.
    Unavailable,
}

impl OAuthError {
    /// Seconds after which to retry, if known.
    #[must_use]
    pub fn retry_after(self) -> Option<i32> {
        match self {
            Self::TooMany(seconds) => Some(seconds),
            Self::Unavailable => Some(1),
            _ => None,
        }
    }

    /// HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            // RFC 6749 defines no token endpoint error for these two; the authorization endpoint has one (§4.1.2.1).
            Self::TooMany(_) => 429,
            Self::Unavailable => 503,
            _ => 400,
        }
    }

    /// Response body.
    #[must_use]
    pub fn body(self) -> Value {
        let (error, description) = match self {
            Self::InvalidRequest(what) => ("invalid_request", what),
            Self::InvalidClient => ("invalid_client", "The client is unknown or its secret is wrong."),
            Self::InvalidGrant(why) => ("invalid_grant", why),
            Self::InvalidScope => (
                "invalid_scope",
                "A scope is unknown or was not granted to this client.",
            ),
            Self::UnauthorizedClient => ("unauthorized_client", "This client may not use this grant."),
            Self::UnsupportedGrantType => (
                "unsupported_grant_type",
                "This grant_type is not supported. The server's metadata lists those that are.",
            ),
            Self::TooMany(_) => (
                "temporarily_unavailable",
                "Too many attempts. Try again after the time in Retry-After.",
            ),
            Self::Unavailable => (
                "temporarily_unavailable",
                "The change could not be saved and had no effect; please try again shortly.",
            ),
        };
        json!({ "error": error, "error_description": description })
    }
}

/// Grant of a backend.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";
/// Grant of a customer with e-mail address and password.
pub const PASSWORD: &str = "password";
/// Grant of a customer with a refresh token.
pub const REFRESH_TOKEN: &str = "refresh_token";
/// Grants that the endpoint supports.
const GRANTS: &[&str] = &[CLIENT_CREDENTIALS, PASSWORD, REFRESH_TOKEN];
/// Authentication methods of clients. A client without a secret sends its id only (RFC 8414 §2, RFC 7591 §2).
const CLIENT_METHODS: &[&str] = &["client_secret_basic", "client_secret_post", "none"];

/// The result of a request of a client; the outer error is the gateway's, such as a database that does not respond.
type OAuthOutcome<T> = Result<Result<T, OAuthError>>;

/// Executes the client_credentials grant.
pub async fn for_backend(
    access: &Access,
    clock: &Clock,
    client: Option<ClientCredentials>,
    request: BackendRequest,
) -> OAuthOutcome<TokenAnswer> {
    let client = match authenticated(access, client).await? {
        None => return Ok(Err(OAuthError::InvalidClient)),
        Some(Asking::Public(_)) => return Ok(Err(OAuthError::UnauthorizedClient)),
        Some(Asking::Backend(client)) => client,
    };
    let Some(scopes) = granted(&client, request.scope.as_deref()) else {
        return Ok(Err(OAuthError::InvalidScope));
    };
    let owner = match &request.owner {
        Some(owner) => {
            let Some(member) = member(access, &client, owner).await? else {
                let message = "owner is not a member of the client's organization.";
                return Ok(Err(OAuthError::InvalidRequest(message)));
            };
            Some(member)
        }
        None => None,
    };
    let signed = (access.tokens).issue_integration(&client, &scopes, owner.as_ref())?;
    Ok(Ok(TokenAnswer {
        scope: Some(write_list(&scopes)),
        ..TokenAnswer::bearer(signed, clock)
    }))
}

/// The member of the client's organization with this id.
async fn member(access: &Access, client: &ApiClient, id: &str) -> Result<Option<MemberId>> {
    let Some(id) = MemberId::parse(id) else {
        return Ok(None);
    };
    let member = access
        .organizations
        .find_member(&client.organization_id, &id)
        .await?;
    Ok(member.map(|member| member.id))
}

/// An authenticated client.
enum Asking {
    /// A backend, by its secret.
    Backend(Box<ApiClient>),
    /// A publishable key.
    Public(Principal),
}

/// The client, if it is known and not revoked, and the secret is its own. One lookup by the secret's fingerprint,
/// whether the client's id is known or not, so that response and time are the same.
async fn authenticated(access: &Access, credentials: Option<ClientCredentials>) -> Result<Option<Asking>> {
    let Some(ClientCredentials { id, secret }) = credentials else {
        return Ok(None);
    };
    let Some(secret) = secret else {
        return match id.starts_with(PUBLIC_PREFIX) {
            true => public(access, &id).await,
            false => Ok(None),
        };
    };
    match access.client_of_secret(secret.expose()).await? {
        Some(client) if client.id.as_str() != id => Ok(None),
        Some(client) if client.kind == ClientKind::Public => public(access, secret.expose()).await,
        client => Ok(client.map(Box::new).map(Asking::Backend)),
    }
}

async fn public(access: &Access, key: &str) -> Result<Option<Asking>> {
    Ok(access.authenticate(key).await?.ok().map(Asking::Public))
}

/// The principal of the publishable key for whose storefront a customer's grant is requested; the key is the client's
/// id.
pub async fn public_client(access: &Access, client: Option<ClientCredentials>) -> OAuthOutcome<Principal> {
    Ok(match authenticated(access, client).await? {
        None => Err(OAuthError::InvalidClient),
        Some(Asking::Backend(_)) => Err(OAuthError::UnauthorizedClient),
        Some(Asking::Public(principal)) => Ok(principal),
    })
}

/// The requested scopes, if the client has all of them; all of its scopes if none are requested.
fn granted(client: &ApiClient, wanted: Option<&str>) -> Option<Vec<Scope>> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.trim().is_empty()) else {
        return Some(client.scopes.clone());
    };
    let wanted = parse_list(wanted)?;
    let has_all = wanted.iter().all(|scope| client.scopes.contains(scope));
    has_all.then_some(wanted)
}

/// The id of the client that requests a revocation.
pub async fn revoking_client(
    access: &Access,
    client: Option<ClientCredentials>,
) -> OAuthOutcome<ApiClientId> {
    let id = match authenticated(access, client).await? {
        None => None,
        Some(Asking::Backend(client)) => Some(client.id),
        Some(Asking::Public(principal)) => principal.standing().and_then(|known| known.client().cloned()),
    };
    Ok(id.ok_or(OAuthError::InvalidClient))
}

/// Revokes an access token (RFC 7009 §2). An unknown or ended token is no error; another client's token is refused and
/// stays valid. An anonymous user's token is revoked also after it has expired, because it can still be presented at a
/// sign-in.
pub async fn revoke_access_token(access: &Access, client: &ApiClientId, token: &str) -> OAuthOutcome<()> {
    match access.revocable(token).await? {
        None => Ok(Ok(())),
        Some(claims) if claims.client_id == client.as_str() => access.revoke_token(&claims).await.map(Ok),
        Some(_) => Ok(Err(OAuthError::UnauthorizedClient)),
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
        "token_endpoint_auth_methods_supported": CLIENT_METHODS,
        "revocation_endpoint_auth_methods_supported": CLIENT_METHODS,
    })
}
