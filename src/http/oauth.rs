//! `/oauth/…` and what is public about the authorization server: forms in, JSON out (RFC 6749, 7009, 7517, 8414).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;

use super::fault::Fault;
use super::frame::RequestId;
use super::gateway::Gateway;
use super::media::ContentType;
use super::request;
use crate::access::oauth::{self, ClientCredentials, Refusal, TokenRequest};
use crate::error::{Error, Result as HouseResult};
use crate::platform::secret::Secret;

/// Forms are short; a token has less than a kilobyte.
const MAX_FORM: u64 = 16 * 1024;

/// `POST /oauth/token`.
pub(super) async fn token(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let id = RequestId::assigned(request.extensions());
    let (form, client) = match read(request).await {
        Ok(read) => read,
        Err(denied) => return denied.into_response(),
    };
    let take = |name: &str| form.get(name).cloned();
    let asked = TokenRequest {
        grant_type: take("grant_type"),
        scope: take("scope"),
        owner: take("owner"),
        client,
    };
    let app = &gateway.app;
    match told(oauth::token(&app.access, &app.clock, asked).await, &id) {
        Ok(answer) => ([(header::PRAGMA, "no-cache")], axum::Json(answer)).into_response(),
        Err(denied) => denied.into_response(),
    }
}

/// `POST /oauth/revoke`.
pub(super) async fn revoke(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let id = RequestId::assigned(request.extensions());
    let (form, client) = match read(request).await {
        Ok(read) => read,
        Err(denied) => return denied.into_response(),
    };
    let token = form.get("token").map(String::as_str);
    match told(oauth::revoke(&gateway.app.access, client, token).await, &id) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(denied) => denied.into_response(),
    }
}

/// Any other method.
pub(super) async fn other_method() -> Fault {
    Fault::method("POST", "This is asked by POST, with a form.")
}

/// `GET /.well-known/jwks.json`.
pub(super) async fn jwks(State(gateway): State<Arc<Gateway>>) -> Response {
    public(
        gateway.app.access.tokens.keys.jwks().to_string().into(),
        "application/jwk-set+json",
    )
}

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn metadata(State(gateway): State<Arc<Gateway>>) -> Response {
    public(gateway.metadata.clone().into(), "application/json")
}

/// Keys are rotated in within a minute, so that nobody may keep them for longer.
fn public(body: Body, content_type: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "public, max-age=60"),
    ];
    (headers, body).into_response()
}

/// Why a request gets no token.
enum Denied {
    /// As the standard has it (RFC 6749 §5.2).
    Refusal(Refusal),
    /// It is not even a form.
    Fault(Fault),
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let refusal = match self {
            Self::Refusal(refusal) => refusal,
            Self::Fault(fault) => return fault.into_response(),
        };
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, axum::Json(refusal.body())).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"storefront-gateway\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The outcome as it can be told; what went wrong on our side is logged.
fn told<T>(outcome: HouseResult<Result<T, Refusal>>, id: &RequestId) -> Result<T, Denied> {
    match outcome {
        Ok(outcome) => outcome.map_err(Denied::Refusal),
        Err(error @ (Error::Unavailable(_) | Error::Timeout)) => {
            tracing::debug!(request_id = id.as_str(), error = ?error, "the token endpoint could not answer");
            Err(Fault::unavailable("The database does not answer; please try again shortly.").into())
        }
        Err(error) => {
            tracing::error!(request_id = id.as_str(), error = ?error, "the token endpoint failed");
            Err(Fault::internal(id.as_str()).into())
        }
    }
}

type Form = BTreeMap<String, String>;

async fn read(request: Request) -> Result<(Form, Option<ClientCredentials>), Denied> {
    let (parts, body) = request.into_parts();
    let content_type = ContentType::of(&parts.headers);
    let is_form = content_type
        .is_some_and(|known| known.essence == "application/x-www-form-urlencoded" && known.is_utf8());
    if !is_form {
        return Err(
            Refusal::InvalidRequest("Send a form: Content-Type application/x-www-form-urlencoded.").into(),
        );
    }
    let body = request::whole_body(&parts.headers, body, MAX_FORM).await?;
    let form = parse_form(&body)?;
    let client = client_of(&parts.headers, &form)?;
    Ok((form, client))
}

/// The form's parameters. One without a value counts as left out, and none may stand twice (RFC 6749 §3.2).
fn parse_form(body: &[u8]) -> Result<Form, Refusal> {
    let mut form = Form::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if value.is_empty() {
            continue;
        }
        if form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(Refusal::InvalidRequest("A parameter stands twice."));
        }
    }
    Ok(form)
}

/// The client's credentials: by HTTP Basic or in the form, but not both (RFC 6749 §2.3).
fn client_of(headers: &HeaderMap, form: &Form) -> Result<Option<ClientCredentials>, Refusal> {
    let in_form = match (form.get("client_id"), form.get("client_secret")) {
        (Some(id), Some(secret)) => Some(ClientCredentials {
            id: id.clone(),
            secret: Secret::from(secret.clone()),
        }),
        (None, Some(_)) => return Err(Refusal::InvalidRequest("client_id is missing.")),
        (_, None) => None,
    };
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(in_form),
        (Some(_), _) if in_form.is_some() => Err(Refusal::InvalidRequest(
            "Send the client's credentials by HTTP Basic or in the form, not both.",
        )),
        (Some(value), None) => basic(value).map(Some).ok_or(Refusal::InvalidClient),
        (Some(_), Some(_)) => Err(Refusal::InvalidClient),
    }
}

/// The credentials of HTTP Basic, whose id and secret are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(value: &HeaderValue) -> Option<ClientCredentials> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some(ClientCredentials {
        id: form_decoded(id).into_owned(),
        secret: Secret::from(form_decoded(secret).into_owned()),
    })
}

/// One form-encoded text. Ours have nothing that needs the encoding, so that clients which leave it out get in too.
fn form_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    // `&` and `=` part a form's pairs; here they are literal.
    let literal = text.replace('&', "%26").replace('=', "%3D");
    let decoded = url::form_urlencoded::parse(literal.as_bytes()).next();
    Cow::Owned(decoded.map(|(name, _)| name.into_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(authorization: Option<&str>, body: &str) -> Result<Option<(String, String)>, Refusal> {
        let mut headers = HeaderMap::new();
        if let Some(plain) = authorization {
            let value = format!("Basic {}", BASE64.encode(plain.as_bytes()));
            headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
        }
        let found = client_of(&headers, &parse_form(body.as_bytes())?)?;
        Ok(found.map(|found| (found.id, found.secret.expose().to_owned())))
    }

    #[test]
    fn a_client_says_who_it_is_in_one_way() {
        let pair = |id: &str, secret: &str| Ok(Some((id.to_owned(), secret.to_owned())));
        assert_eq!(client(None, "client_id=a&client_secret=b"), pair("a", "b"));
        assert_eq!(client(Some("a:b"), ""), pair("a", "b"));
        assert_eq!(client(Some("a%3Ab:c%2Bd+e&f=g"), ""), pair("a:b", "c+d e&f=g"));
        assert_eq!(client(Some("a:b"), "client_id=a"), pair("a", "b"));
        assert_eq!(client(None, "grant_type=x"), Ok(None));
        assert!(matches!(
            client(Some("a:b"), "client_id=a&client_secret=b"),
            Err(Refusal::InvalidRequest(_))
        ));
        assert!(matches!(
            client(None, "client_id=a&client_id=a"),
            Err(Refusal::InvalidRequest(_))
        ));
        assert_eq!(client(Some("no colon"), ""), Err(Refusal::InvalidClient));
    }
}
