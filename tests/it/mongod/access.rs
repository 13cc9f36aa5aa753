//! Access to the managed database: only for the gateway, and for no other user of the machine.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use mongodb::error::ErrorKind;
use mongodb::options::ClientOptions;

use super::*;

/// The server's error codes for a missing permission and for a failed authentication.
const UNAUTHORIZED: i32 = 13;
const AUTHENTICATION_FAILED: i32 = 18;

/// Returns the server's address, which any user of the machine can find.
async fn address(uri: &Secret) -> String {
    let options = ClientOptions::parse(uri.expose())
        .await
        .expect("a connection string");
    options.hosts[0].to_string()
}

/// Returns a client with only the address and a claim of the form `name:password@`.
async fn unauthenticated_client(uri: &Secret, claim: &str) -> Client {
    let address = address(uri).await;
    let uri = format!("mongodb://{claim}{address}/?directConnection=true");
    Client::with_uri_str(uri).await.expect("a client")
}

fn code(error: &mongodb::error::Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Authentication { .. } => Some(AUTHENTICATION_FAILED),
        _ => None,
    }
}

/// Asserts that authentication with this claim fails.
async fn assert_authentication_fails(uri: &Secret, claim: &str) {
    let client = unauthenticated_client(uri, claim).await;
    let answer = client
        .database("trial")
        .run_command(doc! { "find": "things" })
        .await;
    let error = answer.expect_err("refused");
    assert_eq!(code(&error), Some(AUTHENTICATION_FAILED), "{claim}: {error}");
}

/// Asserts that a client without credentials may do nothing.
async fn assert_access_denied(uri: &Secret) {
    let client = unauthenticated_client(uri, "").await;
    let commands = [
        ("admin", doc! { "listDatabases": 1 }),
        ("trial", doc! { "listCollections": 1 }),
        ("trial", doc! { "find": "things" }),
        (
            "trial",
            doc! { "aggregate": "things", "pipeline": [], "cursor": {} },
        ),
        ("trial", doc! { "insert": "things", "documents": [{ "_id": 2 }] }),
        (
            "trial",
            doc! { "delete": "things", "deletes": [{ "q": {}, "limit": 0 }] },
        ),
        ("trial", doc! { "dropDatabase": 1 }),
        ("local", doc! { "find": "oplog.rs", "limit": 1 }),
        ("admin", doc! { "find": "system.users" }),
        (
            "admin",
            doc! { "createUser": "me", "pwd": "me", "roles": ["root"] },
        ),
        ("admin", doc! { "replSetGetConfig": 1 }),
        (
            "admin",
            doc! { "replSetReconfig": { "_id": "gateway", "version": 99, "members": [] }, "force": true },
        ),
        ("admin", doc! { "replSetStepDown": 60, "force": true }),
        ("admin", doc! { "shutdown": 1, "force": true }),
        ("admin", doc! { "getLog": "global" }),
        ("admin", doc! { "getParameter": "*" }),
        (
            "admin",
            doc! { "setParameter": 1, "enableLocalhostAuthBypass": true },
        ),
        ("admin", doc! { "currentOp": 1 }),
        ("admin", doc! { "serverStatus": 1 }),
    ];
    for (database, command) in commands {
        let answer = client.database(database).run_command(command.clone()).await;
        let error = answer.expect_err("refused");
        assert_eq!(code(&error), Some(UNAUTHORIZED), "{command}: {error}");
    }
}

/// Returns every file and directory under the path to which other users have any permission.
fn open_to_others(path: &Path) -> Vec<PathBuf> {
    let mut open = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let inner = std::fs::read_dir(&folder).expect("listed").flatten();
        for path in inner.map(|entry| entry.path()).chain([folder.clone()]) {
            // The server may remove its own files concurrently.
            let Ok(metadata) = std::fs::metadata(&path) else {
                continue;
            };
            if metadata.permissions().mode() & 0o077 != 0 {
                open.push(path.clone());
            }
            if metadata.is_dir() && path != folder {
                folders.push(path);
            }
        }
    }
    open
}

/// Returns the content of the key file and the password of the gateway's database user.
async fn secrets(dir: &Path, uri: &Secret) -> [String; 2] {
    let options = ClientOptions::parse(uri.expose())
        .await
        .expect("a connection string");
    let key = std::fs::read_to_string(dir.join("mongod.key")).expect("a secret");
    [
        key,
        options.credential.expect("a user").password.expect("a password"),
    ]
}

// DEF-07
#[tokio::test]
async fn a_client_without_credentials_reads_and_writes_nothing() {
    let dir = TempDir::new().expect("a directory");
    let managed = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started");
    insert(managed.uri(), 1).await;
    assert_access_denied(managed.uri()).await;
    for claim in [
        "storefront-gateway:storefront-gateway@",
        "__system:key@",
        "root:root@",
    ] {
        assert_authentication_fails(managed.uri(), claim).await;
    }
    assert_eq!(count(managed.uri()).await, 1);
    managed.stop().await;
}

// DEF-07
#[tokio::test]
async fn the_secrets_files_are_private_regardless_of_the_umask() {
    let root = TempDir::new().expect("a directory");
    let dir = root.path().join("data");
    let mut gateway = start_child(&dir);
    await_ready(&mut gateway);
    assert_eq!(open_to_others(&dir), Vec::<PathBuf>::new());
    let uri = Secret::from(std::fs::read_to_string(dir.join("mongod.uri")).expect("published"));
    let secrets = secrets(&dir, &uri).await;
    let mut seen = vec![std::fs::read_to_string(dir.join("mongod.log")).expect("a log")];
    let server = server_process(&dir);
    for process in [
        server,
        Pid::from_raw(i32::try_from(gateway.0.id()).expect("an id")),
    ] {
        // On Linux only: the parts of a process that other users see, and those that only its own user does.
        for file in ["cmdline", "environ"] {
            seen.extend(std::fs::read_to_string(format!("/proc/{process}/{file}")));
        }
    }
    for secret in secrets {
        assert!(seen.iter().all(|text| !text.contains(&secret)));
    }
    gateway.kill();
    eventually("the server ends", || !is_alive(server)).await;
}

// DEF-07
#[tokio::test]
async fn a_lost_secret_is_replaced_and_the_old_one_is_refused() {
    let dir = TempDir::new().expect("a directory");
    let first = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started");
    insert(first.uri(), 1).await;
    let [_, password] = secrets(dir.path(), first.uri()).await;
    first.stop().await;
    std::fs::remove_file(dir.path().join("mongod.key")).expect("removed");
    let second = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started");
    assert_eq!(count(second.uri()).await, 1);
    assert_authentication_fails(second.uri(), &format!("storefront-gateway:{password}@")).await;
    second.stop().await;
}

/// Starts a server on the data directory without access control, as earlier versions did.
async fn unprotected(dir: &Path) -> (Child, Secret) {
    let binary = dev_mongod::find_server(&options(dir), &Silent)
        .await
        .expect("a server");
    let data = dir.join("mongod");
    std::fs::create_dir_all(&data).expect("created");
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let port = free.expect("a port").port();
    let server = Command::new(binary)
        .arg("--dbpath")
        .arg(&data)
        .args([
            "--port",
            &port.to_string(),
            "--bind_ip",
            "127.0.0.1",
            "--nounixsocket",
        ])
        .args([
            "--replSet",
            "gateway",
            "--oplogSize",
            "64",
            "--wiredTigerCacheSizeGB",
            "0.25",
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    let uri = Secret::from(format!("mongodb://127.0.0.1:{port}/?directConnection=true"));
    let admin = Client::with_uri_str(uri.expose())
        .await
        .expect("a client")
        .database("admin");
    let config = doc! { "_id": "gateway", "members": [{ "_id": 0, "host": format!("127.0.0.1:{port}") }] };
    admin
        .run_command(doc! { "replSetInitiate": config })
        .await
        .expect("initiated");
    let is_primary = async || {
        let hello = admin.run_command(doc! { "hello": 1 }).await.expect("an answer");
        hello.get_bool("isWritablePrimary").unwrap_or(false)
    };
    while !is_primary().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (server, uri)
}

// DEF-07
#[tokio::test]
async fn a_directory_of_an_earlier_version_is_upgraded_despite_interruptions() {
    let dir = TempDir::new().expect("a directory");
    let (mut server, uri) = unprotected(dir.path()).await;
    insert(&uri, 1).await;
    // An earlier user has created accounts for later access.
    let admin = Client::with_uri_str(uri.expose())
        .await
        .expect("a client")
        .database("admin");
    for name in ["backdoor", "storefront-gateway"] {
        let user = doc! { "createUser": name, "pwd": "open", "roles": ["root"] };
        admin.run_command(user).await.expect("created");
    }
    kill(
        Pid::from_raw(i32::try_from(server.id()).expect("an id")),
        Signal::SIGTERM,
    )
    .expect("told");
    server.wait().expect("gone");

    let log = || std::fs::read_to_string(dir.path().join("mongod.log")).unwrap_or_default();
    let steps: [(&str, &dyn Fn() -> bool); 4] = [
        ("the secret is there", &|| dir.path().join("mongod.key").exists()),
        ("the server listens", &|| {
            log().contains("Waiting for connections")
        }),
        ("the server takes writes", &|| {
            log().contains("database writes are now permitted")
        }),
        ("all is done", &|| dir.path().join("mongod.uri").exists()),
    ];
    for (what, reached) in steps {
        let mut gateway = start_child(dir.path());
        eventually(what, reached).await;
        gateway.kill();
        let lock = dir.path().join("mongod/mongod.lock");
        let server = || {
            std::fs::read_to_string(&lock)
                .ok()?
                .trim()
                .parse()
                .ok()
                .map(Pid::from_raw)
        };
        eventually("the server ends", || !server().is_some_and(is_alive)).await;
        // Removed so that the next start has to write them itself before it is killed.
        for name in ["mongod.uri", "mongod.log"] {
            drop(std::fs::remove_file(dir.path().join(name)));
        }
    }
    let managed = Managed::start(&options(dir.path()), &Silent)
        .await
        .expect("started");
    assert_eq!(count(managed.uri()).await, 1);
    assert_access_denied(managed.uri()).await;
    for name in ["backdoor", "storefront-gateway"] {
        assert_authentication_fails(managed.uri(), &format!("{name}:open@")).await;
    }
    managed.stop().await;
}
