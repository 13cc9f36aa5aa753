//! Public documents: the keys of access tokens, the metadata of the authorization server, the schema. Each response has
//! an entity tag (RFC 9110 §8.8.3), so that clients can revalidate a cached copy.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use tokio::time::timeout;

use super::compress;
use super::compress::{Coding, Digest, ResponseContent};
use super::content::range::is_known;
use super::fault::Fault;
use super::gateway::Gateway;
use crate::auth::keys::JWKS_MAX_AGE;
use crate::platform::crypto::digest;

/// How long a request for the keys waits for the database; after that it is answered from the known keys.
const LOOK: Duration = Duration::from_secs(1);

/// A public document.
#[derive(Clone, Debug)]
pub(super) struct PublishedDocument {
    content: Bytes,
    digest: Digest,
}

impl PublishedDocument {
    pub(super) fn new(content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self {
            digest: digest(&content),
            content,
        }
    }
}

/// `GET /.well-known/jwks.json`. A revoked key disappears at once, not only when the node next reloads the keys.
pub(super) async fn jwks(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let app = Arc::clone(&gateway.app);
    // A task of its own, because a future of the database driver must not be dropped halfway.
    let looking = app.tasks.spawn({
        let app = Arc::clone(&app);
        async move { app.access.tokens.keys.look_again().await }
    });
    // If the keys cannot be read now, the response may be cached for a shorter time.
    let _late_or_failed = timeout(LOOK, looking).await;
    let Some(jwks) = app.access.tokens.keys.jwks() else {
        return Fault::unavailable("The keys cannot be read at the moment.").into_response();
    };
    let kind = DocumentKind {
        content_type: "application/jwk-set+json",
        max_age: jwks.max_age,
    };
    // The set of keys changes, so its compressed form is not kept.
    let coded = |plain: Bytes, coding| async move {
        let coded = compress::quickly(coding, plain.clone()).await;
        ResponseContent::coded(plain, coded)
    };
    tagged(&headers, &kind, &PublishedDocument::new(jwks.text), coded).await
}

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn metadata(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let kind = DocumentKind {
        content_type: "application/json",
        max_age: JWKS_MAX_AGE,
    };
    kept(&headers, &kind, &gateway.metadata, &gateway).await
}

/// `GET /schema.graphql`; `None` if introspection is off.
pub(super) async fn sdl(headers: &HeaderMap, gateway: &Gateway) -> Option<Response> {
    let kind = DocumentKind {
        content_type: "text/plain; charset=utf-8",
        max_age: Duration::ZERO,
    };
    Some(kept(headers, &kind, gateway.sdl.as_ref()?, gateway).await)
}

struct DocumentKind {
    content_type: &'static str,
    /// How long a copy may be used without revalidation.
    max_age: Duration,
}

/// Responds with a content that never changes.
async fn kept(
    headers: &HeaderMap,
    kind: &DocumentKind,
    published: &PublishedDocument,
    gateway: &Gateway,
) -> Response {
    let coded = |plain, coding| gateway.kept.content(plain, published.digest, coding);
    tagged(headers, kind, published, coded).await
}

/// Responds with a content in the coding that the client prefers, or with 304 if the client has it.
async fn tagged<F>(
    headers: &HeaderMap,
    kind: &DocumentKind,
    published: &PublishedDocument,
    coded: impl FnOnce(Bytes, Coding) -> F,
) -> Response
where
    F: Future<Output = ResponseContent>,
{
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&published.digest));
    let cache = match kind.max_age.as_secs() {
        0 => "no-cache".to_owned(),
        seconds => format!("public, max-age={seconds}"),
    };
    let plain = published.content.clone();
    let is_large = plain.len() >= compress::LEAST;
    let coding = Coding::accepted(headers).filter(|_| is_large);
    let is_known = is_known(headers, &tag);
    let content = match coding {
        Some(coding) if !is_known => coded(plain, coding).await,
        // A 304 carries the entity tag of the complete response (RFC 9110 §15.4.5).
        Some(_) | None => ResponseContent { bytes: plain, coding },
    };
    let head = [
        (header::ETAG, compress::entity_tag(tag, content.coding)),
        (header::CACHE_CONTROL, cache),
    ];
    let mut response = if is_known {
        (StatusCode::NOT_MODIFIED, head).into_response()
    } else {
        let coding = content
            .coding
            .map(|coding| [(header::CONTENT_ENCODING, coding.value())]);
        let content_type = [(header::CONTENT_TYPE, kind.content_type)];
        (head, content_type, coding, content.bytes).into_response()
    };
    if is_large {
        compress::vary(response.headers_mut());
    }
    response
}
