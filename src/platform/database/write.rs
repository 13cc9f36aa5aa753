//! Writes of more than one document, as types.

use futures_util::FutureExt;

use super::{Database, Tx};
use crate::error::Result;

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
    /// Any error of the write, after the transaction was aborted; [`Error::Unavailable`](crate::error::Error) without a
    /// primary.
    pub async fn run<W: Write>(&self, write: &W) -> Result<W::Output> {
        self.transaction(write, |tx, write| write.write(tx).boxed()).await
    }

    /// As [`Database::run`], for a write that must succeed despite other callers that change the same document over and
    /// over. It has to begin with a change of that document; see [`Database::pressing_transaction`].
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn run_pressing<W: Write>(&self, write: &W) -> Result<W::Output> {
        self.pressing_transaction(write, |tx, write| write.write(tx).boxed())
            .await
    }
}
