//! HTTP; the only place where a principal is established.
//!
//! A request passes, in this order: `server` (a place for its connection, time limit for headers), and `site`, which
//! passes it through `frame` (request id, log line, panics) and CORS to its handler. `/graphql` is handled by
//! `graphql`: `authenticate`, `request` or `multipart`, `execute`, `answer`.

mod address_block;
mod allowance;
mod answer;
mod authenticate;
mod body;
mod buyer;
mod call;
mod client;
mod compress;
mod connection;
mod content;
mod cors;
mod execute;
mod fault;
mod frame;
mod gateway;
pub mod graphiql;
mod graphql;
mod headers;
mod mask;
mod media;
mod memory;
mod multipart;
mod oauth;
mod pace;
mod places;
mod probe;
mod published;
mod receive;
mod redemption;
mod refusing;
mod request;
mod request_id;
mod secrets;
mod server;
mod site;
mod streams;
mod well_known;
mod wire;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::gateway::Gateway;
use crate::app::App;
use crate::platform::readiness::Ready;

/// The parameters of the HTTP layer.
pub struct HttpParameters {
    /// The app.
    pub app: Arc<App>,
    /// Whether requests can be answered.
    pub ready: Ready,
    /// GraphiQL's page, if it is enabled.
    pub graphiql: Option<graphiql::DemoPage>,
}

/// Serves until `stop`, then lets running requests finish.
pub async fn serve(listener: TcpListener, site: HttpParameters, stop: CancellationToken) {
    let HttpParameters { app, ready, graphiql } = site;
    let site = site::Handlers::new(Gateway::new(app, ready), graphiql);
    server::serve(listener, Arc::new(site), stop).await;
}
