//! The behaviour of async-graphql 7.0.19 that the pin in Cargo.toml protects: 7.1 and 7.2 fail these tests.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use serde_json::json;

struct Query;
struct Box;

#[Object]
impl Query {
    async fn box_or_null(&self) -> Option<Box> {
        Some(Box)
    }

    async fn slow(&self) -> &'static str {
        tokio::task::yield_now().await;
        "slow"
    }

    async fn quick(&self) -> &'static str {
        "quick"
    }

    async fn may_fail(&self) -> Option<async_graphql::Result<i32>> {
        Some(Err("no".into()))
    }
}

#[Object]
impl Box {
    async fn good(&self) -> i32 {
        1
    }

    async fn failing(&self) -> async_graphql::Result<i32> {
        Err("no".into())
    }
}

async fn answer(query: &str) -> serde_json::Value {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    serde_json::to_value(schema.execute(query).await).expect("JSON")
}

// GraphQL specification (October 2021) §6.4.4
#[tokio::test]
async fn a_failing_non_null_field_nulls_its_parent() {
    let answer = answer("{ quick boxOrNull { good failing } }").await;
    assert_eq!(answer["data"], json!({ "quick": "quick", "boxOrNull": null }));
    assert_eq!(answer["errors"][0]["path"], json!(["boxOrNull", "failing"]));
}

#[tokio::test]
async fn a_failing_nullable_field_nulls_only_itself() {
    let answer = answer("{ mayFail quick }").await;
    assert_eq!(answer["data"], json!({ "mayFail": null, "quick": "quick" }));
    assert_eq!(answer["errors"][0]["path"], json!(["mayFail"]));
}

// GraphQL specification (October 2021) §7.2.2
#[tokio::test]
async fn response_fields_are_in_the_order_of_the_query() {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    for (query, expected) in [
        ("{ slow quick }", r#"{"slow":"slow","quick":"quick"}"#),
        ("{ quick slow }", r#"{"quick":"quick","slow":"slow"}"#),
    ] {
        let response = schema.execute(query).await;
        let data = serde_json::to_string(&response.data).expect("JSON");
        assert_eq!(data, expected);
    }
}
