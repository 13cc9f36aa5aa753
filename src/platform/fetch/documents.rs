//! JSON documents of other servers, cached for a while and fetched only once for all concurrent callers.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{Fetcher, Question, Unread};
use crate::platform::clock::{Clock, Timestamp};

/// How long a document is considered current.
const FRESH: Duration = Duration::from_secs(3600);
/// Minimum interval between requests for a document that is renewed early, whatever their result.
const RENEWED: Duration = Duration::from_secs(60);
/// How long a server is not asked again after a failed request.
const LEFT_ALONE: Duration = Duration::from_secs(5);
/// Maximum cached documents.
const MOST: u64 = 1000;

/// Documents by their URLs.
pub struct Documents {
    fetcher: Fetcher,
    clock: Clock,
    kept: Cache<Url, Arc<Mutex<Kept>>>,
}

/// The cache entry of one URL. The task that holds its lock sends the request; the others wait for the result.
#[derive(Default)]
struct Kept {
    /// The last document that was received, and when.
    document: Option<(Arc<Value>, Timestamp)>,
    /// When it was last requested, and the failure of that request, if any.
    asked: Option<(Timestamp, Option<Unread>)>,
}

impl Kept {
    fn younger_than(&self, age: Duration, now: Timestamp) -> Option<Arc<Value>> {
        let (document, since) = self.document.as_ref()?;
        (now < since.after(age)).then(|| Arc::clone(document))
    }

    /// Returns whether the document was requested within this time.
    fn asked_within(&self, time: Duration, now: Timestamp) -> bool {
        self.asked.is_some_and(|(at, _)| now < at.after(time))
    }

    fn failure(&self) -> Option<Unread> {
        self.asked.and_then(|(_, failure)| failure)
    }
}

impl Documents {
    /// Creates a cache of documents that are read by `fetcher`.
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

    /// Returns the document at a URL, at most an hour old.
    ///
    /// # Errors
    /// Why it could not be read; the server is not asked again for five seconds.
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

    /// Returns the document as [`Self::get`] does, or the last one received, regardless of its age, if the server does
    /// not answer.
    ///
    /// # Errors
    /// Why it could not be read, if none was ever received.
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

    /// Fetches the document again, because the cached one is reported to be outdated. This happens at most once a
    /// minute, whatever the number of callers and the result. In between, the cached document is returned.
    ///
    /// # Errors
    /// Why it could not be read.
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
        // Recorded before the request, so that a request whose caller goes away counts as well.
        let before = kept.asked.replace((now, Some(Unread::Slow)));
        let answer = self.fetcher.ask(Question::get(url)).await;
        let read = answer.and_then(|answer| answer.json());
        kept.asked = match &read {
            // No request was sent.
            Err(Unread::Busy) => before,
            read => Some((now, read.as_ref().err().copied())),
        };
        let document = Arc::new(read?);
        kept.document = Some((Arc::clone(&document), now));
        Ok(document)
    }
}
