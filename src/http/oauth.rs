//! `/oauth/…`: form requests, JSON responses (RFC 6749, 7009).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;
use tokio::time::timeout;
use tracing::Instrument;

use super::body::discard;
use super::client;
use super::fault::Fault;
use super::gateway::Gateway;
use super::headers::single;
use super::media::ContentType;
use super::memory::{ReservedMemory, exhausted};
use super::receive;
use super::request_id::RequestId;
use crate::app::App;
use crate::auth::{
    oauth::{self, BackendRequest, ClientCredentials, OAuthError, TokenAnswer},
    refresh_token,
};
use crate::context::RequestContext;
use crate::customer;
use crate::error::Error;
use crate::platform::{secret::Secret, upload::Uploads};
use crate::reach::principal::Principal;

/// Maximum length of a form, in bytes; a token has less than a kilobyte.
const MAX_FORM: u64 = 16 * 1024;

/// Maximum number of parameters in a form; no request of the standards has ten.
const MOST_PARAMETERS: usize = 50;
/// Maximum length of an Authorization header that is decoded, in bytes.
const LONGEST_BASIC: usize = 4096;

/// `POST /oauth/token`.
pub(super) async fn token(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    answered(gateway, request, async |asked| {
        let answer = granted(asked).await?;
        Ok(([(header::PRAGMA, "no-cache")], axum::Json(answer)).into_response())
    })
    .await
}

/// `POST /oauth/revoke`.
pub(super) async fn revoke(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    answered(gateway, request, async |asked| {
        revoked(asked).await?;
        Ok(StatusCode::OK.into_response())
    })
    .await
}

/// The request and its client.
struct TokenRequest {
    app: Arc<App>,
    parts: Parts,
    id: RequestId,
    form: Form,
    client: Option<ClientCredentials>,
}

impl TokenRequest {
    fn take(&mut self, name: &str) -> Option<String> {
        self.form.remove(name)
    }

    /// Returns a required parameter; `missing` is the error without it.
    fn required(&mut self, name: &str, missing: &'static str) -> Result<String, OAuthError> {
        self.take(name).ok_or(OAuthError::InvalidRequest(missing))
    }

    /// Returns the context for operations on behalf of this client's users.
    fn context(&self, principal: Principal) -> Arc<RequestContext> {
        let app = Arc::clone(&self.app);
        let id = self.id.as_str().to_owned();
        let mut context = RequestContext::new(app, principal, id, Uploads::default());
        client::introduce(&mut context, &self.parts);
        Arc::new(context)
    }
}

async fn granted(mut asked: TokenRequest) -> Result<TokenAnswer, TokenDenial> {
    let grant = asked.required("grant_type", "grant_type is missing.")?;
    let (app, client) = (Arc::clone(&asked.app), asked.client.take());
    match grant.as_str() {
        oauth::CLIENT_CREDENTIALS => {
            let request = BackendRequest {
                scope: asked.take("scope"),
                owner: asked.take("owner"),
            };
            Ok(oauth::for_backend(&app.access, &app.clock, client, request).await??)
        }
        oauth::PASSWORD | oauth::REFRESH_TOKEN => {
            let principal = oauth::public_client(&app.access, client).await??;
            for_customer(asked, &grant, principal).await
        }
        _ => Err(OAuthError::UnsupportedGrantType.into()),
    }
}

async fn for_customer(
    mut asked: TokenRequest,
    grant: &str,
    principal: Principal,
) -> Result<TokenAnswer, TokenDenial> {
    if asked.take("scope").is_some() {
        // What a customer may access follows from ownership of the data, not from scopes.
        return Err(OAuthError::InvalidScope.into());
    }
    let context = asked.context(principal);
    if grant == oauth::REFRESH_TOKEN {
        let token = asked.required("refresh_token", "refresh_token is missing.")?;
        return Ok(customer::oauth::by_refresh_token(&context, &token).await??);
    }
    let username = asked.required("username", "username is missing.")?;
    let password = asked.required("password", "password is missing.")?;
    Ok(customer::oauth::by_password(&context, username, password).await??)
}

async fn revoked(mut asked: TokenRequest) -> Result<(), TokenDenial> {
    let app = Arc::clone(&asked.app);
    let client = oauth::revoking_client(&app.access, asked.client.take()).await??;
    let token = asked.required("token", "token is missing.")?;
    if token.starts_with(refresh_token::PREFIX) {
        customer::oauth::revoke_refresh_token(&app, &client, &token).await??;
    } else {
        oauth::revoke_access_token(&app.access, &client, &token).await??;
    }
    Ok(())
}

/// Parses the form and processes it to the end, even if the client disconnects.
async fn answered<F>(
    gateway: Arc<Gateway>,
    request: Request,
    work: impl FnOnce(TokenRequest) -> F,
) -> Response
where
    F: Future<Output = Result<Response, TokenDenial>> + Send + 'static,
{
    let (parts, body) = request.into_parts();
    let id = RequestId::assigned(&parts.extensions);
    let address = client::of_request(&gateway.app.config.http, &parts);
    // The client is known only after the form is read.
    let mut held = match gateway.memory.of_stranger(address, &parts) {
        Ok(held) => held,
        Err(full) => {
            discard(body);
            return exhausted(full).into_response();
        }
    };
    let (form, client) = match read(&parts.headers, body, &mut held).await {
        Ok(read) => read,
        Err(denied) => return denied.into_response(&id),
    };
    let app = Arc::clone(&gateway.app);
    let (tasks, limit) = (app.tasks.clone(), app.config.http.request_timeout);
    let asked = TokenRequest {
        app,
        parts,
        id: id.clone(),
        form,
        client,
    };
    let task = tasks.spawn(work(asked).in_current_span());
    let outcome = match timeout(limit, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(Error::internal("the token endpoint panicked").into()),
        Err(_elapsed) => Err(Error::Timeout.into()),
    };
    outcome.unwrap_or_else(|denied| denied.into_response(&id))
}

/// Answers any other method.
pub(super) async fn other_method() -> Fault {
    Fault::method("POST", "Send the request by POST, with a form.")
}

/// Why a request gets no token.
enum TokenDenial {
    /// An OAuth error (RFC 6749 §5.2).
    Refusal(OAuthError),
    /// An HTTP error: the body is not a form.
    Fault(Fault),
    /// An error of the gateway.
    Error(Error),
}

impl TokenDenial {
    /// Converts it into a response. Errors of the gateway are logged.
    fn into_response(self, id: &RequestId) -> Response {
        let fault = match self {
            Self::Refusal(refusal) => return refused(refusal),
            Self::Fault(fault) => fault,
            Self::Error(error @ (Error::Unavailable(_) | Error::Timeout)) => {
                tracing::debug!(request_id = id.as_str(), error = ?error, "cannot answer a token request");
                Fault::unavailable("The database does not answer; please try again shortly.")
            }
            Self::Error(error) => {
                tracing::error!(request_id = id.as_str(), error = ?error, "token request failed");
                Fault::internal(id.as_str())
            }
        };
        fault.into_response()
    }
}

fn refused(refusal: OAuthError) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = (status, axum::Json(refusal.body())).into_response();
    let headers = response.headers_mut();
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"storefront-gateway\", charset=\"UTF-8\"");
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

impl From<OAuthError> for TokenDenial {
    fn from(refusal: OAuthError) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Fault> for TokenDenial {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for TokenDenial {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

type Form = BTreeMap<String, String>;

async fn read(
    headers: &HeaderMap,
    body: Body,
    held: &mut ReservedMemory,
) -> Result<(Form, Option<ClientCredentials>), TokenDenial> {
    let content_type = ContentType::of(headers);
    if !content_type.is_some_and(|known| known.is_utf8_of("application/x-www-form-urlencoded")) {
        discard(body);
        let message = "Send a form: Content-Type application/x-www-form-urlencoded.";
        return Err(OAuthError::InvalidRequest(message).into());
    }
    let body = receive::whole_body(headers, body, MAX_FORM, held).await?;
    let form = parse_form(&body)?;
    let client = client_of(headers, &form)?;
    Ok((form, client))
}

/// Parses the form's parameters. One without a value counts as missing, and none may be repeated (RFC 6749 §3.2).
fn parse_form(body: &[u8]) -> Result<Form, OAuthError> {
    let mut form = Form::new();
    if body.iter().filter(|byte| **byte == b'&').count() >= MOST_PARAMETERS {
        return Err(OAuthError::InvalidRequest("The form has too many parameters."));
    }
    for (name, value) in url::form_urlencoded::parse(body).filter(|(_, value)| !value.is_empty()) {
        if form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(OAuthError::InvalidRequest("A parameter was sent twice."));
        }
    }
    Ok(form)
}

/// Returns the client's credentials, sent by HTTP Basic or in the form, but not both (RFC 6749 §2.3). A client without
/// a secret sends only its id (§3.2.1).
fn client_of(headers: &HeaderMap, form: &Form) -> Result<Option<ClientCredentials>, OAuthError> {
    let secret = form.get("client_secret").cloned().map(Secret::from);
    let in_form = match (form.get("client_id").cloned(), secret) {
        (Some(id), secret) => Some(ClientCredentials { id, secret }),
        (None, Some(_)) => return Err(OAuthError::InvalidRequest("client_id is missing.")),
        (None, None) => None,
    };
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(in_form);
    }
    if in_form.as_ref().is_some_and(|client| client.secret.is_some()) {
        return Err(OAuthError::InvalidRequest(
            "Send the client's credentials by HTTP Basic or in the form, not both.",
        ));
    }
    let client = single(headers, header::AUTHORIZATION).and_then(basic);
    let client = client.ok_or(OAuthError::InvalidClient)?;
    // The form may repeat the id of HTTP Basic.
    if in_form.is_some_and(|named| named.id != client.id) {
        return Err(OAuthError::InvalidClient);
    }
    Ok(Some(client))
}

/// Parses HTTP Basic, where id and secret are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(value: &HeaderValue) -> Option<ClientCredentials> {
    if value.len() > LONGEST_BASIC {
        return None;
    }
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some(ClientCredentials {
        id: form_decoded(id).into_owned(),
        secret: (!secret.is_empty()).then(|| Secret::from(form_decoded(secret).into_owned())),
    })
}

/// Decodes a form-encoded text. Credentials of the gateway have no characters that need the encoding, so that clients
/// that omit it are accepted too.
fn form_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    // `&` and `=` separate pairs in a form; here they are literal.
    let literal = text.replace('&', "%26").replace('=', "%3D");
    let decoded = url::form_urlencoded::parse(literal.as_bytes()).next();
    Cow::Owned(decoded.map(|(name, _)| name.into_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(authorization: Option<&str>, body: &str) -> Result<Option<(String, String)>, OAuthError> {
        let mut headers = HeaderMap::new();
        if let Some(plain) = authorization {
            let value = format!("Basic {}", BASE64.encode(plain.as_bytes()));
            headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
        }
        let found = client_of(&headers, &parse_form(body.as_bytes())?)?;
        let secret =
            |secret: Option<Secret>| secret.map_or_else(String::new, |secret| secret.expose().to_owned());
        Ok(found.map(|found| (found.id, secret(found.secret))))
    }

    // DEF-01
    #[test]
    fn no_form_and_no_basic_credential_breaks_the_reader() {
        let form = b"grant_type=password&client_id=pk_a&username=a%40b.co&password=%C3%A4+x";
        crate::fuzz::each(10, &[form], |body| {
            if let Ok(form) = parse_form(body) {
                assert!(form.len() <= MOST_PARAMETERS);
            }
        });
        crate::fuzz::each_text(11, &["a%3Ab:c%2Bd+e&f=g"], |plain| {
            let value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(plain.as_bytes())));
            let read = basic(&value.expect("a header"));
            assert!(read.is_none_or(|client| client.id.len() <= LONGEST_BASIC));
        });
        crate::fuzz::each(12, &[b"Basic YTpi"], |value| {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                let _read = basic(&value);
            }
        });
        let many = parse_form("a=1&".repeat(MOST_PARAMETERS + 1).as_bytes());
        assert!(matches!(many, Err(OAuthError::InvalidRequest(_))));
    }

    #[test]
    fn a_client_says_who_it_is_in_one_way() {
        let pair = |id: &str, secret: &str| Ok(Some((id.to_owned(), secret.to_owned())));
        assert_eq!(client(None, "client_id=a&client_secret=b"), pair("a", "b"));
        assert_eq!(client(Some("a:b"), ""), pair("a", "b"));
        assert_eq!(client(Some("a%3Ab:c%2Bd+e&f=g"), ""), pair("a:b", "c+d e&f=g"));
        assert_eq!(client(Some("a:b"), "client_id=a"), pair("a", "b"));
        assert_eq!(client(Some("a:b"), "client_id=c"), Err(OAuthError::InvalidClient));
        assert_eq!(client(None, "client_id=pk_a"), pair("pk_a", ""));
        assert_eq!(client(Some("pk_a:"), ""), pair("pk_a", ""));
        assert_eq!(client(None, "grant_type=x"), Ok(None));
        for refused in [
            client(Some("a:b"), "client_id=a&client_secret=b"),
            client(None, "client_id=a&client_id=a"),
        ] {
            assert!(matches!(refused, Err(OAuthError::InvalidRequest(_))));
        }
        assert_eq!(client(Some("no colon"), ""), Err(OAuthError::InvalidClient));
    }
}
