//! Health checks, for load balancers and orchestrators.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::gateway::Gateway;

/// Time limit for a response of the database.
const PING: Duration = Duration::from_secs(2);

/// `GET /health/live`: the process responds.
pub(super) async fn live() -> Response {
    reported(StatusCode::OK, "live\n")
}

/// `GET /health/ready`: requests can be answered, which requires the database. Fails as soon as the gateway stops.
pub(super) async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    if !gateway.ready.is_ready() {
        return reported(StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n");
    }
    match tokio::time::timeout(PING, gateway.app.database.ping()).await {
        Ok(Ok(())) => reported(StatusCode::OK, "ready\n"),
        Ok(Err(_)) | Err(_) => reported(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

fn reported(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}
