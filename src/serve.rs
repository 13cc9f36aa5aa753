//! Starting and stopping a gateway, for the command `serve` and for tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::app::App;
use crate::auth::keys;
use crate::error::{Error, Result};
use crate::http;
use crate::http::{HttpParameters, graphiql::DemoPage};
use crate::platform::readiness::Ready;
use crate::platform::{database, job::Runner, migration};
use crate::schema;

/// Interval at which the clock is synchronized with the database.
const SET_CLOCK: Duration = Duration::from_secs(60);
/// Interval at which a gateway without its database retries.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// Maximum wait for running requests and jobs at shutdown.
pub const GRACE: Duration = Duration::from_secs(30);

/// A running gateway.
pub struct RunningGateway {
    /// The app.
    pub app: Arc<App>,
    /// The address on which it listens.
    pub address: SocketAddr,
    /// Whether requests can be answered.
    pub ready: Ready,
    stop: CancellationToken,
    jobs: TaskTracker,
    http: JoinHandle<()>,
}

/// Brings the database into the state that this version needs: clock, migrations, indexes, keys. Idempotent, also when
/// several nodes run it at once.
///
/// # Errors
/// [`Error::Unavailable`] without a database; [`Error::Internal`] for a database that this version cannot use.
pub async fn prepare(app: &App) -> Result<()> {
    app.database.set_clock(&app.clock).await?;
    migration::migrate(&app.database, &app.clock, &app.node, schema::migrations()).await?;
    database::ensure_indexes(&app.database, &schema::indexes()).await?;
    app.access.tokens.keys.refresh().await
}

/// Starts to serve on the listener. Returns at once; [`RunningGateway::wait_until_ready`] waits for the database.
#[must_use]
pub fn start(
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
    graphiql: Option<DemoPage>,
) -> RunningGateway {
    let (stop, ready) = (CancellationToken::new(), Ready::default());
    let jobs = TaskTracker::new();
    app.install_runner(Runner::new(app.queue.clone(), schema::jobs(), jobs.clone()));
    let site = HttpParameters {
        app: Arc::clone(&app),
        ready: ready.clone(),
        graphiql,
    };
    let http = tokio::spawn(http::serve(listener, site, stop.clone()));
    tokio::spawn(background(Arc::clone(&app), ready.clone(), stop.clone()));
    RunningGateway {
        app,
        address,
        ready,
        stop,
        jobs,
        http,
    }
}

/// Prepares the database as soon as it responds, then runs jobs and keeps clock and keys up to date.
async fn background(app: Arc<App>, ready: Ready, stop: CancellationToken) {
    let is_prepared = stop.run_until_cancelled(prepare_when_it_answers(&app)).await;
    if is_prepared != Some(true) {
        return;
    }
    ready.set(true);
    tracing::info!("ready");
    if app.config.jobs
        && let Some(runner) = app.runner()
    {
        tokio::spawn(runner.clone().run(Arc::clone(&app), stop.clone()));
    }
    let keys = &app.access.tokens.keys;
    tokio::join!(
        every(SET_CLOCK, &stop, || app.database.set_clock(&app.clock)),
        every(keys::REFRESH, &stop, || async {
            keys.refresh().await?;
            keys.tidy().await
        }),
    );
}

/// Prepares the database, retrying while it does not respond. Logs an error and returns false if this version cannot
/// use the database.
async fn prepare_when_it_answers(app: &App) -> bool {
    let mut is_logged = false;
    loop {
        match prepare(app).await {
            Ok(()) => return true,
            Err(Error::Unavailable(cause)) => {
                if !is_logged {
                    tracing::warn!(%cause, "the database does not answer, retrying; if GATEWAY_MONGODB_URI is set, check it");
                    is_logged = true;
                }
                tokio::time::sleep(TRY_AGAIN).await;
            }
            Err(error) => {
                tracing::error!(error = ?error, "cannot prepare the database for this version");
                return false;
            }
        }
    }
}

/// Repeats `work` until `stop`. A failure is retried after the next period.
async fn every<F>(period: Duration, stop: &CancellationToken, work: impl Fn() -> F)
where
    F: Future<Output = Result<()>>,
{
    loop {
        if stop
            .run_until_cancelled(tokio::time::sleep(period))
            .await
            .is_none()
        {
            return;
        }
        if let Err(error) = work().await {
            tracing::debug!(error = ?error, "periodic refresh failed; retrying");
        }
    }
}

impl RunningGateway {
    /// Waits until the database is prepared.
    pub async fn wait_until_ready(&self) {
        while !self.ready.is_ready() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops the gateway: it is no longer ready, and running requests and jobs finish within at most [`GRACE`]. Returns
    /// whether all did.
    pub async fn stop(self) -> bool {
        self.ready.set(false);
        self.stop.cancel();
        self.jobs.close();
        self.app.tasks.close();
        let finished = async {
            // The server's task ends after its connections.
            let _served = self.http.await;
            self.app.tasks.wait().await;
            self.jobs.wait().await;
        };
        tokio::time::timeout(GRACE, finished).await.is_ok()
    }
}
