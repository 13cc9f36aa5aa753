//! Which other origins may send requests, with which headers, and what they may read (CORS in the Fetch standard).
//! Never with credentials that a browser adds by itself: the gateway uses no cookies, so that a page can send only
//! headers that it sets itself.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::request_id::X_REQUEST_ID;
use crate::config::CorsOrigins;

/// How long a browser may cache a preflight response; browsers have limits of their own, two hours or a day.
const PREFLIGHT: Duration = Duration::from_secs(2 * 60 * 60);

/// Maximum length of a list of headers that is allowed by repeating it, in bytes. A page with all common tracing
/// libraries sends a few hundred.
const LONGEST: usize = 4 * 1024;

/// Returns the layer for these origins.
pub(super) fn layer(origins: &CorsOrigins) -> CorsLayer {
    let origin = match origins {
        CorsOrigins::Any => AllowOrigin::any(),
        CorsOrigins::Listed(listed) => {
            let listed = listed.iter();
            AllowOrigin::list(listed.filter_map(|origin| HeaderValue::from_str(origin).ok()))
        }
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        // Tracing, monitoring and GraphQL clients add headers that no fixed list could keep up with. Not `*`, which
        // excludes Authorization and is unknown to older browsers.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::ETAG,
            header::CONTENT_RANGE,
            header::CONTENT_DISPOSITION,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            X_REQUEST_ID,
        ])
        .max_age(PREFLIGHT)
}

/// Removes the list of headers that a page asks for, if it is malformed or too long to be repeated.
pub(super) fn bound(headers: &mut HeaderMap) {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if asked.is_some_and(|asked| !is_list(asked.as_bytes())) {
        headers.remove(header::ACCESS_CONTROL_REQUEST_HEADERS);
    }
}

/// Whether a text is a list of header names (RFC 9110 §5.6.1, §5.6.2) that may be repeated.
fn is_list(text: &[u8]) -> bool {
    let is_admitted = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~, \t".contains(byte);
    text.len() <= LONGEST && text.iter().all(is_admitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-01
    #[test]
    fn only_a_list_of_names_is_repeated() {
        let kept = |value: &[u8]| {
            let value = HeaderValue::from_bytes(value).expect("a header's value");
            let mut headers = HeaderMap::from_iter([(header::ACCESS_CONTROL_REQUEST_HEADERS, value)]);
            bound(&mut headers);
            !headers.is_empty()
        };
        let long = "x-a,".repeat(LONGEST / 4);
        for good in [
            "authorization, content-type",
            "sentry-trace,baggage,tracestate,x-datadog-trace-id",
            "apollographql-client-name",
            "*",
            "",
            &long,
        ] {
            assert!(kept(good.as_bytes()), "{good}");
        }
        for bad in ["<script>", "a;b", "a\"b", "a:b", "\u{e4}", &(long + "x")] {
            assert!(!kept(bad.as_bytes()), "{bad}");
        }
    }
}
