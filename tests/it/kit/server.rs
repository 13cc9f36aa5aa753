//! The database server of the test run: started by the first test that needs it, stopped with the process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bson::{Document, doc};
use dev_mongod::{Managed, Options, Silent};
use mongodb::Client;
use nix::{sys::signal::kill, unistd::Pid};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Mutex, MutexGuard};

use super::scripts::variable;

/// The server, and a runtime that outlives those of the tests.
pub(super) struct Server {
    runtime: Runtime,
    managed: Managed,
    client: Client,
}

impl Server {
    pub(super) fn uri(&self) -> &str {
        self.managed.uri().expose()
    }

    /// Returns a client for direct access to databases.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(super) fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }
}

static SERVER: OnceLock<Server> = OnceLock::new();

/// Returns the server of the test run.
pub(super) async fn server() -> &'static Server {
    tokio::task::spawn_blocking(|| SERVER.get_or_init(start))
        .await
        .expect("the database server starts")
}

/// Starts the server. Its files are under `target/tmp`, in a folder named after this process.
fn start() -> Server {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let managed = runtime
        .block_on(async {
            // No progress output, because no other process uses the folder and the start does not have to wait.
            Managed::start(&options(&scratch("mongod")), &Silent).await
        })
        .expect("the managed database starts");
    let client = runtime
        .block_on(Client::with_uri_str(managed.uri().expose()))
        .expect("a client");
    Server {
        runtime,
        managed,
        client,
    }
}

fn options(dir: &Path) -> Options {
    Options {
        cache_mb: 512,
        oplog_mb: 990,
        extra_parameters: [
            // By default, the server keeps the open transaction of a killed gateway, and its locks, for a minute.
            ("transactionLifetimeLimitSeconds", "2"),
            // By default, dropped data is kept for five minutes with its open files: more than a process may have.
            ("minSnapshotHistoryWindowInSeconds", "5"),
            // Fail points.
            ("enableTestCommands", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..Options::new(dir)
    }
}

/// Returns the connection string of the test run's server.
pub(crate) async fn server_uri() -> &'static str {
    server().await.uri()
}

/// Sends a command to the test run's server.
async fn admin(command: Document) {
    let admin = server().await.client().database("admin");
    admin.run_command(command).await.expect("the server takes it");
}

/// The test run's server has only one fail point for all tests.
static FAIL_POINT: Mutex<()> = Mutex::const_new(());

/// Exclusive use of the fail point, for commands of the gateways with this application name.
pub(crate) struct FailPoint {
    app_name: &'static str,
    _alone: MutexGuard<'static, ()>,
}

impl FailPoint {
    /// Waits for exclusive use, for the gateways with this application name.
    pub(crate) async fn of(app_name: &'static str) -> Self {
        Self {
            app_name,
            _alone: FAIL_POINT.lock().await,
        }
    }

    /// Returns a connection string with the application name.
    pub(crate) async fn uri(&self) -> String {
        format!("{}&appName={}", server_uri().await, self.app_name)
    }

    /// Makes the server fail at these commands in this way.
    pub(crate) async fn fail_at(&self, commands: &[&str], how: Document) {
        let mut data = doc! { "failCommands": commands.to_vec(), "appName": self.app_name };
        data.extend(how);
        admin(doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data }).await;
    }

    /// Makes the server accept all commands again.
    pub(crate) async fn recover(&self) {
        admin(doc! { "configureFailPoint": "failCommand", "mode": "off" }).await;
    }
}

/// Returns the server binary, for tests that start several.
pub(crate) async fn find_server() -> PathBuf {
    dev_mongod::find_server(&options(&scratch("find")), &Silent)
        .await
        .expect("a server binary")
}

/// Names the folder for the files of databases; without it, a folder below `target` holds them. On a file system in memory
/// the tests take a fifth less time, because writes wait for the journal.
const FOLDER: &str = "STOREFRONT_GATEWAY_TEST_FOLDER";

/// Returns an empty folder of this process for this purpose; folders of earlier processes are removed.
pub(crate) fn scratch(purpose: &str) -> PathBuf {
    let root = variable(FOLDER).map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    let root = root.as_path();
    let mine = format!("it-{}", std::process::id());
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix("it-").and_then(|id| id.parse().ok());
        if let Some(process) = process
            && name != mine
            && kill(Pid::from_raw(process), None).is_err()
        {
            // What cannot be removed now is removed by the next run.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
    let folder = root.join(mine).join(purpose);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
