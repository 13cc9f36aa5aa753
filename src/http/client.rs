//! The client: what it calls itself, and its address, which is the connection's, or what a trusted proxy says of it
//! (RFC 7239, and X-Forwarded-For).

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header, request::Parts};
use ipnet::IpNet;

use super::server::Peer;
use crate::app::App;
use crate::context::RequestContext;
use crate::platform::throttle::network_of;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Tells the resolvers which client a request comes from.
pub(super) fn introduce(context: &mut RequestContext, parts: &Parts) {
    context.user_agent = (parts.headers.get(header::USER_AGENT))
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let trusted = &context.app.config.http.trusted_proxies;
    let peer = parts.extensions.get::<Peer>();
    context.client = peer.map(|Peer(peer)| address(peer.ip(), &parts.headers, trusted));
}

/// What stands for the client in a limit: its address, or the network of that.
pub(super) fn network(app: &App, parts: &Parts) -> String {
    let trusted = &app.config.http.trusted_proxies;
    let peer = parts.extensions.get::<Peer>();
    peer.map_or_else(String::new, |Peer(peer)| {
        network_of(address(peer.ip(), &parts.headers, trusted))
    })
}

/// The address of the client. Addresses are read from the last to the first, each added by the proxy before; the first
/// that is no trusted proxy's is the client's, because whatever stands before it is the client's own claim.
fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let mut client = peer;
    for hop in hops(headers).into_iter().rev() {
        // What cannot be read ends the chain: nothing before it was vouched for.
        let Some(hop) = hop else { break };
        client = hop;
        if !is_trusted(&hop) {
            break;
        }
    }
    client
}

/// The addresses of the chain, in the order of the headers. `None`: one that is hidden or unreadable.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = |name| {
        headers
            .get_all(name)
            .iter()
            .map(|line| line.to_str().unwrap_or_default())
    };
    if headers.contains_key(header::FORWARDED) {
        return lines(header::FORWARDED)
            .flat_map(elements)
            .map(forwarded_for)
            .collect();
    }
    lines(X_FORWARDED_FOR)
        .flat_map(|line| line.split(','))
        .map(|hop| node(hop.trim()))
        .collect()
}

/// The elements of a Forwarded header; a comma within quotes does not part them.
fn elements(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
}

/// The `for` parameter of one element.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches('"');
        key.trim().eq_ignore_ascii_case("for").then(|| node(value))?
    })
}

/// A node's address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
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

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a header"));
        }
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().expect("a network"));
        address(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    // TOK-03
    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(
            client("192.0.2.9", &[("x-forwarded-for", "1.2.3.4")]),
            "192.0.2.9"
        );
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "1.2.3.4")]), "1.2.3.4");
        assert_eq!(
            client("::ffff:10.0.0.1", &[("x-forwarded-for", "1.2.3.4")]),
            "1.2.3.4"
        );
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    // TOK-03
    #[test]
    fn what_the_client_claims_before_the_chain_is_ignored() {
        let chain = [
            ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
            ("x-forwarded-for", "10.0.0.2"),
        ];
        assert_eq!(client("10.0.0.1", &chain), "1.2.3.4");
        let forwarded = [(
            "forwarded",
            "for=6.6.6.6, for=\"[2001:db9::7]:4711\";proto=https, for=10.0.0.2:80",
        )];
        assert_eq!(client("10.0.0.1", &forwarded), "2001:db9::7");
    }

    // TOK-03
    #[test]
    fn an_unreadable_hop_ends_the_chain() {
        assert_eq!(
            client(
                "10.0.0.1",
                &[("forwarded", "for=1.2.3.4, for=_hidden, for=10.0.0.2")]
            ),
            "10.0.0.2"
        );
        assert_eq!(client("10.0.0.1", &[("forwarded", "for=unknown")]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[("forwarded", "for=\"_a,b\"")]), "10.0.0.1");
    }
}
