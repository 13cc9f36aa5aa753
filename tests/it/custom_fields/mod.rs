//! Custom fields: definitions by backends, and the values of customers.

mod bad_definitions;
mod bad_values;
mod concurrency;
mod definitions;
mod filters;
mod rights;
mod values;

use serde_json::{Map, Value, json};

use crate::customers::{patched, person};
use crate::kit::{Caller, Shop};

/// Valid input that defines a field that only backends see.
pub(crate) fn field(key: &str, kind: &str) -> Value {
    json!({ "key": key, "name": "A field", "type": kind })
}

/// The changes that make a field readable and writable by customers.
pub(crate) fn open() -> Value {
    json!({ "isPublic": true, "isCustomerWritable": true })
}

/// Defines a field; the mutation must succeed.
pub(crate) async fn define(shop: &Shop, key: &str, kind: &str, changes: Value) -> Value {
    let input = patched(
        patched(field(key, kind), json!({ "storefrontId": shop.id() })),
        changes,
    );
    shop.backend.mutate_ok("customFieldDefine", input).await["definition"].take()
}

/// The input's list of values.
pub(crate) fn values(given: &[(&str, Value)]) -> Value {
    let inputs = given
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value }));
    json!({ "customFields": inputs.collect::<Vec<Value>>() })
}

/// Registers a customer through the backend; returns the id.
async fn customer(shop: &Shop, email: &str, given: &[(&str, Value)]) -> Value {
    let input = patched(
        patched(person(email), json!({ "storefrontId": shop.id() })),
        values(given),
    );
    shop.backend.mutate_ok("customerRegister", input).await["customer"]["id"].take()
}

/// A caller with an access token of the customer.
async fn signed_in(shop: &Shop, id: &Value) -> Caller {
    let issued = shop
        .backend
        .mutate_ok("customerTokenIssue", json!({ "customerId": id }));
    shop.unauthenticated()
        .with(issued.await["token"]["accessToken"].as_str())
}

/// Changes a customer through the backend, which must succeed; returns the changed customer.
async fn give(shop: &Shop, id: &Value, given: &[(&str, Value)]) -> Value {
    let input = patched(values(given), json!({ "customerId": id }));
    shop.backend.mutate_ok("customerUpdate", input).await["customer"].take()
}

/// A customer's values by key, as the caller sees them.
async fn seen(caller: &Caller, id: &Value) -> Value {
    let seen = caller
        .query(&format!(
            "{{ customer(by: {{ id: {id} }}) {{ customFields {{ key value }} }} }}"
        ))
        .await;
    by_key(&seen["customer"]["customFields"])
}

fn by_key(fields: &Value) -> Value {
    let fields = fields.as_array().expect("fields").iter();
    let named = fields.map(|field| {
        (
            field["key"].as_str().expect("a key").to_owned(),
            field["value"].clone(),
        )
    });
    Value::Object(named.collect::<Map<String, Value>>())
}
