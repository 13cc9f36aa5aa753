//! The content of payloads: a person sees what its own token may read, a backend sees as much as with the read scope.

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;

use super::cell::Cell;
use crate::customers::{PASSWORD, credentials, setup, with_password};
use crate::kit::{Caller, Shop};

const SHOWN: &str = "id shopperReference storefront { id } sessions { id } \
                     storefrontUser { id customer { id shopperReference } privateStorage { itemCount } }";

async fn payload(caller: &Caller, field: &str, input: Value) -> Value {
    let mut kind = field.to_owned();
    if let Some(first) = kind.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let query = format!(
        "mutation ($input: {kind}Input!) {{ {field}(input: $input) {{ customer {{ {SHOWN} }} userErrors {{ code }} }} }}"
    );
    let mut seen = caller.send(&query, json!({ "input": input })).await.data();
    assert_eq!(seen[field]["userErrors"], json!([]), "{field}");
    seen[field]["customer"].take()
}

fn check(field: &str, shop: &Shop, seen: &Value, is_backends: bool) {
    let id = seen["id"].as_str();
    assert!(id.is_some(), "{field}: {seen}");
    assert_eq!(seen["storefront"]["id"], shop.id(), "{field}");
    assert_eq!(seen["storefrontUser"]["customer"]["id"].as_str(), id, "{field}");
    assert!(
        seen["storefrontUser"]["privateStorage"]["itemCount"].is_i64(),
        "{field}"
    );
    assert!(seen["sessions"].is_array(), "{field}");
    for shopper_reference in [
        &seen["shopperReference"],
        &seen["storefrontUser"]["customer"]["shopperReference"],
    ] {
        assert_eq!(shopper_reference.is_string(), is_backends, "{field}: {seen}");
    }
}

// ERR-03
#[tokio::test]
async fn err_03_a_payload_shows_a_customer_as_its_token_or_the_read_scope_would() {
    let shop = setup().start().await;
    shop.gateway.expect_jobs();
    let cell = Cell::new(&shop, 1, true).await;
    let writer = shop
        .backend_with(&[Scope::CustomersWrite, Scope::CustomersToken])
        .await;
    let storefront = json!(shop.id());
    let named = |mut input: Value| {
        input["storefrontId"] = storefront.clone();
        input
    };
    let refresh = json!({ "refreshToken": cell.account.refresh_token });
    let change = json!({ "password": PASSWORD, "newPassword": PASSWORD, "confirmPassword": PASSWORD });
    let sign_in = named(credentials(&cell.account.email, PASSWORD));
    for (caller, field, input) in [
        (&shop.browser, "customerRegister", with_password("a@example.com")),
        (&shop.browser, "customerTokenCreate", sign_in.clone()),
        (&shop.unauthenticated(), "customerTokenRefresh", refresh),
        (&cell.customer, "customerUpdate", json!({ "firstName": "Grace" })),
        (&cell.customer, "customerPasswordChange", change),
    ] {
        check(field, &shop, &payload(caller, field, input).await, false);
    }
    let id = json!(cell.account.id);
    for (field, input) in [
        ("customerRegister", named(with_password("b@example.com"))),
        ("customerTokenCreate", sign_in),
        ("customerTokenIssue", json!({ "customerId": id })),
        ("customerUpdate", json!({ "customerId": id, "firstName": "Ada" })),
        (
            "customerPasswordSet",
            json!({ "customerId": cell.bare, "newPassword": PASSWORD, "confirmPassword": PASSWORD }),
        ),
    ] {
        check(field, &shop, &payload(&writer, field, input).await, true);
    }
}
