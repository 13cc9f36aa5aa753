//! Writes of more than one document, as types.

use std::time::Duration;

use futures_util::FutureExt;
use mongodb::error::{
    Result as DriverResult, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT,
};
use tokio::time::{Instant, sleep};

use super::{Database, Tx, count_command, fault};
use crate::error::{Error, Result};

/// How long a pressing write is retried: as long as the driver retries its own transactions.
const LONGEST: Duration = Duration::from_secs(120);
/// Delay before the retry after a write conflict: shorter than the changes of other callers take.
const SOON: Duration = Duration::from_millis(2);
/// Delay before the retry after any other transient failure.
const LATER: Duration = Duration::from_millis(100);
/// The server's error code for a document that another transaction is changing.
const WRITE_CONFLICT: i32 = 112;

/// A write of several documents, committed as a whole or not at all.
///
/// It may run several times, because a transaction that conflicts with another one is repeated: a run must not rely on
/// what an earlier run read, and has no effect outside `tx`.
pub trait Write: Send + Sync {
    /// What the write returns once it is committed.
    type Output: Send + 'static;

    /// Reads and writes within the transaction. Every error of the driver has to be passed on, because it decides
    /// whether the transaction is repeated.
    ///
    /// # Errors
    /// Any error aborts the transaction.
    fn write(&self, tx: &mut Tx) -> impl Future<Output = Result<Self::Output>> + Send;
}

impl Database {
    /// Runs a write as one transaction: acknowledged by the majority, and repeated on the driver's labels for up to
    /// 120 s.
    ///
    /// # Errors
    /// Any error of the write, after the transaction was aborted; [`Error::Unavailable`] without a primary.
    pub async fn run<W: Write>(&self, write: &W) -> Result<W::Output> {
        self.transaction(write, |tx, write| write.write(tx).boxed()).await
    }

    /// As [`Database::run`], for a write that must succeed despite other callers that change the same document over and
    /// over (ERA-05): it is retried after a constant short delay, because with the driver's growing backoff it would
    /// lose against a caller that changes a document in a loop. It has to begin with a change of that document: once
    /// the change is made, the other caller's changes conflict, and the rest of the transaction is undisturbed.
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn run_pressing<W: Write>(&self, write: &W) -> Result<W::Output> {
        // Counts the commit.
        count_command();
        let until = Instant::now() + LONGEST;
        let mut session = self.client.start_session().await?;
        loop {
            session.start_transaction().await?;
            let failed = match write.write(&mut session).boxed().await {
                Ok(done) => match commit(&mut session, until).await {
                    Ok(()) => return Ok(done),
                    Err(failed) => failed,
                },
                Err(refused) => {
                    // The server aborts the transaction itself if this fails.
                    if let Err(error) = session.abort_transaction().await {
                        tracing::debug!(error = ?Error::from(error), "cannot abort a transaction");
                    }
                    fault::to_driver(refused)
                }
            };
            if !failed.contains_label(TRANSIENT_TRANSACTION_ERROR) || Instant::now() >= until {
                return Err(fault::from_driver(failed));
            }
            let is_conflict = fault::command_code(&failed) == Some(WRITE_CONFLICT);
            sleep(if is_conflict { SOON } else { LATER }).await;
        }
    }
}

/// Commits, and retries while the result of the commit is unknown.
async fn commit(session: &mut Tx, until: Instant) -> DriverResult<()> {
    loop {
        match session.commit_transaction().await {
            Err(error)
                if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) && Instant::now() < until =>
            {
                sleep(LATER).await;
            }
            done => return done,
        }
    }
}
