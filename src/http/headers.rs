//! Headers that are lists, or that may be sent only once.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header::AsHeaderName};

/// Returns the value of a header that was sent once; `None` if it is missing or was repeated.
pub(super) fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

/// Returns the elements of a list (RFC 9110 §5.6.1), from all lines of the header that are text.
pub(super) fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
}

/// Returns the value of a parameter among parts such as `q=0.5`.
pub(super) fn parameter<'a>(mut parts: impl Iterator<Item = &'a str>, wanted: &str) -> Option<&'a str> {
    parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}

/// An element of a list such as Accept, with its weight in thousandths (RFC 9110 §12.4.2).
pub(super) struct Weighted<'a> {
    pub(super) name: &'a str,
    pub(super) weight: u16,
}

impl<'a> Weighted<'a> {
    /// Parses an element. The weight is 1000 if there is none.
    pub(super) fn parse(element: &'a str) -> Self {
        let mut parts = element.split(';');
        Self {
            name: parts.next().unwrap_or_default().trim(),
            weight: parameter(parts, "q").map_or(1000, thousandths),
        }
    }

    /// Whether this is its name, in any case of letters.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Parses a weight, `0.85` as 850. A malformed weight counts as the highest, because the client did name the element.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.trim() != "0" {
        return 1000;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    digits.fold(0, |sum, digit| {
        sum * 10 + u16::from(digit.saturating_sub(b'0').min(9))
    })
}
