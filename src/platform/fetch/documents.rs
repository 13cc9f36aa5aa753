//! JSON documents of other servers, kept for a while and asked for once by all who need them at the same time.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{Fetcher, Question, Unread};
use crate::platform::clock::{Clock, Timestamp};

/// So long a document is taken for what its server would answer now.
const FRESH: Duration = Duration::from_secs(3600);
/// One that is asked for anew before is asked for so often at most, whatever came of it.
const RENEWED: Duration = Duration::from_secs(60);
/// A server that has not answered is left alone for so long.
const LEFT_ALONE: Duration = Duration::from_secs(5);
/// Documents that are kept.
const MOST: u64 = 1000;

/// Documents by their addresses.
pub struct Documents {
    fetcher: Fetcher,
    clock: Clock,
    kept: Cache<Url, Arc<Mutex<Kept>>>,
}

/// What is known of one address. Whoever holds its lock asks the server; the others wait for what comes of it.
#[derive(Default)]
struct Kept {
    /// The last one that came, and when.
    document: Option<(Arc<Value>, Timestamp)>,
    /// When it was last asked for, and what came of it unless it came.
    asked: Option<(Timestamp, Option<Unread>)>,
}

impl Kept {
    fn younger_than(&self, age: Duration, now: Timestamp) -> Option<Arc<Value>> {
        let (document, since) = self.document.as_ref()?;
        (now < since.after(age)).then(|| Arc::clone(document))
    }

    /// Whether it was asked for in this time.
    fn asked_within(&self, time: Duration, now: Timestamp) -> bool {
        self.asked.is_some_and(|(at, _)| now < at.after(time))
    }

    fn failure(&self) -> Option<Unread> {
        self.asked.and_then(|(_, failure)| failure)
    }
}

impl Documents {
    /// Read by `fetcher`.
    #[must_use]
    pub fn new(fetcher: Fetcher, clock: Clock) -> Self {
        Self {
            fetcher,
            clock,
            kept: Cache::new(MOST),
        }
    }

    fn place(&self, url: &Url) -> Arc<Mutex<Kept>> {
        self.kept.get_with_by_ref(url, Arc::default)
    }

    /// The document at an address, at most an hour old.
    ///
    /// # Errors
    /// Why there is none; for five seconds the server is not asked again.
    pub async fn get(&self, url: &Url) -> Result<Arc<Value>, Unread> {
        let place = self.place(url);
        let mut kept = place.lock().await;
        let now = self.clock.now();
        if let Some(document) = kept.younger_than(FRESH, now) {
            return Ok(document);
        }
        match kept.failure().filter(|_| kept.asked_within(LEFT_ALONE, now)) {
            Some(failure) => Err(failure),
            None => self.ask(url, &mut kept, now).await,
        }
    }

    /// The same, or the last one that came, however old it is, where the server does not answer.
    ///
    /// # Errors
    /// Why none ever came.
    pub async fn get_or_last(&self, url: &Url) -> Result<Arc<Value>, Unread> {
        let failure = match self.get(url).await {
            Ok(document) => return Ok(document),
            Err(failure) => failure,
        };
        let place = self.place(url);
        let kept = place.lock().await;
        match &kept.document {
            Some((last, _)) => Ok(Arc::clone(last)),
            None => Err(failure),
        }
    }

    /// The document anew, because the one that is kept is said to be outdated: asked for at most once a minute, whoever
    /// wants it and whatever came of it. In between the kept one stands for what the server would answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn renewed(&self, url: &Url) -> Result<Arc<Value>, Unread> {
        let place = self.place(url);
        let mut kept = place.lock().await;
        let now = self.clock.now();
        if !kept.asked_within(RENEWED, now) {
            return self.ask(url, &mut kept, now).await;
        }
        match (kept.younger_than(FRESH, now), kept.failure()) {
            (Some(document), _) => Ok(document),
            (None, failure) => Err(failure.unwrap_or(Unread::Unreachable)),
        }
    }

    async fn ask(&self, url: &Url, kept: &mut Kept, now: Timestamp) -> Result<Arc<Value>, Unread> {
        // Noted before: whoever gives up waiting has asked all the same.
        let before = kept.asked.replace((now, Some(Unread::Slow)));
        let answer = self.fetcher.ask(Question::get(url)).await;
        let read = answer.and_then(|answer| answer.json());
        kept.asked = match &read {
            // The server has heard nothing of it.
            Err(Unread::Busy) => before,
            read => Some((now, read.as_ref().err().copied())),
        };
        let document = Arc::new(read?);
        kept.document = Some((Arc::clone(&document), now));
        Ok(document)
    }
}
