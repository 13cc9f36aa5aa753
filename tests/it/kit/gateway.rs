//! A gateway for one test, with its own runtime, database and log.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bson::doc;
use mongodb::Client;
use storefront_gateway::app::{App, AppParts};
use storefront_gateway::config::Config;
use storefront_gateway::http::graphiql::{Credentials, DemoPage, Hosts};
use storefront_gateway::platform::{
    clock::Clock,
    database::{Database, Monitor},
    id::{Id, StorefrontUserId},
    random::Random,
    secret::MasterKey,
};
use storefront_gateway::serve;
use storefront_gateway::serve::RunningGateway;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};

use super::callers::Shop;
use super::commands::Commands;
use super::logs::{Logs, USUAL};
use super::mail::MailFolder;
use super::mongo::Store;
use super::profiler::watch_for_scans;
use super::server::{scratch, server};

/// The configuration of a test's gateway.
#[derive(Clone)]
pub(crate) struct Setup {
    vars: Vec<(String, String)>,
    clock: Clock,
    database: Option<(String, String)>,
    graphiql: Option<Credentials>,
    log: &'static str,
}

/// The same in every test, so that several gateways of one test can share a database.
const MASTER_KEY: [u8; MasterKey::LENGTH] = [7; MasterKey::LENGTH];

/// Returns the master key as the value of a setting.
pub(crate) fn master_key() -> String {
    MasterKey::from_bytes(MASTER_KEY).to_base64().expose().to_owned()
}

impl Setup {
    /// Returns the default settings, except that jobs are off: a test runs them explicitly (see [`Gateway::run_jobs`]).
    pub(crate) fn new() -> Self {
        let setup = Self {
            vars: Vec::new(),
            clock: Clock::system(),
            database: None,
            graphiql: None,
            log: USUAL,
        };
        setup.set("GATEWAY_JOBS", "off")
    }

    /// Sets an environment variable.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.vars.retain(|(set, _)| set != name);
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Uses a clock that only the test advances.
    pub(crate) fn manual_clock(mut self) -> Self {
        self.clock = Clock::manual(Clock::machine());
        self
    }

    /// Logs what this filter selects, including the libraries: `debug`.
    pub(crate) fn log(mut self, filter: &'static str) -> Self {
        self.log = filter;
        self
    }

    /// Uses another database server than the test run's.
    pub(crate) fn on(mut self, uri: &str, name: &str) -> Self {
        self.database = Some((uri.to_owned(), name.to_owned()));
        self
    }

    /// Starts a gateway on its own database, with a shop.
    pub(crate) async fn start(self) -> Shop {
        Shop::open(self.gateway().await, "Prints").await
    }

    /// Starts a gateway and waits until it is ready.
    pub(crate) async fn gateway(self) -> Arc<Gateway> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let (uri, name, owner) = match self.database.clone() {
            Some((uri, name)) => (uri, name, false),
            None => {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let name = format!("it_{}_{number}", std::process::id());
                (server().await.uri().to_owned(), name, true)
            }
        };
        if owner {
            let database = server().await.client().database(&name);
            // On the runtime of the client.
            let watching = async move { watch_for_scans(&database).await };
            server().await.handle().spawn(watching).await.expect("watched");
        }
        let (logs, commands) = (Logs::default(), Commands::default());
        let runtime = runtime(&logs, self.log);
        let (clock, graphiql) = (self.clock.clone(), self.graphiql.clone());
        let starting = start(
            self.config(&uri, &name),
            clock,
            Some(commands.monitor()),
            graphiql,
        );
        let running = runtime.spawn(starting).await.expect("the gateway starts");
        // A gateway on another gateway's database starts no server: otherwise each process that tests kill would have
        // one.
        let (client, owner) = if owner {
            let server = server().await;
            (server.client(), Some(server.handle()))
        } else {
            let connecting = async move { Client::with_uri_str(&uri).await };
            let client = runtime.spawn(connecting).await.expect("connects");
            (client.expect("a client"), None)
        };
        Arc::new(Gateway {
            url: format!("http://{}", running.address),
            app: Arc::clone(&running.app),
            http: reqwest::Client::new(),
            store: Store::new(client.database(&name)),
            commands,
            logs,
            jobs_expected: AtomicBool::new(false),
            errors_expected: AtomicBool::new(false),
            scans_expected: AtomicBool::new(false),
            owner,
            setup: self,
            handle: runtime.handle().clone(),
            running: Mutex::new(Some((runtime, running))),
        })
    }

    fn config(&self, uri: &str, name: &str) -> Config {
        let key = master_key();
        let data_dir = scratch("data").join(name);
        let given = [
            ("GATEWAY_DATA_DIR", data_dir.to_str().expect("a path in UTF-8")),
            ("GATEWAY_MONGODB_URI", uri),
            ("GATEWAY_MONGODB_DATABASE", name),
            ("GATEWAY_MASTER_KEY", &key),
            ("GATEWAY_LISTEN", "127.0.0.1:0"),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Config::from_vars(given.into_iter().chain(self.vars.clone())).expect("good settings")
    }
}

fn runtime(logs: &Logs, filter: &'static str) -> Runtime {
    let logs = logs.clone();
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || logs.capture_current_thread(filter))
        .build()
        .expect("a runtime")
}

/// Starts a gateway with this configuration, and waits until it is ready.
pub(super) async fn start(
    config: Config,
    clock: Clock,
    monitor: Option<Monitor>,
    graphiql: Option<Credentials>,
) -> RunningGateway {
    let listener = TcpListener::bind(config.http.listen).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let storefront_gateway::config::DatabaseServer::External { uri } = &config.database.server else {
        panic!("the kit names a server")
    };
    let database = Database::connect(uri.expose(), &config.database.name, monitor)
        .await
        .expect("a client");
    let parts = AppParts {
        domains: storefront_gateway::schema::DOMAINS,
        public_url: config.http.public_url(address).to_string(),
        config,
        database,
        clock,
        random: Random::system(),
        master_key: MasterKey::from_bytes(MASTER_KEY),
    };
    let app = App::new(parts).expect("an app");
    let hosts = Hosts::new(address, &app.public_url);
    let page = graphiql.map(|credentials| DemoPage::new("/graphql", &credentials, hosts));
    let running = serve::start(app, listener, address, page);
    tokio::time::timeout(super::LIMIT, running.wait_until_ready())
        .await
        .expect("the gateway becomes ready");
    running
}

/// A running gateway.
pub(crate) struct Gateway {
    /// URL at which it serves.
    pub(crate) url: String,
    /// The app.
    pub(crate) app: Arc<App>,
    /// A client for custom requests.
    pub(crate) http: reqwest::Client,
    /// Direct access to its database.
    pub(crate) store: Store,
    /// The commands that it sends to the database.
    pub(crate) commands: Commands,
    /// Its log.
    pub(crate) logs: Logs,
    jobs_expected: AtomicBool,
    errors_expected: AtomicBool,
    scans_expected: AtomicBool,
    /// A runtime to drop the database with; only for the gateway that created it.
    owner: Option<Handle>,
    setup: Setup,
    handle: Handle,
    running: Mutex<Option<(Runtime, RunningGateway)>>,
}

impl Gateway {
    /// Starts another node on the same database, with the same settings.
    pub(crate) async fn another_node(&self) -> Arc<Self> {
        self.node(None, &[]).await
    }

    /// Starts another node on the same database, with other values of these settings.
    pub(crate) async fn another_node_with(&self, settings: &[(&str, &str)]) -> Arc<Self> {
        self.node(None, settings).await
    }

    /// Starts another node on the same database that serves GraphiQL.
    pub(crate) async fn graphiql_node(&self, page: Credentials) -> Arc<Self> {
        self.node(Some(page), &[]).await
    }

    /// Returns the configuration of another node on the same database.
    pub(super) async fn config_of_another_node(&self) -> Config {
        let (uri, name) = self.address().await;
        self.setup.config(&uri, &name)
    }

    /// Returns the URI of its database server, and the name of its database.
    async fn address(&self) -> (String, String) {
        let uri = match &self.setup.database {
            Some((uri, _)) => uri.clone(),
            None => server().await.uri().to_owned(),
        };
        (uri, self.store.database().name().to_owned())
    }

    async fn node(&self, graphiql: Option<Credentials>, settings: &[(&str, &str)]) -> Arc<Self> {
        let (uri, name) = self.address().await;
        // One issuer, as behind a load balancer.
        let mut setup = self.setup.clone().set("GATEWAY_PUBLIC_URL", &self.app.public_url);
        setup.graphiql = graphiql;
        for (name, value) in settings {
            setup = setup.set(name, value);
        }
        setup.on(&uri, &name).gateway().await
    }

    /// Runs `work` on the gateway's own threads.
    pub(crate) async fn inside<F>(&self, work: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.handle.spawn(work).await.expect("it does not panic")
    }

    /// Runs every due job until none is left.
    pub(crate) async fn run_jobs(&self) {
        let app = Arc::clone(&self.app);
        self.inside(async move {
            let runner = app.runner().expect("it has a runner");
            runner.drain(Arc::clone(&app)).await.expect("the jobs are run");
        })
        .await;
    }

    /// Returns the mails that it wrote to files, which it does without `GATEWAY_SMTP_URL`.
    pub(crate) fn mails(&self) -> MailFolder {
        MailFolder::of(&self.app.config.data_dir)
    }

    /// Advances a manual clock; recurring jobs that become due run.
    pub(crate) fn advance(&self, by: Duration) {
        self.app.clock.advance(by);
    }

    /// Evicts a user from this node's cache, which otherwise expires after seconds.
    pub(crate) async fn forget(&self, storefront_user_id: &str) {
        let filter = doc! { "storefrontUserId": storefront_user_id };
        for user in self.store.documents("storefrontUsers", filter).await {
            let id = StorefrontUserId::parse(super::mongo::text(&user, "_id")).expect("an id");
            let app = Arc::clone(&self.app);
            self.inside(async move { app.access.forget_person(&id).await })
                .await;
        }
    }

    /// Permits this test to leave jobs behind.
    pub(crate) fn expect_jobs(&self) {
        self.jobs_expected.store(true, Ordering::Relaxed);
    }

    /// Permits this test to make the gateway scan whole collections.
    pub(crate) fn expect_scans(&self) {
        self.scans_expected.store(true, Ordering::Relaxed);
    }

    /// Permits this test to make the gateway log errors.
    pub(crate) fn expect_errors(&self) {
        self.errors_expected.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> Option<(Runtime, RunningGateway)> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Stops the gateway gracefully and returns whether all running work finished.
    fn stop(&self) -> bool {
        let Some((runtime, running)) = self.take() else {
            return true;
        };
        let finished = runtime.block_on(running.stop());
        runtime.shutdown_background();
        finished
    }
}

impl Drop for Gateway {
    #[expect(clippy::print_stdout, reason = "shown with the test that failed")]
    // The last step of each test: an async drop on a separate thread, because the test's runtime is busy dropping.
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        let (errors, store, owner) = (self.logs.errors(), self.store.clone(), self.owner.take());
        let jobs_expected = self.jobs_expected.load(Ordering::Relaxed);
        let errors_expected = self.errors_expected.load(Ordering::Relaxed);
        let scans_expected = self.scans_expected.load(Ordering::Relaxed);
        let (finished, jobs, scans) = std::thread::scope(|scope| {
            let dropping = scope.spawn(|| {
                let finished = self.stop();
                let Some(handle) = owner else {
                    return (finished, Vec::new(), Vec::new());
                };
                handle.block_on(async {
                    // The database of a failed test is kept for debugging.
                    if failed {
                        return (finished, Vec::new(), Vec::new());
                    }
                    let (jobs, scans) = (store.open_jobs().await, store.scans().await);
                    store.database().drop().await.expect("the database is dropped");
                    (finished, jobs, scans)
                })
            });
            dropping.join().expect("the gateway stops")
        });
        if failed {
            println!("the gateway's log:\n{}", self.logs.lines().join("\n"));
            return;
        }
        assert!(finished, "the gateway did not stop in time");
        assert!(
            errors_expected || errors.is_empty(),
            "errors were logged: {errors:#?}"
        );
        assert!(jobs_expected || jobs.is_empty(), "jobs are left over: {jobs:#?}");
        assert!(
            scans_expected || scans.is_empty(),
            "a whole collection was scanned, at a cost that grows with its size: {scans:#?}"
        );
    }
}
