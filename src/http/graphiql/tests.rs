use axum::{
    body::{Body, to_bytes},
    http::{
        Request,
        header::{ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH},
        request::Builder,
    },
};
use tower::ServiceExt as _;

use super::*;
use crate::http::compress::{Coding, decoded};

const CDN_PAGE: &str = include_str!("../../../graphiql/cdn/index.html");

const CONFIG: &str = "/graphiql/config.json";
const OWN_HOST: (HeaderName, &str) = (HOST, "127.0.0.1:8080");

async fn answer(path: &str, headers: &[(HeaderName, &str)]) -> Response {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| {
        request.header(name, *value)
    });
    sent(request).await
}

async fn sent(request: Builder) -> Response {
    let url = "http://127.0.0.1:8080";
    let demo = Credentials {
        public_url: url.to_owned(),
        public_key: Some("pk_shop".to_owned()),
        backend_secret: Some("sk_backend".to_owned()),
        storefront_id: Some("sto_1".to_owned()),
        customer: None,
    };
    let hosts = Hosts::new("127.0.0.1:8080".parse().expect("an address"), url);
    let request = request.body(Body::empty()).expect("the request is well-formed");
    let Ok(answer) = router(DemoPage::new("/graphql", &demo, hosts))
        .oneshot(request)
        .await;
    answer
}

fn header<'a>(answer: &'a Response, name: &HeaderName) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("ASCII"))
}

async fn bytes(answer: Response) -> Bytes {
    to_bytes(answer.into_body(), usize::MAX)
        .await
        .expect("a whole body")
}

async fn text(answer: Response) -> String {
    String::from_utf8(bytes(answer).await.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn a_build_without_the_page_says_so() {
    if IS_INCLUDED {
        return;
    }
    let answer = answer("/", &[]).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(text(answer).await.contains("built without its GraphiQL page"));
}

#[tokio::test]
async fn a_browser_gets_the_page_with_a_strict_policy() {
    if !IS_INCLUDED {
        return;
    }
    let answer = answer("/", &[(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, &CONTENT_TYPE), "text/html; charset=utf-8");
    assert_eq!(header(&answer, &X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(header(&answer, &REFERRER_POLICY), "no-referrer");
    assert_eq!(header(&answer, &CACHE_CONTROL), "no-cache");
    let vary: Vec<_> = answer.headers().get_all(VARY).iter().collect();
    assert!(vary.contains(&&HeaderValue::from_static("Accept")), "{vary:?}");
    let policy = header(&answer, &CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(policy.contains("https://"), !IS_OFFLINE, "{policy}");
    let html = text(answer).await;
    assert!(html.contains("<title>Storefront Gateway</title>"));
    let names_another_host = html.contains("https://");
    assert_eq!(names_another_host, !IS_OFFLINE, "only the CDN page may do so");
}

#[tokio::test]
async fn a_client_of_the_api_is_told_where_it_is() {
    for accept in ["application/json", "text/html;q=0", "image/*, text/plain"] {
        let answer = answer("/", &[(ACCEPT, accept)]).await;
        assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE, "{accept}");
        assert!(text(answer).await.contains("/graphql"));
    }
    let page = if IS_INCLUDED { 200 } else { 404 };
    for accept in ["*/*", "application/json, TEXT/HTML;q=0.1", "text/*"] {
        assert_eq!(answer("/", &[(ACCEPT, accept)]).await.status(), page, "{accept}");
    }
    assert_eq!(answer("/", &[]).await.status(), page);
}

#[tokio::test]
async fn every_file_is_served_with_its_type_and_is_known_the_second_time() {
    let mut count = 0;
    for path in Files::iter().filter(|path| path != "index.html") {
        let path = format!("/graphiql/{path}");
        let first = answer(&path, &[]).await;
        assert_eq!(first.status(), StatusCode::OK, "{path}");
        let content_type = header(&first, &CONTENT_TYPE);
        assert_ne!(
            content_type, "application/octet-stream",
            "{path} has no type of its own"
        );
        let is_hashed = path.starts_with("/graphiql/assets/");
        let is_immutable = header(&first, &CACHE_CONTROL).contains("immutable");
        assert_eq!(is_immutable, is_hashed, "{path}");
        let tag = header(&first, &ETAG).to_owned();
        let listed = format!("\"other\", W/{tag}");
        let second = answer(&path, &[(IF_NONE_MATCH, &listed)]).await;
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(header(&second, &ETAG), tag);
        assert_eq!(text(second).await, "");
        count += 1;
    }
    assert_eq!(count > 2, IS_INCLUDED, "the page has files: {count}");
}

#[tokio::test]
async fn every_file_that_gets_shorter_is_compressed_and_is_known_the_second_time() {
    for (coding, name) in [
        (Coding::Gzip, "gzip"),
        (Coding::Brotli, "br"),
        (Coding::Zstd, "zstd"),
    ] {
        let mut count = 0;
        for path in Files::iter().filter(|path| path != "index.html") {
            let path = format!("/graphiql/{path}");
            let plain = answer(&path, &[]).await;
            let accepts = (ACCEPT_ENCODING, name);
            let coded = answer(&path, std::slice::from_ref(&accepts)).await;
            let varies = |answer: &Response| header(answer, &VARY) == "Accept-Encoding";
            assert_eq!(varies(&plain), varies(&coded), "{path}");
            let (plain_tag, tag) = (header(&plain, &ETAG).to_owned(), header(&coded, &ETAG).to_owned());
            let encoding = header(&coded, &CONTENT_ENCODING);
            if encoding != name {
                assert_eq!((tag, encoding), (plain_tag, ""), "{path}");
                continue;
            }
            assert!(varies(&coded), "{path}");
            assert_eq!(tag, format!("W/{plain_tag}"), "{path}");
            for known in [&tag, &plain_tag] {
                let again = answer(&path, &[accepts.clone(), (IF_NONE_MATCH, known)]).await;
                assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
                assert_eq!(header(&again, &ETAG), tag, "{path}");
                assert!(varies(&again), "{path}");
            }
            let (coded, plain) = (bytes(coded).await, bytes(plain).await);
            assert_eq!(decoded(coding, &coded), plain, "{path}");
            assert!(coded.len() < plain.len(), "{path}");
            count += 1;
        }
        assert_eq!(count > 0, IS_INCLUDED, "{count} are compressed by {name}");
    }
}

#[tokio::test]
async fn whoever_sends_graphql_to_the_page_is_told_where_it_goes() {
    let answer = sent(Request::post("/")).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(header(&answer, &ALLOW).contains("GET"));
    assert!(text(answer).await.contains("GraphQL is sent to /graphql by POST"));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    for path in [
        "/graphiql/none.js",
        "/graphiql/index.html",
        "/graphiql/../Cargo.toml",
        "/graphiql/%2e%2e/Cargo.toml",
    ] {
        let answer = answer(path, &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&answer, &CACHE_CONTROL), "no-store", "{path}");
    }
}

#[tokio::test]
async fn the_configuration_is_for_the_own_page_only() {
    let own = answer(CONFIG, &[(SEC_FETCH_SITE, "same-origin"), OWN_HOST]).await;
    assert_eq!(own.status(), StatusCode::OK);
    assert_eq!(header(&own, &CACHE_CONTROL), "no-store");
    let config: serde_json::Value = serde_json::from_str(&text(own).await).expect("JSON");
    assert_eq!(config["endpoint"], "/graphql");
    assert_eq!(config["publicKey"], "pk_shop");
    assert_eq!(config["tabs"].as_array().map(Vec::len), Some(6));
    assert_eq!(config["tabs"][0]["variables"], serde_json::Value::Null);

    for site in ["cross-site", "same-site"] {
        let others = answer(CONFIG, &[(SEC_FETCH_SITE, site), OWN_HOST]).await;
        assert_eq!(others.status(), StatusCode::FORBIDDEN, "{site}");
        assert!(!text(others).await.contains("sk_backend"));
    }
}

// DEF-08
#[tokio::test]
async fn another_host_gets_the_configuration_without_credentials_and_is_told_why() {
    let own = text(answer(CONFIG, &[OWN_HOST]).await).await;
    assert!(own.contains("pk_shop") && own.contains("sk_backend"));
    for host in ["rebound.example:8080", "127.0.0.1:8081"] {
        let other = answer(CONFIG, &[(HOST, host)]).await;
        assert_eq!(other.status(), StatusCode::OK);
        let other = text(other).await;
        for credential in ["pk_shop", "sk_backend", "sto_1"] {
            assert!(!other.contains(credential), "{host}: {other}");
        }
        let config: serde_json::Value = serde_json::from_str(&other).expect("JSON");
        assert_eq!(config["publicKey"], serde_json::Value::Null);
        let why = "credentials are left out";
        for text in [&config["notice"], &config["tabs"][0]["query"]] {
            assert!(text.as_str().is_some_and(|text| text.contains(why)), "{text}");
        }
    }
}

#[test]
fn the_policy_lets_in_exactly_what_the_cdn_page_loads() {
    let values = CDN_PAGE.split('"');
    let mut loaded: Vec<&str> = values.filter(|value| value.starts_with("https://")).collect();
    loaded.sort_unstable();
    let mut allowed = CDN_FILES.to_vec();
    allowed.sort_unstable();
    assert_eq!(loaded, allowed);
    for attribute in ["integrity=\"sha384-", "crossorigin=\"anonymous\""] {
        assert_eq!(
            CDN_PAGE.matches(attribute).count(),
            CDN_FILES.len(),
            "{attribute}"
        );
    }
}
