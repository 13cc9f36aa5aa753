//! Compression of responses (RFC 9110 §8.4): which coding a client accepts, and which responses are compressed.
//!
//! Each kind of response decides by itself: `/graphql` by what its document selects ([`super::secrets`]), published
//! documents and GraphiQL's files always, `/oauth`, stored content and GraphiQL's configuration never. A response of
//! less than [`LEAST`] bytes is not compressed. tower-http's layer is not used: it would compress the same content anew
//! for each request, answers 406 to a mutation that has run if a client accepts no coding at all, and leaves entity
//! tags strong.

mod codec;
mod kept;

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;

#[cfg(test)]
pub(super) use self::codec::decoded;
pub(super) use self::codec::quickly;
pub(super) use self::kept::{CompressedDocuments, Digest, Recent};
use super::headers::{Weighted, elements};

/// Minimum length of a compressed response, in bytes: a shorter one is a single packet anyway.
pub(super) const LEAST: usize = 1024;

/// Declares that the response depends on Accept-Encoding.
pub(super) fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

/// A content coding, in order of preference if a client has none: smallest result first, but zstd last, because widely
/// used clients announce it on machines that do not support it (`@whatwg-node/node-fetch`, which GraphQL's code
/// generators use, on Node 20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Coding {
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Zstd];

    /// Returns its name in Content-Encoding.
    const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Returns the value of Content-Encoding.
    pub(super) fn value(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    fn is_named(self, element: &Weighted<'_>) -> bool {
        // RFC 9110 §8.4.1.3: both names are equivalent.
        element.is(self.name()) || self == Self::Gzip && element.is("x-gzip")
    }

    /// Returns the coding that a client prefers; `None` for uncompressed content, also for a client that refuses that,
    /// because nothing else is available (RFC 9110 §12.5.3).
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut named = [None; Self::ALL.len()];
        let (mut any, mut identity) = (None, None);
        for element in elements(headers, header::ACCEPT_ENCODING).map(Weighted::parse) {
            let known = if let Some(at) = Self::ALL.iter().position(|coding| coding.is_named(&element)) {
                &mut named[at]
            } else if element.is("*") {
                &mut any
            } else if element.is("identity") {
                &mut identity
            } else {
                continue;
            };
            *known = (*known).max(Some(element.weight));
        }
        let weights = named.map(|named| named.or(any).unwrap_or(0));
        let best = weights.into_iter().max().filter(|best| *best > 0)?;
        let at = weights.iter().position(|weight| *weight == best)?;
        (identity.unwrap_or(0) <= best).then_some(Self::ALL[at])
    }
}

/// The content of a response, as it is sent.
#[derive(Clone, Debug)]
pub(super) struct ResponseContent {
    pub(super) bytes: Bytes,
    pub(super) coding: Option<Coding>,
}

impl ResponseContent {
    /// Makes uncompressed content.
    pub(super) fn plain(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            coding: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(lines: &[&str]) -> Option<Coding> {
        let line = |line: &&str| (header::ACCEPT_ENCODING, line.parse().expect("a header"));
        Coding::accepted(&lines.iter().map(line).collect())
    }

    #[test]
    fn the_client_decides_by_weight_and_the_gateway_among_equals() {
        let (zstd, br, gzip) = (Some(Coding::Zstd), Some(Coding::Brotli), Some(Coding::Gzip));
        for (line, expected) in [
            ("gzip, deflate, br, zstd", br),
            ("gzip, zstd", gzip),
            ("zstd", zstd),
            ("gzip, deflate, br", br),
            ("gzip, deflate", gzip),
            ("X-GZIP", gzip),
            ("deflate", None),
            ("", None),
            ("identity", None),
            ("gzip;q=0", None),
            ("gzip;q=0.000, br ; Q=0.001", br),
            ("br;q=0.5, gzip;q=0.8, zstd;q=0.1", gzip),
            ("*", br),
            ("*;q=0.5, br;q=0, gzip;q=0.4", zstd),
            ("*;q=0, gzip", gzip),
            ("*;q=0", None),
            ("identity;q=0", None),
            ("identity;q=0, gzip;q=0.1", gzip),
            ("identity;q=1, gzip;q=0.5", None),
            ("identity;q=0.5, gzip;q=0.5", gzip),
            ("gzip;q=0.2, gzip;q=0.9, br;q=0.5", gzip),
            ("compress, x;y;q=1, ;;,,", None),
        ] {
            assert_eq!(accepted(&[line]), expected, "{line}");
        }
        assert_eq!(accepted(&["gzip", "br;q=0.1"]), gzip);
        assert_eq!(accepted(&[]), None);
    }

    // DEF-01
    #[test]
    fn no_header_breaks_the_reader() {
        crate::fuzz::each(13, &[b"gzip;q=0.5, br ; q=1.000, *;q=0, identity"], |value| {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]);
                let _coding = Coding::accepted(&headers);
            }
        });
    }
}
