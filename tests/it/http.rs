//! HTTP behaviour of a real gateway with a real database.

use std::io::ErrorKind;
use std::net::SocketAddr;

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode, header};
use serde_json::{Value, json};
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::platform::id::Id;
use storefront_gateway::reach::scope::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::kit::{LIMIT, Setup, Shop};

/// A gateway with an organization, a storefront, a backend with all scopes, and a user.
struct Gateway {
    shop: Shop,
    address: SocketAddr,
    http: Client,
    url: String,
    secret: String,
    client_id: String,
    user: String,
}

impl Gateway {
    async fn start(vars: &[(&str, &str)]) -> Self {
        let setup = vars
            .iter()
            .fold(Setup::new(), |setup, (name, value)| setup.set(name, value));
        let shop = setup.start().await;
        let client = shop.client(ClientKind::Integration, None, Scope::ALL).await;
        let url = shop.gateway.url.clone();
        let mut gateway = Self {
            address: url.trim_start_matches("http://").parse().expect("an address"),
            http: Client::new(),
            secret: client.secret().to_owned(),
            client_id: client.id.as_str().to_owned(),
            user: String::new(),
            shop,
            url,
        };
        let query = "mutation($i: StorefrontUserRegisterInput!) { storefrontUserRegister(input: $i) { storefrontUser { id } } }";
        let input = json!({ "i": { "storefrontUserId": "u1", "isAnonymous": false } });
        let answer = gateway.query(query, input).await;
        let id = &answer["data"]["storefrontUserRegister"]["storefrontUser"]["id"];
        gateway.user = id.as_str().expect("an id").to_owned();
        gateway
    }

    async fn query(&self, query: &str, variables: Value) -> Value {
        let asked = self
            .http
            .post(format!("{}/graphql", self.url))
            .bearer_auth(&self.secret);
        let answer = asked
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await;
        answer.expect("answered").json().await.expect("json")
    }

    fn post(&self, content_type: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let post = self.http.post(format!("{}/graphql", self.url));
        post.header(header::CONTENT_TYPE, content_type).body(body)
    }

    /// Uploads two files in the given order, in a document that uses "0" before "1".
    async fn upload(&self, files: Vec<(&'static str, Vec<u8>)>) -> Value {
        let upload = "storageItemUpload(input: { file: $F, owner: $o }) { storageItem { url sha256 byteSize } userErrors { code message } }";
        let (a, b) = (upload.replace("$F", "$a"), upload.replace("$F", "$b"));
        let operations = json!({
            "query": format!("mutation($a: Upload!, $b: Upload!, $o: StorefrontUserBy) {{ a: {a} b: {b} }}"),
            "variables": { "a": null, "b": null, "o": { "id": self.user } },
        });
        let map = json!({ "0": ["variables.a"], "1": ["variables.b"] });
        let mut form = Form::new()
            .text("operations", operations.to_string())
            .text("map", map.to_string());
        for (name, content) in files {
            form = form.part(name, Part::bytes(content).file_name(format!("{name}.bin")));
        }
        let post = self
            .http
            .post(format!("{}/graphql", self.url))
            .bearer_auth(&self.secret);
        let answer = post
            .header("graphql-require-preflight", "1")
            .multipart(form)
            .send()
            .await;
        let mut answer: Value = answer.expect("answered").json().await.expect("json");
        answer["data"].take()
    }

    /// Stops the gateway as SIGTERM does; the test kit asserts that everything ended in time.
    async fn stop(self) {
        let dropped = tokio::task::spawn_blocking(move || drop(self));
        dropped.await.expect("everything ended in time");
    }
}

async fn code(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let answer: Value = response.json().await.expect("json");
    let code = answer["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or("none");
    (status, code.to_owned())
}

/// A file that is detected as a ZIP archive.
fn zip(size: usize) -> Vec<u8> {
    let mut content = b"PK\x03\x04".to_vec();
    content.extend((0..size - 4).map(|n| u8::try_from(n % 251).expect("small")));
    content
}

// ERR-02
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of requests and answers")]
async fn malformed_requests_are_refused() {
    let gateway = Gateway::start(&[("GATEWAY_MAX_BODY", "1KiB")]).await;
    let json = "application/json";
    let cases = [
        (
            gateway.post("text/plain", r#"{"query":"{__typename}"}"#),
            415,
            "BAD_USER_INPUT",
        ),
        (
            gateway.post("application/x-www-form-urlencoded", "query={__typename}"),
            415,
            "BAD_USER_INPUT",
        ),
        (
            gateway.post("application/json; charset=latin1", "{}"),
            415,
            "BAD_USER_INPUT",
        ),
        (
            gateway.post("multipart/form-data; boundary=x", "--x--"),
            400,
            "BAD_USER_INPUT",
        ),
        (
            gateway.post(json, r#"[{"query":"{__typename}"}]"#),
            400,
            "BAD_USER_INPUT",
        ),
        (gateway.post(json, "x".repeat(1025)), 413, "LIMIT_EXCEEDED"),
        (
            gateway.post(json, "{}").header(header::ACCEPT, "text/html"),
            406,
            "BAD_USER_INPUT",
        ),
        (
            gateway.post(json, "{}").bearer_auth("nope"),
            401,
            "UNAUTHENTICATED",
        ),
        (
            gateway.post(json, "{}").basic_auth("a", Some("b")),
            401,
            "UNAUTHENTICATED",
        ),
        (
            gateway.http.put(format!("{}/graphql", gateway.url)),
            405,
            "BAD_USER_INPUT",
        ),
        (
            gateway
                .http
                .get(format!("{}/graphql?query=mutation{{a}}", gateway.url)),
            405,
            "BAD_USER_INPUT",
        ),
        (
            gateway.http.get(format!("{}/nowhere", gateway.url)),
            404,
            "NOT_FOUND",
        ),
    ];
    for (number, (request, status, expected)) in cases.into_iter().enumerate() {
        let response = request.send().await.expect("answered");
        assert!(response.headers().contains_key("x-request-id"), "case {number}");
        assert_eq!(
            response.headers()["x-content-type-options"],
            "nosniff",
            "case {number}"
        );
        let (found, code) = code(response).await;
        assert_eq!(
            (found.as_u16(), code.as_str()),
            (status, expected),
            "case {number}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn documents_that_would_crash_the_process_are_refused() {
    let gateway = Gateway::start(&[]).await;
    let chain: String = (0..26)
        .map(|n| format!("fragment f{n} on Query {{ ...f{0} ...f{0} }} ", n + 1))
        .collect();
    for document in [
        format!("{{ a(b: {}{}) }}", "[".repeat(2000), "]".repeat(2000)),
        "{a".repeat(2000),
        format!("{{ ...f0 }} {chain} fragment f26 on Query {{ __typename }}"),
    ] {
        let answer = gateway.query(&document, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    }
    assert_eq!(
        gateway.query("{ __typename }", json!({})).await["data"]["__typename"],
        "Query"
    );
    gateway.stop().await;
}

// ERR-02
#[tokio::test]
async fn an_error_message_has_no_value_and_is_the_same_when_repeated() {
    let gateway = Gateway::start(&[]).await;
    let id = "query($id: ID!) { node(id: $id) { id } }";
    let skip = "query($if: Boolean!) { viewer @skip(if: $if) { __typename } }";
    let by = "query($by: StorefrontUserBy!) { storefrontUser(by: $by) { id } }";
    for (query, good, bad) in [
        (id, json!({ "id": "x" }), json!({ "id": { "s3cret": 1 } })),
        (id, json!({ "id": "x" }), json!({ "id": null })),
        (skip, json!({ "if": true }), json!({ "if": "s3cret" })),
        (by, json!({ "by": { "id": "x" } }), json!({ "by": "s3cret" })),
        (
            by,
            json!({ "by": { "id": "x" } }),
            json!({ "by": { "id": ["s3cret"] } }),
        ),
    ] {
        let first = gateway.query(query, bad.clone()).await;
        let _kept = gateway.query(query, good).await;
        let second = gateway.query(query, bad.clone()).await;
        assert_eq!(first, second, "{query} {bad}");
        assert_eq!(
            first["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
            "{query} {bad}"
        );
        assert!(!first.to_string().contains("s3cret"), "{first}");
    }
    gateway.stop().await;
}

// SFU-04, STO-02
#[tokio::test]
async fn a_file_is_stored_unchanged_and_served_in_ranges() {
    let gateway = Gateway::start(&[]).await;
    let content = zip(3_000_000);
    let small = br#"{"a":1}"#.to_vec();
    let answer = gateway.upload(vec![("0", content.clone()), ("1", small)]).await;
    let url = answer["a"]["storageItem"]["url"].as_str().expect("a link");
    let get = |name: header::HeaderName, value: String| gateway.http.get(url).header(name, value).send();

    let whole = gateway.http.get(url).send().await.expect("answered");
    assert_eq!(whole.headers()["content-type"], "application/zip");
    let disposition = whole.headers()["content-disposition"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    let tag = whole.headers()["etag"].to_str().expect("text").to_owned();
    assert_eq!(whole.bytes().await.expect("bytes"), content);

    let part = get(header::RANGE, "bytes=1048570-1048580".to_owned())
        .await
        .expect("answered");
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 1048570-1048580/3000000");
    assert_eq!(part.bytes().await.expect("bytes"), content[1_048_570..=1_048_580]);
    let beyond = get(header::RANGE, "bytes=3000000-".to_owned())
        .await
        .expect("answered");
    assert_eq!(beyond.status(), 416);
    assert_eq!(
        get(header::IF_NONE_MATCH, tag).await.expect("answered").status(),
        304
    );
    let forged = gateway
        .http
        .get(url.replace("expires=1", "expires=2"))
        .send()
        .await;
    assert_eq!(forged.expect("answered").status(), 403);
    gateway.stop().await;
}

#[tokio::test]
async fn files_in_another_order_are_accepted_or_refused_without_a_hang() {
    let gateway = Gateway::start(&[]).await;
    let small = || br#"{"a":1}"#.to_vec();
    let answer = gateway.upload(vec![("1", small()), ("0", small())]).await;
    assert!(
        answer["a"]["storageItem"].is_object() && answer["b"]["storageItem"].is_object(),
        "{answer}"
    );
    let answer = gateway.upload(vec![("1", zip(5_000_000)), ("0", small())]).await;
    assert_eq!(answer["a"]["userErrors"][0]["code"], "SAVE_FAILED");
    let message = answer["a"]["userErrors"][0]["message"].as_str().expect("text");
    assert!(message.contains("order"), "{message}");
    gateway.stop().await;
}

// STO-01
#[tokio::test]
async fn an_aborted_upload_leaves_no_item() {
    let gateway = Gateway::start(&[]).await;
    let mut stream = begin_upload(&gateway, 100_000).await;
    stream.write_all(&zip(50_000)).await.expect("sent");
    drop(stream);
    let query = "query($by: StorefrontUserBy!) { storefrontUser(by: $by) { privateStorage { itemCount } } }";
    // Wait until the upload's task has ended; an item would have been created by then.
    let by = json!({ "by": { "id": gateway.user } });
    while !gateway.shop.gateway.app.tasks.is_empty() {
        tokio::task::yield_now().await;
    }
    let answer = gateway.query(query, by).await;
    assert_eq!(
        answer["data"]["storefrontUser"]["privateStorage"]["itemCount"], 0,
        "{answer}"
    );
    gateway.stop().await;
}

/// Sends the head and the first two parts of an upload, and the head of a file part, with `length` announced bytes.
async fn begin_upload(gateway: &Gateway, length: usize) -> TcpStream {
    let operations = json!({
        "query": "mutation($f: Upload!, $o: StorefrontUserBy) { storageItemUpload(input: { file: $f, owner: $o }) \
                  { storageItem { byteSize } userErrors { code } } }",
        "variables": { "f": null, "o": { "id": gateway.user } },
    });
    let head = "--x\r\ncontent-disposition: form-data; name=";
    let parts = format!(
        "{head}operations\r\n\r\n{operations}\r\n{head}map\r\n\r\n{{\"0\":[\"variables.f\"]}}\r\n{head}0; \
         filename=\"a.zip\"\r\n\r\n"
    );
    let total = parts.len() + length + "\r\n--x--\r\n".len();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ngraphql-require-preflight: 1\r\n\
         content-type: multipart/form-data; boundary=x\r\ncontent-length: {total}\r\n\r\n{parts}",
        gateway.secret
    );
    let mut stream = TcpStream::connect(gateway.address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let begun = async {
        while gateway.shop.gateway.app.tasks.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, begun)
        .await
        .expect("the upload begins");
    stream
}

#[tokio::test]
async fn a_shutdown_completes_a_running_upload_and_accepts_no_connection() {
    let gateway = Gateway::start(&[]).await;
    let (address, content) = (gateway.address, zip(200_000));
    let mut stream = begin_upload(&gateway, content.len()).await;
    let stopping = tokio::spawn(gateway.stop());
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, refused)
        .await
        .expect("new connections are refused");
    stream.write_all(&content).await.expect("sent");
    stream.write_all(b"\r\n--x--\r\n").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.contains("\"byteSize\":200000"), "{answer}");
    stopping.await.expect("stopped");
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let gateway = Gateway::start(&[]).await;
    for begun in ["", "PRI", "POST /graphql HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(gateway.address).await.expect("connected");
        stream.write_all(begun.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut rest))
            .await
            .expect("it is cut");
        assert!(read.is_ok() || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_token_endpoint_accepts_only_forms_and_one_kind_of_credentials() {
    let gateway = Gateway::start(&[]).await;
    let url = format!("{}/oauth/token", gateway.url);
    let grant = ("grant_type", "client_credentials");
    let (id, secret) = (gateway.client_id.as_str(), gateway.secret.as_str());
    let both = [grant, ("client_id", id), ("client_secret", secret)];
    let cases = [
        (
            gateway
                .http
                .post(&url)
                .basic_auth(id, Some(secret))
                .form(&[grant]),
            200,
            None,
        ),
        (gateway.http.post(&url).form(&both), 200, None),
        (
            gateway.http.post(&url).basic_auth(id, Some(secret)).form(&both),
            400,
            Some("invalid_request"),
        ),
        (
            gateway
                .http
                .post(&url)
                .basic_auth(id, Some("wrong"))
                .form(&[grant]),
            401,
            Some("invalid_client"),
        ),
        (
            gateway.http.post(&url).form(&[grant, grant]),
            400,
            Some("invalid_request"),
        ),
        (
            gateway.http.post(&url).json(&json!({})),
            400,
            Some("invalid_request"),
        ),
    ];
    for (number, (request, status, error)) in cases.into_iter().enumerate() {
        let response = request.send().await.expect("answered");
        assert_eq!(response.headers()["cache-control"], "no-store", "case {number}");
        assert_eq!(
            response.headers().contains_key("www-authenticate"),
            status == 401,
            "case {number}"
        );
        assert_eq!(response.status(), status, "case {number}");
        let answer: Value = response.json().await.expect("json");
        assert_eq!(answer["error"].as_str(), error, "case {number}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_token_endpoint_allows_cross_origin_requests_and_forbids_caching() {
    let gateway = Gateway::start(&[]).await;
    let url = format!("{}/oauth/token", gateway.url);
    let preflight = gateway.http.request(reqwest::Method::OPTIONS, &url);
    let preflight = preflight
        .header("origin", "https://prints.example")
        .header("access-control-request-method", "POST");
    let answer = preflight.send().await.expect("answered");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    gateway.stop().await;
}

#[tokio::test]
async fn only_pages_of_the_configured_origins_may_read_responses() {
    let ours = "https://prints.example";
    let gateway = Gateway::start(&[("GATEWAY_CORS_ORIGINS", ours)]).await;
    let url = format!("{}/graphql", gateway.url);
    let body = json!({ "query": "{ __typename }" });
    let answer = async |method: reqwest::Method, url: &str, origin: Option<&str>| {
        let mut request = gateway.http.request(method.clone(), url);
        if method == reqwest::Method::POST {
            request = request.json(&body);
        } else if method == reqwest::Method::OPTIONS {
            request = request.header("access-control-request-method", "POST");
        }
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.send().await.expect("answered")
    };
    let allowed = |response: &Response| {
        let value = response.headers().get("access-control-allow-origin");
        value.map(|value| value.to_str().expect("text").to_owned())
    };
    let get = format!("{url}?query=%7B__typename%7D");
    for (method, url) in [
        (reqwest::Method::POST, &url),
        (reqwest::Method::GET, &get),
        (reqwest::Method::OPTIONS, &url),
        // Error responses have CORS headers too, so that the page can read them.
        (reqwest::Method::PUT, &url),
    ] {
        let to_ours = answer(method.clone(), url, Some(ours)).await;
        assert_eq!(allowed(&to_ours).as_deref(), Some(ours), "{method}");
        let to_others = answer(method.clone(), url, Some("https://other.example")).await;
        assert_eq!(allowed(&to_others), None, "{method}");
        assert_eq!(to_ours.headers()["cache-control"], "no-store", "{method}");
        assert_eq!(to_others.headers()["cache-control"], "no-store", "{method}");
    }
    let to_ours = answer(reqwest::Method::POST, &url, Some(ours)).await;
    let exposed = &to_ours.headers()["access-control-expose-headers"];
    assert!(
        exposed.to_str().expect("text").contains("x-request-id"),
        "{exposed:?}"
    );
    let to_ours = to_ours.text().await.expect("text");
    // Requests without an `Origin` header get no CORS headers.
    let to_a_backend = answer(reqwest::Method::POST, &url, None).await;
    assert_eq!(allowed(&to_a_backend), None);
    assert_eq!(to_a_backend.headers()["cache-control"], "no-store");
    assert_eq!(to_a_backend.text().await.expect("text"), to_ours);
    gateway.stop().await;
}

// A repeated document comes from the cache and skips validation.
#[tokio::test]
async fn introspection_is_stable_and_has_no_federation_types() {
    let gateway = Gateway::start(&[]).await;
    let types =
        "{ __schema { types { name fields { name } } queryType { fields { name } } } viewer { __typename } }";
    let service =
        r#"{ query: __type(name: "Query") { fields { name } } none: __type(name: "_Service") { name } }"#;
    let skipped = "query($skip: Boolean!) { __schema @skip(if: $skip) { queryType { name } } }";
    let spread = "{ ...F ... on Query { __type(name: \"Query\") { name } } } fragment F on Query { __schema { queryType { name } } }";
    for (query, variables) in [
        (types, json!({})),
        (service, json!({})),
        (spread, json!({})),
        (skipped, json!({ "skip": false })),
    ] {
        let first = gateway.query(query, variables.clone()).await;
        assert_eq!(first["errors"], Value::Null, "{query}");
        assert_eq!(gateway.query(query, variables.clone()).await, first, "{query}");
        assert_eq!(gateway.query(query, variables).await, first, "{query}");
        for name in ["_Service", "_service", "_Entity", "_entities", "_Any"] {
            let quoted = format!("\"{name}\"");
            assert!(!first.to_string().contains(&quoted), "{name}: {query}");
        }
    }
    let reported = gateway.query(spread, json!({})).await;
    let expected = json!({ "__schema": { "queryType": { "name": "Query" } }, "__type": { "name": "Query" } });
    assert_eq!(reported["data"], expected);
    let reported = gateway.query(types, json!({})).await;
    assert!(
        reported["data"]["__schema"]["types"]
            .as_array()
            .expect("types")
            .len()
            > 100
    );
    assert_eq!(
        gateway.query(service, json!({})).await["data"]["none"],
        Value::Null
    );
    assert_eq!(
        gateway.query(skipped, json!({ "skip": true })).await["data"],
        json!({})
    );
    for query in [
        "{ _service { sdl } }",
        "{ _entities(representations: []) { __typename } }",
    ] {
        let first = gateway.query(query, json!({})).await;
        assert_eq!(
            first["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{first}"
        );
        assert_eq!(gateway.query(query, json!({})).await, first);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn disabled_introspection_never_returns_the_schema() {
    let gateway = Gateway::start(&[("GATEWAY_INTROSPECTION", "off")]).await;
    let query = "{ __schema { types { name } } __typename }";
    let first = gateway.query(query, json!({})).await;
    assert!(!first.to_string().contains("Customer"), "{first}");
    assert_eq!(gateway.query(query, json!({})).await, first);
    assert_eq!(
        gateway.query("{ __typename }", json!({})).await["data"],
        json!({ "__typename": "Query" })
    );
    gateway.stop().await;
}
