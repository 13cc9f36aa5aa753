//! A document with several mutations: each has its own result (GQL-04).

use bson::doc;
use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;

use crate::kit::{self, Caller, Shop};

/// The response as text, which shows the order of `data`, and as JSON.
async fn answer(caller: &Caller, query: &str, variables: Value) -> (String, Value) {
    let url = format!("{}/graphql", caller.gateway.url);
    let mut request = caller.gateway.http.post(url);
    if let Some(credential) = &caller.credential {
        request = request.bearer_auth(credential);
    }
    let body = json!({ "query": query, "variables": variables });
    let answer = request.json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.expect("a body");
    let body = serde_json::from_str(&text).expect("JSON");
    (text, body)
}

/// The keys of `data` in the order of the response.
fn order<'a>(text: &str, keys: [&'a str; 3]) -> Vec<&'a str> {
    let place = |key: &&str| {
        text.find(&format!("\"{key}\":"))
            .unwrap_or_else(|| panic!("{key} is not in {text}"))
    };
    let mut keys = keys.to_vec();
    keys.sort_by_key(place);
    keys
}

const ENSURE: &str = "storefrontUserEnsure(input: { storefrontId: $s, storefrontUserId: $U, isAnonymous: false }) \
                      { created storefrontUser { storefrontUserId } userErrors { code } }";

fn ensure(alias: &str, id: &str) -> String {
    format!("{alias}: {}", ENSURE.replace("$U", &format!("{id:?}")))
}

async fn users(shop: &Shop) -> u64 {
    shop.gateway.store.count("storefrontUsers", doc! {}).await
}

// GQL-04, ERR-03
#[tokio::test]
async fn gql_04_a_forbidden_mutation_is_null_and_the_others_run() {
    let shop = kit::shop().await;
    let backend = shop.backend_with(&[Scope::StorefrontUsersWrite]).await;
    let query = format!(
        "mutation ($s: ID!) {{ {} second: storageItemDelete(input: {{ id: \"itm_1\" }}) {{ userErrors {{ code }} }} {} }}",
        ensure("third", "c"),
        ensure("first", "a"),
    );
    let (text, mut answer) = answer(&backend, &query, json!({ "s": shop.id() })).await;
    assert_eq!(
        order(&text, ["first", "second", "third"]),
        ["third", "second", "first"]
    );
    let message = answer["errors"][0]["message"].take();
    assert!(message.to_string().contains("storage:write"), "{message}");
    insta::assert_json_snapshot!(answer, @r#"
    {
      "data": {
        "first": {
          "created": true,
          "storefrontUser": {
            "storefrontUserId": "a"
          },
          "userErrors": []
        },
        "second": null,
        "third": {
          "created": true,
          "storefrontUser": {
            "storefrontUserId": "c"
          },
          "userErrors": []
        }
      },
      "errors": [
        {
          "extensions": {
            "code": "FORBIDDEN"
          },
          "locations": [
            {
              "column": 190,
              "line": 1
            }
          ],
          "message": null,
          "path": [
            "second"
          ]
        }
      ]
    }
    "#);
    assert_eq!(users(&shop).await, 2);
}

// GQL-04, ERR-02
#[tokio::test]
async fn gql_04_an_internal_error_does_not_affect_the_other_mutations() {
    let shop = kit::shop().await;
    shop.gateway.expect_errors();
    shop.ann("broken").await;
    // A document that no version of the gateway would have written.
    let users_stored = shop.gateway.store.collection("storefrontUsers");
    let broken = doc! { "$set": { "createdAt": "yesterday" } };
    users_stored
        .update_one(doc! { "storefrontUserId": "broken" }, broken)
        .await
        .expect("updated");
    let query = format!(
        "mutation ($s: ID!) {{ {} second: storefrontUserTokenIssue(input: {{ storefrontId: $s, storefrontUserId: \"broken\" }}) \
         {{ userErrors {{ code }} }} {} }}",
        ensure("first", "a"),
        ensure("third", "c"),
    );
    let (text, answer) = answer(&shop.backend, &query, json!({ "s": shop.id() })).await;
    assert_eq!(
        order(&text, ["first", "second", "third"]),
        ["first", "second", "third"]
    );
    for done in ["first", "third"] {
        assert_eq!(answer["data"][done]["created"], true, "{answer}");
    }
    assert!(answer["data"]["second"].is_null(), "{answer}");
    let errors = answer["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{answer}");
    assert_eq!(errors[0]["extensions"]["code"], "INTERNAL");
    assert_eq!(errors[0]["path"], json!(["second"]));
    let message = errors[0]["message"].as_str().expect("a message");
    assert!(message.starts_with("Something went wrong on our side. Request id: "));
    assert_eq!(users(&shop).await, 3);
}

// GQL-04, ERR-03
#[tokio::test]
async fn gql_04_without_a_credential_each_mutation_is_null_on_its_own() {
    let shop = kit::shop().await;
    let query = format!(
        "mutation ($s: ID!) {{ {} {} }}",
        ensure("a", "a"),
        ensure("b", "b")
    );
    let (_, answer) = answer(&shop.unauthenticated(), &query, json!({ "s": shop.id() })).await;
    assert_eq!(answer["data"], json!({ "a": null, "b": null }));
    let paths: Vec<(&Value, &Value)> = answer["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| (&error["path"], &error["extensions"]["code"]))
        .collect();
    let unauthenticated = json!("UNAUTHENTICATED");
    let expected = [
        (&json!(["a"]), &unauthenticated),
        (&json!(["b"]), &unauthenticated),
    ];
    assert_eq!(paths, expected);
}

// GQL-04
#[tokio::test]
async fn gql_04_every_mutation_field_is_nullable() {
    let shop = kit::shop().await;
    let query = "{ __schema { mutationType { name description fields { name type { kind name } } } } }";
    let seen = shop.unauthenticated().query(query).await;
    let reported = &seen["__schema"]["mutationType"];
    assert_eq!(reported["name"], "Mutation");
    let fields = reported["fields"].as_array().expect("fields");
    assert!(fields.len() > 40, "{}", fields.len());
    for field in fields {
        assert_eq!(field["type"]["kind"], "OBJECT", "{field}");
    }
}
