//! Compressed contents that are requested repeatedly.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use moka::sync::Cache;
use tokio::task::spawn_blocking;

use super::codec;
use super::coding::{Coding, ResponseContent};
use crate::platform::crypto::digest;

/// SHA-256 of a content.
pub(in crate::http) type Digest = [u8; 32];

/// Contents of the program itself, which never change: each is compressed once for each coding, densely, and kept
/// forever.
#[derive(Default)]
pub(in crate::http) struct CompressedDocuments(Mutex<HashMap<(Digest, Coding), CompressionTask>>);

/// A compression that runs to its end even if all of its waiters are dropped.
type CompressionTask = Shared<BoxFuture<'static, Option<(Coding, Bytes)>>>;

impl CompressedDocuments {
    /// Returns a content in the coding.
    pub(in crate::http) async fn content(
        &self,
        plain: Bytes,
        digest: Digest,
        coding: Coding,
    ) -> ResponseContent {
        let work = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let work = kept.entry((digest, coding)).or_insert_with(|| {
                let plain = plain.clone();
                let compressing = spawn_blocking(move || codec::densely(coding, &plain));
                compressing.map(|ended| ended.ok().flatten()).boxed().shared()
            });
            work.clone()
        };
        ResponseContent::coded(plain, work.await)
    }
}

/// Responses that many clients request identically: introspection results. The key is a digest of the whole content, so
/// that none is confused with another. Evicted when the cache is full.
pub(in crate::http) struct Recent(Cache<(Digest, Coding), Bytes>);

/// Memory of the cache, in bytes.
const ROOM: u64 = 4 * 1024 * 1024;

impl Default for Recent {
    fn default() -> Self {
        let weight = |_: &(Digest, Coding), compressed: &Bytes| {
            u32::try_from(compressed.len())
                .unwrap_or(u32::MAX)
                .saturating_add(128)
        };
        Self(Cache::builder().max_capacity(ROOM).weigher(weight).build())
    }
}

impl Recent {
    /// Returns a content in the coding.
    pub(in crate::http) async fn content(&self, plain: Bytes, coding: Coding) -> ResponseContent {
        let name = (digest(&plain), coding);
        let coded = match self.0.get(&name) {
            Some(known) => Some((coding, known)),
            None => {
                let coded = codec::quickly(coding, plain.clone()).await;
                if let Some((_, compressed)) = &coded {
                    self.0.insert(name, compressed.clone());
                }
                coded
            }
        };
        ResponseContent::coded(plain, coded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_made_once() {
        let (kept, plain) = (CompressedDocuments::default(), Bytes::from("a".repeat(10_000)));
        let name = digest(&plain);
        let first = kept.content(plain.clone(), name, Coding::Gzip).await;
        let second = kept.content(plain.clone(), name, Coding::Gzip).await;
        assert_eq!(first.coding, Some(Coding::Gzip));
        assert_eq!(first.bytes.as_ptr(), second.bytes.as_ptr(), "the same memory");
        let other = kept.content(plain, name, Coding::Brotli).await;
        assert_eq!(other.coding, Some(Coding::Brotli));
    }

    #[tokio::test]
    async fn what_was_asked_for_lately_is_found_by_its_content() {
        let (recent, plain) = (Recent::default(), Bytes::from("a".repeat(10_000)));
        let first = recent.content(plain.clone(), Coding::Zstd).await;
        let second = recent.content(plain, Coding::Zstd).await;
        assert_eq!(first.bytes.as_ptr(), second.bytes.as_ptr(), "the same memory");
        let other = recent
            .content(Bytes::from("b".repeat(200_000)), Coding::Zstd)
            .await;
        assert_ne!(first.bytes, other.bytes);
    }
}
