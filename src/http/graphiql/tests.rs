use axum::{
    body::to_bytes,
    http::{
        Request, Response as Answer,
        header::{ACCEPT_ENCODING, ALLOW, HOST},
    },
};
use tower::ServiceExt as _;

use super::*;

const CDN_PAGE: &str = include_str!("../../../graphiql/cdn/index.html");

const OWN_HOST: (HeaderName, &str) = (HOST, "127.0.0.1:8080");

async fn answer(path: &str, headers: &[(HeaderName, &str)]) -> Answer<Body> {
    let hosts = Hosts::new(
        "127.0.0.1:8080".parse().expect("an address"),
        "http://127.0.0.1:8080",
    );
    let page = DemoPage::new("/graphql", &demo(), hosts);
    let request = headers
        .iter()
        .fold(Request::get(path), |request, (name, value)| {
            request.header(name, *value)
        })
        .body(Body::empty())
        .expect("the request is well-formed");
    let Ok(answer) = router::<()>(page).oneshot(request).await;
    answer
}

fn demo() -> Credentials {
    Credentials {
        public_url: "http://127.0.0.1:8080".to_owned(),
        public_key: Some("pk_shop".to_owned()),
        backend_secret: Some("sk_backend".to_owned()),
        storefront_id: Some("sto_1".to_owned()),
        customer: None,
    }
}

fn header<'a>(answer: &'a Answer<Body>, name: &HeaderName) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("ASCII"))
}

async fn bytes(answer: Answer<Body>) -> Bytes {
    to_bytes(answer.into_body(), usize::MAX)
        .await
        .expect("a whole body")
}

async fn text(answer: Answer<Body>) -> String {
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
    assert_eq!(
        html.contains("https://"),
        !IS_OFFLINE,
        "only the CDN page may name another host"
    );
}

#[tokio::test]
async fn a_client_of_the_api_is_told_where_it_is() {
    for accept in ["application/json", "text/html;q=0", "image/*, text/plain"] {
        let answer = answer("/", &[(ACCEPT, accept)]).await;
        assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE, "{accept}");
        assert!(text(answer).await.contains("/graphql"));
    }
    let page = if IS_INCLUDED {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
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
        assert_ne!(
            header(&first, &CONTENT_TYPE),
            "application/octet-stream",
            "{path} has no type of its own"
        );
        let is_hashed = path.starts_with("/graphiql/assets/");
        assert_eq!(
            header(&first, &CACHE_CONTROL).contains("immutable"),
            is_hashed,
            "{path}"
        );
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
            let varies = |answer: &Answer<Body>| header(answer, &VARY) == "Accept-Encoding";
            assert_eq!(varies(&plain), varies(&coded), "{path}");
            let (plain_tag, tag) = (header(&plain, &ETAG).to_owned(), header(&coded, &ETAG).to_owned());
            if header(&coded, &CONTENT_ENCODING) != name {
                assert_eq!(
                    (tag, header(&coded, &CONTENT_ENCODING)),
                    (plain_tag, ""),
                    "{path}"
                );
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
            assert_eq!(compress::decoded(coding, &coded), plain, "{path}");
            assert!(coded.len() < plain.len(), "{path}");
            count += 1;
        }
        assert_eq!(count > 0, IS_INCLUDED, "{count} are compressed by {name}");
    }
}

#[tokio::test]
async fn whoever_sends_graphql_to_the_page_is_told_where_it_goes() {
    let hosts = Hosts::new(
        "127.0.0.1:8080".parse().expect("an address"),
        "http://127.0.0.1:8080",
    );
    let page = DemoPage::new("/graphql", &demo(), hosts);
    let request = Request::post("/")
        .body(Body::from("{}"))
        .expect("the request is well-formed");
    let Ok(answer) = router::<()>(page).oneshot(request).await;
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
    let own = answer(
        "/graphiql/config.json",
        &[(SEC_FETCH_SITE, "same-origin"), OWN_HOST],
    )
    .await;
    assert_eq!(own.status(), StatusCode::OK);
    assert_eq!(header(&own, &CACHE_CONTROL), "no-store");
    let config: serde_json::Value = serde_json::from_str(&text(own).await).expect("JSON");
    assert_eq!(config["endpoint"], "/graphql");
    assert_eq!(config["publicKey"], "pk_shop");
    assert_eq!(config["tabs"].as_array().map(Vec::len), Some(6));
    assert_eq!(config["tabs"][0]["variables"], serde_json::Value::Null);

    for site in ["cross-site", "same-site"] {
        let others = answer("/graphiql/config.json", &[(SEC_FETCH_SITE, site), OWN_HOST]).await;
        assert_eq!(others.status(), StatusCode::FORBIDDEN, "{site}");
        assert!(!text(others).await.contains("sk_backend"));
    }
}

// DEF-08
#[tokio::test]
async fn another_host_gets_the_configuration_without_credentials_and_is_told_why() {
    let own = text(answer("/graphiql/config.json", &[OWN_HOST]).await).await;
    assert!(own.contains("pk_shop") && own.contains("sk_backend"));
    for host in ["rebound.example:8080", "127.0.0.1:8081"] {
        let other = answer("/graphiql/config.json", &[(HOST, host)]).await;
        assert_eq!(other.status(), StatusCode::OK);
        let other = text(other).await;
        for credential in ["pk_shop", "sk_backend", "sto_1"] {
            assert!(!other.contains(credential), "{host}: {other}");
        }
        let config: serde_json::Value = serde_json::from_str(&other).expect("JSON");
        assert_eq!(config["publicKey"], serde_json::Value::Null);
        let why = "credentials are left out";
        assert!(
            config["notice"]
                .as_str()
                .is_some_and(|notice| notice.contains(why))
        );
        let first = config["tabs"][0]["query"].as_str().expect("a document");
        assert!(first.contains(why), "{first}");
    }
}

#[test]
fn the_policy_lets_in_exactly_what_the_cdn_page_loads() {
    let mut loaded: Vec<&str> = CDN_PAGE
        .split('"')
        .filter(|value| value.starts_with("https://"))
        .collect();
    loaded.sort_unstable();
    let mut allowed = CDN_FILES.to_vec();
    allowed.sort_unstable();
    assert_eq!(loaded, allowed);
    assert_eq!(CDN_PAGE.matches("integrity=\"sha384-").count(), CDN_FILES.len());
    assert_eq!(
        CDN_PAGE.matches("crossorigin=\"anonymous\"").count(),
        CDN_FILES.len()
    );
}
