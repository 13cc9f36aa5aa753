//! Multipart requests whose files are missing or have other names (GQL-07).

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::kit::{self, Caller, item_ids, mutation, png};

const TWO: &str = "mutation($a: Upload!, $b: Upload!) { \
    a: storageItemUpload(input: { file: $a }) { storageItem { name } userErrors { code } } \
    b: storageItemUpload(input: { file: $b }) { storageItem { name } userErrors { code } } }";

/// Sends these parts in order; those in `files` are files.
async fn send(person: &Caller, parts: &[(&'static str, String)], files: &[&'static str]) -> (u16, Value) {
    let mut form = Form::new();
    for (name, text) in parts {
        form = form.text(*name, text.clone());
    }
    for name in files {
        form = form.part(*name, Part::bytes(png(1)).file_name(format!("{name}.png")));
    }
    let gateway = &person.gateway;
    let request = gateway.http.post(format!("{}/graphql", gateway.url));
    let request = request
        .bearer_auth(person.credential.as_deref().expect("a token"))
        // As clients of Apollo Server send it.
        .header("apollo-require-preflight", "true")
        .multipart(form);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// Sends parts that are rejected with BAD_USER_INPUT, and returns the message.
async fn rejected(person: &Caller, parts: &[(&'static str, String)], files: &[&'static str]) -> String {
    let (status, body) = send(person, parts, files).await;
    let error = &body["errors"][0];
    assert_eq!(
        (status, &error["extensions"]["code"]),
        (400, &json!("BAD_USER_INPUT")),
        "{body}"
    );
    error["message"].as_str().expect("a message").to_owned()
}

fn one(map: &Value) -> Vec<(&'static str, String)> {
    let operations =
        json!({ "query": mutation("storageItemUpload"), "variables": { "input": { "file": null } } });
    vec![("operations", operations.to_string()), ("map", map.to_string())]
}

// GQL-07
#[tokio::test]
async fn gql_07_a_missing_file_is_reported_and_nothing_runs() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let map = json!({ "0": ["variables.input.file"] });
    for (files, expected) in [
        (&[][..], "no part follows"),
        (&["file"], "only parts of other names follow"),
        (&["1", "00"], "only parts of other names follow"),
    ] {
        let message = rejected(&ann, &one(&map), files).await;
        let begin = "The file for variables.input.file is missing: \"map\" names the part \"0\" for it";
        assert!(
            message.starts_with(begin) && message.contains(expected),
            "{message}"
        );
    }
    assert_eq!(item_ids(&ann).await, [""; 0]);
    // Parts that "map" does not name are ignored.
    let (status, body) = send(&ann, &one(&map), &["other", "0", "more"]).await;
    assert_eq!((status, &body["errors"]), (200, &Value::Null), "{body}");
    assert_eq!(item_ids(&ann).await.len(), 1);
}

// GQL-07
#[tokio::test]
async fn gql_07_a_missing_second_file_is_an_error_of_its_field() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let operations = json!({ "query": TWO, "variables": { "a": null, "b": null } }).to_string();
    let map = json!({ "0": ["variables.a"], "1": ["variables.b"] }).to_string();
    let parts = [("operations", operations), ("map", map)];
    let (status, body) = send(&ann, &parts, &["0"]).await;
    let error = &body["errors"][0];
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        (&error["path"], &error["extensions"]["code"]),
        (&json!(["b"]), &json!("BAD_USER_INPUT"))
    );
    let message = error["message"].as_str().expect("a message");
    assert!(message.starts_with("The file is missing"), "{message}");
    assert_eq!(item_ids(&ann).await.len(), 1, "the first has taken effect");
}

// GQL-07
#[tokio::test]
async fn gql_07_a_part_with_invalid_json_is_reported_with_its_position() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let [operations, _] = &one(&Value::Null)[..] else {
        panic!("two parts")
    };
    for (parts, expected) in [
        (
            vec![("operations", "{'a'}".to_owned())],
            "The part \"operations\" is not JSON, line 1, column 2:",
        ),
        (vec![("operations", "[]".to_owned())], "Batches are not supported"),
        (
            vec![("map", "{}".to_owned())],
            "The part \"operations\" is missing",
        ),
        (vec![operations.clone()], "The part \"map\" is missing"),
        (
            vec![
                operations.clone(),
                ("map", "{\"0\": [variables.input.file]}".to_owned()),
            ],
            "The part \"map\" is not JSON, line 1, column 8:",
        ),
        (
            vec![
                operations.clone(),
                ("map", "{\"0\": \"variables.input.file\"}".to_owned()),
            ],
            "The part \"map\" is JSON, but not an object of lists of paths",
        ),
        (
            vec![
                operations.clone(),
                ("map", "{\"0\": [\"variables.input.fil\"]}".to_owned()),
            ],
            "The path variables.input.fil in \"map\" is not valid",
        ),
    ] {
        let message = rejected(&ann, &parts, &["0"]).await;
        assert!(message.contains(expected), "{expected}: {message}");
    }
}
