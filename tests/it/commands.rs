//! The built binary as an operator uses it. Each test has its own data directory and therefore its own database.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::kit::{self, Store};

/// The timeout for expected events. It only bounds a failing test and measures nothing.
const LIMIT: Duration = Duration::from_secs(60);

/// An operator with a working directory and settings that apply to every command.
struct Operator {
    dir: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Operator {
    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        Self {
            dir,
            settings: vec![("GATEWAY_LISTEN", "127.0.0.1:0".to_owned())],
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.to_owned()));
        self
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join(".storefront-gateway")
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the settings of the developer's environment must not reach the gateway"
    )]
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_storefront-gateway"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GATEWAY_"))
        {
            command.env_remove(name);
        }
        command
            .args(words)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, words: &[&str]) -> Output {
        let run = self.command(words).output();
        tokio::time::timeout(LIMIT, run)
            .await
            .expect("ends in time")
            .expect("runs")
    }

    /// The parsed `--json` output of a command that must succeed.
    async fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[&["--json"], words].concat()).await;
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON and nothing else")
    }

    /// The error output of a command that must fail with this exit code.
    async fn user_errors(&self, words: &[&str], code: i32) -> String {
        let output = self.run(words).await;
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {message}");
        assert!(output.stdout.is_empty(), "{words:?}: {}", text(&output.stdout));
        message
    }

    /// Starts a gateway and waits for its start line.
    async fn serve(&self, words: &[&str]) -> Gateway {
        let log = self.dir.path().join("log");
        let child = self
            .command(&[&["serve"], words].concat())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("starts");
        let mut gateway = Gateway {
            child,
            log,
            url: String::new(),
        };
        let started = async {
            loop {
                if let Some(url) = gateway.start_line() {
                    return url;
                }
                let ended = gateway.child.try_wait().expect("waits");
                assert!(ended.is_none(), "ended: {}", gateway.log());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let url = tokio::time::timeout(LIMIT, started)
            .await
            .expect("starts in time");
        gateway.url = url;
        gateway
    }
}

/// A running gateway process.
struct Gateway {
    child: Child,
    log: PathBuf,
    url: String,
}

impl Gateway {
    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    fn start_line(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once("serving at ")?;
        rest.contains('\n')
            .then(|| rest.split_whitespace().next().unwrap_or_default().to_owned())
    }

    fn process(&self) -> Pid {
        let process = self.child.id().expect("runs");
        Pid::from_raw(i32::try_from(process).expect("a process id"))
    }

    async fn is_live(&self) -> bool {
        let answer = reqwest::get(format!("{}/health/live", self.url)).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    async fn ends(&mut self) -> ExitStatus {
        tokio::time::timeout(LIMIT, self.child.wait())
            .await
            .expect("ends in time")
            .expect("ends")
    }

    async fn signalled(&mut self, signal: Signal) -> ExitStatus {
        kill(self.process(), signal).expect("signalled");
        self.ends().await
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The process id of the managed database server, read from the file in its data directory.
fn server_process(data: &Path) -> Pid {
    let lock = std::fs::read_to_string(data.join("mongod/mongod.lock")).expect("a lock file");
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

fn member<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn the_schema_command_needs_no_settings_or_database() {
    let operator = Operator::new().with("GATEWAY_JOBS", "perhaps");
    let output = operator.run(&["schema"]).await;
    assert!(output.status.success());
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).expect("kept");
    assert_eq!(text(&output.stdout).trim(), kept.trim());
    assert!(!operator.data().exists());
}

#[tokio::test]
async fn health_tells_whether_the_gateway_is_ready() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("bound").to_string();
    drop(port);
    let mut operator = Operator::new();
    operator.settings = vec![("GATEWAY_LISTEN", address.clone())];
    let message = operator.user_errors(&["health"], 1).await;
    let expected = format!("the gateway at {address} does not answer");
    assert!(message.contains(&expected), "{message}");
    let mut gateway = operator.serve(&[]).await;
    let ready = async {
        while !operator.run(&["health"]).await.status.success() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, ready).await.expect("ready in time");
    assert_eq!(text(&operator.run(&["health"]).await.stdout), "ready\n");
    assert_eq!(operator.json(&["health"]).await, json!({ "ready": true }));
    gateway.signalled(Signal::SIGTERM).await;
}

#[tokio::test]
async fn all_invalid_settings_are_reported_together() {
    let operator = Operator::new()
        .with("GATEWAY_JOBS", "perhaps")
        .with("GATEWAY_MAX_BODY", "much")
        .with("GATEWAY_PUBLIC_ULR", "https://shop.example");
    for command in [&["serve"][..], &["client", "list"], &[]] {
        let message = operator.user_errors(command, 1).await;
        for name in [
            "GATEWAY_JOBS",
            "GATEWAY_MAX_BODY",
            "GATEWAY_PUBLIC_ULR",
            "GATEWAY_PUBLIC_URL",
        ] {
            assert!(message.contains(name), "{command:?}: {message}");
        }
    }
    let output = operator.run(&["check", "--json"]).await;
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(3));
    assert!(!operator.data().exists());
}

#[tokio::test]
async fn a_usage_error_exits_with_code_two() {
    let operator = Operator::new();
    for words in [
        &["polish"][..],
        &["organization", "create"],
        &["organization", "create", "--name", " "],
        &["token", "issue"],
        &["token", "issue", "--storefront-user", "ann"],
        &["token", "issue", "--customer", "sfu_01h00000000000000000000000"],
        &["audit", "list"],
        &["audit", "list", "--customer", "sfu_01h00000000000000000000000"],
        &["serve", "--customers", "5"],
        &["demo", "--customers", "0"],
        &["demo", "--customers", "many"],
    ] {
        let message = operator.user_errors(words, 2).await;
        assert!(message.starts_with("error:"), "{words:?}: {message}");
    }
    assert!(!operator.data().exists());
}

#[tokio::test]
async fn commands_create_storefronts_of_a_running_gateway() {
    let operator = Operator::new();
    let gateway = operator.serve(&["--demo"]).await;
    let organization = operator
        .json(&["organization", "create", "--name", "Prints"])
        .await;
    assert_eq!(keys(&organization), ["id"]);
    let org = member(&organization, "id");
    let person = operator
        .json(&[
            "member",
            "add",
            "--organization",
            org,
            "--name",
            "Ada",
            "--email",
            "ada@example.com",
        ])
        .await;
    assert!(member(&person, "id").starts_with("mem_"));

    let create = [
        "storefront",
        "create",
        "--organization",
        org,
        "--name",
        "Prints DE",
        "--code",
        "DE",
    ];
    let storefront = operator.json(&create).await;
    assert_eq!(keys(&storefront), ["code", "id"]);
    let sto = member(&storefront, "id");
    let message = operator.user_errors(&create, 1).await;
    assert!(message.contains("has this"), "{message}");
    let url = "https://prints.example/account";
    let updated = operator
        .json(&[
            "storefront",
            "update",
            sto,
            "--account-url",
            url,
            "--conceal-emails",
        ])
        .await;
    assert_eq!(
        (&updated["accountUrl"], &updated["concealEmails"]),
        (&url.into(), &true.into())
    );
    let listed = operator
        .json(&["storefront", "list", "--organization", org])
        .await;
    assert_eq!(listed, Value::Array(vec![updated]));
    assert!(gateway.is_live().await);
}

#[tokio::test]
async fn commands_create_and_revoke_clients_of_a_running_gateway() {
    let operator = Operator::new();
    let gateway = operator.serve(&["--demo"]).await;
    let demo = operator.json(&["demo"]).await;
    let org = member(&demo, "organization");
    let sto = member(&demo["storefronts"][0], "id");
    let named = ["client", "create", "--organization", org, "--name", "Web"];
    let public = operator
        .json(&[&named[..], &["--kind", "public", "--storefront", sto]].concat())
        .await;
    assert_eq!(keys(&public), ["id", "key"]);
    assert!(member(&public, "key").starts_with("pk_"));
    let backend = [&named[..], &["--kind", "integration", "--scope", "storage:read"]].concat();
    let backend = operator.json(&backend).await;
    assert_eq!(keys(&backend), ["id", "secret"]);
    assert!(member(&backend, "secret").starts_with("sk_"));
    let revoked = operator.json(&["client", "revoke", member(&backend, "id")]).await;
    assert_eq!(revoked["id"], backend["id"]);
    let clients = operator.json(&["client", "list", "--organization", org]).await;
    let clients = clients.as_array().expect("a list");
    let revoked: Vec<&Value> = clients
        .iter()
        .filter(|client| client["revokedAt"].is_string())
        .collect();
    assert_eq!(revoked.len(), 1, "{clients:?}");
    assert_eq!(revoked[0]["id"], backend["id"]);
    assert!(
        clients.iter().any(|client| client["id"] == public["id"]),
        "{clients:?}"
    );

    let old = operator.json(&["keys", "rotate"]).await;
    assert_eq!(keys(&old), ["kid"]);
    let new = operator.json(&["keys", "rotate", "--now"]).await;
    assert_eq!(keys(&new), ["kid"]);
    assert_ne!(new, old);
    assert!(operator.json(&["jobs", "list"]).await.is_array());
    assert_eq!(
        operator.json(&["jobs", "list", "--dead"]).await,
        Value::Array(Vec::new())
    );
    let report = operator.json(&["check"]).await;
    assert_eq!(report["verdict"], "ok", "{report}");
    assert!(gateway.is_live().await);
}

/// The file with the identity provider's secret, in the operator's working directory.
const SECRET_FILE: &str = "provider-secret";

/// The arguments that add an identity provider; the redirect URIs come last.
fn adding_a_provider(sto: &str) -> [&str; 18] {
    [
        "identity-provider",
        "add",
        "--storefront",
        sto,
        "--key",
        "op",
        "--name",
        "The provider",
        "--issuer",
        "https://op.example/",
        "--client-id",
        "gateway",
        "--client-secret-file",
        SECRET_FILE,
        "--redirect-uri",
        "https://shop.example/b",
        "--redirect-uri",
        "com.example.app:/a",
    ]
}

// DEF-09
#[tokio::test]
async fn a_secret_is_read_from_a_file_or_standard_input_only() {
    let operator = Operator::new();
    let gateway = operator.serve(&["--demo"]).await;
    let demo = operator.json(&["demo"]).await;
    let add = adding_a_provider(member(&demo["storefronts"][0], "id"));
    let place = add
        .iter()
        .position(|word| *word == SECRET_FILE)
        .expect("it exists");
    for old in [
        ["--client-secret", "hunter2"].as_slice(),
        &["--client-secret=hunter2"],
    ] {
        let words = [&add[..place - 1], old, &add[place + 1..]].concat();
        let message = operator.user_errors(&words, 2).await;
        assert!(message.contains("--client-secret-file"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    let message = operator.user_errors(&add, 1).await;
    assert!(message.contains(SECRET_FILE), "the file is missing: {message}");

    let mut words = add;
    words[place] = "-";
    let mut adding = operator
        .command(&[&["--json"], words.as_slice()].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = adding.stdin.take().expect("piped");
    input.write_all(b"hunter2\n").await.expect("written");
    drop(input);
    let output = adding.wait_with_output().await.expect("ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let listed = operator.json(&["identity-provider", "list"]).await;
    assert_eq!(listed[0]["hasClientSecret"], true, "{listed}");
    assert!(gateway.is_live().await);
}

// EPC-09
#[tokio::test]
async fn commands_add_and_remove_identity_providers_of_a_running_gateway() {
    let operator = Operator::new();
    let gateway = operator.serve(&["--demo"]).await;
    let demo = operator.json(&["demo"]).await;
    let sto = member(&demo["storefronts"][0], "id");
    std::fs::write(operator.dir.path().join(SECRET_FILE), "hunter2\n").expect("written");
    let add = adding_a_provider(sto);
    let added = operator.json(&add).await;
    assert_eq!(keys(&added), ["id"]);
    assert!(member(&added, "id").starts_with("idp_"));
    let again = operator.user_errors(&add, 1).await;
    assert!(again.contains("--key") && !again.contains("hunter2"), "{again}");
    let listed = operator.run(&["--json", "identity-provider", "list"]).await;
    let listed = text(&listed.stdout);
    assert!(!listed.contains("hunter2"), "{listed}");
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let expected = json!({
        "id": added["id"], "storefrontId": sto, "key": "op", "name": "The provider", "issuer": "https://op.example/",
        "clientId": "gateway", "hasClientSecret": true,
        "redirectUris": ["com.example.app:/a", "https://shop.example/b"], "createdAt": listed[0]["createdAt"],
    });
    assert_eq!(listed, json!([expected]));
    let key = &demo["keys"][member(&demo["storefronts"][0], "code")];
    let query = json!({ "query": "{ storefront { identityProviders { key name } } }" });
    let request = reqwest::Client::new()
        .post(format!("{}/graphql", gateway.url))
        .bearer_auth(key.as_str().expect("a publishable key"))
        .json(&query);
    let seen: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let shown = json!([{ "key": "op", "name": "The provider" }]);
    assert_eq!(seen["data"]["storefront"]["identityProviders"], shown);
    let removed = operator
        .json(&["identity-provider", "remove", member(&added, "id")])
        .await;
    assert_eq!(removed, added);
    assert_eq!(operator.json(&["identity-provider", "list"]).await, json!([]));
    for (option, bad) in [
        ("--issuer", "http://op.example"),
        ("--redirect-uri", "http://shop.example"),
        ("--key", "OP"),
        ("--client-id", "a b"),
    ] {
        let place = add.iter().position(|word| *word == option).expect("it exists");
        let mut words = add;
        words[place + 1] = bad;
        let message = operator.user_errors(&words, 2).await;
        assert!(message.contains(option), "{message}");
    }
    let without = &add[..add.len() - 4];
    assert!(operator.user_errors(without, 2).await.contains("--redirect-uri"));
    assert!(gateway.is_live().await);
}

#[tokio::test]
async fn a_command_names_the_object_not_found() {
    let operator = Operator::new();
    let _gateway = operator.serve(&["--demo"]).await;
    let demo = operator.json(&["demo"]).await;
    let foreign = member(&demo["storefronts"][0], "id");
    let org = member(
        &operator
            .json(&["organization", "create", "--name", "Prints"])
            .await,
        "id",
    )
    .to_owned();
    let unknown = "00000000000000000000000001";
    let (no_org, no_sto) = (format!("org_{unknown}"), format!("sto_{unknown}"));
    let (no_cli, no_sfu) = (format!("cli_{unknown}"), format!("sfu_{unknown}"));
    let (no_cus, no_idp) = (format!("cus_{unknown}"), format!("idp_{unknown}"));
    let client = [
        "client",
        "create",
        "--organization",
        &org,
        "--name",
        "Web",
        "--kind",
        "public",
        "--storefront",
    ];
    for (words, named) in [
        (
            vec!["member", "add", "--organization", &no_org, "--name", "Ada"],
            &*no_org,
        ),
        (vec!["storefront", "list", "--organization", &no_org], &no_org),
        (vec!["storefront", "update", &no_sto, "--name", "Prints"], &no_sto),
        ([&client[..], &[&no_sto]].concat(), &no_sto),
        ([&client[..], &[foreign]].concat(), "another organization"),
        (vec!["client", "revoke", &no_cli], &no_cli),
        (
            vec!["identity-provider", "list", "--storefront", &no_sto],
            &no_sto,
        ),
        (vec!["identity-provider", "remove", &no_idp], &no_idp),
        (vec!["token", "issue", "--storefront-user", &no_sfu], &no_sfu),
        (vec!["token", "issue", "--customer", &no_cus], &no_cus),
        (vec!["jobs", "retry", "job_1"], "job_1"),
        (vec!["audit", "list", "--customer", &no_cus], &no_cus),
    ] {
        let message = operator.user_errors(&words, 1).await;
        assert!(message.contains(named), "{words:?}: {message}");
    }
}

#[tokio::test]
async fn a_token_from_the_command_line_is_valid_at_the_running_gateway() {
    let operator = Operator::new();
    let gateway = operator.serve(&["--demo"]).await;
    let uri = std::fs::read_to_string(operator.data().join("mongod.uri")).expect("published");
    let client = Client::with_uri_str(&uri).await.expect("a client");
    let users = client
        .database("storefront_gateway")
        .collection::<Document>("storefrontUsers");
    let user = users
        .find_one(doc! { "isAnonymous": false })
        .await
        .expect("found")
        .expect("the demo's");
    let id = user.get_str("_id").expect("an id");
    let issued = operator.json(&["token", "issue", "--storefront-user", id]).await;
    assert_eq!(keys(&issued), ["accessToken"]);
    let claims = claims_of(&issued);
    assert_eq!(member(&claims, "sub"), id);
    assert_eq!(member(&claims, "iss"), gateway.url);

    // Sign a customer in, as from an additional device.
    let customers = client
        .database("storefront_gateway")
        .collection::<Document>("customers");
    let customer = customers
        .find_one(doc! {})
        .await
        .expect("found")
        .expect("the demo's");
    let id = customer.get_str("_id").expect("an id");
    let issued = operator.json(&["token", "issue", "--customer", id]).await;
    assert_eq!(keys(&issued), ["accessToken"]);
    assert_eq!(member(&claims_of(&issued), "sub"), id);
    let answer = reqwest::Client::new()
        .post(format!("{}/graphql", gateway.url))
        .bearer_auth(member(&issued, "accessToken"))
        .json(&json!({ "query": "{ viewer { customer { id sessions { userAgent isCurrent } } } }" }))
        .send()
        .await;
    let seen: Value = answer.expect("an answer").json().await.expect("JSON");
    let seen = &seen["data"]["viewer"]["customer"];
    assert_eq!(member(seen, "id"), id);
    let current = json!({ "userAgent": "storefront-gateway token issue", "isCurrent": true });
    let sessions = seen["sessions"].as_array().expect("sessions");
    assert!(sessions.contains(&current), "{sessions:?}");
}

/// The `customers` collection of the managed database.
async fn customers(operator: &Operator) -> Collection<Document> {
    let uri = std::fs::read_to_string(operator.data().join("mongod.uri")).expect("published");
    let client = Client::with_uri_str(&uri).await.expect("a client");
    client.database("storefront_gateway").collection("customers")
}

/// The id of the demo customer whose e-mail address starts with this text.
async fn id_of(customers: &Collection<Document>, email: &str) -> String {
    let named = doc! { "emailKey": { "$regex": format!("^{email}") } };
    let found = customers.find_one(named).await.expect("found");
    let found = found.expect("the demo's");
    found.get_str("_id").expect("an id").to_owned()
}

#[tokio::test]
async fn the_audit_trail_of_a_deleted_customer_is_listed_newest_first() {
    let operator = Operator::new();
    let _gateway = operator.serve(&["--demo"]).await;
    let customers = customers(&operator).await;
    kit::eventually("the demo data exists", async || {
        let grouped = doc! { "emailKey": { "$regex": "^jonas@" }, "groupIds": { "$exists": true } };
        customers.count_documents(grouped).await.expect("counted") == 1
    })
    .await;
    let jonas = id_of(&customers, "jonas@").await;
    operator.json(&["token", "issue", "--customer", &jonas]).await;
    let list = ["audit", "list", "--customer", &jonas];
    let listed = operator.json(&list).await;
    let entries = listed.as_array().expect("a list");
    let actions: Vec<&str> = entries.iter().map(|entry| member(entry, "action")).collect();
    assert_eq!(
        actions,
        ["TOKEN_ISSUED", "GROUP_JOINED", "SIGNED_IN", "REGISTERED"]
    );
    let last = &entries[0];
    assert_eq!(
        keys(last),
        [
            "action",
            "actor",
            "at",
            "customerId",
            "id",
            "object",
            "storefrontId"
        ]
    );
    assert_eq!(
        last["actor"],
        json!({ "kind": "OPERATOR", "id": null, "owner": null })
    );
    assert!(member(last, "object").starts_with("ses_") && member(last, "at").ends_with('Z'));
    assert_eq!(member(last, "customerId"), jonas);
    assert_eq!(member(&entries[3]["actor"], "kind"), "CLIENT");

    // The human-readable output has the same content, one line per entry.
    let shown = text(&operator.run(&list).await.stdout);
    let lines: Vec<&str> = shown.lines().collect();
    let by = format!("CLIENT {}", member(&entries[3]["actor"], "id"));
    let is_shown = lines.len() == 5
        && lines[0].starts_with("WHEN ")
        && lines[0].ends_with("BY")
        && lines[1].contains(" TOKEN_ISSUED ")
        && lines[1].ends_with(" OPERATOR")
        && lines[4].contains(" REGISTERED ")
        && lines[4].ends_with(&by);
    assert!(is_shown, "{shown}");
    customers
        .delete_one(doc! { "_id": &jonas })
        .await
        .expect("deleted");
    assert_eq!(operator.json(&list).await, listed);
}

#[tokio::test]
async fn an_empty_audit_trail_is_reported_as_empty() {
    let operator = Operator::new();
    let _gateway = operator.serve(&["--demo"]).await;
    // Customers added by `demo --customers` are not registered, so they have no audit entries.
    operator.json(&["demo", "--customers", "5"]).await;
    let crowd = id_of(&customers(&operator).await, "crowd").await;
    let nothing = ["audit", "list", "--customer", &crowd];
    assert_eq!(operator.json(&nothing).await, json!([]));
    let shown = text(&operator.run(&nothing).await.stdout);
    assert!(shown.contains("has no entries of this customer"), "{shown}");
}

/// The claims of the issued token.
fn claims_of(issued: &Value) -> Value {
    let claims = member(issued, "accessToken").split('.').nth(1).expect("claims");
    let claims = data_encoding::BASE64URL_NOPAD
        .decode(claims.as_bytes())
        .expect("base64");
    serde_json::from_slice(&claims).expect("JSON")
}

#[tokio::test]
async fn a_stopped_gateway_stops_its_database() {
    let operator = Operator::new();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut gateway = operator.serve(&["--demo"]).await;
        assert!(gateway.is_live().await);
        let server = server_process(&operator.data());
        assert!(is_alive(server));
        assert_eq!(
            gateway.signalled(signal).await.code(),
            Some(0),
            "{}",
            gateway.log()
        );
        assert!(!is_alive(server));
        let message = operator.run(&["storefront", "list"]).await;
        assert!(
            message.status.success(),
            "the directory is free: {}",
            text(&message.stderr)
        );
    }
}

#[tokio::test]
async fn a_second_gateway_on_a_data_directory_is_refused() {
    let operator = Operator::new();
    let gateway = operator.serve(&[]).await;
    let message = operator.user_errors(&["serve"], 1).await;
    assert!(message.contains("already uses the data directory"), "{message}");
    assert!(message.contains(&gateway.process().to_string()), "{message}");
    assert!(gateway.is_live().await);
}

#[tokio::test]
async fn a_killed_gateway_leaves_no_database_server_running() {
    let operator = Operator::new();
    let mut gateway = operator.serve(&["--demo"]).await;
    let server = server_process(&operator.data());
    gateway.signalled(Signal::SIGKILL).await;
    eventually("the server ends", || !is_alive(server)).await;
    let mut next = operator.serve(&["--demo"]).await;
    assert_eq!(next.signalled(Signal::SIGTERM).await.code(), Some(0));
}

#[tokio::test]
async fn a_gateway_exits_when_its_database_is_killed() {
    let operator = Operator::new();
    let mut gateway = operator.serve(&[]).await;
    kill(server_process(&operator.data()), Signal::SIGKILL).expect("killed");
    assert_eq!(gateway.ends().await.code(), Some(1));
    let log = gateway.log();
    assert!(log.contains("ERROR") && log.contains("mongod"), "{log}");
}

#[tokio::test]
async fn the_demo_prints_the_same_credentials_at_every_start() {
    let operator = Operator::new();
    let first = operator.json(&["demo"]).await;
    assert_eq!(
        keys(&first),
        [
            "clients",
            "customer",
            "keys",
            "organization",
            "secret",
            "storefronts"
        ]
    );
    assert_eq!(operator.json(&["demo"]).await, first);
    let mut gateway = operator.serve(&["--demo"]).await;
    let secret = member(&first, "secret");
    eventually("the block is printed", || {
        gateway.log().contains("Everyone who opens")
    })
    .await;
    let shown = gateway.log();
    let [email, password] = ["email", "password"].map(|name| member(&first["customer"], name));
    for credential in [
        secret,
        member(&first["keys"], "DE"),
        member(&first["keys"], "US"),
        member(&first["clients"], "DE"),
        member(&first["clients"], "US"),
        member(&first["clients"], "backend"),
        email,
        password,
    ] {
        assert!(shown.contains(credential), "{credential} is missing in: {shown}");
    }
    // The clients are the same as in the output of `client list`.
    let listed = operator.json(&["client", "list"]).await;
    let listed = listed.as_array().expect("a list").iter();
    let listed: BTreeSet<&str> = listed.map(|client| member(client, "id")).collect();
    let reported = first["clients"].as_object().expect("an object").values();
    let reported: BTreeSet<&str> = reported.filter_map(Value::as_str).collect();
    assert_eq!(listed, reported);
    // The backend's id and secret obtain a token at the OAuth token endpoint.
    let post = async |form: &[(&str, &str)]| {
        let posting = reqwest::Client::new().post(format!("{}/oauth/token", gateway.url));
        posting.form(form).send().await.expect("an answer").status()
    };
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", member(&first["clients"], "backend")),
        ("client_secret", secret),
    ];
    assert_eq!(post(&form).await, 200);
    // The password signs the customer in through OAuth as well, without GraphQL.
    let form = [
        ("grant_type", "password"),
        ("client_id", member(&first["keys"], "DE")),
        ("username", email),
        ("password", password),
    ];
    assert_eq!(post(&form).await, 200);
    gateway.signalled(Signal::SIGTERM).await;
}

#[tokio::test]
async fn interrupted_demo_data_is_completed_by_the_next_start() {
    let operator = Operator::new();
    let mut gateway = operator.serve(&["--demo"]).await;
    let uri = std::fs::read_to_string(operator.data().join("mongod.uri")).expect("published");
    let client = Client::with_uri_str(&uri).await.expect("a client");
    let database = client.database("storefront_gateway");
    let count = async |collection: &str| {
        let documents = database.collection::<Document>(collection);
        documents.count_documents(doc! {}).await.expect("counted")
    };
    let collections = [
        "organizations",
        "members",
        "storefronts",
        "apiClients",
        "storefrontUsers",
        "storageItems",
        "customers",
        "addresses",
        "orders",
        "customFields",
        "customerGroups",
        "markets",
    ];
    let mut whole = Vec::new();
    for collection in collections {
        whole.push(count(collection).await);
    }
    assert_eq!(whole, [1, 1, 2, 3, 8, 7, 3, 3, 2, 6, 2, 4]);
    let with_values = doc! { "customFields": { "$exists": true } };
    let customers = database.collection::<Document>("customers");
    assert_eq!(customers.count_documents(with_values).await.expect("counted"), 2);

    // The state after a crash while the demo data was being written.
    let demo = database.collection::<Document>("demo");
    demo.update_one(doc! {}, doc! { "$unset": { "filledAt": "" } })
        .await
        .expect("updated");
    for collection in ["members", "apiClients", "storageItems", "markets"] {
        let documents = database.collection::<Document>(collection);
        documents.delete_one(doc! {}).await.expect("deleted");
    }
    let addresses = database.collection::<Document>("addresses");
    let second = addresses.delete_one(doc! { "label": "Studio" }).await;
    assert_eq!(second.expect("deleted").deleted_count, 1);
    // The last missing step: an order and the customer's counters are written in one transaction.
    let orders = database.collection::<Document>("orders");
    let second = orders.delete_one(doc! { "number": "DE-1002" }).await;
    assert_eq!(second.expect("deleted").deleted_count, 1);
    let customers = database.collection::<Document>("customers");
    let one_less = doc! { "$set": { "orderCount": 1_i64, "status": "ACQUIRED" } };
    let mia = doc! { "email": "mia@demo-prints.example", "orderCount": 2_i64 };
    let changed = customers.update_one(mia, one_less).await.expect("updated");
    assert_eq!(changed.modified_count, 1);
    operator.json(&["demo"]).await;
    let mut finished = Vec::new();
    for collection in collections {
        finished.push(count(collection).await);
    }
    assert_eq!(finished, whole);
    gateway.signalled(Signal::SIGTERM).await;
}

#[tokio::test]
async fn demo_customers_reach_the_requested_number_after_an_interruption() {
    const MANY: u64 = 3_210;
    let operator = Operator::new();
    let mut gateway = operator.serve(&["--demo"]).await;
    let uri = std::fs::read_to_string(operator.data().join("mongod.uri")).expect("published");
    let client = Client::with_uri_str(&uri).await.expect("a client");
    let store = Store::new(client.database("storefront_gateway"));
    let crowd = doc! { "emailKey": { "$regex": "^crowd" } };
    let count = async || store.count("customers", crowd.clone()).await;

    let many = MANY.to_string();
    let words = ["demo", "--customers", many.as_str()];
    let mut filling = operator.command(&words).spawn().expect("starts");
    kit::eventually("some are there", async || count().await > 0).await;
    filling.kill().await.expect("killed");
    assert!(
        count().await < MANY,
        "the command ended before it was interrupted"
    );
    operator.json(&words).await;
    assert_eq!(count().await, MANY);
    store.assert_consistent().await;
    // A smaller number removes no customers, and the same number adds none.
    for fewer in ["10", &many] {
        operator.json(&["demo", "--customers", fewer]).await;
        assert_eq!(count().await, MANY);
    }
    gateway.signalled(Signal::SIGTERM).await;
}

#[tokio::test]
async fn demo_data_is_not_added_to_a_database_in_use() {
    let operator = Operator::new();
    operator
        .json(&["organization", "create", "--name", "Prints"])
        .await;
    let message = operator.user_errors(&["demo"], 1).await;
    assert!(message.contains("not empty"), "{message}");
    let mut gateway = operator.serve(&["--demo"]).await;
    assert!(gateway.is_live().await);
    assert!(
        gateway.log().contains("serving without the demo"),
        "{}",
        gateway.log()
    );
    gateway.signalled(Signal::SIGTERM).await;
    assert_eq!(
        operator.json(&["storefront", "list"]).await,
        Value::Array(Vec::new())
    );
}

#[tokio::test]
async fn an_address_in_use_is_reported_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("an address").to_string();
    let message = Operator::new()
        .with("GATEWAY_LISTEN", &address)
        .user_errors(&["serve"], 1)
        .await;
    assert!(
        message.contains("GATEWAY_LISTEN") && message.contains(&address),
        "{message}"
    );
    let metrics = Operator::new().with("GATEWAY_METRICS_LISTEN", &address);
    let message = metrics.user_errors(&["serve"], 1).await;
    assert!(
        message.contains("GATEWAY_METRICS_LISTEN") && message.contains(&address),
        "{message}"
    );
}

#[tokio::test]
async fn a_gateway_starts_before_its_database_is_available() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("bound")
        .local_addr()
        .expect("an address");
    let operator = Operator::new()
        .with(
            "GATEWAY_MONGODB_URI",
            &format!("mongodb://{free}/?replicaSet=none"),
        )
        .with("GATEWAY_MASTER_KEY", &data_encoding::BASE64.encode(&[7; 32]));
    let mut gateway = operator.serve(&["--demo"]).await;
    assert!(gateway.is_live().await);
    assert_eq!(gateway.signalled(Signal::SIGTERM).await.code(), Some(0));
    assert!(!operator.data().join("mongod").exists());
}

#[tokio::test]
async fn the_json_log_has_one_object_per_line() {
    let operator = Operator::new()
        .with("GATEWAY_LOG_FORMAT", "json")
        .with("GATEWAY_METRICS_LISTEN", "127.0.0.1:0");
    let mut gateway = operator.serve(&["--demo"]).await;
    let url = gateway
        .url
        .trim_end_matches(['"', ','])
        .split('"')
        .next()
        .expect("a URL")
        .to_owned();
    assert!(reqwest::get(format!("{url}/health/live")).await.is_ok());
    gateway.signalled(Signal::SIGTERM).await;
    let log = gateway.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    assert!(
        lines.iter().any(|line| line["demo"]["secret"].is_string()),
        "{log}"
    );
    assert!(lines.iter().any(|line| line["message"] == "stopped"), "{log}");
}

#[tokio::test]
async fn metrics_are_served_at_a_separate_address() {
    let operator = Operator::new().with("GATEWAY_METRICS_LISTEN", "127.0.0.1:0");
    let mut gateway = operator.serve(&["--demo"]).await;
    eventually("the address is logged", || gateway.log().contains("/metrics")).await;
    let log = gateway.log();
    let (_, rest) = log.split_once("metrics at ").expect("told");
    let address = rest.split_whitespace().next().expect("an address");
    let answer = reqwest::get(address).await.expect("served");
    let page = answer.text().await.expect("text");
    for metric in [
        "gateway_database_command_seconds_bucket",
        "gateway_database_connections ",
    ] {
        assert!(page.contains(metric), "{metric} is missing in:\n{page}");
    }
    assert!(!page.contains("Demo Prints"));
    gateway.signalled(Signal::SIGTERM).await;
}
