//! Makes a replica set of started servers, lets in nobody but the gateway, and waits until it takes writes.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{ClientOptions, Credential};
use tokio::time::{self, Instant};

use super::credentials::{Credentials, USER, USER_DATABASE};
use super::fault::Fault;
use super::server::Server;
use crate::platform::secret::Secret;

/// Time between two looks at a server's state.
const LOOK: Duration = Duration::from_millis(20);
/// How long a server that listens may take until it takes writes.
const LIMIT: Duration = Duration::from_secs(60);
/// How long a running server may take to say in which state it is.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The server's error codes that the set-up knows.
mod code {
    pub const ALREADY_INITIALIZED: i32 = 23;
    pub const INVALID_REPLICA_SET_CONFIG: i32 = 93;
    pub const NOT_YET_INITIALIZED: i32 = 94;
}

/// `127.0.0.1:port`, the name of a node in its replica set's configuration.
pub(super) fn host(port: u16) -> String {
    format!("{}:{port}", Ipv4Addr::LOCALHOST)
}

/// A connection to one server, whatever its state. For set-up and inquiry, not for data.
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
    options.app_name = Some("storefront-gateway set-up".to_owned());
    Client::with_options(options)
}

/// Makes the server the only node of its replica set, or what is left of it after a change of its port the same
/// again, waits until it takes writes, and makes the gateway its only user. Each step may have been taken before.
pub(super) async fn single_node(
    server: &Server,
    port: u16,
    name: &str,
    data: &Path,
    credentials: &Credentials,
) -> Result<(), Fault> {
    let client = direct(port, Some(credentials.system()))
        .await
        .map_err(|fault| Fault::Setup(Box::new(fault)))?;
    let node = Node {
        client: &client,
        host: host(port),
        name,
        data,
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
            // A server in between two states refuses this and that; what it said last is told if it stays so.
            Err(fault) => last = Some(Box::new(fault)),
        }
        if Instant::now() >= deadline {
            let (awaited, log) = ("it did not become ready for writes", server.log().to_owned());
            break Err(Fault::Slow {
                awaited,
                waited: LIMIT,
                log,
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
    host: String,
    name: &'a str,
    data: &'a Path,
    credentials: &'a Credentials,
}

impl Node<'_> {
    /// Takes the next step towards taking the gateway's writes; true when there.
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

    /// Whether the server at the port is the one started, and not another program's that took the port first.
    async fn is_ours(&self) -> Result<bool, Error> {
        let answer = admin(self.client, doc! { "getCmdLineOpts": 1 }).await?;
        let storage = answer
            .get_document("parsed")
            .and_then(|parsed| parsed.get_document("storage"));
        let path = storage.and_then(|storage| storage.get_str("dbPath"));
        Ok(path.is_ok_and(|path| Path::new(path) == self.data))
    }

    /// Makes the gateway's user, with the password that belongs to the secret of now, and removes all others: whoever
    /// could reach the server while it took anybody may have made one.
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
        self.client
            .database(USER_DATABASE)
            .run_command(user)
            .await
            .map(drop)
    }

    async fn initiate(&self) -> Result<(), Error> {
        let config = config(self.name, &[&self.host]);
        match admin(self.client, doc! { "replSetInitiate": config }).await {
            // It was only slow to read the configuration that it has.
            Err(fault) if code(&fault) == Some(code::ALREADY_INITIALIZED) => Ok(()),
            other => other.map(drop),
        }
    }

    /// The stored configuration names the node's former port after a start on another: the node does not find
    /// itself in it. Only a forced change is possible then, for there is no primary.
    async fn mend_host(&self, answer: Document) -> Result<(), Error> {
        let Ok(mut config) = answer.get_document("config").cloned() else {
            return Ok(());
        };
        let Ok(members) = config.get_array_mut("members") else {
            return Ok(());
        };
        members.truncate(1);
        let Some(member) = members.first_mut().and_then(|member| member.as_document_mut()) else {
            return Ok(());
        };
        if member.get_str("host").is_ok_and(|host| host == self.host) {
            return Ok(());
        }
        member.insert("host", self.host.as_str());
        match admin(self.client, doc! { "replSetReconfig": config, "force": true }).await {
            // Between reading its configuration and finding that it is not in it, it refuses; it is asked again.
            Err(fault) if code(&fault) == Some(code::INVALID_REPLICA_SET_CONFIG) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// A replica set of these hosts on one machine: quick to notice a dead node, for the network cannot be slow.
pub(super) fn config(name: &str, hosts: &[impl AsRef<str>]) -> Document {
    let members: Vec<Document> = (0..)
        .zip(hosts)
        .map(|(id, host): (i32, _)| doc! { "_id": id, "host": host.as_ref() })
        .collect();
    doc! {
        "_id": name,
        "members": members,
        "settings": { "heartbeatIntervalMillis": 500, "electionTimeoutMillis": 2000, "heartbeatTimeoutSecs": 2 },
    }
}

/// Whether a server at the address lets us in and takes writes.
pub(super) async fn answers(uri: &Secret) -> bool {
    let asked = async {
        let client = connect(uri, None).await?;
        let answer = takes_writes(&client).await;
        client.shutdown().immediate(true).await;
        answer
    };
    // No answer in time, a refusal and a server in another state all mean: not yet.
    matches!(time::timeout(ANSWER_LIMIT, asked).await, Ok(Ok(true)))
}

/// Whether the server is a primary that takes writes.
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
        let config = config("gateway", &["a:1", "b:2"]);
        let members = config.get_array("members").expect("members");
        assert_eq!(
            members[1].as_document().expect("a member"),
            &doc! { "_id": 1, "host": "b:2" }
        );
    }
}
