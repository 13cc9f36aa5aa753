//! The router and its layers; the only place where a principal is established.
//!
//! A request meets, in this order: `server` (connections, time for headers), `frame` (request id, log line, panics),
//! CORS, then its handler. `/graphql` is `graphql`: `authenticate`, `request` or `multipart`, `execute`, `answer`.

mod answer;
mod authenticate;
mod client;
mod content;
mod execute;
mod fault;
mod frame;
mod gateway;
pub mod graphiql;
mod graphql;
mod mask;
mod media;
mod multipart;
mod oauth;
mod probe;
mod request;
mod server;
mod trace;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, Method, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};

use self::fault::Fault;
use self::gateway::Gateway;
use crate::app::App;
use crate::config::CorsOrigins;
use crate::serve::Ready;

/// How long a browser may remember that it may ask; browsers have limits of their own, two hours or a day.
const PREFLIGHT: Duration = Duration::from_secs(2 * 60 * 60);

/// What the HTTP layer needs beside the app.
pub struct Site {
    /// The app.
    pub app: Arc<App>,
    /// Whether requests can be answered.
    pub ready: Ready,
    /// GraphiQL's page, where it is switched on.
    pub graphiql: Option<graphiql::Page>,
}

/// Serves until `stop`, then lets running requests finish.
pub async fn serve(listener: TcpListener, site: Site, stop: CancellationToken) {
    server::serve(listener, router(site), stop).await;
}

/// Everything that is answered, without the connections; for [`serve`], benches and tests.
pub fn router(site: Site) -> Router {
    let Site { app, ready, graphiql } = site;
    let cors = cors(&app.config.http.cors_origins);
    let gateway = Arc::new(Gateway::new(app, ready));
    // One layer made of all, since each layer of a router costs every request two allocations.
    let framed = middleware::from_fn_with_state(Arc::clone(&gateway), frame::frame);
    let api = Router::new()
        .route(
            "/graphql",
            get(graphql::get)
                .post(graphql::post)
                .fallback(graphql::other_method),
        )
        .route("/oauth/token", post(oauth::token).fallback(oauth::other_method))
        .route("/oauth/revoke", post(oauth::revoke).fallback(oauth::other_method))
        .route("/.well-known/jwks.json", get(oauth::jwks))
        .route("/.well-known/oauth-authorization-server", get(oauth::metadata))
        .route("/schema.graphql", get(sdl))
        .route("/storage/{item}", get(content::get))
        .route("/health/live", get(probe::live))
        .route("/health/ready", get(probe::ready))
        .method_not_allowed_fallback(wrong_method)
        .layer(ServiceBuilder::new().layer(framed.clone()).layer(cors));
    // GraphiQL's configuration may hold a demo's secret, so that no other origin's page may read it.
    let others = match graphiql {
        Some(page) => graphiql::router(page),
        None => Router::new(),
    };
    api.merge(others.fallback(unknown).layer(framed))
        .with_state(gateway)
}

/// Which origins' pages may read answers. Never with cookies, which the gateway has none of.
fn cors(origins: &CorsOrigins) -> CorsLayer {
    let origin = match origins {
        CorsOrigins::Any => AllowOrigin::any(),
        CorsOrigins::Listed(listed) => AllowOrigin::list(
            listed
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        ),
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            multipart::PREFLIGHT_HEADER,
            frame::X_REQUEST_ID,
            HeaderName::from_static("traceparent"),
            header::RANGE,
        ])
        .expose_headers([frame::X_REQUEST_ID, header::WWW_AUTHENTICATE, header::RETRY_AFTER])
        .max_age(PREFLIGHT)
}

/// `GET /schema.graphql`.
async fn sdl(State(gateway): State<Arc<Gateway>>) -> Response {
    match gateway.sdl.clone() {
        Some(sdl) => (
            [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::CACHE_CONTROL, "no-cache"),
            ],
            sdl,
        )
            .into_response(),
        None => unknown().await.into_response(),
    }
}

async fn unknown() -> Fault {
    Fault::not_found("There is nothing here. The API is at /graphql.")
}

async fn wrong_method() -> Fault {
    Fault::wrong_method()
}
