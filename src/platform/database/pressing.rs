//! Transactions that must succeed despite other callers that change the same documents over and over (ERA-05).

use std::time::Duration;

use futures_util::future::BoxFuture;
use mongodb::error::{
    Error as DriverError, ErrorKind, Result as DriverResult, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT,
};
use tokio::time::{Instant, sleep};

use super::{Database, Tx, count_command, fault};
use crate::error::{Error, Result};

/// How long a transaction is retried: as long as the driver retries its own.
const LONGEST: Duration = Duration::from_secs(120);
/// Delay before the retry after a write conflict: shorter than the changes of other callers take.
const SOON: Duration = Duration::from_millis(2);
/// Delay before the retry after any other transient failure.
const LATER: Duration = Duration::from_millis(100);
/// The server's error code for a document that another transaction is changing.
const WRITE_CONFLICT: i32 = 112;

impl Database {
    /// Runs a transaction as [`Database::transaction`] does, but retries after a constant short delay: with the
    /// driver's growing backoff it would lose against a caller that changes a document in a loop. `work` must begin
    /// with a change of that document: once the change is made, the other caller's changes conflict, and the rest of
    /// the transaction is undisturbed.
    ///
    /// # Errors
    /// As [`Database::transaction`].
    pub async fn pressing_transaction<C, T, F>(&self, context: C, mut work: F) -> Result<T>
    where
        C: Send + Sync,
        T: Send + 'static,
        F: for<'t> FnMut(&'t mut Tx, &'t C) -> BoxFuture<'t, Result<T>> + Send,
    {
        // Counts the commit.
        count_command();
        let until = Instant::now() + LONGEST;
        let mut session = self.client.start_session().await?;
        loop {
            session.start_transaction().await?;
            let failed = match work(&mut session, &context).await {
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
            sleep(if is_conflict(&failed) { SOON } else { LATER }).await;
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

fn is_conflict(error: &DriverError) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if command.code == WRITE_CONFLICT)
}
