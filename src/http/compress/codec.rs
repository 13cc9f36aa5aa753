//! The codings, each in two strengths: quick for responses that are sent once, dense for content that is kept.

use std::io::{self, Write};

use brotli::enc::{BrotliCompress, BrotliEncoderParams};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use tokio::task::spawn_blocking;

use super::{Coding, ResponseContent};

/// The effort of a compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// A few milliseconds per megabyte: the client decides how often it is done.
    Quick,
    /// A tenth of a second per megabyte, once in the lifetime of the process.
    Dense,
}

impl Coding {
    fn level(self, strength: Strength) -> i32 {
        match (self, strength) {
            (Self::Zstd | Self::Brotli | Self::Gzip, Strength::Quick) => 1,
            (Self::Zstd, Strength::Dense) => 12,
            (Self::Brotli | Self::Gzip, Strength::Dense) => 9,
        }
    }
}

/// Minimum length of a content that is compressed on another thread, in bytes, so that no other request waits for it.
const LONG: usize = 128 * 1024;

/// Compresses a content that is sent once.
pub(in crate::http) async fn quickly(coding: Coding, plain: Bytes) -> ResponseContent {
    if plain.len() < LONG {
        return compressed(coding, Strength::Quick, plain);
    }
    in_background(coding, Strength::Quick, plain).await
}

/// Compresses a content on another thread, to the end even if nobody waits for it any more.
pub(super) async fn in_background(coding: Coding, strength: Strength, plain: Bytes) -> ResponseContent {
    let content = plain.clone();
    let compressing = spawn_blocking(move || compressed(coding, strength, content));
    compressing
        .await
        .unwrap_or_else(|_panic| ResponseContent::plain(plain))
}

/// Compresses a content. It stays as it is if it does not get shorter, or if the coding fails, which does not happen with
/// bytes in memory.
fn compressed(coding: Coding, strength: Strength, plain: Bytes) -> ResponseContent {
    match encoded(coding, strength, &plain) {
        Ok(bytes) if bytes.len() < plain.len() => ResponseContent {
            bytes: bytes.into(),
            coding: Some(coding),
        },
        Ok(_) => ResponseContent::plain(plain),
        Err(error) => {
            tracing::warn!(?coding, %error, "cannot compress a response");
            ResponseContent::plain(plain)
        }
    }
}

fn encoded(coding: Coding, strength: Strength, content: &[u8]) -> io::Result<Vec<u8>> {
    let level = coding.level(strength);
    let room = content.len() / 4;
    match coding {
        Coding::Zstd => zstd::bulk::compress(content, level),
        Coding::Brotli => {
            let params = BrotliEncoderParams {
                quality: level,
                size_hint: content.len(),
                ..BrotliEncoderParams::default()
            };
            let mut encoded = Vec::with_capacity(room);
            BrotliCompress(&mut &*content, &mut encoded, &params)?;
            Ok(encoded)
        }
        Coding::Gzip => {
            let mut encoder =
                GzEncoder::new(Vec::with_capacity(room), Compression::new(level.unsigned_abs()));
            encoder.write_all(content)?;
            encoder.finish()
        }
    }
}

/// Returns the uncompressed content.
#[cfg(test)]
pub(in crate::http) fn decoded(coding: Coding, compressed: &[u8]) -> Vec<u8> {
    use std::io::Read;

    let mut content = Vec::new();
    match coding {
        Coding::Zstd => zstd::stream::copy_decode(compressed, &mut content).map(|()| 0),
        Coding::Brotli => brotli::Decompressor::new(compressed, 4096).read_to_end(&mut content),
        Coding::Gzip => flate2::read::GzDecoder::new(compressed).read_to_end(&mut content),
    }
    .expect("decodes");
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_coding_gives_back_what_it_was_given() {
        let text = "{\"data\":{\"nodes\":[".to_owned() + &"{\"id\":\"cus_1\"},".repeat(2000);
        for content in [text.as_bytes(), b"", b"x"] {
            for coding in Coding::ALL {
                for strength in [Strength::Quick, Strength::Dense] {
                    let encoded = encoded(coding, strength, content).expect("compresses");
                    assert_eq!(decoded(coding, &encoded), content, "{coding:?} {strength:?}");
                    assert!(content.len() < 100 || encoded.len() * 4 < content.len());
                }
            }
        }
    }

    #[test]
    fn what_does_not_get_shorter_stays_as_it_is() {
        let coding_of = |plain: String| compressed(Coding::Gzip, Strength::Quick, plain.into()).coding;
        assert_eq!(coding_of("abc".to_owned()), None);
        assert_eq!(coding_of("a".repeat(1000)), Some(Coding::Gzip));
    }
}
