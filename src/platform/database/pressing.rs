//! Transactions of those who must win against others who change the same documents over and over (ERA-05).

use std::time::Duration;

use futures_util::future::BoxFuture;
use mongodb::error::{
    Error as DriverError, ErrorKind, Result as DriverResult, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT,
};
use tokio::time::{Instant, sleep};

use super::{Database, Tx, count_command, fault};
use crate::error::{Error, Result};

/// For as long a transaction is tried again, as the driver's own are.
const LONGEST: Duration = Duration::from_secs(120);
/// Until the next try, where somebody else is just changing a document: shorter than others' changes take.
const SOON: Duration = Duration::from_millis(2);
/// Until the next try after any other passing failure.
const LATER: Duration = Duration::from_millis(100);
/// The server's code for a document that somebody else is just changing.
const WRITE_CONFLICT: i32 = 112;

impl Database {
    /// As [`Database::transaction`], but tried again after the same short time each time, where the driver waits longer and
    /// longer and so loses against whoever changes a document in a loop. `work` begins with a change of that document: what
    /// it holds is then out of others' way, and the rest of its time is its own.
    ///
    /// # Errors
    /// As [`Database::transaction`].
    pub async fn pressing_transaction<C, T, F>(&self, context: C, mut work: F) -> Result<T>
    where
        C: Send + Sync,
        T: Send + 'static,
        F: for<'t> FnMut(&'t mut Tx, &'t C) -> BoxFuture<'t, Result<T>> + Send,
    {
        // The commit.
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
                    // What cannot be aborted now ends by itself.
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

/// Commits, again where nobody knows whether it was done.
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
