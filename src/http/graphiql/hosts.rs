//! The hosts at which a demo's page is sent with its credentials (DEF-08).
//!
//! A browser that was directed to another name for this machine's address (DNS rebinding) runs that name's scripts,
//! which could read the page's configuration. The name is in the `Host` header, which no script can change.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, Uri, header::HOST, uri::Authority};
use url::{Host, Url};

/// Maximum length of an authority, in bytes.
const LONGEST: usize = 255;

/// The address that the gateway listens on, and its public URL.
#[derive(Clone, Debug)]
pub struct Hosts {
    listen: SocketAddr,
    public: Option<(String, u16)>,
}

impl Hosts {
    /// Creates the hosts of a gateway.
    #[must_use]
    pub fn new(listen: SocketAddr, public_url: &str) -> Self {
        let public = Url::parse(public_url).ok();
        let public = public.and_then(|url| {
            let port = url.port_or_known_default()?;
            Some((url.host_str()?.to_ascii_lowercase(), port))
        });
        Self { listen, public }
    }

    /// Whether a request names one of them, in its `Host` header or, in HTTP/2, in `:authority`.
    pub(super) fn are_asked(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(HOST).iter();
        let authority = match (uri.authority(), named.next(), named.next()) {
            (Some(authority), None, _) => Some(authority.clone()),
            (None, Some(only), None) if only.len() <= LONGEST => {
                only.to_str().ok().and_then(|only| only.parse().ok())
            }
            (Some(authority), Some(only), None) if only == authority.as_str() => Some(authority.clone()),
            _ => None,
        };
        authority.is_some_and(|authority| self.has(&authority))
    }

    fn has(&self, authority: &Authority) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        // The listener speaks HTTP without TLS; at the public URL, a proxy may terminate TLS.
        let host = authority.host().to_ascii_lowercase();
        let is_public = self.public.as_ref().is_some_and(|(public, port)| {
            *public == host && authority.port_u16().is_none_or(|own| own == *port)
        });
        is_public || (authority.port_u16().unwrap_or(80) == self.listen.port() && self.listens_at(&host))
    }

    fn listens_at(&self, host: &str) -> bool {
        let listen = self.listen.ip();
        match Host::parse(host) {
            Ok(Host::Ipv4(address)) => listen.is_unspecified() || listen == IpAddr::V4(address),
            Ok(Host::Ipv6(address)) => listen.is_unspecified() || listen == IpAddr::V6(address),
            // The addresses that `localhost` resolves to (RFC 6761 §6.3).
            Ok(Host::Domain(name)) => {
                name == "localhost"
                    && (listen.is_unspecified()
                        || listen == Ipv4Addr::LOCALHOST
                        || listen == Ipv6Addr::LOCALHOST)
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn hosts(listen: &str, public_url: &str) -> Hosts {
        Hosts::new(listen.parse().expect("an address"), public_url)
    }

    // DEF-08
    #[test]
    fn the_address_that_it_listens_on_and_the_public_url_are_its_hosts() {
        let (public, path) = ("https://shop.example", Uri::from_static("/graphiql/config.json"));
        for (listen, host, good) in [
            ("127.0.0.1:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "localhost:8080", true),
            ("127.0.0.1:8080", "LOCALHOST:8080", true),
            ("127.0.0.1:80", "127.0.0.1", true),
            ("[::1]:8080", "[::1]:8080", true),
            ("[::1]:8080", "localhost:8080", true),
            ("0.0.0.0:8080", "192.0.2.7:8080", true),
            ("127.0.0.1:8080", "shop.example", true),
            ("127.0.0.1:8080", "Shop.Example:443", true),
            ("127.0.0.1:8080", "127.0.0.1", false),
            ("127.0.0.1:8080", "127.0.0.1:8081", false),
            ("127.0.0.1:8080", "localhost", false),
            ("127.0.0.1:8080", "127.0.0.2:8080", false),
            ("127.0.0.1:8080", "[::1]:8080", false),
            ("127.0.0.5:8080", "localhost:8080", false),
            ("192.0.2.7:8080", "localhost:8080", false),
            ("0.0.0.0:8080", "rebound.example:8080", false),
            ("127.0.0.1:8080", "rebound.example:8080", false),
            ("127.0.0.1:8080", "localhost.rebound.example:8080", false),
            ("127.0.0.1:8080", "127.0.0.1.rebound.example:8080", false),
            ("127.0.0.1:8080", "shop.example:8443", false),
            ("127.0.0.1:8080", "localhost:8080@rebound.example", false),
            ("127.0.0.1:8080", "rebound.example@localhost:8080", false),
            ("127.0.0.1:8080", "localhost:8080:8080", false),
            ("127.0.0.1:8080", "localhost:", false),
            ("127.0.0.1:8080", "", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, host.parse().expect("a header"))]);
            let is_asked = hosts(listen, public).are_asked(&path, &headers);
            assert_eq!(is_asked, good, "{listen} {host}");
        }
    }

    // DEF-08
    #[test]
    fn one_host_is_named_and_no_more() {
        let hosts = hosts("127.0.0.1:8080", "http://127.0.0.1:8080");
        let good = HeaderValue::from_static("localhost:8080");
        let path = Uri::from_static("/");
        let mut headers = HeaderMap::new();
        assert!(!hosts.are_asked(&path, &headers), "none");
        assert!(hosts.are_asked(&Uri::from_static("http://localhost:8080/"), &headers));
        headers.append(HOST, good);
        assert!(hosts.are_asked(&path, &headers));
        assert!(!hosts.are_asked(&Uri::from_static("http://rebound.example/"), &headers));
        headers.append(HOST, HeaderValue::from_static("rebound.example"));
        assert!(!hosts.are_asked(&path, &headers), "two");
    }

    // DEF-01
    #[test]
    fn no_host_breaks_the_reader() {
        let hosts = hosts("127.0.0.1:8080", "http://127.0.0.1:8080");
        crate::fuzz::each(17, &[b"localhost:8080", b"[::1]:8080"], |host| {
            if let Ok(value) = HeaderValue::from_bytes(host) {
                let headers = HeaderMap::from_iter([(HOST, value)]);
                let _whichever = hosts.are_asked(&Uri::from_static("/"), &headers);
            }
        });
    }
}
