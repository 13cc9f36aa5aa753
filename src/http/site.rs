//! The way of every request: frame, CORS, then its handler.
//!
//! `/graphql`, which is most of them, goes it without the router: each layer of a router's route costs a request two
//! boxes and copies of the layers below, and this one has none.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower::{Layer, Service, ServiceExt};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::fault::Fault;
use super::frame::{self, X_REQUEST_ID};
use super::gateway::Gateway;
use super::memory::Memory;
use super::{content, graphiql, graphql, multipart, oauth, probe, published};
use crate::config::{CorsOrigins, HttpConfig};

/// Where GraphQL is asked.
pub(super) const GRAPHQL: &str = "/graphql";
/// How long a browser may remember that it may ask; browsers have limits of their own, two hours or a day.
const PREFLIGHT: Duration = Duration::from_secs(2 * 60 * 60);

/// What answers requests.
pub(super) struct Site {
    gateway: Arc<Gateway>,
    cors: CorsLayer,
    /// What other origins' pages may ask, but for `/graphql`.
    api: Router,
    /// GraphiQL. Its configuration may hold a demo's secret, so that no other origin's page may read it.
    page: Router,
}

impl Site {
    pub(super) fn new(gateway: Gateway, page: Option<graphiql::DemoPage>) -> Self {
        let gateway = Arc::new(gateway);
        let cors = cors(&gateway.app.config.http.cors_origins);
        let page = page.map_or_else(Router::new, graphiql::router);
        Self {
            cors,
            api: named(api()).with_state(Arc::clone(&gateway)),
            page: named(page.fallback(unknown)).with_state(Arc::clone(&gateway)),
            gateway,
        }
    }

    /// The settings of HTTP.
    pub(super) fn config(&self) -> &HttpConfig {
        &self.gateway.app.config.http
    }

    /// The memory for requests that are being received.
    pub(super) fn memory(&self) -> &Memory {
        &self.gateway.memory
    }

    /// Answers a request.
    pub(super) async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path();
        if path == "/" || path.starts_with("/graphiql/") {
            return frame::frame(&self.gateway, request, async |request| {
                routed(&self.page, request).await
            })
            .await;
        }
        frame::frame(&self.gateway, request, async |request| {
            if is_from_no_page(&request) {
                return self.handled(request).await;
            }
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
            // Boxed, like everything that is rare and large.
            Box::pin(routed(&self.api, request)).await
        }
    }
}

/// Whether it is GraphQL that no page of another origin sent: browsers name the origin with each POST of theirs (Fetch,
/// `Origin` header). Its answer needs no headers for browsers, nor a `Vary`, because nobody may keep it.
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
        .route("/.well-known/jwks.json", get(published::jwks))
        .route(
            "/.well-known/oauth-authorization-server",
            get(published::metadata),
        )
        .route("/schema.graphql", get(sdl))
        .route("/storage/{item}", get(content::get))
        .route("/health/live", get(probe::live))
        .route("/health/ready", get(probe::ready))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown)
}

/// The same router, whose answers tell the frame which path they are for, by its pattern.
fn named(router: Router<Arc<Gateway>>) -> Router<Arc<Gateway>> {
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
            X_REQUEST_ID,
            HeaderName::from_static("traceparent"),
            header::RANGE,
        ])
        .expose_headers([X_REQUEST_ID, header::WWW_AUTHENTICATE, header::RETRY_AFTER])
        .max_age(PREFLIGHT)
}

/// `GET /schema.graphql`.
async fn sdl(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    match published::sdl(&headers, &gateway) {
        Some(answer) => answer,
        None => unknown().await.into_response(),
    }
}

async fn unknown() -> Fault {
    Fault::not_found("There is nothing here. The API is at /graphql.")
}

async fn wrong_method() -> Fault {
    Fault::wrong_method()
}
