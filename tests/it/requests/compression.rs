//! Which responses are compressed, and which never are.

use std::io::Read;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::customers::{ada, setup};
use crate::kit::{self, Caller, Gateway, mutation, png_of};

const CODINGS: [&str; 3] = ["zstd", "br", "gzip"];
const TYPES: &str = "{ __schema { types { name description fields { name description } } } }";

/// A response with its raw bytes.
struct Sent {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Sent {
    async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.expect("an answer");
        Self {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            bytes: answer.bytes().await.expect("a body").to_vec(),
        }
    }

    fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter();
        let values: Vec<&str> = values.map(|value| value.to_str().expect("ASCII")).collect();
        values.join(", ")
    }

    fn coding(&self) -> String {
        self.header(CONTENT_ENCODING.as_str())
    }

    fn varies(&self) -> bool {
        self.header("vary").contains("Accept-Encoding")
    }

    /// Returns the decoded body.
    fn decoded(&self) -> Vec<u8> {
        let (mut content, bytes) = (Vec::new(), &self.bytes[..]);
        match self.coding().as_str() {
            "" => content.extend_from_slice(bytes),
            "zstd" => zstd::stream::copy_decode(bytes, &mut content).expect("zstd"),
            "br" => {
                _ = brotli::Decompressor::new(bytes, 4096)
                    .read_to_end(&mut content)
                    .expect("brotli");
            }
            "gzip" => {
                _ = flate2::read::GzDecoder::new(bytes)
                    .read_to_end(&mut content)
                    .expect("gzip");
            }
            other => panic!("{other}"),
        }
        content
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.decoded()).expect("JSON")
    }
}

/// Sends a query, with the header Accept-Encoding if `accepts` is given.
async fn ask(caller: &Caller, query: &str, variables: Value, accepts: Option<&str>) -> Sent {
    let gateway = &caller.gateway;
    let mut request = gateway.http.post(format!("{}/graphql", gateway.url));
    if let Some(credential) = &caller.credential {
        request = request.bearer_auth(credential);
    }
    if let Some(accepts) = accepts {
        request = request.header(ACCEPT_ENCODING, accepts);
    }
    Sent::of(request.json(&json!({ "query": query, "variables": variables }))).await
}

async fn read(gateway: &Gateway, method: Method, path: &str, headers: &[(&str, &str)]) -> Sent {
    let mut request = gateway.http.request(method, format!("{}{path}", gateway.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Sent::of(request).await
}

#[tokio::test]
async fn large_responses_are_compressed_with_an_accepted_coding() {
    let shop = kit::shop().await;
    let plain = ask(&shop.browser, TYPES, json!({}), None).await;
    assert_eq!((plain.status, plain.coding()), (200, String::new()));
    for (accepts, coding) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "gzip"),
        ("gzip;q=1.0, br;q=0.9, zstd;q=0.8", "gzip"),
        ("zstd;q=0, br;q=0.001", "br"),
        ("*;q=0.1, br;q=0", "gzip"),
        ("deflate", ""),
        ("gzip;q=0", ""),
        ("identity;q=0", ""),
        ("identity, gzip;q=0.5", ""),
    ] {
        // The second response comes from the cache.
        for _ in 0..2 {
            let sent = ask(&shop.browser, TYPES, json!({}), Some(accepts)).await;
            assert_eq!((sent.status, sent.coding().as_str()), (200, coding), "{accepts}");
            assert_eq!(sent.json(), plain.json(), "{accepts}");
            assert_eq!(sent.header("content-length"), sent.bytes.len().to_string());
            assert_eq!(sent.header("cache-control"), "no-store");
            assert!(sent.varies(), "{accepts}");
            let (length, of) = (sent.bytes.len(), plain.bytes.len());
            assert!(
                coding.is_empty() || length * 2 < of,
                "{accepts}: {length} of {of} bytes"
            );
        }
    }
    // Personal data and errors are compressed too; small responses are not.
    for number in 0..12 {
        shop.ann(&format!("a user with a long name, number {number}"))
            .await;
    }
    let users = format!(
        "{{ storefront(by: {{ id: {:?} }}) {{ users(first: 100) {{ nodes {{ id storefrontUserId createdAt }} }} }} }}",
        shop.id()
    );
    let sent = ask(&shop.backend, &users, json!({}), Some("gzip")).await;
    assert_eq!((sent.coding().as_str(), sent.varies()), ("gzip", true));
    let nodes = &sent.json()["data"]["storefront"]["users"]["nodes"];
    assert_eq!(nodes.as_array().map(Vec::len), Some(12));
    let unknown: String = (0..50).map(|number| format!("unknown{number} ")).collect();
    let sent = ask(&shop.browser, &format!("{{ {unknown} }}"), json!({}), Some("br")).await;
    assert_eq!(sent.coding(), "br");
    assert!(
        sent.json()["errors"]
            .as_array()
            .is_some_and(|errors| errors.len() == 50)
    );
    let sent = ask(
        &shop.browser,
        "{ viewer { kind } }",
        json!({}),
        Some("gzip, br, zstd"),
    )
    .await;
    assert_eq!((sent.coding().as_str(), sent.varies()), ("", false));
}

#[tokio::test]
async fn responses_with_a_secret_are_never_compressed() {
    let shop = setup().start().await;
    let gateway = &shop.gateway;
    let (_, refresh) = ada(&shop, "ada@example.com").await;
    let all = "gzip, br, zstd";
    // A payload with tokens, made long by the caller's selection.
    let chosen: String = (0..40).map(|number| format!("a{number}: __typename ")).collect();
    let document =
        mutation("customerTokenRefresh").replace("userErrors {", &format!("{chosen} userErrors {{"));
    let input = json!({ "input": { "refreshToken": refresh } });
    let sent = ask(&shop.unauthenticated(), &document, input, Some(all)).await;
    assert!(
        sent.bytes.len() >= 1024,
        "{}",
        String::from_utf8_lossy(&sent.bytes)
    );
    assert_eq!(sent.coding(), "");
    assert!(sent.json()["data"]["customerTokenRefresh"]["token"]["accessToken"].is_string());
    // Signed links, and the same list without them.
    let ann = shop.ann("ann").await;
    for number in 0..10 {
        ann.upload(&format!("cat {number}.png"), &kit::png(number)).await;
    }
    let items = |field: &str| {
        format!(
            "{{ viewer {{ storefrontUser {{ privateStorage {{ items {{ nodes {{ id name sha256 {field} }} }} }} }} }} }}"
        )
    };
    let sent = ask(&ann, &items("url"), json!({}), Some(all)).await;
    assert_eq!((sent.coding().as_str(), sent.bytes.len() > 1024), ("", true));
    let sent = ask(&ann, &items("byteSize"), json!({}), Some(all)).await;
    assert_eq!(sent.coding(), "br");
    // An access token of the token endpoint.
    let form = [
        ("grant_type", "password"),
        ("client_id", shop.browser.credential.as_deref().expect("a key")),
        ("username", "ada@example.com"),
        ("password", crate::customers::PASSWORD),
    ];
    let asked = gateway.http.post(format!("{}/oauth/token", gateway.url));
    let sent = Sent::of(asked.header(ACCEPT_ENCODING, all).form(&form)).await;
    assert_eq!(
        (sent.status, sent.coding().as_str(), sent.varies()),
        (200, "", false)
    );
}

#[tokio::test]
async fn stored_content_is_served_uncompressed_with_its_tag_and_ranges() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let bytes = png_of(100_000);
    ann.upload("cat.png", &bytes).await;
    let seen = ann
        .query("{ viewer { storefrontUser { privateStorage { items { nodes { url } } } } } }")
        .await;
    let url = &seen["viewer"]["storefrontUser"]["privateStorage"]["items"]["nodes"][0]["url"];
    let path = url
        .as_str()
        .expect("a link")
        .strip_prefix(&shop.gateway.url)
        .expect("our own");
    let accepts = ("accept-encoding", "gzip, br, zstd");
    let whole = read(&shop.gateway, Method::GET, path, &[accepts]).await;
    assert_eq!(
        (whole.status, whole.coding().as_str(), whole.bytes == bytes),
        (200, "", true)
    );
    let tag = whole.header("etag");
    assert!(tag.starts_with('"'), "{tag}");
    let part = read(
        &shop.gateway,
        Method::GET,
        path,
        &[accepts, ("range", "bytes=10-19"), ("if-range", &tag)],
    )
    .await;
    assert_eq!((part.status, &part.bytes[..]), (206, &bytes[10..20]));
    let known = read(
        &shop.gateway,
        Method::GET,
        path,
        &[accepts, ("if-none-match", &tag)],
    )
    .await;
    assert_eq!(known.status, 304);
}

#[tokio::test]
async fn public_files_are_compressed_with_correct_entity_tags() {
    let shop = kit::shop().await;
    let gateway = &shop.gateway;
    let plain = read(gateway, Method::GET, "/schema.graphql", &[]).await;
    let tag = plain.header("etag");
    assert!(tag.starts_with('"') && plain.varies(), "{tag}");
    let mut tags = vec![tag.clone()];
    for coding in CODINGS {
        let accepts = ("accept-encoding", coding);
        let sent = read(gateway, Method::GET, "/schema.graphql", &[accepts]).await;
        assert_eq!((sent.status, sent.coding().as_str()), (200, coding));
        assert!(sent.decoded() == plain.bytes && sent.bytes.len() * 3 < plain.bytes.len());
        assert_eq!(sent.header("etag"), format!("W/{tag}"));
        assert_eq!(sent.header("content-length"), sent.bytes.len().to_string());
        assert!(sent.varies());
        tags.push(sent.header("etag"));
        // HEAD has the same headers.
        let head = read(gateway, Method::HEAD, "/schema.graphql", &[accepts]).await;
        assert_eq!(
            (head.status, head.coding().as_str(), head.bytes.len()),
            (200, coding, 0)
        );
        assert_eq!(head.header("etag"), sent.header("etag"));
        assert_eq!(head.header("content-length"), sent.header("content-length"));
    }
    // The tag of any coding is accepted for every coding.
    for known in &tags {
        for coding in ["identity", "gzip"] {
            let headers = [("accept-encoding", coding), ("if-none-match", known)];
            let sent = read(gateway, Method::GET, "/schema.graphql", &headers).await;
            assert_eq!(
                (sent.status, sent.bytes.len(), sent.varies()),
                (304, 0, true),
                "{known}"
            );
            assert_eq!(sent.header("etag").starts_with("W/"), coding == "gzip", "{known}");
            assert_eq!(sent.coding(), "");
        }
    }
    // The response with a single key is too short to be compressed.
    let keys = read(
        gateway,
        Method::GET,
        "/.well-known/jwks.json",
        &[("accept-encoding", "gzip")],
    )
    .await;
    assert_eq!(
        (keys.status, keys.coding().as_str(), keys.bytes.len() < 1024),
        (200, "", true)
    );
    assert!(keys.header("etag").starts_with('"'));
}

#[tokio::test]
async fn a_cross_origin_response_is_compressed_and_varies_by_its_headers() {
    let shop = kit::shop().await;
    let headers = [("accept-encoding", "br"), ("origin", "https://prints.example")];
    let sent = read(&shop.gateway, Method::GET, "/schema.graphql", &headers).await;
    assert_eq!(
        (sent.status, sent.coding().as_str(), sent.varies()),
        (200, "br", true)
    );
    // The CORS layer's Vary header is kept: the allowed headers are those requested.
    let varies = sent.header("vary");
    assert!(varies.contains("access-control-request-headers"), "{varies}");
    assert_eq!(sent.header("access-control-allow-origin"), "*");
}
