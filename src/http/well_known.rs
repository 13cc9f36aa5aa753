//! The handlers of the public documents: the keys of access tokens, the metadata of the authorization server, the schema.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use super::compress::{self, ResponseContent};
use super::fault::Fault;
use super::gateway::Gateway;
use super::published::{DocumentKind, PublishedDocument, tagged};
use crate::auth::keys::JWKS_MAX_AGE;

/// How long a request for the keys waits for the database; after that it is answered from the known keys.
const LOOK: Duration = Duration::from_secs(1);

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

/// Responds with a content that never changes.
async fn kept(
    headers: &HeaderMap,
    kind: &DocumentKind,
    published: &PublishedDocument,
    gateway: &Gateway,
) -> Response {
    let coded = |plain, coding| gateway.kept.content(plain, published.digest(), coding);
    tagged(headers, kind, published, coded).await
}
