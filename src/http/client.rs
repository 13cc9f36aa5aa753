//! The client: its User-Agent, and its address, which is that of the connection, or the one that a trusted proxy sends
//! in the header that the operator has configured.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use ipnet::IpNet;

use super::connection::Peer;
use super::headers::single;
use crate::config::{AddressHeader, HttpConfig};
use crate::context::RequestContext;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Maximum length of a User-Agent that is stored for the list of sessions, in bytes.
const LONGEST_AGENT: usize = 512;

/// Sets the client in the request context.
pub(super) fn introduce(context: &mut RequestContext, parts: &Parts) {
    context.user_agent = (parts.headers.get(header::USER_AGENT))
        .filter(|value| value.len() <= LONGEST_AGENT)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    context.client = of_request(&context.app.config.http, parts);
}

/// Returns the address of the client that sent a request; `None` if no connection is known.
pub(super) fn of_request(config: &HttpConfig, parts: &Parts) -> Option<IpAddr> {
    let Peer { address: peer, .. } = parts.extensions.get::<Peer>()?;
    let (header, trusted) = (&config.client_address_header, &config.trusted_proxies);
    Some(address(peer.ip(), &parts.headers, header, trusted))
}

/// Whether this is the address of a trusted proxy.
pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// Returns the address of the client. Each proxy appends an address to the chain, which is read from the last address
/// to the first. The first that is not a trusted proxy's is the client's; the addresses before it are unverified claims
/// of the client.
fn address(peer: IpAddr, headers: &HeaderMap, header: &AddressHeader, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let lines = |name| headers.get_all(name).iter().rev().map(text);
    match header {
        AddressHeader::Single(name) => {
            let line = single(headers, name.as_str());
            line.and_then(|line| node(text(line).trim())).unwrap_or(peer)
        }
        AddressHeader::XForwardedFor => {
            let hops = lines(&X_FORWARDED_FOR).flat_map(|line| line.rsplit(','));
            last_untrusted(peer, hops.map(|hop| node(hop.trim())), trusted)
        }
        AddressHeader::Forwarded => {
            // A quoted string may contain a comma, so a line is parsed from its start.
            let hops = lines(&header::FORWARDED).flat_map(|line| {
                let elements: Vec<&str> = elements(line).collect();
                elements.into_iter().rev()
            });
            last_untrusted(peer, hops.map(forwarded_for), trusted)
        }
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Returns the first address, from the last proxy on, that is not a trusted proxy's. An unreadable entry (`None`) ends
/// the chain: the entries before it are not trustworthy.
fn last_untrusted(peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops.map_while(std::convert::identity) {
        client = hop;
        if !is_trusted(hop, trusted) {
            break;
        }
    }
    client
}

/// Splits a Forwarded header into its elements; a comma within quotes is not a separator.
fn elements(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
}

/// Returns the `for` parameter of an element.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches('"');
        key.trim().eq_ignore_ascii_case("for").then(|| node(value))?
    })
}

/// Returns a node's address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let address = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    address.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINGLE: &str = "cf-connecting-ip";

    /// Returns the client's address for a gateway that is configured for this header.
    fn client(believed: &str, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let lines = lines.iter();
        let headers: HeaderMap = lines
            .map(|&(name, value)| (HeaderName::from_static(name), value.parse().expect("a header")))
            .collect();
        let header = match believed {
            "x-forwarded-for" => AddressHeader::XForwardedFor,
            "forwarded" => AddressHeader::Forwarded,
            single => AddressHeader::Single(single.to_owned()),
        };
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().expect("a network"));
        address(peer.parse().expect("an address"), &headers, &header, &trusted).to_string()
    }

    // TOK-03
    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let line = [("x-forwarded-for", "1.2.3.4")];
        for (peer, expected) in [
            ("192.0.2.9", "192.0.2.9"),
            ("10.0.0.1", "1.2.3.4"),
            ("::ffff:10.0.0.1", "1.2.3.4"),
        ] {
            assert_eq!(client("x-forwarded-for", peer, &line), expected, "{peer}");
        }
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &[]), "10.0.0.1");
    }

    // TOK-03
    #[test]
    fn only_the_header_that_the_operator_names_is_believed() {
        let all = [
            ("forwarded", "for=1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            (SINGLE, "3.3.3.3"),
            ("x-real-ip", "4.4.4.4"),
        ];
        for (header, expected) in [
            ("forwarded", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            (SINGLE, "3.3.3.3"),
            ("x-real-ip", "4.4.4.4"),
            ("true-client-ip", "10.0.0.1"),
        ] {
            assert_eq!(client(header, "10.0.0.1", &all), expected, "{header}");
        }
    }

    // TOK-03
    #[test]
    fn a_header_of_one_address_holds_one() {
        for (lines, expected) in [
            (vec!["2001:db9::7"], "2001:db9::7"),
            (vec![" 1.2.3.4 "], "1.2.3.4"),
            (vec!["1.2.3.4, 5.6.7.8"], "10.0.0.1"),
            (vec!["1.2.3.4", "5.6.7.8"], "10.0.0.1"),
            (vec!["somebody"], "10.0.0.1"),
            (vec![""], "10.0.0.1"),
        ] {
            let lines: Vec<_> = lines.into_iter().map(|line| (SINGLE, line)).collect();
            assert_eq!(client(SINGLE, "10.0.0.1", &lines), expected, "{lines:?}");
        }
    }

    // TOK-03
    #[test]
    fn what_the_client_claims_before_the_chain_is_ignored() {
        let chain = [
            ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
            ("x-forwarded-for", "10.0.0.2"),
        ];
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &chain), "1.2.3.4");
        let forwarded = [(
            "forwarded",
            "for=6.6.6.6, for=\"[2001:db9::7]:4711\";proto=https, for=10.0.0.2:80",
        )];
        assert_eq!(client("forwarded", "10.0.0.1", &forwarded), "2001:db9::7");
    }

    // TOK-03
    #[test]
    fn an_unreadable_hop_ends_the_chain() {
        for (line, expected) in [
            ("for=1.2.3.4, for=_hidden, for=10.0.0.2", "10.0.0.2"),
            ("for=unknown", "10.0.0.1"),
            ("for=\"_a,b\"", "10.0.0.1"),
        ] {
            let found = client("forwarded", "10.0.0.1", &[("forwarded", line)]);
            assert_eq!(found, expected, "{line}");
        }
    }
}
