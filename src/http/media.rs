//! Media types of GraphQL responses and of request bodies.

use axum::http::{HeaderMap, HeaderValue, header};

use super::headers::{Weighted, elements, parameter, single};

/// The media types of a response of /graphql (GraphQL over HTTP, "Media Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: a well-formed request gets 200, whatever the result of GraphQL.
    Json,
    /// `application/graphql-response+json`: the status depends on whether there is data.
    Answer,
}

/// The name of [`Media::Answer`].
const ANSWER: &str = "application/graphql-response+json";

impl Media {
    /// Returns the value of Content-Type.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Answer => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// Returns the media type that the Accept header prefers, `application/json` if it has no preference; `None` if it
    /// accepts neither.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        // Most clients send one of these, which need no parsing.
        if single(headers, header::ACCEPT).is_some_and(|only| only == "*/*" || only == "application/json") {
            return Some(Self::Json);
        }
        let ranges = elements(headers, header::ACCEPT).map(Weighted::parse);
        let ranges: Vec<Weighted<'_>> = ranges.filter(|range| !range.name.is_empty()).collect();
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let json = weight(&ranges, "application/json");
        let graphql = weight(&ranges, ANSWER);
        let is_named = ranges.iter().any(|range| range.is(ANSWER));
        if graphql > json || (is_named && graphql == json && graphql > 0) {
            Some(Self::Answer)
        } else {
            (json > 0).then_some(Self::Json)
        }
    }
}

/// Returns the weight of a type from the most specific range (RFC 9110 §12.5.1).
fn weight(ranges: &[Weighted<'_>], name: &str) -> u16 {
    let of = |wanted: &str| {
        let matching = ranges.iter().filter(|range| range.is(wanted));
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
        let line = single(headers, header::CONTENT_TYPE)?;
        let mut parts = line.to_str().ok()?.split(';');
        Some(Self {
            essence: parts.next()?.trim().to_ascii_lowercase(),
            charset: parameter(parts, "charset").map(|value| value.trim_matches('"').to_ascii_lowercase()),
        })
    }

    /// Whether the body is of this type in UTF-8, which is the default without a charset.
    pub(super) fn is_utf8_of(&self, essence: &str) -> bool {
        let charset = self.charset.as_deref();
        self.essence == essence && charset.is_none_or(|charset| matches!(charset, "utf-8" | "utf8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Option<Media> {
        let accept = accept.parse().expect("a header");
        Media::negotiate(&HeaderMap::from_iter([(header::ACCEPT, accept)]))
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
        assert_eq!(Media::negotiate(&HeaderMap::new()), json);
    }

    #[test]
    fn a_content_type_is_read_with_its_charset() {
        let read = |text: &str| {
            let text = text.parse().expect("a header");
            ContentType::of(&HeaderMap::from_iter([(header::CONTENT_TYPE, text)])).expect("readable")
        };
        assert_eq!(read("Application/JSON").essence, "application/json");
        assert!(read("application/json").is_utf8_of("application/json"));
        assert!(read("application/json; charset=\"UTF-8\"").is_utf8_of("application/json"));
        assert!(!read("application/json; charset=latin1").is_utf8_of("application/json"));
    }
}
