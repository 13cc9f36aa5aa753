//! Compressed contents that are requested repeatedly.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use moka::sync::Cache;

use super::codec::{Strength, in_background, quickly};
use super::{Coding, ResponseContent};
use crate::platform::crypto::digest;

/// SHA-256 of a content.
pub(in crate::http) type Digest = [u8; 32];

/// Contents of the program itself, which never change: each is compressed once for each coding, densely, and kept
/// forever.
#[derive(Default)]
pub(in crate::http) struct CompressedDocuments(Mutex<HashMap<(Digest, Coding), CompressionTask>>);

type CompressionTask = Shared<BoxFuture<'static, ResponseContent>>;

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
            let work = kept
                .entry((digest, coding))
                .or_insert_with(|| in_background(coding, Strength::Dense, plain).boxed().shared());
            work.clone()
        };
        work.await
    }
}

/// Responses that many clients request identically: introspection results. The key is a digest of the whole content, so
/// that none is confused with another. Evicted when the cache is full.
pub(in crate::http) struct Recent(Cache<(Digest, Coding), ResponseContent>);

/// Memory of the cache, in bytes.
const ROOM: u64 = 4 * 1024 * 1024;

impl Default for Recent {
    fn default() -> Self {
        let weight = |_: &(Digest, Coding), content: &ResponseContent| {
            u32::try_from(content.bytes.len() + 128).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(ROOM).weigher(weight).build())
    }
}

impl Recent {
    /// Returns a content in the coding.
    pub(in crate::http) async fn content(&self, plain: Bytes, coding: Coding) -> ResponseContent {
        let name = (digest(&plain), coding);
        if let Some(known) = self.0.get(&name) {
            return known;
        }
        let content = quickly(coding, plain).await;
        self.0.insert(name, content.clone());
        content
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
        let long = Bytes::from("b".repeat(200_000));
        let other = recent.content(long, Coding::Zstd).await;
        assert_ne!(first.bytes, other.bytes);
    }
}
