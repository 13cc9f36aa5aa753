//! Compression of responses (RFC 9110 §8.4): which coding a client accepts, and which responses are compressed.
//!
//! Each kind of response decides by itself: `/graphql` by what its document selects ([`super::secrets`]), published
//! documents and GraphiQL's files always, `/oauth`, stored content and GraphiQL's configuration never. A response of
//! less than [`LEAST`] bytes is not compressed. tower-http's layer is not used: it would compress the same content anew
//! for each request, answers 406 to a mutation that has run if a client accepts no coding at all, and leaves entity
//! tags strong.

mod codec;
mod coding;
mod kept;

use axum::http::{HeaderMap, HeaderValue, header};

#[cfg(test)]
pub(super) use self::codec::decoded;
pub(super) use self::codec::quickly;
pub(super) use self::coding::{Coding, ResponseContent};
pub(super) use self::kept::{CompressedDocuments, Digest, Recent};

/// Minimum length of a compressed response, in bytes: a shorter one is a single packet anyway.
pub(super) const LEAST: usize = 1024;

/// Declares that the response depends on Accept-Encoding.
pub(super) fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

/// Returns the entity tag of a content in a coding. The tag was computed from the uncompressed bytes, so it is weak for
/// a compressed content; If-None-Match matches both forms (RFC 9110 §8.8.3.3).
pub(super) fn entity_tag(tag: String, coding: Option<Coding>) -> String {
    match coding {
        Some(_) => format!("W/{tag}"),
        None => tag,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn accepted(lines: &[&str]) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT_ENCODING, line.parse().expect("a header"));
        }
        Coding::accepted(&headers)
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

    #[test]
    fn what_does_not_get_shorter_stays_as_it_is() {
        let plain = Bytes::from_static(b"abc");
        let longer = Some((Coding::Gzip, Bytes::from_static(b"abcd")));
        assert_eq!(ResponseContent::coded(plain.clone(), longer).coding, None);
        let shorter = Some((Coding::Gzip, Bytes::from_static(b"ab")));
        assert_eq!(ResponseContent::coded(plain, shorter).coding, Some(Coding::Gzip));
    }
}
