//! The database: connection, transactions, indexes, and classification of its errors.
//!
//! Collections of tenants are opened only through [`reach::tenant`](crate::reach::tenant); the collections opened
//! here belong to the gateway itself (keys, clients, jobs, migrations).

mod fault;
mod pressing;
mod sessions;
mod write;

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

pub(crate) use self::sessions::DriverSessions;
use super::clock::{Clock, Timestamp};
use crate::error::{Error, Result};
pub use fault::{DatabaseFault, violated_index, was_not_kept};
pub use write::Write;

/// How long to look for a suitable server: shorter than a request's deadline, longer than an election.
const SERVER_SELECTION: Duration = Duration::from_secs(10);
/// Timeout of heartbeats and connects; with the defaults, a stopped primary blocked an operation for 20 s.
const NETWORK: Duration = Duration::from_secs(2);
/// Maximum connections per node; with the driver's default of 10, operations queue under load.
const POOL: u32 = 100;
/// Connections kept open, because the driver opens only two at a time.
const POOL_IDLE: u32 = 8;

/// An open transaction.
pub type Tx = ClientSession;

/// The gateway's database.
#[derive(Clone, Debug)]
pub struct Database {
    client: Client,
    inner: mongodb::Database,
    sessions: Arc<DriverSessions>,
}

impl Database {
    /// Creates a client for the connection string. It connects lazily, so that a gateway can start before its database.
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
        // Acknowledged writes survive the loss of a primary, and data that was read cannot be rolled back.
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
        let sessions = Arc::new(DriverSessions::new(client.clone()));
        Ok(Self {
            client,
            inner,
            sessions,
        })
    }

    /// Opens a collection of the gateway itself, and counts one command. Collections of tenants are opened with a
    /// reach.
    pub(crate) fn internal<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        count_command();
        self.inner.collection(name)
    }

    /// Opens a collection without counting a command; the caller counts its own commands.
    pub(crate) fn uncounted<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.inner.collection(name)
    }

    /// Returns the sessions for reads outside of transactions.
    pub(crate) fn sessions(&self) -> Arc<DriverSessions> {
        Arc::clone(&self.sessions)
    }

    pub(super) fn raw(&self) -> &mongodb::Database {
        &self.inner
    }

    /// Returns the database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// Checks that a primary answers.
    pub async fn ping(&self) -> Result<()> {
        self.inner.run_command(doc! { "ping": 1 }).await?;
        Ok(())
    }

    /// Adjusts `clock` to the database's clock.
    pub async fn set_clock(&self, clock: &Clock) -> Result<()> {
        let asked = Clock::machine();
        let hello = self.inner.run_command(doc! { "hello": 1 }).await?;
        if let Ok(theirs) = hello.get_datetime("localTime") {
            clock.follow(asked, Timestamp::from_millis(theirs.timestamp_millis()));
        }
        Ok(())
    }

    /// Drops the whole database; for tests.
    pub async fn drop(&self) -> Result<()> {
        Ok(self.inner.drop().await?)
    }

    /// Runs `work` as one atomic transaction, majority-acknowledged, retried on the driver's labels for up to 120 s.
    /// `work` may run several times, gets `context` each time, and must pass on every error of the driver.
    ///
    /// The context is a parameter, rather than captured by an async closure, because of rust-lang/rust#96865.
    ///
    /// # Errors
    /// Any error of `work`, after the transaction was aborted; [`Error::Unavailable`] without a primary.
    pub async fn transaction<C, T, F>(&self, context: C, work: F) -> Result<T>
    where
        C: Send + Sync,
        T: Send + 'static,
        F: for<'t> FnMut(&'t mut Tx, &'t C) -> BoxFuture<'t, Result<T>> + Send,
    {
        // Counts the commit.
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

/// Runs `work` and returns its output with the number of database commands it sent, for the request's log line. The
/// driver's own retries and the chunks of files are not counted.
pub async fn counting<W: Future>(work: W) -> (W::Output, u32) {
    // Boxed, because each wrapping future would otherwise contain the whole of it once more.
    let work = Box::pin(work);
    let counted = async {
        let done = work.await;
        (done, COMMANDS.with(|commands| commands.load(Ordering::Relaxed)))
    };
    COMMANDS.scope(AtomicU32::new(0), counted).await
}

/// Counts a command for the enclosing [`counting`], if any.
pub(crate) fn count_command() {
    // Outside of a request there is no counter.
    let _uncounted = COMMANDS.try_with(|commands| commands.fetch_add(1, Ordering::Relaxed));
}

type Observer<E> = Arc<dyn Fn(&E) + Send + Sync>;

/// Observes commands and connections; for tests and metrics.
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

    /// Also calls `observe` for each event of the connection pool.
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
    /// Name, unique in the collection. A changed definition needs a new name.
    pub name: &'static str,
    /// Fields in order, each with 1 (ascending) or -1 (descending).
    pub keys: &'static [(&'static str, i32)],
    /// What the index guarantees or leaves out.
    pub kind: IndexKind,
}

/// The properties of an index beyond lookup.
#[derive(Debug, Clone, Copy)]
pub enum IndexKind {
    /// Lookup and sorting only.
    Plain,
    /// No two documents have the same keys.
    Unique,
    /// Contains only documents that have the field.
    Having(&'static str),
    /// Unique among the documents that have the field.
    UniqueHaving(&'static str),
    /// Removes a document this long after the date in its key.
    Expiry(Duration),
}

impl IndexKind {
    /// Returns an index of this kind; see [`Index`] for its name and keys.
    #[must_use]
    pub const fn on(
        self,
        collection: &'static str,
        name: &'static str,
        keys: &'static [(&'static str, i32)],
    ) -> Index {
        Index {
            collection,
            name,
            keys,
            kind: self,
        }
    }
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

/// Creates the indexes that are missing. Idempotent, also when two nodes run it concurrently.
///
/// # Errors
/// An index with the same name or keys exists with another definition: the message names it and the command that
/// removes it.
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

/// `IndexOptionsConflict` (85) and `IndexKeySpecsConflict` (86).
fn is_drift(error: &DriverError) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if matches!(command.code, 85 | 86))
}

/// Returns an error that names the conflicting indexes.
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

/// Serializes `value` to a document.
pub fn encode<T: Serialize>(value: &T) -> Result<Document> {
    Ok(bson::serialize_to_document(value)?)
}
