//! Malformed bodies, content types, methods and paths (GQL-07, ERR-02).

use serde_json::json;

use super::JSON;
use crate::kit;

/// Malformed bodies, each with a part of the expected message.
const BROKEN: &[(&str, &str)] = &[
    (
        "",
        "The request's body is empty. Send a JSON object such as {\"query\": \"{ __typename }\"}",
    ),
    (
        "{\"query\":\"{ viewer { kind } }\"",
        "The request's body is not JSON, line 1, column 31:",
    ),
    (
        "\u{feff}{\"query\":\"{ s3cret }\"}",
        "line 1, column 1: a byte order mark",
    ),
    (
        "{\n  \"query\": \"{ s3cret }\",\n}",
        "line 3, column 1: no comma is allowed before a closing bracket",
    ),
    (
        "{'query': '{ s3cret }'}",
        "line 1, column 2: a text or a name is written in double quotes",
    ),
    (
        "{ viewer { s3cret } }",
        "line 1, column 3: a member's name in double quotes is expected",
    ),
    ("query=%7Bs3cret%7D", "line 1, column 1: a value is expected"),
    ("[{\"query\":\"{ s3cret }\"}]", "Batches are not supported"),
    ("\"s3cret\"", "is JSON, but not an object"),
    (
        "{\"mutation\":\"{ s3cret }\"}",
        "The parameter \"query\" is missing",
    ),
    (
        "{\"query\":{\"s3cret\":1}}",
        "The parameter \"query\" must be a string",
    ),
    (
        "{\"query\":\"{ __typename }\",\"variables\":\"{}\"}",
        "\"variables\" must be an object, not a string",
    ),
];

/// Malformed query strings, each with a part of the expected message.
const BROKEN_QUERIES: &[(&str, &str)] = &[
    (
        "query=%7B__typename%7D&variables=%7Ba%3A1%7D",
        "The parameter \"variables\" is not JSON, line 1, column 2:",
    ),
    (
        "query=%7B__typename%7D&extensions=%7B%22a%22",
        "The parameter \"extensions\" is not JSON, line 1, column 5:",
    ),
    ("variables=%7B%7D", "The parameter \"query\" is missing"),
];

// GQL-07
#[tokio::test]
async fn gql_07_an_invalid_json_body_is_reported_with_position_and_expectation() {
    let shop = kit::shop().await;
    for (body, expected) in BROKEN {
        let answer = shop.browser.send_body(Some(JSON), *body).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (400, vec!["BAD_USER_INPUT"]),
            "{body}"
        );
        assert!(
            answer.message().contains(expected),
            "{body}: {}",
            answer.message()
        );
        assert!(
            !answer.message().contains("s3cret"),
            "{body}: {}",
            answer.message()
        );
    }
    let answer = shop
        .browser
        .send_body(Some(JSON), b"{\"query\":\"\xe4\"}".to_vec())
        .await;
    assert!(
        answer.message().contains("line 1, column 11: text in UTF-8"),
        "{}",
        answer.message()
    );
    for (query, expected) in BROKEN_QUERIES {
        let answer = shop.browser.get(&format!("/graphql?{query}")).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (400, vec!["BAD_USER_INPUT"]),
            "{query}"
        );
        assert!(
            answer.message().contains(expected),
            "{query}: {}",
            answer.message()
        );
    }
}

// GQL-07
#[tokio::test]
async fn gql_07_an_unsupported_content_type_is_reported_with_the_supported_ones() {
    let shop = kit::shop().await;
    for (content_type, expected) in [
        (None, "\"Content-Type\" is missing"),
        (
            Some("text/plain"),
            "This content type is not accepted, because pages of other sites",
        ),
        (
            Some("application/x-www-form-urlencoded"),
            "This content type is not accepted, because pages of other sites",
        ),
        (
            Some("application/graphql"),
            "A GraphQL document alone is not accepted",
        ),
        (
            Some("application/graphql+json"),
            "This content type is not for requests",
        ),
        (
            Some("application/graphql-response+json"),
            "This content type is not for requests",
        ),
        (
            Some("application/xml"),
            "This content type is not accepted. Send a JSON object",
        ),
        (Some("application/json; charset=latin1"), "JSON must be UTF-8"),
    ] {
        let answer = shop.browser.send_body(content_type, "{ viewer { kind } }").await;
        assert_eq!(
            (answer.status, answer.codes()),
            (415, vec!["BAD_USER_INPUT"]),
            "{content_type:?}"
        );
        let message = answer.message();
        assert!(message.contains(expected), "{content_type:?}: {message}");
        assert!(
            message.contains("\"Content-Type: application/json\""),
            "{message}"
        );
    }
}

// GQL-07
#[tokio::test]
async fn gql_07_a_wrong_path_or_method_is_answered_with_the_right_one() {
    let shop = kit::shop().await;
    for path in ["/graphql/", "/api/graphql", "/"] {
        let answer = shop.browser.get(path).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (404, vec!["NOT_FOUND"]),
            "{path}"
        );
        assert!(
            answer.message().contains("GraphQL is at /graphql (POST"),
            "{path}"
        );
    }
    let http = &shop.gateway.http;
    for (method, path, allow) in [
        (reqwest::Method::PUT, "/graphql", "GET, HEAD, POST, OPTIONS"),
        (reqwest::Method::POST, "/schema.graphql", "GET,HEAD"),
        (reqwest::Method::DELETE, "/.well-known/jwks.json", "GET,HEAD"),
        (reqwest::Method::GET, "/oauth/token", "POST"),
    ] {
        let asked = http.request(method.clone(), format!("{}{path}", shop.gateway.url));
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status(), 405, "{method} {path}");
        assert_eq!(answer.headers()["allow"], allow, "{method} {path}");
        let body: serde_json::Value = answer.json().await.expect("JSON");
        let message = body["errors"][0]["message"].as_str().expect("a message");
        assert!(message.contains("POST") || message.contains("GET"), "{message}");
    }
    let mutation = "/graphql?query=mutation%7B__typename%7D";
    let answer = shop.browser.get(mutation).await;
    assert_eq!(
        (answer.status, &answer.headers["allow"]),
        (405, &"POST".parse().expect("ASCII"))
    );
    assert!(answer.message().contains("sent by POST"), "{}", answer.message());
}

// GQL-07
#[tokio::test]
async fn gql_07_an_invalid_link_is_refused_with_the_reason() {
    let shop = kit::Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    ann.upload("cat.png", &kit::png(1)).await;
    let seen = ann
        .query("{ viewer { storefrontUser { privateStorage { items { nodes { url } } } } } }")
        .await;
    let url = &seen["viewer"]["storefrontUser"]["privateStorage"]["items"]["nodes"][0]["url"];
    let url = url.as_str().expect("a link").to_owned();
    let path = url
        .strip_prefix(&shop.gateway.url)
        .expect("the gateway's own")
        .to_owned();
    let read = async |path: &str| shop.unauthenticated().get(path).await;
    assert_eq!(read(&path).await.status, 200);
    let (whole, _) = path.split_once("&signature").expect("a signature");
    let cases = [
        (whole.to_owned(), "incomplete"),
        (path.replace("expires=1", "expires=2"), "was changed"),
    ];
    for (path, expected) in cases {
        let answer = read(&path).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (403, vec!["FORBIDDEN"]),
            "{path}"
        );
        assert!(answer.message().contains(expected), "{}", answer.message());
    }
    shop.gateway.advance(std::time::Duration::from_secs(11 * 60));
    let answer = read(&path).await;
    assert_eq!((answer.status, answer.codes()), (403, vec!["FORBIDDEN"]));
    assert!(answer.message().contains("has expired"), "{}", answer.message());
    assert_eq!(
        answer.body["errors"].as_array().map(Vec::len),
        Some(1),
        "{}",
        json!(answer.body)
    );
}
