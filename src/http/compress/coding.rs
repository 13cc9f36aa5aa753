//! Content codings: which one a client prefers, and a content in one.

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;

use crate::http::media::thousandths;

/// A content coding, in order of preference if a client has none: smallest result first, but zstd last, because widely
/// used clients announce it on machines that do not support it (`@whatwg-node/node-fetch`, which GraphQL's code
/// generators use, on Node 20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::http) enum Coding {
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    pub(super) const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Zstd];

    /// Returns its name in Content-Encoding.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Returns the value of Content-Encoding.
    pub(in crate::http) fn value(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    fn has_name(self, name: &str) -> bool {
        // RFC 9110 §8.4.1.3: both names are equivalent.
        name.eq_ignore_ascii_case(self.name()) || self == Self::Gzip && name.eq_ignore_ascii_case("x-gzip")
    }

    /// Returns the coding that a client prefers; `None` for uncompressed content, also for a client that refuses that,
    /// because nothing else is available (RFC 9110 §12.5.3).
    pub(in crate::http) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut named = [None; Self::ALL.len()];
        let (mut any, mut identity) = (None, None);
        for line in headers.get_all(header::ACCEPT_ENCODING) {
            for element in line.to_str().unwrap_or_default().split(',') {
                let (name, weight) = weighted(element);
                if let Some(at) = Self::ALL.iter().position(|coding| coding.has_name(name)) {
                    raise(&mut named[at], weight);
                } else if name == "*" {
                    raise(&mut any, weight);
                } else if name.eq_ignore_ascii_case("identity") {
                    raise(&mut identity, weight);
                }
            }
        }
        let weights = named.map(|named| named.or(any).unwrap_or(0));
        let best = weights.iter().copied().max().filter(|best| *best > 0)?;
        if identity.is_some_and(|identity| identity > best) {
            return None;
        }
        let at = weights.iter().position(|weight| *weight == best)?;
        Self::ALL.get(at).copied()
    }
}

/// Parses an element of Accept-Encoding into its name and its weight in thousandths (RFC 9110 §12.4.2).
fn weighted(element: &str) -> (&str, u16) {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    (name, quality.map_or(1000, thousandths))
}

fn raise(weight: &mut Option<u16>, to: u16) {
    *weight = Some(weight.map_or(to, |known| known.max(to)));
}

/// The content of a response, as it is sent.
#[derive(Clone, Debug)]
pub(in crate::http) struct ResponseContent {
    pub(in crate::http) bytes: Bytes,
    pub(in crate::http) coding: Option<Coding>,
}

impl ResponseContent {
    /// Makes uncompressed content.
    pub(in crate::http) fn plain(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            coding: None,
        }
    }

    /// Uses the compressed content if it is shorter.
    pub(in crate::http) fn coded(plain: Bytes, coded: Option<(Coding, Bytes)>) -> Self {
        match coded {
            Some((coding, bytes)) if bytes.len() < plain.len() => Self {
                bytes,
                coding: Some(coding),
            },
            Some(_) | None => Self::plain(plain),
        }
    }
}
