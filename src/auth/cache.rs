//! Caches of lookups of whatever can be revoked.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use moka::future::Cache;

use crate::error::{Error, Result};

/// Maximum age of a cached lookup; with the time of a lookup it stays within the promised five seconds.
const STANDING: Duration = Duration::from_secs(4);
const STANDINGS: u64 = 100_000;

/// Returns the cached value, or looks it up once for all concurrent callers. Lookups are rare and their futures large,
/// so the future is created and boxed only when it is needed.
pub(super) async fn remembered<K, V, F>(cache: &Cache<K, V>, key: K, look: impl FnOnce(K) -> F) -> Result<V>
where
    K: std::hash::Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<V>>,
{
    // A hit is returned at once and kept out of this future, because every request's future reserves space for it.
    if let Some(known) = cache.get(&key).now_or_never().flatten() {
        return Ok(known);
    }
    let found = Box::pin(cache.try_get_with(key.clone(), look(key)));
    found.await.map_err(|error: Arc<Error>| (*error).clone())
}

/// Creates an empty cache.
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
