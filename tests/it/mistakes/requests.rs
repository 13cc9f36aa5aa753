//! HTTP and JSON: methods, content types, bodies, parameters, links.

use super::Answers;
use crate::kit::{self, Caller, png};

const JSON: Option<&str> = Some("application/json");

// GQL-07
#[tokio::test]
async fn gql_07_mistakes_with_http_and_json() {
    let shop = kit::shop().await;
    let mut answers = Answers::default();
    let mutation = "/graphql?query=mutation%20%7B%20customerRegister(input%3A%20%7B%7D)%20%7B%20__typename%20%7D%20%7D";
    answers.get("10 mutation via GET", &shop.browser, mutation).await;
    content_types(&mut answers, &shop.browser).await;
    bodies(&mut answers, &shop.browser).await;
    parameters(&mut answers, &shop.browser).await;
    links(&mut answers, &shop.ann("ann").await).await;
    insta::assert_snapshot!(answers.0, @"");
}

async fn content_types(answers: &mut Answers, browser: &Caller) {
    let json = r#"{"query":"{ viewer { kind } }"}"#;
    for (mistake, content_type, body) in [
        (
            "14 wrong content type form",
            Some("application/x-www-form-urlencoded"),
            "query=%7Bviewer%7Bkind%7D%7D",
        ),
        ("14b application/graphql", Some("application/graphql"), "{ viewer { kind } }"),
        ("14c no content type", None, json),
        ("14d json charset latin1", Some("application/json; charset=latin1"), json),
        ("14e graphql+json", Some("application/graphql+json"), json),
    ] {
        answers.post(mistake, browser, content_type, body).await;
    }
}

async fn bodies(answers: &mut Answers, browser: &Caller) {
    for (mistake, body) in [
        ("15 JSON syntax error", r#"{"query": "{ viewer { kind } }" "variables": {}}"#),
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

/// The signed link of a file.
async fn links(answers: &mut Answers, ann: &Caller) {
    ann.upload("cat.png", &png(1)).await;
    let seen = ann
        .ask("{ viewer { storefrontUser { privateStorage { items(first: 1) { nodes { url } } } } } }")
        .await;
    let url = &seen["viewer"]["storefrontUser"]["privateStorage"]["items"]["nodes"][0]["url"];
    let url = url.as_str().expect("a link");
    let path = url.strip_prefix(&ann.gateway.url).expect("the gateway's own");
    let nobody = ann.with(None);
    for (mistake, path) in [
        (
            "32 signed link edited: when it expires",
            path.replace("expires=1", "expires=2"),
        ),
        ("32 signed link edited: its signature", format!("{path}x")),
    ] {
        answers.get(mistake, &nobody, &path).await;
    }
}
