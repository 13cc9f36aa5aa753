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
    body::Body,
    extract::Path,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{
            ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Serialize;

pub use self::examples::{Credentials, example_tabs};
pub use self::hosts::Hosts;
use super::compress;
use super::compress::{Coding, CompressedDocuments, ResponseContent};
use super::fault::Fault;

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
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphiqlPage {
    /// Path of the GraphQL endpoint on the same host: `/graphql`.
    pub endpoint: String,
    /// The publishable key (`pk_…`) of new tabs, with which the schema is read too. `None`: no credential.
    pub public_key: Option<String>,
    /// The tabs for a browser that opens the page for the first time; later it restores its own.
    pub tabs: Vec<Tab>,
    /// Why a demo's credentials are left out. `None`: they are included, or there are none.
    pub notice: Option<String>,
}

/// The page of a demo: with credentials, for requests to the gateway's own hosts only.
pub struct DemoPage {
    /// The page with the credentials.
    pub page: GraphiqlPage,
    /// The page for any other host.
    pub elsewhere: GraphiqlPage,
    /// The gateway's own hosts.
    pub hosts: Hosts,
}

impl GraphiqlPage {
    /// Makes a page with example tabs.
    #[must_use]
    pub fn new(endpoint: &str, credentials: &Credentials) -> Self {
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
        let without = Credentials {
            public_url: credentials.public_url.clone(),
            public_key: None,
            backend_secret: None,
            storefront_id: None,
            customer: None,
        };
        let page = GraphiqlPage::new(endpoint, credentials);
        let mut elsewhere = GraphiqlPage::new(endpoint, &without);
        let has_some = credentials.public_key.is_some() || credentials.backend_secret.is_some();
        if let Some(first) = elsewhere.tabs.first_mut().filter(|_| has_some) {
            let url = &credentials.public_url;
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
            page,
            elsewhere,
            hosts,
        }
    }
}

/// An example operation. GraphiQL names the tab after it.
#[derive(Clone, Serialize)]
pub struct Tab {
    /// The document, with comments for the reader.
    pub query: String,
    /// The content of the variables editor, a JSON object. `None`: an empty editor.
    pub variables: Option<String>,
    /// The content of the header editor, a JSON object. `None`: an empty editor.
    pub headers: Option<String>,
}

/// Serves the page at `/` and its files and configuration under `/graphiql/`.
pub fn router<S>(page: DemoPage) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let page = Arc::new(page);
    let kept = Arc::new(CompressedDocuments::default());
    let for_files = Arc::clone(&kept);
    Router::new()
        .route("/", get(move |headers: HeaderMap| index(headers, kept)))
        .route(
            "/graphiql/config.json",
            get(move |uri: Uri, headers: HeaderMap| config(uri, headers, page)),
        )
        .route(
            "/graphiql/{*path}",
            get(move |path: Path<String>, headers: HeaderMap| file(path, headers, for_files)),
        )
        .method_not_allowed_fallback(wrong_method)
}

/// Answers other methods; their senders most likely intended the API.
async fn wrong_method() -> Response {
    let message = "This path belongs to the page of GraphiQL, which is read by GET. GraphQL is sent to /graphql by POST.";
    guarded(Fault::wrong_method(message).into_response())
}

/// Returns the page, for a browser. Other clients get the path of the API, which they probably intended.
async fn index(headers: HeaderMap, kept: Arc<CompressedDocuments>) -> Response {
    if !takes_html(&headers) {
        let hint = "This is the page of GraphiQL, for browsers. The API is at /graphql, its schema at /schema.graphql.\n";
        return guarded((StatusCode::NOT_ACCEPTABLE, [(VARY, "Accept")], hint).into_response());
    }
    let Some(page) = Files::get("index.html") else {
        return guarded(
            (
                StatusCode::NOT_FOUND,
                "This gateway was built without its GraphiQL page.\n",
            )
                .into_response(),
        );
    };
    let mut response = embedded("index.html", page, &headers, &kept).await;
    let policy = HeaderValue::from_str(&content_security_policy()).expect("the policy is plain ASCII");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
        .headers_mut()
        .append(VARY, HeaderValue::from_static("Accept"));
    guarded(response)
}

/// Returns the page's configuration as JSON, because the page's policy forbids inline scripts.
///
/// Pages of other sites may not read it, whatever the gateway's CORS settings allow: it may contain a demo's secret.
/// For the same reason a request to another host than the gateway's own gets it without credentials (DEF-08), and it is
/// not compressed.
async fn config(uri: Uri, headers: HeaderMap, page: Arc<DemoPage>) -> Response {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return guarded(
            (
                StatusCode::FORBIDDEN,
                "Only the gateway's own page may read this.\n",
            )
                .into_response(),
        );
    }
    let shown = if page.hosts.are_asked(&uri, &headers) {
        &page.page
    } else {
        &page.elsewhere
    };
    guarded(([(CACHE_CONTROL, "no-store")], axum::Json(shown)).into_response())
}

async fn file(Path(path): Path<String>, headers: HeaderMap, kept: Arc<CompressedDocuments>) -> Response {
    // The page has one path, `/`, where its policy is sent with it.
    let found = Files::get(&path).filter(|_| path != "index.html");
    guarded(match found {
        Some(file) => embedded(&path, file, &headers, &kept).await,
        None => (
            StatusCode::NOT_FOUND,
            [(CACHE_CONTROL, "no-store")],
            "There is no such file.\n",
        )
            .into_response(),
    })
}

/// Returns an embedded file, compressed if the browser accepts that, or 304 if the browser has it (RFC 9110 §13.1.2).
async fn embedded(
    path: &str,
    file: EmbeddedFile,
    headers: &HeaderMap,
    kept: &CompressedDocuments,
) -> Response {
    let digest = file.metadata.sha256_hash();
    let tag = entity_tag(&digest);
    let caching = if path.starts_with(HASHED_FILES) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let plain = Bytes::from_owner(file.data);
    let content_type = content_type(path);
    let may_be_coded = plain.len() >= compress::LEAST && shrinks(&content_type);
    let coding = Coding::accepted(headers).filter(|_| may_be_coded);
    let is_known = has_tag(headers, &tag);
    let content = match coding {
        Some(coding) if !is_known => kept.content(plain, digest, coding).await,
        Some(_) | None => ResponseContent { bytes: plain, coding },
    };
    let tag = compress::entity_tag(tag, content.coding);
    let head = [
        (
            ETAG,
            HeaderValue::from_str(&tag).expect("a tag is quoted hexadecimal digits"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static(caching)),
    ];
    let mut response = if is_known {
        (StatusCode::NOT_MODIFIED, head).into_response()
    } else {
        let coding = content.coding.map(|coding| [(CONTENT_ENCODING, coding.value())]);
        (
            [(CONTENT_TYPE, content_type)],
            head,
            coding,
            Body::from(content.bytes),
        )
            .into_response()
    };
    if may_be_coded {
        compress::vary(response.headers_mut());
    }
    response
}

/// Whether compression makes files of this type smaller; it does not for pictures and compressed fonts.
fn shrinks(content_type: &HeaderValue) -> bool {
    let content_type = content_type.as_bytes();
    !matches!(content_type, b"image/png" | b"font/woff" | b"font/woff2")
}

/// Sets the headers of every response of this module.
fn guarded(mut response: Response) -> Response {
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
        let is_used = |file: &&&str| !IS_OFFLINE && file.ends_with(ending);
        CDN_FILES
            .iter()
            .filter(is_used)
            .map(|file| format!(" {file}"))
            .collect()
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
    let mut ranges = headers.get_all(ACCEPT).iter().peekable();
    if ranges.peek().is_none() {
        return true;
    }
    ranges
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let is_refused = parts
                .filter_map(|parameter| parameter.strip_prefix("q="))
                .any(|weight| weight.parse() == Ok(0.0_f32));
            matches!(kind.as_str(), "text/html" | "text/*" | "*/*") && !is_refused
        })
}

/// Returns a strong entity tag: half of the content's SHA-256, quoted.
fn entity_tag(sha256: &[u8; 32]) -> String {
    let digits: String = sha256[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// Whether If-None-Match contains the tag, by weak comparison as it is defined.
fn has_tag(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Returns the content type of a file from vite or `graphiql/`. A worker or a style with a wrong type would not load.
fn content_type(path: &str) -> HeaderValue {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    HeaderValue::from_static(match ending {
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
    })
}

#[cfg(test)]
mod tests;
