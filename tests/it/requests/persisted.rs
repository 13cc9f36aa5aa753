//! Automatic persisted queries, whose clients send a hash first (GQL-06).

use serde_json::{Value, json};

use super::JSON;
use crate::kit;

/// Returns the request that Apollo Client's link sends before it sends the text.
fn probe() -> Value {
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    json!({
        "operationName": "Kind",
        "variables": {},
        "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } },
    })
}

fn in_query(probe: &Value) -> String {
    let extensions = probe["extensions"].to_string();
    let extensions: String = url::form_urlencoded::byte_serialize(extensions.as_bytes()).collect();
    format!("/graphql?operationName=Kind&variables=%7B%7D&extensions={extensions}")
}

// GQL-06
#[tokio::test]
async fn gql_06_an_unknown_hash_is_answered_with_persisted_query_not_found() {
    let shop = kit::shop().await;
    let expected = json!({ "errors": [{
        "message": "PersistedQueryNotSupported",
        "extensions": { "code": "PERSISTED_QUERY_NOT_SUPPORTED" },
    }] });
    let probe = probe();
    for caller in [&shop.browser, &shop.backend, &shop.unauthenticated()] {
        let by_post = caller.send_body(Some(JSON), probe.to_string()).await;
        assert_eq!((by_post.status, &by_post.body), (200, &expected));
        assert_eq!(by_post.headers["cache-control"], "no-store");
        let by_get = caller.get(&in_query(&probe)).await;
        assert_eq!((by_get.status, &by_get.body), (200, &expected));
        // With this media type the status depends on whether the response has data, here too.
        let graphql = caller.with_header("accept", "application/graphql-response+json");
        let by_graphql = graphql.send_body(Some(JSON), probe.to_string()).await;
        assert_eq!((by_graphql.status, &by_graphql.body), (400, &expected));
    }
    let mut both = probe.clone();
    both["query"] = json!("query Kind { viewer { kind } }");
    let answer = shop.browser.send_body(Some(JSON), both.to_string()).await;
    assert_eq!(answer.data(), json!({ "viewer": { "kind": "PUBLIC" } }));
    let text = "&query=query+Kind%7Bviewer%7Bkind%7D%7D";
    let answer = shop.browser.get(&(in_query(&probe) + text)).await;
    assert_eq!(answer.data(), json!({ "viewer": { "kind": "PUBLIC" } }));
}

// GQL-06, DEF-01
#[tokio::test]
async fn gql_06_a_persisted_query_hash_has_the_size_limit_of_extensions() {
    let shop = kit::shop().await;
    let deep = "[".repeat(100) + &"]".repeat(100);
    let body = format!("{{\"extensions\":{{\"persistedQuery\":{deep}}}}}");
    let answer = shop.unauthenticated().send_body(Some(JSON), body).await;
    assert_eq!((answer.status, answer.codes()), (400, vec!["LIMIT_EXCEEDED"]));
    for extensions in [json!({}), json!({ "persistedQuery": null }), Value::Null] {
        let body = json!({ "extensions": extensions }).to_string();
        let answer = shop.unauthenticated().send_body(Some(JSON), body).await;
        assert_eq!((answer.status, answer.codes()), (400, vec!["BAD_USER_INPUT"]));
        assert!(
            answer.message().contains("\"query\" is missing"),
            "{}",
            answer.message()
        );
    }
}
