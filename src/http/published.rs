//! What the gateway publishes for anybody: the keys of its tokens, how to ask for these, the schema. Each answer has an
//! entity tag (RFC 9110 §8.8.3), so that who keeps a copy need not load it again.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use tokio::time::timeout;

use super::content::range::is_known;
use super::fault::Fault;
use super::gateway::Gateway;
use crate::access::keys::JWKS_MAX_AGE;

/// How long a request for the keys waits for the database; later it is answered by what is known.
const LOOK: Duration = Duration::from_secs(1);

/// `GET /.well-known/jwks.json`. A key that was ended is gone at once, not at the node's next reading.
pub(super) async fn jwks(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let app = Arc::clone(&gateway.app);
    // A task of its own, because a driver's future is not to be dropped half-way.
    let looking = app.tasks.spawn({
        let app = Arc::clone(&app);
        async move { app.access.tokens.keys.look_again().await }
    });
    // What cannot be read now shortens how long the answer may be kept.
    let _late_or_failed = timeout(LOOK, looking).await;
    match app.access.tokens.keys.jwks() {
        Some(jwks) => {
            let kind = Kind {
                content_type: "application/jwk-set+json",
                max_age: jwks.max_age,
            };
            tagged(&headers, &kind, jwks.text.into())
        }
        None => Fault::unavailable("The keys cannot be read at the moment.").into_response(),
    }
}

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn metadata(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let kind = Kind {
        content_type: "application/json",
        max_age: JWKS_MAX_AGE,
    };
    tagged(&headers, &kind, gateway.metadata.clone())
}

/// `GET /schema.graphql`; `None` where introspection is off.
pub(super) fn sdl(headers: &HeaderMap, gateway: &Gateway) -> Option<Response> {
    let kind = Kind {
        content_type: "text/plain; charset=utf-8",
        max_age: Duration::ZERO,
    };
    Some(tagged(headers, &kind, gateway.sdl.clone()?))
}

struct Kind {
    content_type: &'static str,
    /// How long a copy may be used without asking whether it is still right.
    max_age: Duration,
}

fn tagged(headers: &HeaderMap, kind: &Kind, content: Bytes) -> Response {
    let hash = digest::digest(&digest::SHA256, &content);
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(hash.as_ref()));
    let cache = match kind.max_age.as_secs() {
        0 => "no-cache".to_owned(),
        seconds => format!("public, max-age={seconds}"),
    };
    let is_known = is_known(headers, &tag);
    let head = [(header::ETAG, tag), (header::CACHE_CONTROL, cache)];
    if is_known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(header::CONTENT_TYPE, kind.content_type)], content).into_response()
}
