//! Conditional and partial requests (RFC 9110 §13, §14).

use axum::http::{HeaderMap, header};

use crate::http::headers::{elements, single};

/// The bytes to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteRange {
    /// All: no range is requested, or an unsupported one.
    Whole,
    /// The bytes `from..until`, at least one.
    Part { from: u64, until: u64 },
    /// The range is beyond the content.
    Nothing,
}

/// Whether If-None-Match contains the tag (RFC 9110 §13.1.2: weak comparison).
pub(in crate::http) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    elements(headers, header::IF_NONE_MATCH)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Returns what Range and If-Range request. A false condition, several ranges, another unit and malformed values all
/// mean the whole content, which a server may always send (RFC 9110 §14.2).
pub(super) fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> ByteRange {
    // A date never matches, because no Last-Modified is sent. A weak tag never matches either (RFC 9110 §13.1.5).
    if (headers.get(header::IF_RANGE)).is_some_and(|condition| condition.as_bytes() != tag.as_bytes()) {
        return ByteRange::Whole;
    }
    single(headers, header::RANGE)
        .and_then(|range| parse(range.to_str().ok()?, size))
        .unwrap_or(ByteRange::Whole)
}

/// Parses a single byte range; `None` for anything else.
fn parse(range: &str, size: u64) -> Option<ByteRange> {
    let (unit, set) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    Some(match (first, last) {
        (None, None) => return None,
        (None, Some(0)) => ByteRange::Nothing,
        (None, Some(_)) if size == 0 => ByteRange::Nothing,
        (None, Some(length)) => ByteRange::Part {
            from: size.saturating_sub(length),
            until: size,
        },
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), _) if first >= size => ByteRange::Nothing,
        (Some(from), last) => ByteRange::Part {
            from,
            until: last.map_or(size, |last| last.saturating_add(1).min(size)),
        },
    })
}

/// Parses digits, or an empty text as the inner `None`; the outer `None` for anything else. A number that overflows
/// counts as the largest.
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[(header::HeaderName, &str)], size: u64) -> ByteRange {
        let lines = lines.iter().cloned();
        let lines = lines.map(|(name, value)| (name, value.parse().expect("a header")));
        wanted(&lines.collect(), "\"t\"", size)
    }

    // STO-02
    #[test]
    fn one_range_is_understood() {
        let part = |from, until| ByteRange::Part { from, until };
        for (range, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-5", part(2, 6)),
            ("bytes=2-", part(2, 10)),
            ("bytes=2-99999999999999999999999", part(2, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-30", part(0, 10)),
            ("Bytes = 9-9", part(9, 10)),
            ("bytes=10-", ByteRange::Nothing),
            ("bytes=99999999999999999999999-", ByteRange::Nothing),
            ("bytes=-0", ByteRange::Nothing),
            ("bytes=5-2", ByteRange::Whole),
            ("bytes=-", ByteRange::Whole),
            ("bytes=0-1,3-4", ByteRange::Whole),
            ("bytes=+1-2", ByteRange::Whole),
            ("bytes=a-b", ByteRange::Whole),
            ("items=0-1", ByteRange::Whole),
            ("0-1", ByteRange::Whole),
        ] {
            assert_eq!(asked(&[(header::RANGE, range)], 10), expected, "{range}");
        }
        assert_eq!(asked(&[], 10), ByteRange::Whole);
        assert_eq!(asked(&[(header::RANGE, "bytes=0-")], 0), ByteRange::Nothing);
        assert_eq!(asked(&[(header::RANGE, "bytes=-1")], 0), ByteRange::Nothing);
    }

    // STO-02
    #[test]
    fn a_range_holds_for_the_content_that_the_client_knows() {
        let with = |condition| asked(&[(header::RANGE, "bytes=0-0"), (header::IF_RANGE, condition)], 10);
        assert_eq!(with("\"t\""), ByteRange::Part { from: 0, until: 1 });
        for other in ["\"u\"", "W/\"t\"", "Sat, 21 Nov 2026 09:00:00 GMT"] {
            assert_eq!(with(other), ByteRange::Whole, "{other}");
        }
    }

    // DEF-01
    #[test]
    fn no_range_breaks_the_reader() {
        crate::fuzz::each(13, &[b"bytes=2-5", b"bytes=-3", b"bytes=2-"], |range| {
            let Ok(value) = header::HeaderValue::from_bytes(range) else {
                return;
            };
            let headers = HeaderMap::from_iter([(header::RANGE, value)]);
            if let ByteRange::Part { from, until } = wanted(&headers, "\"t\"", 10) {
                assert!(from < until && until <= 10, "{from} {until}");
            }
        });
    }

    // STO-02
    #[test]
    fn known_content_is_not_sent_again() {
        let known = |value: &'static str| {
            let value = header::HeaderValue::from_static(value);
            is_known(&HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]), "\"t\"")
        };
        assert!(known("\"t\"") && known("W/\"t\"") && known("\"u\", \"t\"") && known("*"));
        assert!(!known("\"u\"") && !known("t"));
    }
}
