//! What was looked up a moment ago of whoever may be revoked.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use moka::future::Cache;

use crate::error::{Error, Result};

/// How old a standing may be; with the time of a lookup it stays within the five seconds that are promised.
const STANDING: Duration = Duration::from_secs(4);
const STANDINGS: u64 = 100_000;

/// What the cache knows, else what is looked up now, once for all who ask at the same time. The looking up is rare and its
/// future large, so that it is made and boxed only then.
pub(super) async fn remembered<K, V, F>(cache: &Cache<K, V>, key: K, look: impl FnOnce(K) -> F) -> Result<V>
where
    K: std::hash::Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<V>>,
{
    // What is there is there at once; kept out of this future, because every request's has room for it.
    if let Some(known) = cache.get(&key).now_or_never().flatten() {
        return Ok(known);
    }
    let found = Box::pin(cache.try_get_with(key.clone(), look(key)));
    found.await.map_err(|error: Arc<Error>| (*error).clone())
}

/// An empty one.
pub(super) fn cache<K, V>() -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(STANDINGS)
        .time_to_live(STANDING)
        .build()
}
