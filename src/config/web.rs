//! Settings about the web: the public URL, origins, proxies, content types, the collector of traces.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use super::parse::{self, Parsed};

/// Where clients reach the gateway. Issuer of tokens, so it is compared and printed exactly as it was
/// written: an `http` or `https` URL that ends without a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The URL of a gateway that is reached at its own listen address, with the port in use.
    #[must_use]
    pub fn of_listener(bound: SocketAddr) -> Self {
        Self(format!("http://{bound}"))
    }

    /// The URL itself, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(text: &str) -> Parsed<Self> {
        http_url(text)?;
        if text.ends_with('/') {
            return Err("ends with a slash".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which origins' pages may call the API (the Fetch standard's CORS protocol). Never with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Every origin: `*`.
    Any,
    /// These, each as a browser sends it in `Origin`: scheme, host, and the port unless it is the scheme's
    /// own.
    Listed(Vec<String>),
}

impl CorsOrigins {
    pub(super) fn parse(text: &str) -> Parsed<Self> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        parse::list(text, |entry| {
            if entry == "*" {
                return Err("is *, which must be the only entry".to_owned());
            }
            let url = http_url(entry)?;
            // The parser writes a missing path as `/`, so the text itself tells whether one was sent.
            if url.path() != "/" || entry.ends_with('/') {
                return Err("has a path or a trailing slash".to_owned());
            }
            Ok(url.origin().ascii_serialization())
        })
        .map(Self::Listed)
    }
}

/// The header in which a trusted proxy names the client's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressHeader {
    /// `X-Forwarded-For`: addresses with commas between them, each added by the proxy before.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// A header that holds one address and that the proxy overwrites, by its name in lower case.
    Single(String),
}

impl AddressHeader {
    /// Headers that never hold the client's address, or that clients set as they like beside it.
    const NEVER: &[&str] = &[
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "origin",
        "referer",
        "storefront-buyer-ip",
        "transfer-encoding",
        "user-agent",
        "via",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-request-id",
    ];

    pub(super) fn parse(text: &str) -> Parsed<Self> {
        let name = text.to_ascii_lowercase();
        match name.as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ if !is_token(&name) => Err("is not a valid header name".to_owned()),
            _ if Self::NEVER.contains(&name.as_str()) => {
                Err("is a header that does not contain the client's address".to_owned())
            }
            _ => Ok(Self::Single(name)),
        }
    }
}

/// A content type, or all of one kind as in `image/*` (RFC 9110 §12.5.1), without parameters and in lower
/// case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRange {
    kind: String,
    /// `None` stands for `*`.
    subtype: Option<String>,
}

impl MediaRange {
    /// Whether a content type lies in the range, whatever its case and parameters.
    #[must_use]
    pub fn matches(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.split_once('/').is_some_and(|(kind, subtype)| {
            kind.eq_ignore_ascii_case(&self.kind)
                && !subtype.is_empty()
                && self
                    .subtype
                    .as_deref()
                    .is_none_or(|own| subtype.eq_ignore_ascii_case(own))
        })
    }

    pub(super) fn parse(text: &str) -> Parsed<Self> {
        let (kind, subtype) = match text.split_once('/') {
            Some(("*", _)) => return Err("has * before the slash".to_owned()),
            Some((kind, "*")) if is_token(kind) => (kind, None),
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) && !subtype.contains('*') => {
                (kind, Some(subtype.to_ascii_lowercase()))
            }
            _ => return Err("is not a content type".to_owned()),
        };
        Ok(Self {
            kind: kind.to_ascii_lowercase(),
            subtype,
        })
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype.as_deref().unwrap_or("*"))
    }
}

/// Returns whether a text is a `token` (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_token)
}

/// An IP address with a port.
pub(super) fn socket_address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_cause| {
        let fault = if text.parse::<IpAddr>().is_ok() {
            "has no port"
        } else if text.starts_with("localhost") {
            "has a host name instead of an IP address (127.0.0.1 is this machine)"
        } else {
            "is not an IP address with a port"
        };
        fault.to_owned()
    })
}

/// Networks; a single address is a network of one.
pub(super) fn networks(text: &str) -> Parsed<Vec<IpNet>> {
    parse::list(text, |entry| {
        entry
            .parse::<IpNet>()
            .map(|network| network.trunc())
            .or_else(|_cause| entry.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_cause| "is neither an IP address nor a network".to_owned())
    })
}

/// The address that traces are sent to over HTTP: the collector's base address and `/v1/traces`, as the OTLP
/// specification makes it ("Endpoint URLs for OTLP/HTTP"). One that has the path already is left alone.
pub(super) fn traces_url(text: &str) -> Parsed<Url> {
    const PATH: &str = "/v1/traces";
    let mut url = http_url(text)?;
    let base = url.path().trim_end_matches('/').to_owned();
    if !base.ends_with(PATH) {
        url.set_path(&format!("{base}{PATH}"));
    }
    Ok(url)
}

/// An `http` or `https` URL of scheme, host, port and path only.
fn http_url(text: &str) -> Parsed<Url> {
    let url = Url::parse(text).map_err(|_cause| "is not a URL".to_owned())?;
    let fault = if !matches!(url.scheme(), "http" | "https") {
        "is not an http or https URL"
    } else if text.trim() != text || !text.contains("://") {
        // The parser mends `http:host` and blanks around it; what is compared as text must need no mending.
        "is not a URL"
    } else if !url.username().is_empty() || url.password().is_some() {
        "has a user name or password"
    } else if url.query().is_some() {
        "has a query"
    } else if url.fragment().is_some() {
        "has a fragment"
    } else {
        return Ok(url);
    };
    Err(fault.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault<T: fmt::Debug>(result: Parsed<T>) -> String {
        result.unwrap_err()
    }

    #[test]
    fn public_urls_stay_as_written() {
        for text in [
            "https://shop.example",
            "https://shop.example/api",
            "http://[::1]:80",
        ] {
            assert_eq!(PublicUrl::parse(text), Ok(PublicUrl(text.to_owned())));
        }
        assert_eq!(
            PublicUrl::of_listener("[::1]:41233".parse().unwrap()).as_str(),
            "http://[::1]:41233"
        );
    }

    #[test]
    fn wrong_public_urls_are_refused() {
        for (text, why) in [
            ("https://shop.example/", "ends with a slash"),
            ("https://shop.example/?a=b", "has a query"),
            ("https://shop.example#a", "has a fragment"),
            ("https://ann:secret@shop.example", "has a user name or password"),
            ("https://ann@shop.example", "has a user name or password"),
            ("ftp://shop.example", "is not an http or https URL"),
            ("shop.example", "is not a URL"),
            ("https:shop.example", "is not a URL"),
            (" https://shop.example", "is not a URL"),
            ("https://", "is not a URL"),
        ] {
            assert_eq!(fault(PublicUrl::parse(text)), why, "{text:?}");
        }
    }

    #[test]
    fn origins_are_kept_as_browsers_send_them() {
        assert_eq!(CorsOrigins::parse("*"), Ok(CorsOrigins::Any));
        assert_eq!(
            CorsOrigins::parse("https://Shop.example:443, http://localhost:3000"),
            Ok(CorsOrigins::Listed(vec![
                "https://shop.example".to_owned(),
                "http://localhost:3000".to_owned()
            ]))
        );
        for (text, why) in [
            (
                "https://a.example,*",
                "entry 2 is *, which must be the only entry",
            ),
            ("https://a.example/", "entry 1 has a path or a trailing slash"),
            ("https://a.example/shop", "entry 1 has a path or a trailing slash"),
            ("null", "entry 1 is not a URL"),
            ("https://a.example,", "entry 2 is empty"),
        ] {
            let expected = format!("is not valid: {why}");
            assert_eq!(fault(CorsOrigins::parse(text)), expected, "{text:?}");
        }
    }

    // TOK-03
    #[test]
    fn a_header_that_names_the_client_is_known_by_its_name() {
        let single = AddressHeader::Single("cf-connecting-ip".to_owned());
        for (text, header) in [
            ("X-Forwarded-For", AddressHeader::XForwardedFor),
            ("forwarded", AddressHeader::Forwarded),
            ("CF-Connecting-IP", single),
        ] {
            assert_eq!(AddressHeader::parse(text), Ok(header), "{text}");
        }
        for text in ["", "x ip", "x-ip:", "a,b", "x-ip\n", "Host", "Via"] {
            assert!(AddressHeader::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn media_ranges_match_their_types() {
        let images = MediaRange::parse("IMAGE/*").unwrap();
        assert_eq!(images.to_string(), "image/*");
        assert!(images.matches("image/png") && images.matches("Image/SVG+xml; charset=utf-8"));
        assert!(!images.matches("imagery/png") && !images.matches("image/") && !images.matches("image"));
        let pdf = MediaRange::parse("application/pdf").unwrap();
        assert!(pdf.matches("application/PDF") && !pdf.matches("application/pdfx"));
        for text in [
            "*/*",
            "*",
            "image",
            "image/",
            "/png",
            "a/p ng",
            "image/*g",
            "a/b;q=1",
            "im*/png/x",
        ] {
            assert!(MediaRange::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn socket_addresses() {
        for text in ["127.0.0.1:0", "[::1]:8080"] {
            assert_eq!(
                socket_address(text).map(|address| address.to_string()),
                Ok(text.to_owned())
            );
        }
        for (text, why) in [
            ("127.0.0.1", "has no port"),
            ("::1", "has no port"),
            (
                "localhost:8080",
                "has a host name instead of an IP address (127.0.0.1 is this machine)",
            ),
            ("", "is not an IP address with a port"),
            (":8080", "is not an IP address with a port"),
            ("8080", "is not an IP address with a port"),
            ("127.0.0.1:65536", "is not an IP address with a port"),
            ("http://127.0.0.1:80", "is not an IP address with a port"),
        ] {
            assert_eq!(fault(socket_address(text)), why, "{text:?}");
        }
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let read = networks("10.1.2.3/8, 192.0.2.1,fd00::/8,::1").unwrap();
        let texts: Vec<String> = read.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "::1/128"]);
        for text in ["10.0.0.0/33", "proxy.example", "*", "10.0.0"] {
            assert!(networks(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn traces_go_below_the_base_address() {
        for (text, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://otlp.example/a", "https://otlp.example/a/v1/traces"),
            ("https://otlp.example/v1/traces", "https://otlp.example/v1/traces"),
        ] {
            assert_eq!(traces_url(text).map(String::from), Ok(url.to_owned()));
        }
        for (text, why) in [
            ("https://ann:secret@otlp.example", "has a user name or password"),
            ("grpc://otlp.example", "is not an http or https URL"),
        ] {
            assert_eq!(fault(traces_url(text)), why);
        }
    }
}
