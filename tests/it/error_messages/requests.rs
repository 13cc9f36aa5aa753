//! HTTP and JSON: methods, content types, bodies, parameters, links.

use super::Answers;
use crate::kit::{self, Caller, png};

const JSON: Option<&str> = Some("application/json");

// GQL-07
#[tokio::test]
async fn gql_07_responses_to_invalid_http_and_json() {
    let shop = kit::shop().await;
    let mut answers = Answers::default();
    let mutation =
        "/graphql?query=mutation%20%7B%20customerRegister(input%3A%20%7B%7D)%20%7B%20__typename%20%7D%20%7D";
    answers.get("10 mutation via GET", &shop.browser, mutation).await;
    content_types(&mut answers, &shop.browser).await;
    bodies(&mut answers, &shop.browser).await;
    parameters(&mut answers, &shop.browser).await;
    links(&mut answers, &shop.ann("ann").await).await;
    insta::assert_snapshot!(answers.0, @r#"
    # 10 mutation via GET
    405
    allow: POST
    BAD_USER_INPUT: A mutation is sent by POST: GET is for queries only.

    # 14 wrong content type form
    415
    BAD_USER_INPUT: This content type is not accepted, because pages of other sites can send it without a CORS preflight. Send a JSON object such as {"query": "{ __typename }"} with the header "Content-Type: application/json", and files by multipart/form-data.

    # 14b application/graphql
    415
    BAD_USER_INPUT: A GraphQL document alone is not accepted. Send a JSON object such as {"query": "{ __typename }"} with the header "Content-Type: application/json".

    # 14c no content type
    415
    BAD_USER_INPUT: The header "Content-Type" is missing, or was sent twice. Send a JSON object such as {"query": "{ __typename }"} with the header "Content-Type: application/json".

    # 14d json charset latin1
    415
    BAD_USER_INPUT: JSON must be UTF-8 (RFC 8259 §8.1). Send it as UTF-8, with the header "Content-Type: application/json" and no other charset.

    # 14e graphql+json
    415
    BAD_USER_INPUT: This content type is not for requests (GraphQL over HTTP, "Media Types"). Send a JSON object such as {"query": "{ __typename }"} with the header "Content-Type: application/json".

    # 15 JSON syntax error
    400
    BAD_USER_INPUT: The request's body is not JSON, line 1, column 33: "," or a closing bracket is expected after a string; a quotation mark inside one is written \". Send a JSON object such as {"query": "{ __typename }"}, with "variables" and "operationName" where needed.

    # 16 BOM
    400
    BAD_USER_INPUT: The request's body is not JSON, line 1, column 1: a byte order mark is not allowed in JSON (RFC 8259 §8.1); send the text without it. Send a JSON object such as {"query": "{ __typename }"}, with "variables" and "operationName" where needed.

    # 17 trailing comma
    400
    BAD_USER_INPUT: The request's body is not JSON, line 3, column 1: no comma is allowed before a closing bracket. Send a JSON object such as {"query": "{ __typename }"}, with "variables" and "operationName" where needed.

    # 18 batch array
    400
    BAD_USER_INPUT: Batches are not supported: send each operation in a request of its own, as a JSON object.

    # 20c empty body
    400
    BAD_USER_INPUT: The request's body is empty. Send a JSON object such as {"query": "{ __typename }"}, with "variables" and "operationName" where needed.

    # 5e variables as a string
    400
    BAD_USER_INPUT: The parameter "variables" must be an object, not a string that contains one as JSON.

    # 20 query missing
    400
    BAD_USER_INPUT: The parameter "query" is missing: it contains the GraphQL document, whether that is a query or a mutation.

    # 20b empty object
    400
    BAD_USER_INPUT: The parameter "query" is missing: it contains the GraphQL document, whether that is a query or a mutation.

    # 20d query null
    400
    BAD_USER_INPUT: The parameter "query" is missing: it contains the GraphQL document, whether that is a query or a mutation.

    # 20e query is an object
    400
    BAD_USER_INPUT: The parameter "query" must be a string that contains the GraphQL document; a client that has it as a syntax tree prints it before it sends it.

    # 20g mutation key
    400
    BAD_USER_INPUT: The parameter "query" is missing: it contains the GraphQL document, whether that is a query or a mutation.

    # 32 signed link edited: when it expires
    403
    FORBIDDEN: This link was changed, or another gateway has signed it: use the item's url as the response contained it.

    # 32 signed link edited: its signature
    403
    FORBIDDEN: This link was changed, or another gateway has signed it: use the item's url as the response contained it.
    "#);
}

async fn content_types(answers: &mut Answers, browser: &Caller) {
    let json = r#"{"query":"{ viewer { kind } }"}"#;
    for (mistake, content_type, body) in [
        (
            "14 wrong content type form",
            Some("application/x-www-form-urlencoded"),
            "query=%7Bviewer%7Bkind%7D%7D",
        ),
        (
            "14b application/graphql",
            Some("application/graphql"),
            "{ viewer { kind } }",
        ),
        ("14c no content type", None, json),
        (
            "14d json charset latin1",
            Some("application/json; charset=latin1"),
            json,
        ),
        ("14e graphql+json", Some("application/graphql+json"), json),
    ] {
        answers.post(mistake, browser, content_type, body).await;
    }
}

async fn bodies(answers: &mut Answers, browser: &Caller) {
    for (mistake, body) in [
        (
            "15 JSON syntax error",
            r#"{"query": "{ viewer { kind } }" "variables": {}}"#,
        ),
        ("16 BOM", "\u{feff}{\"query\":\"{ viewer { kind } }\"}"),
        ("17 trailing comma", "{\n  \"query\": \"{ viewer { kind } }\",\n}"),
        (
            "18 batch array",
            r#"[{"query":"{ viewer { kind } }"},{"query":"{ viewer { scopes } }"}]"#,
        ),
        ("20c empty body", ""),
    ] {
        answers.post(mistake, browser, JSON, body).await;
    }
}

async fn parameters(answers: &mut Answers, browser: &Caller) {
    for (mistake, body) in [
        (
            "5e variables as a string",
            r#"{"query":"query($id: ID!) { node(id: $id) { id } }","variables":"{\"id\":\"sto_1\"}"}"#,
        ),
        ("20 query missing", r#"{"variables":{"id":"sto_1"}}"#),
        ("20b empty object", "{}"),
        ("20d query null", r#"{"query":null}"#),
        (
            "20e query is an object",
            r#"{"query":{"kind":"Document","definitions":[]}}"#,
        ),
        ("20g mutation key", r#"{"mutation":"mutation { __typename }"}"#),
    ] {
        answers.post(mistake, browser, JSON, body).await;
    }
}

/// Signed links to a file.
async fn links(answers: &mut Answers, ann: &Caller) {
    ann.upload("cat.png", &png(1)).await;
    let seen = ann
        .query("{ viewer { storefrontUser { privateStorage { items(first: 1) { nodes { url } } } } } }")
        .await;
    let url = &seen["viewer"]["storefrontUser"]["privateStorage"]["items"]["nodes"][0]["url"];
    let url = url.as_str().expect("a link");
    let path = url.strip_prefix(&ann.gateway.url).expect("the gateway's own");
    let unauthenticated = ann.with(None);
    for (mistake, path) in [
        (
            "32 signed link edited: when it expires",
            path.replace("expires=1", "expires=2"),
        ),
        ("32 signed link edited: its signature", format!("{path}x")),
    ] {
        answers.get(mistake, &unauthenticated, &path).await;
    }
}
