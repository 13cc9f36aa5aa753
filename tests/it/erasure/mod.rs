//! Erasure and export: three ways to one eraser, no personal data left after any of them, no new data once it has
//! begun.

mod completeness;
mod concurrency;
mod concurrent_writes;
mod export;
mod export_file;
mod full_customer;
mod requests;

use bson::{Document, doc};
use serde_json::{Value, json};

use crate::kit::{Caller, Shop};

/// A backend that acts on behalf of a member of the organization, and the member's id.
pub(crate) async fn on_behalf(shop: &Shop) -> (Caller, String) {
    let member = shop.member("Grace").await.to_string();
    let client = shop.backend.credential.clone().unwrap_or_default();
    let form = [("grant_type", "client_credentials"), ("owner", member.as_str())];
    let answer = shop
        .gateway
        .http
        .post(format!("{}/oauth/token", shop.gateway.url));
    let id = shop.backend.query("{ viewer { apiClient { id } } }").await["viewer"]["apiClient"]["id"].take();
    let answer = answer
        .basic_auth(id.as_str().expect("an id"), Some(client))
        .form(&form)
        .send()
        .await;
    let token: Value = answer.expect("answered").json().await.expect("JSON");
    (
        shop.unauthenticated().with(token["access_token"].as_str()),
        member,
    )
}

/// The erasure of a customer as a backend sees it.
async fn state(backend: &Caller, id: &Value) -> Value {
    let query =
        "query ($id: ID!) { customer(by: { id: $id }) { isAnonymized anonymizationStatus anonymizationInfo {
        status requestedAt scheduledFor startedAt completedAt failedAt cancelledAt
        requester { kind id name } cancellationRequester { kind id name }
        receipt { erasedAt addresses orders storageItems sessions customFields } } } }";
    backend.send(query, json!({ "id": id })).await.data()["customer"].take()
}

pub(crate) async fn status(backend: &Caller, id: &Value) -> Value {
    state(backend, id).await["anonymizationStatus"].take()
}

/// The stored form of an erasure with this status.
pub(crate) fn stored(status: &str) -> Document {
    let at = bson::DateTime::from_millis(1_700_000_000_000);
    let mut state = doc! {
        "status": status, "requestedAt": at, "scheduledFor": at, "requester": { "kind": "SYSTEM", "id": "cli" },
    };
    if !["REQUESTED", "CANCELLED"].contains(&status) {
        state.insert("startedAt", at);
    }
    state
}

fn of(id: &Value) -> Value {
    json!({ "customerId": id })
}
