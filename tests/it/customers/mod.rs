//! Customers: registration, sign-in and sign-out, queries and changes.

mod account_limit;
mod address_equality;
mod combined_errors;
mod concealed;
mod equal_cost;
mod guests;
mod journeys;
mod limits;
mod lists;
mod mailed_keys;
mod oauth;
mod passwords;
mod pre_hijacking;
mod privacy;
mod profile;
mod recipients;
mod refresh_tokens;
mod registration;
mod session_limit;
mod tokens;
mod user_tokens;

use serde_json::{Value, json};

use crate::kit::{Caller, Setup, Shop};

/// Two valid passwords.
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const OTHER_PASSWORD: &str = "battery staple";

/// A shop with cheap password hashes and without rate limits.
pub(crate) fn setup() -> Setup {
    Setup::new()
        .set("GATEWAY_ARGON2_MEMORY_KIB", "64")
        .set("GATEWAY_ARGON2_ITERATIONS", "1")
        .set("GATEWAY_RATE_LIMITS", "off")
}

pub(crate) async fn shop() -> Shop {
    setup().start().await
}

/// Valid input that registers a customer without a password.
pub(crate) fn person(email: &str) -> Value {
    json!({ "email": email, "acceptedTerms": true, "firstName": "Ada", "lastName": "Lovelace" })
}

/// Valid input that registers a customer with a password.
pub(crate) fn with_password(email: &str) -> Value {
    let mut input = person(email);
    input["password"] = json!(PASSWORD);
    input["confirmPassword"] = json!(PASSWORD);
    input
}

/// The input with other values; null is a value.
pub(crate) fn patched(mut input: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (field, value) in changes {
        input[field] = value;
    }
    input
}

/// The input of a sign-in.
pub(crate) fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

/// The input that sets a new password with a mailed key.
pub(crate) fn redeem(key: &str, password: &str) -> Value {
    json!({ "restorePasswordKey": key, "password": password, "confirmPassword": password })
}

/// Registers a customer with a password; returns the signed-in caller and the refresh token.
pub(crate) async fn ada(shop: &Shop, email: &str) -> (Caller, String) {
    let payload = shop
        .browser
        .mutate_ok("customerRegister", with_password(email))
        .await;
    signed_in(shop, &payload)
}

/// The caller with the payload's access token, and the refresh token.
pub(crate) fn signed_in(shop: &Shop, payload: &Value) -> (Caller, String) {
    let token = &payload["token"];
    let access = token["accessToken"].as_str().expect("an access token");
    let refresh = token["refreshToken"].as_str().expect("a refresh token");
    (shop.unauthenticated().with(Some(access)), refresh.to_owned())
}

/// The signed-in customer's id.
pub(crate) async fn id_of(customer: &Caller) -> Value {
    customer.query("{ viewer { customer { id } } }").await["viewer"]["customer"]["id"].take()
}

/// Whether the caller's access token is accepted for its own customer.
pub(crate) async fn is_signed_in(caller: &Caller) -> bool {
    let answer = caller.send("{ viewer { customer { id } } }", json!({})).await;
    match answer.status {
        200 => answer.data()["viewer"]["customer"]["id"].is_string(),
        401 => false,
        other => panic!("{other}: {}", answer.body),
    }
}

/// Waits until all mails are sent.
async fn wait_for_mails(shop: &Shop) {
    let are_sent = async || shop.gateway.store.open_jobs().await.is_empty();
    crate::kit::eventually("the mails are sent", are_sent).await;
}
