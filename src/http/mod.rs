//! HTTP; the only place where a principal is established.
//!
//! A request meets, in this order: `server` (a place for its connection, time for headers), `site`, which leads it through `frame`
//! (request id, log line, panics) and CORS to its handler. `/graphql` is `graphql`: `authenticate`, `request` or
//! `multipart`, `execute`, `answer`.

mod allowance;
mod answer;
mod authenticate;
mod body;
mod buyer;
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
mod secrets;
mod server;
mod site;
mod streams;
mod trace;
mod wire;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::gateway::Gateway;
use crate::app::App;
use crate::serve::Ready;

/// What the HTTP layer needs beside the app.
pub struct Site {
    /// The app.
    pub app: Arc<App>,
    /// Whether requests can be answered.
    pub ready: Ready,
    /// GraphiQL's page, where it is switched on.
    pub graphiql: Option<graphiql::DemoPage>,
}

/// Serves until `stop`, then lets running requests finish.
pub async fn serve(listener: TcpListener, site: Site, stop: CancellationToken) {
    let Site { app, ready, graphiql } = site;
    let site = site::Site::new(Gateway::new(app, ready), graphiql);
    server::serve(listener, Arc::new(site), stop).await;
}
