//! Opening the gateway's parts for an operator command, and closing them again.

use std::sync::Arc;

use super::address_note::public_url;
use super::failure::Failure;
use super::managed::{self, Attached};
use super::master_key::master_key;
use super::output::Output;
use crate::app::{App, AppParts};
use crate::config::{Config, DatabaseServer};
use crate::platform::{
    clock::Clock,
    database::{Database, Monitor},
    random::Random,
    secret::Secret,
};
use crate::serve;

/// An app for one command's time.
pub(super) struct Opened {
    pub(super) app: Arc<App>,
    attached: Option<Attached>,
}

impl Opened {
    /// Opens the database, the running gateway's where there is one, and prepares it.
    pub(super) async fn new(config: Config, output: Output) -> Result<Self, Failure> {
        let attached = managed::attach(&config, output).await?;
        let uri = attached.as_ref().map(|attached| attached.uri().clone());
        let public_url = public_url(&config);
        match app(config, public_url, uri, None).await {
            Ok(app) => Ok(Self { app, attached }),
            Err(failure) => {
                close(attached).await;
                Err(failure)
            }
        }
    }

    /// Runs `work` on the prepared database, and closes it in any case.
    pub(super) async fn with<T>(
        config: Config,
        output: Output,
        work: impl AsyncFnOnce(&Arc<App>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let opened = Self::new(config, output).await?;
        let outcome = match serve::prepare(&opened.app).await {
            Ok(()) => work(&opened.app).await,
            Err(error) => Err(error.into()),
        };
        opened.close().await;
        outcome
    }

    /// Ends the database if the command has started it.
    pub(super) async fn close(self) {
        close(self.attached).await;
    }
}

async fn close(attached: Option<Attached>) {
    if let Some(attached) = attached {
        attached.stop().await;
    }
}

/// The app over these settings; `managed` is the managed database's connection string.
pub(super) async fn app(
    config: Config,
    public_url: String,
    managed: Option<Secret>,
    monitor: Option<Monitor>,
) -> Result<Arc<App>, Failure> {
    let random = Random::system();
    let master_key = master_key(&config, &random)?;
    let uri = match (&config.database.server, managed) {
        (DatabaseServer::External { uri }, _) => uri.clone(),
        (DatabaseServer::Managed { .. }, Some(uri)) => uri,
        (DatabaseServer::Managed { .. }, None) => unreachable!("the managed database was started before"),
    };
    let database = Database::connect(uri.expose(), &config.database.name, monitor).await?;
    Ok(App::new(AppParts {
        domains: crate::schema::DOMAINS,
        config,
        public_url,
        database,
        clock: Clock::system(),
        random,
        master_key,
    })?)
}
