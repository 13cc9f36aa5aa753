//! Sets up started servers: forms a replica set, admits only the gateway's user, and waits until writes are accepted.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use confidential::Secret;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{ClientOptions, Credential};
use tokio::time::{self, Instant};

use super::credentials::{Credentials, USER, USER_DATABASE};
use super::fault::Fault;
use super::names;
use super::server::{Launch, Server};

/// Interval at which a server's state is checked.
const LOOK: Duration = Duration::from_millis(20);
/// How long a server that listens may take until it accepts writes.
const LIMIT: Duration = Duration::from_secs(60);
/// How long a running server may take to report its state.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Error codes of the server that the setup handles.
mod code {
    pub const ALREADY_INITIALIZED: i32 = 23;
    pub const INVALID_REPLICA_SET_CONFIG: i32 = 93;
    pub const NOT_YET_INITIALIZED: i32 = 94;
}

/// Returns `127.0.0.1:port`, the name of a node in its replica set's configuration.
pub(super) fn host(port: u16) -> String {
    format!("{}:{port}", Ipv4Addr::LOCALHOST)
}

/// Connects to one server, whatever its state. For setup and status, not for data.
pub(super) async fn direct(port: u16, credential: Option<Credential>) -> Result<Client, Error> {
    let uri = Secret::from(format!("mongodb://{}/?directConnection=true", host(port)));
    connect(&uri, credential).await
}

async fn connect(uri: &Secret, credential: Option<Credential>) -> Result<Client, Error> {
    let mut options = ClientOptions::parse(uri.expose()).await?;
    if credential.is_some() {
        options.credential = credential;
    }
    options.server_selection_timeout = Some(Duration::from_secs(2));
    options.connect_timeout = Some(Duration::from_secs(2));
    options.heartbeat_freq = Some(Duration::from_secs(1));
    options.app_name = Some(format!("{} set-up", names::GATEWAY));
    Client::with_options(options)
}

/// Makes the server the only node of its replica set, also after a change of its port, waits until it accepts writes,
/// and makes the gateway's user its only user. Every step is idempotent.
pub(super) async fn single_node(
    server: &Server,
    launch: &Launch,
    credentials: &Credentials,
) -> Result<(), Fault> {
    let client = direct(launch.port, Some(credentials.system()))
        .await
        .map_err(Fault::setup)?;
    let node = Node {
        client: &client,
        launch,
        credentials,
    };
    let deadline = Instant::now() + LIMIT;
    let mut last = None;
    let outcome = loop {
        if let Some(ended) = server.has_ended() {
            break Err(Fault::Ended(Box::new(ended)));
        }
        match node.advance().await {
            Ok(true) => break Ok(()),
            Ok(false) => {}
            // A server between two states refuses some commands; its last error is reported if that persists.
            Err(fault) => last = Some(Box::new(fault)),
        }
        if Instant::now() >= deadline {
            break Err(Fault::Slow {
                awaited: "it did not become ready for writes",
                waited: LIMIT,
                log: launch.log.clone(),
                source: last,
            });
        }
        time::sleep(LOOK).await;
    };
    client.shutdown().immediate(true).await;
    outcome
}

struct Node<'a> {
    client: &'a Client,
    launch: &'a Launch,
    credentials: &'a Credentials,
}

impl Node<'_> {
    /// Performs the next step of the setup; `true` when it is complete.
    async fn advance(&self) -> Result<bool, Error> {
        if !self.is_ours().await? {
            return Ok(false);
        }
        if takes_writes(self.client).await? {
            self.admit_gateway_alone().await?;
            return Ok(true);
        }
        match admin(self.client, doc! { "replSetGetConfig": 1 }).await {
            Ok(answer) => self.mend_host(answer).await?,
            Err(fault) if code(&fault) == Some(code::NOT_YET_INITIALIZED) => self.initiate().await?,
            Err(fault) => return Err(fault),
        }
        Ok(false)
    }

    /// Returns whether the server at the port is the one that was started, rather than another program that took the
    /// port first.
    async fn is_ours(&self) -> Result<bool, Error> {
        let answer = admin(self.client, doc! { "getCmdLineOpts": 1 }).await?;
        let storage = answer
            .get_document("parsed")
            .and_then(|parsed| parsed.get_document("storage"));
        let path = storage.and_then(|storage| storage.get_str("dbPath"));
        Ok(path.is_ok_and(|path| Path::new(path) == self.launch.data))
    }

    /// Creates the gateway's user, with the password of the current secret, and removes all others: any local user may
    /// have created one while the server required no authentication.
    async fn admit_gateway_alone(&self) -> Result<(), Error> {
        let answer = admin(self.client, doc! { "usersInfo": { "forAllDBs": true } }).await?;
        let users = answer.get_array("users").map_or(&[][..], Vec::as_slice);
        let mut command = "createUser";
        for user in users.iter().filter_map(|user| user.as_document()) {
            let (Ok(name), Ok(database)) = (user.get_str("user"), user.get_str("db")) else {
                continue;
            };
            if (name, database) == (USER, USER_DATABASE) {
                command = "updateUser";
            } else {
                let removal = doc! { "dropUser": name };
                self.client.database(database).run_command(removal).await?;
            }
        }
        let user = doc! {
            command: USER,
            "pwd": self.credentials.password().expose(),
            "roles": ["root"],
            "mechanisms": ["SCRAM-SHA-256"],
        };
        let database = self.client.database(USER_DATABASE);
        database.run_command(user).await.map(drop)
    }

    async fn initiate(&self) -> Result<(), Error> {
        let config = config(self.launch.replica_set, &[host(self.launch.port)]);
        match admin(self.client, doc! { "replSetInitiate": config }).await {
            // The server has a configuration that it had not read yet.
            Err(fault) if code(&fault) == Some(code::ALREADY_INITIALIZED) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Corrects the host in the stored configuration, which names the node's previous port after a start on another
    /// one, so that the node does not find itself in it. There is no primary then, so that only a forced change is
    /// possible.
    async fn mend_host(&self, answer: Document) -> Result<(), Error> {
        let Ok(mut config) = answer.get_document("config").cloned() else {
            return Ok(());
        };
        let members = config.get_array_mut("members").ok();
        let member = members.and_then(|members| {
            members.truncate(1);
            members.first_mut()?.as_document_mut()
        });
        let Some(member) = member else { return Ok(()) };
        let host = host(self.launch.port);
        if member.get_str("host").is_ok_and(|stored| stored == host) {
            return Ok(());
        }
        member.insert("host", host);
        match admin(self.client, doc! { "replSetReconfig": config, "force": true }).await {
            // The server refuses the change until it has found that it is not in its configuration; it is retried.
            Err(fault) if code(&fault) == Some(code::INVALID_REPLICA_SET_CONFIG) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// Returns the configuration of a replica set of these hosts on one machine, with short timeouts, because the loopback
/// interface is not slow.
pub(super) fn config(name: &str, hosts: &[String]) -> Document {
    let members: Vec<Document> = (0..)
        .zip(hosts)
        .map(|(id, host): (i32, _)| doc! { "_id": id, "host": host })
        .collect();
    doc! {
        "_id": name,
        "members": members,
        "settings": { "heartbeatIntervalMillis": 500, "electionTimeoutMillis": 2000, "heartbeatTimeoutSecs": 2 },
    }
}

/// Returns whether a server at the address accepts the credential and writes.
pub(super) async fn answers(uri: &Secret) -> bool {
    let asked = async {
        let client = connect(uri, None).await?;
        let answer = takes_writes(&client).await;
        client.shutdown().immediate(true).await;
        answer
    };
    // A timeout, a refusal and a server in another state all mean: not ready yet.
    matches!(time::timeout(ANSWER_LIMIT, asked).await, Ok(Ok(true)))
}

/// Returns whether the server is a primary that accepts writes.
pub(super) async fn takes_writes(client: &Client) -> Result<bool, Error> {
    let hello = admin(client, doc! { "hello": 1 }).await?;
    Ok(hello.get_bool("isWritablePrimary").unwrap_or(false))
}

pub(super) async fn admin(client: &Client, command: Document) -> Result<Document, Error> {
    client.database("admin").run_command(command).await
}

fn code(fault: &Error) -> Option<i32> {
    match fault.kind.as_ref() {
        ErrorKind::Command(fault) => Some(fault.code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_numbered() {
        let config = config("gateway", &["a:1".to_owned(), "b:2".to_owned()]);
        let members = config.get_array("members").expect("members");
        assert_eq!(
            members[1].as_document().expect("a member"),
            &doc! { "_id": 1, "host": "b:2" }
        );
    }
}
