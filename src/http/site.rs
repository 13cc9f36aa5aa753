//! The routing of every request: frame, CORS ([`super::cors`]), then its handler.
//!
//! `/graphql`, which receives most requests, bypasses the router: each layer of a router's route costs a request two
//! boxes and copies of the layers below.

use std::convert::Infallible;
use std::sync::Arc;

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{Method, header},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use tower::{Layer, Service, ServiceExt};
use tower_http::cors::CorsLayer;

use super::fault::Fault;
use super::frame;
use super::gateway::{GRAPHQL, Gateway};
use super::memory::Memory;
use super::{content, cors, graphiql, graphql, oauth, probe, well_known};
use crate::config::HttpConfig;

/// The handlers of all requests.
pub(super) struct Handlers {
    gateway: Arc<Gateway>,
    cors: CorsLayer,
    /// The routes that pages of other origins may use, except `/graphql`.
    api: Router,
    /// GraphiQL. Its configuration may contain a demo's secret, so no page of another origin may read it.
    page: Router,
}

impl Handlers {
    pub(super) fn new(gateway: Gateway, page: Option<graphiql::DemoPage>) -> Self {
        let gateway = Arc::new(gateway);
        let cors = cors::layer(&gateway.app.config.http.cors_origins);
        let page = page.map_or_else(Router::new, graphiql::router);
        Self {
            cors,
            api: named(api().with_state(Arc::clone(&gateway))),
            page: named(page.fallback(async || Fault::no_such_path())),
            gateway,
        }
    }

    /// Returns the HTTP settings.
    pub(super) fn config(&self) -> &HttpConfig {
        &self.gateway.app.config.http
    }

    /// Returns the memory for requests being received.
    pub(super) fn memory(&self) -> &Memory {
        &self.gateway.memory
    }

    /// Answers a request.
    pub(super) async fn answer(&self, request: Request) -> Response {
        frame::frame(&self.gateway, request, async |mut request: Request| {
            let path = request.uri().path();
            if path == "/" || path.starts_with("/graphiql/") {
                return Box::pin(routed(&self.page, request)).await;
            }
            if is_from_no_page(&request) {
                return self.handled(request).await;
            }
            cors::bound(request.headers_mut());
            let handlers =
                tower::service_fn(async |request| Ok::<_, Infallible>(self.handled(request).await));
            let Ok(response) = self.cors.layer(handlers).call(request).await;
            response
        })
        .await
    }

    async fn handled(&self, request: Request) -> Response {
        if request.uri().path() == GRAPHQL {
            graphql::respond(&self.gateway, request).await
        } else {
            // Boxed, because it is rare and large.
            Box::pin(routed(&self.api, request)).await
        }
    }
}

/// Whether this is a GraphQL request that no page of another origin sent: browsers send the origin with each POST
/// (Fetch, `Origin` header). Its response needs no CORS headers, and no `Vary` because it may not be cached.
fn is_from_no_page(request: &Request) -> bool {
    request.uri().path() == GRAPHQL
        && request.method() == Method::POST
        && !request.headers().contains_key(header::ORIGIN)
}

async fn routed(router: &Router, request: Request) -> Response {
    let Ok(response) = router.clone().oneshot(request).await;
    response
}

fn api() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/oauth/token", post(oauth::token).fallback(oauth::other_method))
        .route("/oauth/revoke", post(oauth::revoke).fallback(oauth::other_method))
        .route("/.well-known/jwks.json", get(well_known::jwks))
        .route(
            "/.well-known/oauth-authorization-server",
            get(well_known::metadata),
        )
        .route("/schema.graphql", get(well_known::sdl))
        .route("/storage/{item}", get(content::get))
        .route("/health/live", get(probe::live))
        .route("/health/ready", get(probe::ready))
        .method_not_allowed_fallback(async || {
            Fault::wrong_method("This path accepts GET and HEAD only. GraphQL is sent to /graphql by POST.")
        })
        .fallback(async || Fault::no_such_path())
}

/// Adds a layer that passes the matched path pattern to the frame.
fn named(router: Router) -> Router {
    router.layer(middleware::from_fn(
        async |path: Option<MatchedPath>, request: Request, next: Next| {
            let mut response = next.run(request).await;
            if let Some(path) = path {
                response.extensions_mut().insert(path);
            }
            response
        },
    ))
}
