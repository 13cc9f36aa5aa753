//! The handlers of the public documents: the keys of access tokens, the metadata of the authorization server, the schema.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use super::fault::Fault;
use super::gateway::Gateway;
use super::published::PublishedDocument;

/// How long a request for the keys waits for the database; after that it is answered from the known keys.
const LOOK: Duration = Duration::from_secs(1);

/// `GET /.well-known/jwks.json`. A revoked key disappears at once, not only when the node next reloads the keys.
pub(super) async fn jwks(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let app = Arc::clone(&gateway.app);
    // A task of its own, because a future of the database driver must not be dropped halfway.
    let looking = gateway
        .app
        .tasks
        .spawn(async move { app.access.tokens.keys.look_again().await });
    // If the keys cannot be read now, the response may be cached for a shorter time.
    let _late_or_failed = timeout(LOOK, looking).await;
    let Some(jwks) = gateway.app.access.tokens.keys.jwks() else {
        return Fault::unavailable("The keys cannot be read at the moment.").into_response();
    };
    let document = PublishedDocument::text(jwks.text, "application/jwk-set+json", jwks.max_age);
    // The set of keys changes, so its compressed form is not kept.
    document.respond(&headers, None).await
}

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn metadata(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    gateway.metadata.respond(&headers, Some(&gateway.kept)).await
}

/// `GET /schema.graphql`; 404 if introspection is off.
pub(super) async fn sdl(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    match &gateway.sdl {
        Some(sdl) => sdl.respond(&headers, Some(&gateway.kept)).await,
        None => Fault::no_such_path().into_response(),
    }
}
