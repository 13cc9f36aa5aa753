//! GraphiQL at `/`: the page, its files and its configuration, all embedded in the binary.
//!
//! `build.rs` builds the page from `graphiql/`, self-contained and without external URLs. A build without npm has a
//! small page instead that loads GraphiQL from a CDN, with integrity hashes, and says so. A build with
//! `GATEWAY_BUILD_GRAPHIQL=off` has no page, and says so at `/`.

mod examples;
mod hosts;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{
            ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Serialize;

pub use self::examples::Credentials;
use self::examples::{Tab, example_tabs};
pub use self::hosts::Hosts;
use super::compress::{CompressedDocuments, LEAST};
use super::fault::Fault;
use super::headers::{Weighted, elements};
use super::published::PublishedDocument;

/// The files that `build.rs` has written: the complete page, the one that loads GraphiQL from a CDN, or none.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/graphiql-dist"]
struct Files;

/// Whether this binary contains a page, or was built without one.
pub const IS_INCLUDED: bool = !matches!(env!("STOREFRONT_GATEWAY_GRAPHIQL").as_bytes(), b"none");

/// Whether this binary contains GraphiQL. If not, its page loads it from [`CDN_FILES`].
pub const IS_OFFLINE: bool = matches!(env!("STOREFRONT_GATEWAY_GRAPHIQL").as_bytes(), b"offline");

/// The files that `graphiql/cdn/index.html` loads. No other file of the CDN may run, because it hosts packages of
/// anyone.
const CDN_FILES: [&str; 4] = [
    "https://cdn.jsdelivr.net/npm/react@18.3.1/umd/react.production.min.js",
    "https://cdn.jsdelivr.net/npm/react-dom@18.3.1/umd/react-dom.production.min.js",
    "https://cdn.jsdelivr.net/npm/graphiql@3.8.3/graphiql.min.js",
    "https://cdn.jsdelivr.net/npm/graphiql@3.8.3/graphiql.min.css",
];

/// Files in this folder have a hash of their content in their name, so that they never change.
const HASHED_FILES: &str = "assets/";

/// Fetch metadata (W3C): the site from which a browser's request comes.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The configuration of the page. Everyone who opens the page can read it: it must contain no secret, except those of a
/// demo.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GraphiqlPage {
    /// Path of the GraphQL endpoint on the same host: `/graphql`.
    endpoint: String,
    /// The publishable key (`pk_…`) of new tabs, with which the schema is read too. `None`: no credential.
    public_key: Option<String>,
    /// The tabs for a browser that opens the page for the first time; later it restores its own.
    tabs: Vec<Tab>,
    /// Why a demo's credentials are left out. `None`: they are included, or there are none.
    notice: Option<String>,
}

/// The page of a demo: with credentials, for requests to the gateway's own hosts only.
pub struct DemoPage {
    /// The page with the credentials.
    page: GraphiqlPage,
    /// The page for any other host.
    elsewhere: GraphiqlPage,
    hosts: Hosts,
    kept: CompressedDocuments,
}

impl GraphiqlPage {
    fn new(endpoint: &str, credentials: &Credentials) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            public_key: credentials.public_key.clone(),
            tabs: example_tabs(credentials),
            notice: None,
        }
    }
}

impl DemoPage {
    /// Makes a demo's page.
    #[must_use]
    pub fn new(endpoint: &str, credentials: &Credentials, hosts: Hosts) -> Self {
        let url = &credentials.public_url;
        let without = Credentials {
            public_url: url.clone(),
            ..Credentials::default()
        };
        let mut elsewhere = GraphiqlPage::new(endpoint, &without);
        let has_some = credentials.public_key.is_some() || credentials.backend_secret.is_some();
        if let Some(first) = elsewhere.tabs.first_mut().filter(|_| has_some) {
            first.query = format!(
                "# The demo's credentials are left out here: they are given only\n\
                 # at the address that the gateway listens on and at its public\n\
                 # URL, because another name may belong to others. Open\n\
                 # {url}\n\
                 # or set GATEWAY_PUBLIC_URL to the address that you use.\n\
                 #\n{}",
                first.query
            );
            elsewhere.notice = Some(format!(
                "The demo's credentials are left out, because this host is neither the address that the gateway listens \
                 on nor its public URL, {url}."
            ));
        }
        Self {
            page: GraphiqlPage::new(endpoint, credentials),
            elsewhere,
            hosts,
            kept: CompressedDocuments::default(),
        }
    }
}

/// Serves the page at `/` and its files and configuration under `/graphiql/`.
pub(super) fn router(page: DemoPage) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/graphiql/config.json", get(config))
        .route("/graphiql/{*path}", get(file))
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response(guarded))
        .with_state(Arc::new(page))
}

/// Answers other methods; their senders most likely intended the API.
async fn wrong_method() -> Fault {
    Fault::wrong_method(
        "This path belongs to the page of GraphiQL, which is read by GET. GraphQL is sent to /graphql by POST.",
    )
}

/// Returns the page, for a browser. Other clients get the path of the API, which they probably intended.
async fn index(State(page): State<Arc<DemoPage>>, headers: HeaderMap) -> Response {
    if !takes_html(&headers) {
        let hint = "This is the page of GraphiQL, for browsers. The API is at /graphql, its schema at /schema.graphql.\n";
        return (StatusCode::NOT_ACCEPTABLE, [(VARY, "Accept")], hint).into_response();
    }
    let Some(file) = Files::get("index.html") else {
        let message = "This gateway was built without its GraphiQL page.\n";
        return (StatusCode::NOT_FOUND, message).into_response();
    };
    let mut response = embedded("index.html", file, &headers, &page.kept).await;
    let policy = HeaderValue::from_str(&content_security_policy()).expect("the policy is plain ASCII");
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.append(VARY, HeaderValue::from_static("Accept"));
    response
}

/// Returns the page's configuration as JSON, because the page's policy forbids inline scripts.
///
/// Pages of other sites may not read it, whatever the gateway's CORS settings allow: it may contain a demo's secret.
/// For the same reason a request to another host than the gateway's own gets it without credentials (DEF-08), and it is
/// not compressed.
async fn config(State(page): State<Arc<DemoPage>>, uri: Uri, headers: HeaderMap) -> Response {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        let message = "Only the gateway's own page may read this.\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let shown = if page.hosts.are_asked(&uri, &headers) {
        &page.page
    } else {
        &page.elsewhere
    };
    ([(CACHE_CONTROL, "no-store")], axum::Json(shown)).into_response()
}

async fn file(State(page): State<Arc<DemoPage>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    // The page has one path, `/`, where its policy is sent with it.
    match Files::get(&path).filter(|_| path != "index.html") {
        Some(file) => embedded(&path, file, &headers, &page.kept).await,
        None => {
            let head = [(CACHE_CONTROL, "no-store")];
            (StatusCode::NOT_FOUND, head, "There is no such file.\n").into_response()
        }
    }
}

async fn embedded(
    path: &str,
    file: EmbeddedFile,
    headers: &HeaderMap,
    kept: &CompressedDocuments,
) -> Response {
    let digest = file.metadata.sha256_hash();
    let content = Bytes::from_owner(file.data);
    let content_type = content_type(path);
    // Pictures and compressed fonts do not get shorter.
    let is_dense = matches!(content_type, "image/png" | "font/woff" | "font/woff2");
    let document = PublishedDocument {
        is_compressible: content.len() >= LEAST && !is_dense,
        content,
        digest,
        tag: format!("\"{}\"", HEXLOWER.encode(&digest[..16])),
        content_type,
        cache_control: if path.starts_with(HASHED_FILES) {
            "public, max-age=31536000, immutable".into()
        } else {
            "no-cache".into()
        },
    };
    document.respond(headers, Some(kept)).await
}

/// Sets the headers of every response of this module.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        CROSS_ORIGIN_RESOURCE_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    response
}

/// Only the gateway's own files may run; inline styles are allowed, because the editor inserts them.
fn content_security_policy() -> String {
    let from_cdn = |ending: &str| -> String {
        let used = CDN_FILES
            .iter()
            .filter(|file| !IS_OFFLINE && file.ends_with(ending));
        used.map(|file| format!(" {file}")).collect()
    };
    format!(
        "default-src 'none'; script-src 'self'{}; worker-src 'self'; style-src 'self' 'unsafe-inline'{}; \
         font-src 'self' data:; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        from_cdn(".js"),
        from_cdn(".css"),
    )
}

/// Whether the Accept header accepts `text/html` with a weight above 0 (RFC 9110 §12.5.1). Without the header
/// everything is accepted.
fn takes_html(headers: &HeaderMap) -> bool {
    let is_html = |range: Weighted<'_>| {
        range.weight > 0 && ["text/html", "text/*", "*/*"].iter().any(|known| range.is(known))
    };
    !headers.contains_key(ACCEPT) || elements(headers, ACCEPT).map(Weighted::parse).any(is_html)
}

/// Returns the content type of a file from vite or `graphiql/`. A worker or a style with a wrong type would not load.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ttf" => "font/ttf",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
