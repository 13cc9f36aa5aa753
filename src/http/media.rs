//! Media types of GraphQL responses and of request bodies.

use axum::http::{HeaderMap, StatusCode, header};

use super::fault::Fault;

use super::response_type::Media;

impl Media {
    /// Returns the media type that the Accept header prefers; `application/json` if it has no preference.
    ///
    /// # Errors
    /// 406 if it accepts neither.
    pub(super) fn negotiate(headers: &HeaderMap) -> Result<Self, Fault> {
        let mut lines = headers.get_all(header::ACCEPT).iter();
        // Most clients send one of these, which need no parsing.
        match (lines.next(), lines.next()) {
            (None, _) => return Ok(Self::Json),
            (Some(only), None) if only == "*/*" || only == "application/json" => return Ok(Self::Json),
            _ => {}
        }
        let lines = headers.get_all(header::ACCEPT).iter();
        let ranges: Vec<Range> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .filter_map(Range::parse)
            .collect();
        if ranges.is_empty() {
            return Ok(Self::Json);
        }
        let json = weight(&ranges, "application/json");
        let graphql = weight(&ranges, "application/graphql-response+json");
        let named = (ranges.iter()).any(|range| range.name == "application/graphql-response+json");
        if graphql > json || (named && graphql == json && graphql > 0) {
            Ok(Self::Answer)
        } else if json > 0 {
            Ok(Self::Json)
        } else {
            Err(Fault::new(
                StatusCode::NOT_ACCEPTABLE,
                "BAD_USER_INPUT",
                "Responses are application/graphql-response+json or application/json, and the Accept header allows neither.",
            ))
        }
    }
}

/// One media range of an Accept header, with its weight in thousandths (RFC 9110 §12.4.2).
struct Range {
    name: String,
    weight: u16,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let quality = parts.find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        let weight = quality.map_or(1000, thousandths);
        Some(Self { name, weight })
    }
}

/// Parses a weight, `0.85` as 850. A malformed weight counts as the highest, because the client did name the type.
pub(super) fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    let fraction = digits.fold(0u16, |sum, digit| {
        sum * 10 + u16::from(digit.saturating_sub(b'0').min(9))
    });
    match whole.trim() {
        "0" => fraction,
        _ => 1000,
    }
}

/// Returns the weight of a type from the most specific range (RFC 9110 §12.5.1).
fn weight(ranges: &[Range], name: &str) -> u16 {
    let of = |wanted: &str| {
        let matching = ranges.iter().filter(|range| range.name == wanted);
        matching.map(|range| range.weight).max()
    };
    of(name)
        .or_else(|| of("application/*"))
        .or_else(|| of("*/*"))
        .unwrap_or(0)
}

/// A parsed `Content-Type`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ContentType {
    /// Lower case, without parameters: `application/json`.
    pub(super) essence: String,
    charset: Option<String>,
}

impl ContentType {
    /// Returns the content type of the body; `None` if the header is missing, repeated or unreadable.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
        let (line, None) = (lines.next()?, lines.next()) else {
            return None;
        };
        let mut parts = line.to_str().ok()?.split(';').map(str::trim);
        let essence = parts.next()?.to_ascii_lowercase();
        let charset = parts.find_map(|part| {
            let (key, value) = part.split_once('=')?;
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            key.trim().eq_ignore_ascii_case("charset").then_some(value)
        });
        Some(Self { essence, charset })
    }

    /// Whether it is `application/json`.
    pub(super) fn is_json(&self) -> bool {
        self.essence == "application/json"
    }

    /// Whether the body is UTF-8, which is the default without a charset.
    pub(super) fn is_utf8(&self) -> bool {
        (self.charset.as_deref()).is_none_or(|charset| matches!(charset, "utf-8" | "utf8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("a header"));
        Media::negotiate(&headers).ok()
    }

    #[test]
    fn the_accept_header_decides() {
        let (json, graphql) = (Some(Media::Json), Some(Media::Answer));
        for (accept, expected) in [
            ("application/json", json),
            ("application/graphql-response+json", graphql),
            ("*/*", json),
            ("application/*", json),
            (
                "application/graphql-response+json, application/json;q=0.9",
                graphql,
            ),
            ("application/json, application/graphql-response+json", graphql),
            ("application/json, application/graphql-response+json;q=0.8", json),
            ("application/graphql-response+json;q=0, */*", json),
            ("APPLICATION/JSON ; Q=0.5", json),
            ("multipart/mixed, application/json", json),
            ("text/html", None),
            ("application/json;q=0", None),
            ("text/html, */*;q=0.1", json),
        ] {
            assert_eq!(negotiated(accept), expected, "{accept}");
        }
        assert_eq!(Media::negotiate(&HeaderMap::new()).ok(), json);
    }

    #[test]
    fn a_content_type_is_read_with_its_charset() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().expect("a header"));
            ContentType::of(&headers).expect("readable")
        };
        assert_eq!(read("Application/JSON").essence, "application/json");
        assert!(read("application/json").is_utf8());
        assert!(read("application/json; charset=\"UTF-8\"").is_utf8());
        assert!(!read("application/json; charset=latin1").is_utf8());
    }
}
