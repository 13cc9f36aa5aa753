//! Cross-origin requests: what pages of other origins may send and read.

use reqwest::{Method, Response};
use serde_json::json;

use crate::kit::{self, Gateway};

const ORIGIN: &str = "https://prints.example";

async fn preflight(gateway: &Gateway, path: &str, headers: &str) -> Response {
    let asked = gateway
        .http
        .request(Method::OPTIONS, format!("{}{path}", gateway.url));
    asked
        .header("origin", ORIGIN)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", headers)
        .send()
        .await
        .expect("an answer")
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().expect("ASCII"))
}

#[tokio::test]
async fn any_request_header_of_a_page_is_allowed() {
    let shop = kit::shop().await;
    for headers in [
        "authorization,content-type",
        "baggage,sentry-trace,traceparent,tracestate",
        "apollographql-client-name,apollographql-client-version,apollo-require-preflight",
        "x-datadog-origin,x-datadog-parent-id,x-datadog-sampling-priority,x-datadog-trace-id",
        "graphql-require-preflight,if-none-match,range,storefront-buyer-ip,x-request-id",
        "x-anything-at-all",
    ] {
        for path in ["/graphql", "/oauth/token", "/schema.graphql"] {
            let answer = preflight(&shop.gateway, path, headers).await;
            assert!(answer.status().is_success(), "{path}");
            assert_eq!(header(&answer, "access-control-allow-headers"), headers, "{path}");
            assert_eq!(header(&answer, "access-control-allow-origin"), "*", "{path}");
            assert_eq!(header(&answer, "access-control-max-age"), "7200", "{path}");
            assert_eq!(header(&answer, "access-control-allow-credentials"), "", "{path}");
            assert!(
                header(&answer, "vary").contains("access-control-request-headers"),
                "{path}"
            );
        }
    }
    // Requested headers that are not a list of names, or too long to be one, are not echoed.
    for headers in ["<script>alert(1)</script>".to_owned(), "x-a,".repeat(5000)] {
        let answer = preflight(&shop.gateway, "/graphql", &headers).await;
        assert_eq!(header(&answer, "access-control-allow-headers"), "");
    }
}

#[tokio::test]
async fn response_headers_are_exposed_to_pages() {
    let shop = kit::shop().await;
    let gateway = &shop.gateway;
    let body = json!({ "query": "{ __typename }" });
    let by_page = gateway.http.post(format!("{}/graphql", gateway.url));
    let answer = by_page
        .header("origin", ORIGIN)
        .header("sentry-trace", "1-2-1")
        .header("baggage", "sentry-environment=production")
        .json(&body)
        .send()
        .await
        .expect("an answer");
    let exposed = header(&answer, "access-control-expose-headers").to_lowercase();
    let mut exposed: Vec<&str> = exposed.split(',').map(str::trim).collect();
    exposed.sort_unstable();
    let expected = [
        "content-disposition",
        "content-range",
        "etag",
        "retry-after",
        "www-authenticate",
        "x-request-id",
    ];
    assert_eq!(exposed, expected);
    assert_eq!(header(&answer, "access-control-allow-credentials"), "");
    // Callers that are not pages get none of the CORS headers.
    let by_backend = gateway.http.post(format!("{}/graphql", gateway.url)).json(&body);
    let answer = by_backend.send().await.expect("an answer");
    for name in [
        "access-control-allow-origin",
        "access-control-expose-headers",
        "vary",
    ] {
        assert_eq!(header(&answer, name), "", "{name}");
    }
}
