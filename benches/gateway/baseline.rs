//! The baseline: the same point read by a bare axum handler with the driver, without GraphQL, access control or limits.

use axum::{Json, Router, extract::State, routing::post};
use bson::doc;
use mongodb::Collection;
use serde::{Deserialize, Serialize};
use storefront_gateway::storefront_user::StorefrontUser;
use tokio::net::TcpListener;

use crate::environment::DATABASE;

#[derive(Deserialize)]
struct Asked {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    storefront_user_id: String,
    is_anonymous: bool,
    created_at: String,
}

/// Prints the server's address and serves until the process is killed.
pub async fn serve(uri: &str) {
    let client = mongodb::Client::with_uri_str(uri).await.expect("a client");
    let users = client
        .database(DATABASE)
        .collection::<StorefrontUser>("storefrontUsers");
    let router = Router::new().route("/point", post(point)).with_state(users);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("http://{}", listener.local_addr().expect("bound"));
    axum::serve(listener, router).await.expect("served");
}

async fn point(
    State(users): State<Collection<StorefrontUser>>,
    Json(asked): Json<Asked>,
) -> Json<Option<Answer>> {
    let found = users.find_one(doc! { "_id": asked.id }).await.expect("found");
    Json(found.map(|user| Answer {
        id: user.id.to_string(),
        storefront_user_id: user.external_id,
        is_anonymous: user.is_anonymous,
        created_at: user.created_at.rfc3339(),
    }))
}
