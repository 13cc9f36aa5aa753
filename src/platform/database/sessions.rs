//! Sessions for reads outside of transactions.
//!
//! For each command without a session, the driver creates an implicit one, together with a task that waits for its end.
//! For a read of one document that is a needless task, which often wakes another thread. Reads therefore borrow a
//! session, one read at a time, and return it for the next one; the server sees no difference.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mongodb::{Client, ClientSession};
use tokio::time::Instant;

use crate::error::Result;

/// A session that has been idle for this long is returned to the driver. The server expires a session after 30 min.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// Maximum idle sessions: as many as a node has connections ([`POOL`](super::POOL)).
const KEPT: usize = 100;

/// A pool of idle sessions.
#[derive(Debug)]
pub(crate) struct DriverSessions {
    client: Client,
    /// The most recently used session is at the end.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    session: DriverSession,
    since: Instant,
}

/// Boxed, because it is large and moved often.
pub(crate) type DriverSession = Box<ClientSession>;

impl DriverSessions {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            idle: Mutex::default(),
        }
    }

    /// Returns a session for reads, exclusive to the caller. The caller returns it with [`Self::give_back`] after a
    /// successful read. After an error or a cancellation it is dropped: the driver knows whether it can still be used.
    pub(crate) async fn borrow(&self) -> Result<DriverSession> {
        let last = self.idle().pop();
        match last {
            Some(Idle { session, since }) if since.elapsed() < IDLE => return Ok(session),
            // The sessions before it have been idle for even longer.
            Some(_) => {
                let lapsed = std::mem::take(&mut *self.idle());
                drop(lapsed);
            }
            None => {}
        }
        // As the driver's implicit sessions: a read must not wait for operations that the session has seen for another
        // caller.
        let started = self.client.start_session().causal_consistency(false);
        Ok(Box::new(started.await?))
    }

    /// Returns a session to the pool.
    pub(crate) fn give_back(&self, session: DriverSession) {
        let mut idle = self.idle();
        if idle.len() < KEPT {
            let since = Instant::now();
            idle.push(Idle { session, since });
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starting a session needs no server.
    async fn sessions() -> DriverSessions {
        let client = Client::with_uri_str("mongodb://127.0.0.1:1").await;
        DriverSessions::new(client.expect("a client"))
    }

    async fn borrow(sessions: &DriverSessions) -> DriverSession {
        sessions.borrow().await.expect("a session")
    }

    #[tokio::test]
    async fn a_session_that_came_back_is_lent_again_and_one_that_is_out_is_not() {
        let sessions = sessions().await;
        let (first, second) = (borrow(&sessions).await, borrow(&sessions).await);
        assert_ne!(first.id(), second.id());
        let id = first.id().clone();
        sessions.give_back(first);
        let third = borrow(&sessions).await;
        assert_eq!(third.id(), &id);
        assert_ne!(borrow(&sessions).await.id(), &id);
        // After an error, a session is not given back.
        drop(third);
        assert!(sessions.idle().is_empty());
    }

    #[tokio::test]
    async fn no_more_are_kept_than_there_are_connections() {
        let sessions = sessions().await;
        let mut lent = Vec::new();
        for _ in 0..KEPT + 5 {
            lent.push(borrow(&sessions).await);
        }
        for session in lent {
            sessions.give_back(session);
        }
        assert_eq!(sessions.idle().len(), KEPT);
    }

    #[tokio::test]
    async fn those_that_were_idle_for_long_are_left_to_the_driver() {
        let sessions = sessions().await;
        let pass = |time: Duration| {
            for idle in &mut *sessions.idle() {
                idle.since -= time;
            }
        };
        let (early, late) = (borrow(&sessions).await, borrow(&sessions).await);
        let (early_id, late_id) = (early.id().clone(), late.id().clone());
        sessions.give_back(early);
        pass(IDLE / 2);
        sessions.give_back(late);
        pass(IDLE / 2);
        let lent = borrow(&sessions).await;
        assert_eq!(lent.id(), &late_id);
        assert_eq!(sessions.idle().len(), 1);
        let new = borrow(&sessions).await;
        assert_ne!(new.id(), &early_id);
        sessions.give_back(lent);
        sessions.give_back(new);
        pass(IDLE);
        let _new = borrow(&sessions).await;
        assert!(
            sessions.idle().is_empty(),
            "those before the last are older still"
        );
    }
}
