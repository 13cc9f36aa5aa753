//! The router and its layers; the only place where a principal is established.

pub mod graphiql;

use std::sync::Arc;

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::serve::Ready;

/// What the HTTP layer needs beside the app.
pub struct Site {
    /// The app.
    pub app: Arc<App>,
    /// Whether requests can be answered.
    pub ready: Ready,
    /// GraphiQL's page, where it is switched on.
    pub graphiql: Option<graphiql::Page>,
}

/// Serves until `stop`, then lets running requests finish.
pub async fn serve(listener: TcpListener, site: Site, stop: CancellationToken) {
    let router: Router = Router::new().route("/health/live", get(|| async { "live" }));
    drop(site);
    let stopped = async move { stop.cancelled().await };
    if let Err(error) = axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
    {
        tracing::error!(%error, "the listener failed");
    }
}
