//! The managed database, on real database servers.

mod access;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dev_mongod::replica_set::ReplicaSet;
use dev_mongod::{Attached, Cause, Fault, Holder, Managed, Options, Silent, Status, Unusable};
use mongodb::Client;
use mongodb::bson::{Document, doc};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use storefront_gateway::platform::secret::Secret;
use tempfile::TempDir;

/// The timeout for events that should happen immediately; a limit for failing, not a measurement.
const LIMIT: Duration = Duration::from_secs(60);

fn options(dir: &Path) -> Options {
    Options {
        cache_mb: 256,
        oplog_mb: 64,
        ..Options::new(dir)
    }
}

async fn count(uri: &Secret) -> u64 {
    let client = Client::with_uri_str(uri.expose()).await.expect("a client");
    client
        .database("trial")
        .collection::<Document>("things")
        .count_documents(doc! {})
        .await
        .expect("counted")
}

async fn insert(uri: &Secret, id: i32) {
    let client = Client::with_uri_str(uri.expose()).await.expect("a client");
    let things = client.database("trial").collection::<Document>("things");
    things.insert_one(doc! { "_id": id }).await.expect("inserted");
}

/// Returns the server's process id from its lock file.
fn server_process(data_dir: &Path) -> Pid {
    let lock = std::fs::read_to_string(data_dir.join("mongod/mongod.lock")).expect("a lock file");
    Pid::from_raw(lock.trim().parse().expect("a process id"))
}

fn is_alive(process: Pid) -> bool {
    kill(process, None).is_ok()
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(
        tokio::time::timeout(LIMIT, waiting).await.is_ok(),
        "{what}: not within {LIMIT:?}"
    );
}

#[tokio::test]
async fn a_database_keeps_its_data_after_a_restart_on_another_port() {
    let dir = TempDir::new().expect("a directory");
    let first = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started");
    insert(first.uri(), 1).await;
    let first_uri = first.uri().clone();
    let process = server_process(dir.path());
    first.stop().await;
    assert!(!is_alive(process));

    // Another program has taken the port in the meantime.
    let port = std::fs::read_to_string(dir.path().join("mongod.port")).expect("remembered");
    let port: u16 = port.parse().expect("a port");
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("free");
    // Like any program that does not speak MongoDB's protocol, it hangs up.
    std::thread::spawn(move || taken.incoming().for_each(drop));
    let second = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started again");
    assert_ne!(second.uri(), &first_uri);
    assert_eq!(count(second.uri()).await, 1);
    insert(second.uri(), 2).await;
    let second_uri = second.uri().clone();
    second.stop().await;

    let third = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started a third time");
    assert_eq!(third.uri(), &second_uri, "a free port is used again");
    assert_eq!(count(third.uri()).await, 2);
    third.stop().await;
}

#[tokio::test]
async fn transactions_and_change_streams_are_supported() {
    let dir = TempDir::new().expect("a directory");
    let managed = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started");
    let client = Client::with_uri_str(managed.uri().expose())
        .await
        .expect("a client");
    let things = client.database("trial").collection::<Document>("things");
    let mut changes = things.watch().await.expect("watched");

    let mut transaction = client.start_session().await.expect("begun");
    transaction.start_transaction().await.expect("begun");
    things
        .insert_one(doc! { "_id": 1 })
        .session(&mut transaction)
        .await
        .expect("inserted");
    transaction.abort_transaction().await.expect("aborted");
    assert_eq!(things.count_documents(doc! {}).await.expect("counted"), 0);

    transaction.start_transaction().await.expect("begun");
    things
        .insert_one(doc! { "_id": 2 })
        .session(&mut transaction)
        .await
        .expect("inserted");
    transaction.commit_transaction().await.expect("committed");
    assert_eq!(things.count_documents(doc! {}).await.expect("counted"), 1);

    let change = loop {
        if let Some(change) = changes.next_if_any().await.expect("watched") {
            break change;
        }
    };
    assert_eq!(change.document_key, Some(doc! { "_id": 2 }));
    managed.stop().await;
}

#[tokio::test]
async fn a_second_gateway_is_refused_and_a_command_uses_the_running_server() {
    let dir = TempDir::new().expect("a directory");
    let options = options(dir.path());
    let managed = Managed::start(&options, &Silent).await.expect("started");

    let fault = Managed::start(&options, &Silent).await.expect_err("refused");
    assert!(
        matches!(
            fault,
            Fault::InUse {
                holder: Some(Holder::Gateway { .. }),
                ..
            }
        ),
        "{fault}"
    );
    let path = dir.path().canonicalize().expect("there");
    assert!(fault.to_string().contains(&path.display().to_string()), "{fault}");

    let attached = dev_mongod::attach_or_start(&options, &Silent)
        .await
        .expect("attached");
    assert!(matches!(&attached, Attached::Running { uri } if uri == managed.uri()));
    attached.stop().await;
    insert(managed.uri(), 1).await;
    managed.stop().await;

    let attached = dev_mongod::attach_or_start(&options, &Silent)
        .await
        .expect("started");
    assert!(matches!(attached, Attached::Own(_)));
    assert_eq!(count(attached.uri()).await, 1);

    // A gateway that starts concurrently waits until the command ends.
    let gateway = tokio::spawn(async move { Managed::start(&options, &Silent).await });
    attached.stop().await;
    gateway.await.expect("no panic").expect("started").stop().await;
}

#[tokio::test]
async fn a_database_server_that_exits_is_reported_with_its_cause() {
    let dir = TempDir::new().expect("a directory");
    let managed = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started");
    let died = managed.died();
    kill(server_process(dir.path()), Signal::SIGKILL).expect("killed");
    let ended = tokio::time::timeout(LIMIT, died).await.expect("reported");
    assert_eq!((ended.status, ended.cause), (Status::Signal(9), Cause::Killed));
    managed.stop().await;

    let managed = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("recovered");
    let died = managed.died();
    kill(server_process(dir.path()), Signal::SIGTERM).expect("told");
    let ended = tokio::time::timeout(LIMIT, died).await.expect("reported");
    assert_eq!((ended.status, ended.cause), (Status::Code(0), Cause::ShutDown));
    managed.stop().await;
}

#[tokio::test]
async fn a_database_server_that_fails_to_start_is_reported_with_its_output() {
    let dir = TempDir::new().expect("a directory");
    let parameter = ("noSuchParameter".to_owned(), "1".to_owned());
    let options = Options {
        extra_parameters: vec![parameter],
        ..options(dir.path())
    };
    match Managed::start(&options, &Silent).await {
        Err(Fault::Ended(ended)) => {
            assert!(ended.to_string().contains("noSuchParameter"), "{ended}");
        }
        other => panic!("started: {other:?}"),
    }

    let damaged = TempDir::new().expect("a directory");
    std::fs::create_dir(damaged.path().join("mongod")).expect("made");
    std::fs::write(damaged.path().join("mongod/storage.bson"), "no database").expect("written");
    let fault = Managed::start(&self::options(damaged.path()), &Silent)
        .await
        .expect_err("refused");
    assert!(matches!(fault, Fault::Ended(_)), "{fault}");
    assert!(fault.to_string().contains("storage engine metadata"), "{fault}");
}

#[tokio::test]
async fn a_wrong_server_binary_is_reported() {
    let dir = TempDir::new().expect("a directory");
    for (path, expected) in [
        ("/no/such/mongod", "does not exist"),
        ("/bin/cat", "not a MongoDB server"),
    ] {
        let options = Options {
            explicit: Some(PathBuf::from(path)),
            ..options(dir.path())
        };
        let fault = Managed::start(&options, &Silent).await.expect_err("refused");
        assert!(fault.to_string().contains(path), "{fault}");
        match fault {
            Fault::Explicit(_, why @ (Unusable::Run(_) | Unusable::Stranger(_))) => {
                assert!(why.to_string().contains(expected), "{why}");
            }
            other => panic!("another fault: {other}"),
        }
    }
}

#[tokio::test]
async fn without_a_server_and_pip_the_alternatives_are_listed() {
    let dir = TempDir::new().expect("a directory");
    let nothing = TempDir::new().expect("a directory");
    let options = Options {
        path: Some(nothing.path().into()),
        cache_dir: Some(nothing.path().join("cache")),
        ..options(dir.path())
    };
    let fault = Managed::start(&options, &Silent).await.expect_err("refused");
    assert!(matches!(fault, Fault::NoPip), "{fault}");
    // The refused gateway has released the directory.
    Managed::start(&self::options(dir.path()), &Silent)
        .await
        .expect("started")
        .stop()
        .await;
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_created_is_reported() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("file");
    std::fs::write(&file, "").expect("written");
    let fault = Managed::start(&options(&file.join("data")), &Silent)
        .await
        .expect_err("refused");
    assert!(matches!(fault, Fault::DataDirectory { .. }), "{fault}");
    assert!(fault.to_string().contains("GATEWAY_DATA_DIR"), "{fault}");
}

const DIR_OF_CHILD: &str = "TRIAL_DATA_DIR";

/// Not a test: the process that the next test starts with the variable set, and kills.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the way from the parent to the child; no setting"
)]
async fn child_gateway() {
    let Some(dir) = std::env::var_os(DIR_OF_CHILD) else {
        return;
    };
    let managed = Managed::start(&options(Path::new(&dir)), &Silent)
        .await
        .expect("started");
    println!("ready {}", managed.uri().expose());
    std::future::pending::<()>().await;
}

/// A child process that is killed when the test ends, even if it fails.
struct ChildGateway(Child);

impl ChildGateway {
    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }
}

impl Drop for ChildGateway {
    fn drop(&mut self) {
        // The process has ended already, unless the test failed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs [`child_gateway`] in a child process under a file mode creation mask of 0.
fn start_child(dir: &Path) -> ChildGateway {
    let name = match module_path!().split_once("::") {
        Some((_, module)) => format!("{module}::child_gateway"),
        None => "child_gateway".to_owned(),
    };
    let child = Command::new("/bin/sh")
        .args(["-c", "umask 0; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", &name, "--nocapture"])
        .env(DIR_OF_CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    ChildGateway(child)
}

/// Waits until the child's database accepts writes.
fn await_ready(gateway: &mut ChildGateway) {
    let output = BufReader::new(gateway.0.stdout.take().expect("piped"));
    output
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("ready "))
        .expect("the gateway is ready");
}

#[tokio::test]
async fn a_killed_gateway_ends_its_database_server() {
    let dir = TempDir::new().expect("a directory");
    let mut gateway = start_child(dir.path());
    await_ready(&mut gateway);
    let server = server_process(dir.path());
    assert!(is_alive(server));

    gateway.kill();
    // Started at once, while the killed gateway's server may still be ending.
    let next = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started");
    eventually("the killed gateway's server ends", || !is_alive(server)).await;
    next.stop().await;
}

#[tokio::test]
async fn a_replica_set_survives_the_loss_of_its_primary() {
    let dir = TempDir::new().expect("a directory");
    let binary = dev_mongod::find_server(&options(dir.path()), &Silent)
        .await
        .expect("a server");
    let mut set = ReplicaSet::start(3, dir.path(), binary).await.expect("started");
    let uri = Secret::from(set.uri());
    insert(&uri, 1).await;

    let first = set.primary().await.expect("a primary");
    set.kill(first).await;
    let second = set.primary().await.expect("another primary");
    assert_ne!(first, second);
    insert(&uri, 2).await;
    set.restart(first).await.expect("started again");

    let third = set.primary().await.expect("a primary");
    set.pause(third).await.expect("paused");
    let fourth = set.primary().await.expect("another primary");
    assert_ne!(third, fourth);
    set.resume(third).await.expect("resumed");
    assert_eq!(count(&uri).await, 2);
    set.stop().await;
}
