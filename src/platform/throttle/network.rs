//! Maps addresses to the clients that they stand for.

use std::net::{IpAddr, Ipv6Addr};

/// The part of an IPv6 address that identifies a network, whose holder has all 2⁶⁴ addresses in it (RFC 4291 §2.5.4,
/// RFC 6177).
const NETWORK: u128 = !0 << 64;

/// The part of an IPv6 address that identifies a site, which may have all 65,536 networks in it (RFC 6177 §2).
const SITE: u128 = !0 << 80;

/// Returns the client's part of a limit's key: its IPv4 address, or the /64 network of its IPv6 address, because a
/// client can use another address of its network for every attempt.
#[must_use]
pub fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
    }
}

/// Returns the /48 of an IPv6 address; `None` for an IPv4 address.
///
/// A client that has a whole /48 can use another /64 for every attempt.
#[must_use]
pub fn site_of(address: IpAddr) -> Option<String> {
    match address.to_canonical() {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(format!("{}/48", Ipv6Addr::from_bits(address.to_bits() & SITE))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // TOK-03
    #[test]
    fn an_ipv4_address_identifies_itself_and_an_ipv6_address_its_network() {
        for (address, network) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(network_of(address.parse().expect("an address")), network);
        }
    }

    // TOK-03
    #[test]
    fn an_ipv6_address_is_of_a_site() {
        for (address, site) in [
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1::/48")),
            ("2001:db8:1:ffff::1", Some("2001:db8:1::/48")),
            ("2001:db8:2::1", Some("2001:db8:2::/48")),
            ("192.0.2.1", None),
            ("::ffff:192.0.2.1", None),
        ] {
            assert_eq!(site_of(address.parse().expect("an address")).as_deref(), site);
        }
    }
}
