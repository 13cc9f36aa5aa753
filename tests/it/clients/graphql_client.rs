//! graphql_client, which generates Rust from `schema.graphql` and sends a whole file of operations.

use graphql_client::{GraphQLQuery, Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::kit::{self, Caller, Shop};

// The scalars as transmitted, with the names that the generated code expects.
type Date = String;
type DateTime = String;
#[expect(
    clippy::upper_case_acronyms,
    reason = "the generated code asks for the scalar by its own name"
)]
type JSON = Value;

/// Generates the types of an operation of the file.
macro_rules! operation {
    ($name:ident) => {
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "schema.graphql",
            query_path = "tests/it/clients/operations.graphql",
            variables_derives = "Deserialize",
            response_derives = "Debug"
        )]
        struct $name;
    };
}

operation!(Customers);
operation!(Users);
operation!(Object);
operation!(Register);
operation!(Ensure);

/// Sends an operation as graphql_client does: the text of the whole file, and the operation's name.
async fn send<Q>(caller: &Caller, variables: Value) -> Q::ResponseData
where
    Q: GraphQLQuery,
    Q::Variables: Serialize + DeserializeOwned,
    Q::ResponseData: DeserializeOwned,
{
    let variables = serde_json::from_value(variables).expect("a response of the declared type");
    let body = serde_json::to_value(Q::build_query(variables)).expect("JSON");
    let text = body["query"].as_str().expect("a text");
    assert_eq!(text.matches("mutation ").count(), 2, "the whole file is sent");
    let url = format!("{}/graphql", caller.gateway.url);
    let request = caller.gateway.http.post(url).json(&body);
    let request = request.bearer_auth(caller.credential.as_deref().expect("a credential"));
    let answer = request.send().await.expect("an answer").json().await;
    let answer: Response<Q::ResponseData> = answer.expect("a response of the declared type");
    assert!(answer.errors.is_none(), "{:?}", answer.errors);
    answer.data.expect("data")
}

/// Registers a customer and a guest with two mutations of the file; returns the customer's id.
async fn fill(shop: &Shop) -> String {
    let input = json!({
        "storefrontId": shop.id(), "email": "ada@example.com", "acceptedTerms": true, "firstName": "Ada", "lastName": "Lovelace",
        "anonymousUserToken": "none",
    });
    let registered = send::<Register>(&shop.backend, json!({ "input": input })).await;
    let payload = registered.customer_register.expect("null only with an error");
    assert!(payload.user_errors.is_empty(), "{:?}", payload.user_errors);
    let codes: Vec<String> = payload
        .warnings
        .iter()
        .map(|warning| format!("{:?}", warning.code))
        .collect();
    assert_eq!(codes, ["ANONYMOUS_TOKEN_INVALID"]);
    let id = payload.customer.expect("a customer").id;
    let input = json!({ "storefrontId": shop.id(), "storefrontUserId": "guest", "isAnonymous": true });
    let ensured = send::<Ensure>(&shop.backend, json!({ "input": input })).await;
    let payload = ensured.storefront_user_ensure.expect("null only with an error");
    assert!(payload.created && payload.user_errors.is_empty());
    id
}

// GQL-02
#[tokio::test]
async fn graphql_client_sends_a_file_of_operations_with_equal_variable_names() {
    let shop = kit::shop().await;
    let id = fill(&shop).await;
    let list = |filter: Value| json!({ "by": { "id": shop.id() }, "filter": filter, "first": 10 });
    // Twice, so that the second pass uses the cached document.
    for _ in 0..2 {
        let found = send::<Customers>(
            &shop.backend,
            list(json!({ "email": { "eq": "ada@example.com" } })),
        )
        .await;
        let customers = found.storefront.expect("a storefront").customers;
        let ids: Vec<&str> = customers.nodes.iter().map(|node| node.id.as_str()).collect();
        assert_eq!((customers.total_count, ids), (1, vec![id.as_str()]));
        let created: &DateTime = &customers.nodes[0].created_at;
        assert!(created.ends_with('Z'), "{created}");

        let found = send::<Users>(&shop.backend, list(json!({ "isAnonymous": true }))).await;
        let users = found.storefront.expect("a storefront").users;
        assert_eq!((users.total_count, users.nodes[0].is_anonymous), (1, true));

        // The same variable name, with another type.
        let found = send::<Object>(&shop.backend, json!({ "by": id })).await;
        assert_eq!(found.node.expect("the customer").id, id);
    }
}
