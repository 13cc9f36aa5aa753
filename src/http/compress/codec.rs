//! The codings, each in two strengths: quick for responses that are sent once, dense for content that is kept.

use std::io::{self, Write};

use brotli::enc::{BrotliCompress, BrotliEncoderParams};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use tokio::task::spawn_blocking;

use super::coding::Coding;

/// The effort of a compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
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

/// Compresses a content that is sent once; `None` if the coding fails, which does not happen with bytes in memory.
pub(in crate::http) async fn quickly(coding: Coding, content: Bytes) -> Option<(Coding, Bytes)> {
    if content.len() < LONG {
        return compressed(coding, Strength::Quick, &content);
    }
    let compressing = spawn_blocking(move || compressed(coding, Strength::Quick, &content));
    compressing.await.ok().flatten()
}

/// Compresses a content that is kept.
pub(super) fn densely(coding: Coding, content: &[u8]) -> Option<(Coding, Bytes)> {
    compressed(coding, Strength::Dense, content)
}

fn compressed(coding: Coding, strength: Strength, content: &[u8]) -> Option<(Coding, Bytes)> {
    let level = coding.level(strength);
    let compressed = match coding {
        Coding::Zstd => zstd::bulk::compress(content, level),
        Coding::Brotli => by_brotli(content, level),
        Coding::Gzip => by_gzip(content, level),
    };
    match compressed {
        Ok(compressed) => Some((coding, compressed.into())),
        Err(error) => {
            tracing::warn!(?coding, %error, "cannot compress a response");
            None
        }
    }
}

fn by_brotli(content: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let params = BrotliEncoderParams {
        quality: level,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::with_capacity(content.len() / 4);
    BrotliCompress(&mut &*content, &mut compressed, &params)?;
    Ok(compressed)
}

fn by_gzip(content: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let level = Compression::new(level.unsigned_abs());
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 4), level);
    encoder.write_all(content)?;
    encoder.finish()
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
                    let (_, compressed) = compressed(coding, strength, content).expect("compresses");
                    assert_eq!(decoded(coding, &compressed), content, "{coding:?} {strength:?}");
                    assert!(content.len() < 100 || compressed.len() * 4 < content.len());
                }
            }
        }
    }
}
