//! The database: connection, transactions, indexes, and what its errors mean.
//!
//! Tenants' collections are opened through [`access::tenant`](crate::access::tenant) only; what is open here belongs
//! to the house itself (keys, clients, jobs, migrations).

mod fault;
mod pressing;
mod sessions;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use std::time::Duration;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};
use mongodb::{
    Client, ClientSession, Collection,
    error::{Error as DriverError, ErrorKind},
    event::{EventHandler, cmap::CmapEvent, command::CommandEvent},
    options::{Acknowledgment, ClientOptions, ReadConcern, WriteConcern},
};
use serde::Serialize;

use super::clock::{Clock, Timestamp};
use crate::error::{Error, Result};
pub use fault::{DatabaseFault, violated_index, was_not_kept};
pub(crate) use sessions::Sessions;

/// How long to look for a server that can take a command. Shorter than a request's deadline, longer than an election.
const SERVER_SELECTION: Duration = Duration::from_secs(10);
/// Heartbeats and connects give up after this; with the defaults a stopped primary held an operation for 20 s.
const NETWORK: Duration = Duration::from_secs(2);
/// Connections a node; the driver's default of 10 queues under load.
const POOL: u32 = 100;
/// Kept open, because the driver opens only two at a time.
const POOL_IDLE: u32 = 8;

/// One open transaction.
pub type Tx = ClientSession;

/// The gateway's database.
#[derive(Clone, Debug)]
pub struct Database {
    client: Client,
    inner: mongodb::Database,
    sessions: Arc<Sessions>,
}

impl Database {
    /// Makes a client for the connection string; connects lazily, so that a gateway can start before its database.
    ///
    /// # Errors
    /// [`Error::Internal`] for a connection string that the driver cannot use.
    pub async fn connect(uri: &str, name: &str, monitor: Option<Monitor>) -> Result<Self> {
        let mut options = ClientOptions::parse(uri).await?;
        options
            .app_name
            .get_or_insert_with(|| "storefront-gateway".to_owned());
        options.server_selection_timeout.get_or_insert(SERVER_SELECTION);
        options.connect_timeout = Some(NETWORK);
        options.heartbeat_freq = Some(NETWORK);
        options.max_pool_size.get_or_insert(POOL);
        options.min_pool_size.get_or_insert(POOL_IDLE);
        options.retry_writes = Some(true);
        options.retry_reads = Some(true);
        // What was acknowledged survives the loss of a primary, and what was read cannot be rolled back.
        options.write_concern = Some(
            WriteConcern::builder()
                .w(Acknowledgment::Majority)
                .journal(true)
                .build(),
        );
        options.read_concern = Some(ReadConcern::majority());
        if let Some(Monitor { command, pool }) = monitor {
            options.command_event_handler =
                Some(EventHandler::callback(move |event: CommandEvent| command(&event)));
            options.cmap_event_handler =
                pool.map(|observe| EventHandler::callback(move |event: CmapEvent| observe(&event)));
        }
        let client = Client::with_options(options)?;
        let inner = client.database(name);
        let sessions = Arc::new(Sessions::new(client.clone()));
        Ok(Self {
            client,
            inner,
            sessions,
        })
    }

    /// A collection of the house itself, for one command. Tenants' collections are opened with a reach.
    pub(crate) fn house<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        count_command();
        self.inner.collection(name)
    }

    /// A collection whose opener counts its commands itself.
    pub(crate) fn uncounted<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.inner.collection(name)
    }

    /// Sessions for reads outside of transactions.
    pub(crate) fn sessions(&self) -> Arc<Sessions> {
        Arc::clone(&self.sessions)
    }

    pub(super) fn raw(&self) -> &mongodb::Database {
        &self.inner
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// Whether a primary answers.
    pub async fn ping(&self) -> Result<()> {
        self.inner.run_command(doc! { "ping": 1 }).await?;
        Ok(())
    }

    /// Sets `clock` by the database's own clock.
    pub async fn set_clock(&self, clock: &Clock) -> Result<()> {
        let asked = Clock::machine();
        let hello = self.inner.run_command(doc! { "hello": 1 }).await?;
        if let Ok(theirs) = hello.get_datetime("localTime") {
            clock.follow(asked, Timestamp::from_millis(theirs.timestamp_millis()));
        }
        Ok(())
    }

    /// Removes the whole database; for tests.
    pub async fn drop(&self) -> Result<()> {
        Ok(self.inner.drop().await?)
    }

    /// Runs `work` as one transaction: all of it or nothing, majority-acknowledged, retried on the driver's labels
    /// for as long as 120 s. `work` may run several times, gets `context` each time, and must give the driver every
    /// error.
    ///
    /// The context is handed in, and not captured by an async closure, because of rust-lang/rust#96865.
    ///
    /// # Errors
    /// Whatever `work` refuses, after the transaction was aborted; [`Error::Unavailable`] without a primary.
    pub async fn transaction<C, T, F>(&self, context: C, work: F) -> Result<T>
    where
        C: Send + Sync,
        T: Send + 'static,
        F: for<'t> FnMut(&'t mut Tx, &'t C) -> BoxFuture<'t, Result<T>> + Send,
    {
        // The commit.
        count_command();
        let mut session = self.client.start_session().await?;
        let outcome = session
            .start_transaction()
            .and_run((context, work), |tx, (context, work)| {
                let run = work(tx, context);
                async move { run.await.map_err(fault::to_driver) }.boxed()
            })
            .await;
        outcome.map_err(fault::from_driver)
    }
}

tokio::task_local! {
    static COMMANDS: AtomicU32;
}

/// Runs `work` and says how many database commands it sent, for the request's log line. The driver's own retries and
/// the pieces of files are not counted.
pub async fn counting<W: Future>(work: W) -> (W::Output, u32) {
    // Boxed, because each of the wrappers would hold it once more.
    let work = Box::pin(work);
    let counted = async {
        let done = work.await;
        (done, COMMANDS.with(|commands| commands.load(Ordering::Relaxed)))
    };
    COMMANDS.scope(AtomicU32::new(0), counted).await
}

/// Counts a command for whoever is [`counting`].
pub(crate) fn count_command() {
    // Nobody counts outside a request.
    let _uncounted = COMMANDS.try_with(|commands| commands.fetch_add(1, Ordering::Relaxed));
}

type Observer<E> = Arc<dyn Fn(&E) + Send + Sync>;

/// Watches commands and connections; for tests and metrics.
#[derive(Clone)]
pub struct Monitor {
    command: Observer<CommandEvent>,
    pool: Option<Observer<CmapEvent>>,
}

impl Monitor {
    /// Calls `observe` for each command event.
    pub fn new(observe: impl Fn(&CommandEvent) + Send + Sync + 'static) -> Self {
        Self {
            command: Arc::new(observe),
            pool: None,
        }
    }

    /// And calls `observe` for each event of the connection pool.
    #[must_use]
    pub fn and_pool(mut self, observe: impl Fn(&CmapEvent) + Send + Sync + 'static) -> Self {
        self.pool = Some(Arc::new(observe));
        self
    }
}

/// An index that a store needs.
#[derive(Debug)]
pub struct Index {
    /// Collection.
    pub collection: &'static str,
    /// Name, unique in the collection; a changed definition gets a new name.
    pub name: &'static str,
    /// Fields in order, with 1 or -1.
    pub keys: &'static [(&'static str, i32)],
    /// What it guarantees or leaves out.
    pub kind: IndexKind,
}

/// What an index does beside finding.
#[derive(Debug, Clone, Copy)]
pub enum IndexKind {
    /// Finds and sorts.
    Plain,
    /// No two documents have the same keys.
    Unique,
    /// Holds only documents that have the field.
    Having(&'static str),
    /// Unique among the documents that have the field.
    UniqueHaving(&'static str),
    /// Removes a document this long after the date in its key.
    Expiry(Duration),
}

impl Index {
    pub(super) fn specification(&self) -> Document {
        let keys: Document = self
            .keys
            .iter()
            .map(|(field, order)| ((*field).to_owned(), (*order).into()))
            .collect();
        let mut specification = doc! { "key": keys, "name": self.name };
        match self.kind {
            IndexKind::Plain => {}
            IndexKind::Unique => {
                specification.insert("unique", true);
            }
            IndexKind::Having(field) => {
                specification.insert("partialFilterExpression", doc! { field: { "$exists": true } });
            }
            IndexKind::UniqueHaving(field) => {
                specification.insert("unique", true);
                specification.insert("partialFilterExpression", doc! { field: { "$exists": true } });
            }
            IndexKind::Expiry(after) => {
                specification.insert(
                    "expireAfterSeconds",
                    i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                );
            }
        }
        specification
    }
}

/// Makes the indexes that are missing. Running it twice, or on two nodes at once, is the same as once.
///
/// # Errors
/// An index of the same name or keys that is defined otherwise: the message names it and the way to mend it.
pub async fn ensure_indexes(database: &Database, indexes: &[&Index]) -> Result<()> {
    let mut collections: Vec<&str> = indexes.iter().map(|index| index.collection).collect();
    collections.sort_unstable();
    collections.dedup();
    for collection in collections {
        let wanted: Vec<&Index> = indexes
            .iter()
            .copied()
            .filter(|index| index.collection == collection)
            .collect();
        let specifications: Vec<Document> = wanted.iter().map(|index| index.specification()).collect();
        let made = database
            .raw()
            .run_command(doc! { "createIndexes": collection, "indexes": specifications })
            .await;
        match made {
            Ok(_) => {}
            Err(error) if is_drift(&error) => return Err(drift(database, collection, &wanted).await?),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// IndexOptionsConflict, IndexKeySpecsConflict, and CannotCreateIndex for an expiry on other keys.
fn is_drift(error: &DriverError) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if matches!(command.code, 85 | 86))
}

/// Names the indexes that stand in the way.
async fn drift(database: &Database, collection: &str, wanted: &[&Index]) -> Result<Error> {
    let reply = database
        .raw()
        .run_command(doc! { "listIndexes": collection })
        .await?;
    let present: Vec<Document> = reply
        .get_document("cursor")
        .and_then(|cursor| cursor.get_array("firstBatch"))
        .map(|batch| {
            batch
                .iter()
                .filter_map(|index| index.as_document().cloned())
                .collect()
        })
        .unwrap_or_default();
    let mut in_the_way = Vec::new();
    for index in wanted {
        let specification = index.specification();
        for other in &present {
            let same_name = other.get_str("name").is_ok_and(|name| name == index.name);
            let same_keys = other.get_document("key").ok() == specification.get_document("key").ok();
            if (same_name || same_keys) && !same_definition(other, &specification) {
                in_the_way.push(other.get_str("name").unwrap_or("?").to_owned());
            }
        }
    }
    in_the_way.sort_unstable();
    in_the_way.dedup();
    let commands: Vec<String> = in_the_way
        .iter()
        .map(|name| format!("db.{collection}.dropIndex(\"{name}\")"))
        .collect();
    Ok(Error::internal(format!(
        "the collection {collection} has indexes that differ from the definitions in this version: {}. Drop them and \
         start again: {}",
        in_the_way.join(", "),
        commands.join("; "),
    )))
}

pub(super) fn same_definition(present: &Document, wanted: &Document) -> bool {
    wanted.iter().all(|(key, value)| match (present.get(key), value) {
        (Some(bson::Bson::Int32(a)), bson::Bson::Int64(b)) => i64::from(*a) == *b,
        (present, value) => present == Some(value),
    })
}

/// Writes `value` as a document.
pub fn encode<T: Serialize>(value: &T) -> Result<Document> {
    Ok(bson::serialize_to_document(value)?)
}
