//! Loaders: combine the reads of one level of a query into one command.
//!
//! The only file that uses the `dataloader` crate. It handles the crate's pitfalls: `load` panics on a missing key, a
//! batch function that omits a key fails its load, a cancelled load fails the other loads of its batch, and there is no
//! error channel.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use dataloader::{BatchFn, cached};
use tokio::task::coop::unconstrained;

use crate::error::{Error, Result};

/// Each parent has at most a page of children; one batch takes those of all parents.
const MAX_BATCH: usize = 10_000;
/// One yield lets every sibling resolver add its key; more cost CPU without benefit.
const YIELDS: usize = 1;

/// Reads many objects by key at once.
pub trait Batch: Send + Sync + 'static {
    /// The key of an object.
    type Key: Clone + Eq + Hash + std::fmt::Debug + Send + Sync + 'static;
    /// The object that is found.
    type Value: Send + Sync + 'static;

    /// Reads all keys with a fixed number of commands. A key that is absent from the result is not found.
    fn load(
        &self,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Value>>> + Send;
}

type Loaded<V> = Result<Option<Arc<V>>>;

struct Adapter<B>(B);

impl<B: Batch> BatchFn<B::Key, Loaded<B::Value>> for Adapter<B> {
    async fn load(&mut self, keys: &[B::Key]) -> HashMap<B::Key, Loaded<B::Value>> {
        metrics::histogram!("gateway_loader_batch_size")
            .record(u32::try_from(keys.len()).unwrap_or(u32::MAX));
        match self.0.load(keys).await {
            Ok(mut found) => keys
                .iter()
                .map(|key| (key.clone(), Ok(found.remove(key).map(Arc::new))))
                .collect(),
            Err(error) => keys.iter().map(|key| (key.clone(), Err(error.clone()))).collect(),
        }
    }
}

/// Reads objects by key in batches, each key once per request.
pub struct Loader<B: Batch>(cached::Loader<B::Key, Loaded<B::Value>, Adapter<B>>);

impl<B: Batch> Loader<B> {
    fn new(batch: B) -> Self {
        Self(
            cached::Loader::new(Adapter(batch))
                .with_max_batch_size(MAX_BATCH)
                .with_yield_count(YIELDS),
        )
    }

    /// Returns the object of `key`; `None` if it does not exist within this reach.
    ///
    /// # Errors
    /// The error of the batch, shared by its keys.
    pub async fn load(&self, key: B::Key) -> Loaded<B::Value> {
        // Many siblings run in one task: if its cooperative budget were exhausted between two of them, the batch would
        // be split.
        match unconstrained(self.0.try_load(key.clone())).await {
            Ok(loaded) => loaded,
            // Another load of the batch was cancelled and took the batch with it: retried once.
            Err(_) => unconstrained(self.0.try_load(key))
                .await
                .map_err(Error::internal)?,
        }
    }
}

/// The loaders of one request, created on first use. Never shared between requests, because they hold one caller's
/// reach.
#[derive(Default)]
pub struct Loaders(Mutex<HashMap<(TypeId, String), Arc<dyn Any + Send + Sync>>>);

impl Loaders {
    /// Forgets all results, after a write.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns the request's loader of type `B` for `scope`. Loaders that differ in arguments or reach need different
    /// scopes.
    pub fn get<B: Batch>(&self, scope: &str, make: impl FnOnce() -> B) -> Arc<Loader<B>> {
        let mut loaders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = loaders
            .entry((TypeId::of::<B>(), scope.to_owned()))
            .or_insert_with(|| Arc::new(Loader::new(make())));
        match Arc::clone(entry).downcast() {
            Ok(loader) => loader,
            Err(_) => unreachable!("the entry's key holds its type"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Doubled(Arc<AtomicUsize>);
    impl Batch for Doubled {
        type Key = u32;
        type Value = u32;
        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            if keys.contains(&13) {
                return Err(Error::internal("unlucky"));
            }
            Ok(keys
                .iter()
                .filter(|key| **key != 0)
                .map(|key| (*key, key * 2))
                .collect())
        }
    }

    #[tokio::test]
    async fn a_level_is_one_batch_and_a_missing_key_is_none() {
        let batches = Arc::new(AtomicUsize::new(0));
        let loaders = Loaders::default();
        let loader = loaders.get("", || Doubled(Arc::clone(&batches)));
        let found = futures_util::future::join_all((0..100).map(|key| loader.load(key % 10))).await;
        assert_eq!(batches.load(Ordering::SeqCst), 1);
        assert_eq!(
            found[7].as_ref().ok().and_then(|v| v.as_deref().copied()),
            Some(14)
        );
        assert!(matches!(&found[0], Ok(None)));
        // A later load of the same key is served from the cache.
        let again = loaders.get("", || Doubled(Arc::clone(&batches)));
        assert!(matches!(again.load(7).await, Ok(Some(_))));
        assert_eq!(batches.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_batch_fails_each_of_its_keys() {
        let loaders = Loaders::default();
        let loader = loaders.get("", || Doubled(Arc::default()));
        let found = futures_util::future::join_all([loader.load(1), loader.load(13)]).await;
        assert!(found.iter().all(Result::is_err));
    }

    #[tokio::test]
    async fn a_cancelled_load_does_not_fail_its_neighbours() {
        let loaders = Loaders::default();
        let loader = loaders.get("", || Doubled(Arc::default()));
        {
            let mut first = Box::pin(loader.load(1));
            // Polled once, so that its key is queued, then dropped.
            assert!(futures_util::poll!(first.as_mut()).is_pending());
        }
        assert!(matches!(loader.load(1).await, Ok(Some(_))));
    }
}
