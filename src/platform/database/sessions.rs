//! Sessions for reads outside of transactions.
//!
//! The driver gives each command that has no session one of its own, and that one a task that waits for its end: for a
//! read of one document a task too many, which often wakes another thread. So reads borrow a session, one read at a
//! time, and give it back for the next one; the server sees no difference.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mongodb::{Client, ClientSession};
use tokio::time::Instant;

use crate::error::Result;

/// A session that nobody borrowed for so long is left to the driver. The server forgets one after 30 min.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// Sessions that wait to be borrowed; as many as a node has connections ([`POOL`](super::POOL)).
const KEPT: usize = 100;

/// Sessions that wait to be borrowed.
#[derive(Debug)]
pub(crate) struct Sessions {
    client: Client,
    /// The one that was used last is at the end.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    session: Session,
    since: Instant,
}

/// Boxed, because it is large and handed on.
pub(crate) type Session = Box<ClientSession>;

impl Sessions {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            idle: Mutex::default(),
        }
    }

    /// A session for reads, for this caller alone. It goes back with [`Self::give_back`] when a read went well. After
    /// an error, or when the caller goes away in the middle, it is dropped: the driver knows whether it can still be
    /// used.
    pub(crate) async fn borrow(&self) -> Result<Session> {
        let last = self.idle().pop();
        match last {
            Some(Idle { session, since }) if since.elapsed() < IDLE => Ok(session),
            // Those before it have been idle for longer still.
            Some(_) => {
                let lapsed = std::mem::take(&mut *self.idle());
                drop(lapsed);
                self.start().await
            }
            None => self.start().await,
        }
    }

    /// Gives a session back.
    pub(crate) fn give_back(&self, session: Session) {
        let mut idle = self.idle();
        if idle.len() < KEPT {
            let since = Instant::now();
            idle.push(Idle { session, since });
        }
    }

    async fn start(&self) -> Result<Session> {
        // As the driver's own sessions are: a read does not wait for what the session has seen for somebody else.
        let started = self.client.start_session().causal_consistency(false);
        Ok(Box::new(started.await?))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starting a session takes no server.
    async fn sessions() -> Sessions {
        let client = Client::with_uri_str("mongodb://127.0.0.1:1").await;
        Sessions::new(client.expect("a client"))
    }

    async fn borrow(sessions: &Sessions) -> Session {
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
        // After an error nobody gives it back.
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
