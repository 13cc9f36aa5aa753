//! Several nodes on this machine, each of which can be killed, paused and restarted, for tests and local trials of a
//! gateway during a failover of its database. In production, operators set up their own replica set.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use tokio::time::{self, Instant};

use super::Options;
use super::fault::Fault;
use super::hold::make_directory;
use super::server::{self, Launch, Server};
use super::setup;

const NAME: &str = "trial";
/// How long a node may take to open its port.
const LISTEN_LIMIT: Duration = Duration::from_secs(60);
/// How long the set may take to elect a primary.
const PRIMARY_LIMIT: Duration = Duration::from_secs(60);
/// How long a node may take to report its state; a paused node never does.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// Interval at which the nodes are checked.
const LOOK: Duration = Duration::from_millis(50);

/// A replica set on the loopback interface. Its nodes are killed when it is dropped. Any user of this machine can read
/// and write its data, which is disposable. Its methods panic if there is no node with the number.
#[derive(Debug)]
pub struct ReplicaSet {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    launch: Launch,
    client: Client,
    /// `None` while the node is killed.
    server: Option<Server>,
    paused: bool,
}

impl ReplicaSet {
    /// Starts `count` nodes with their files in `dir`, and returns when the set has a primary and every other node has
    /// the primary's data.
    ///
    /// # Errors
    /// A node does not start, or the set does not become ready within a minute.
    pub async fn start(count: usize, dir: &Path, binary: PathBuf) -> Result<Self, Fault> {
        let dir = make_directory(dir)?;
        let options = Options {
            cache_mb: 256,
            oplog_mb: 64,
            ..Options::new(&dir)
        };
        let mut nodes = Vec::with_capacity(count);
        for number in 0..count {
            let launch = Launch {
                binary: binary.clone(),
                data: make_directory(&dir.join(format!("node-{number}")))?,
                log: dir.join(format!("node-{number}.log")),
                port: server::free_port(None)?,
                replica_set: NAME,
                key_file: None,
                grace: Duration::ZERO,
                options: options.clone(),
            };
            let client = setup::direct(launch.port, None).await.map_err(Fault::setup)?;
            // Started one after the other, so that no two nodes get the same port.
            let server = Server::start(&launch, LISTEN_LIMIT).await?;
            nodes.push(Node {
                launch,
                client,
                server: Some(server),
                paused: false,
            });
        }
        let set = Self { nodes };
        if let Some(first) = set.nodes.first() {
            let config = setup::config(NAME, &set.hosts());
            setup::admin(&first.client, doc! { "replSetInitiate": config })
                .await
                .map_err(Fault::setup)?;
        }
        set.primary().await?;
        set.all_caught_up().await?;
        Ok(set)
    }

    fn hosts(&self) -> Vec<String> {
        let ports = self.nodes.iter().map(|node| node.launch.port);
        ports.map(setup::host).collect()
    }

    /// Returns the connection string, which names all nodes.
    pub fn uri(&self) -> String {
        format!("mongodb://{}/?replicaSet={NAME}", self.hosts().join(","))
    }

    /// Returns the number of nodes, alive or not; they are numbered from 0.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// Waits for a primary and returns its number.
    ///
    /// # Errors
    /// There is no primary within a minute.
    pub async fn primary(&self) -> Result<usize, Fault> {
        let deadline = Instant::now() + PRIMARY_LIMIT;
        loop {
            for (number, node) in self.nodes.iter().enumerate() {
                if node.is_any_of(&["isWritablePrimary"]).await {
                    return Ok(number);
                }
            }
            self.check_time(deadline, "the replica set got no primary")
                .await?;
        }
    }

    /// Waits until every node is the primary or a secondary with its data.
    async fn all_caught_up(&self) -> Result<(), Fault> {
        let deadline = Instant::now() + PRIMARY_LIMIT;
        for node in &self.nodes {
            while !node.is_any_of(&["isWritablePrimary", "secondary"]).await {
                self.check_time(deadline, "a node did not get the primary's data")
                    .await?;
            }
        }
        Ok(())
    }

    async fn check_time(&self, deadline: Instant, awaited: &'static str) -> Result<(), Fault> {
        if Instant::now() >= deadline {
            let first = self.nodes.first();
            return Err(Fault::Slow {
                awaited,
                waited: PRIMARY_LIMIT,
                log: first.map(|node| node.launch.log.clone()).unwrap_or_default(),
                source: None,
            });
        }
        time::sleep(LOOK).await;
        Ok(())
    }

    /// Kills a node (SIGKILL) and waits until it has ended. Has no effect on a killed node.
    pub async fn kill(&mut self, number: usize) {
        if let Some(server) = self.nodes[number].server.take() {
            // Without grace, `stop` kills the server.
            server.stop().await;
        }
        self.nodes[number].paused = false;
    }

    /// Pauses a node (SIGSTOP), and returns when it has stopped responding; it keeps its connections meanwhile.
    ///
    /// # Errors
    /// The node's supervisor has ended.
    pub async fn pause(&mut self, number: usize) -> io::Result<()> {
        let node = &mut self.nodes[number];
        if let Some(server) = &mut node.server {
            server.signal("STOP").await?;
            node.paused = true;
            while node.hello().await.is_some() {
                time::sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Resumes a paused node (SIGCONT).
    ///
    /// # Errors
    /// The node's supervisor has ended.
    pub async fn resume(&mut self, number: usize) -> io::Result<()> {
        let node = &mut self.nodes[number];
        if let Some(server) = &mut node.server {
            server.signal("CONT").await?;
            node.paused = false;
        }
        Ok(())
    }

    /// Restarts a killed node with its previous port and files.
    ///
    /// # Errors
    /// The node does not start.
    pub async fn restart(&mut self, number: usize) -> Result<(), Fault> {
        let node = &mut self.nodes[number];
        if node.server.is_none() {
            node.server = Some(Server::start(&node.launch, LISTEN_LIMIT).await?);
        }
        Ok(())
    }

    /// Kills all nodes and waits until they have ended, so that their directory can be removed.
    pub async fn stop(self) {
        for node in self.nodes {
            node.client.shutdown().immediate(true).await;
            if let Some(server) = node.server {
                server.stop().await;
            }
        }
    }
}

impl Node {
    /// Returns the node's response to `hello`; `None` if it does not respond in time.
    async fn hello(&self) -> Option<Document> {
        let hello = setup::admin(&self.client, doc! { "hello": 1 });
        time::timeout(ANSWER_LIMIT, hello).await.ok()?.ok()
    }

    async fn is_any_of(&self, states: &[&str]) -> bool {
        if self.server.is_none() || self.paused {
            return false;
        }
        let hello = self.hello().await;
        hello.is_some_and(|hello| states.iter().any(|state| hello.get_bool(state).unwrap_or(false)))
    }
}
