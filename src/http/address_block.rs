//! Blocks of client addresses.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the address block that limits count as one client: an IPv4 address, or the /64 network of an IPv6 address,
/// because a customer of a provider has at least that much.
pub(super) fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-04
    #[test]
    fn an_ipv6_client_is_its_network() {
        let block = |text: &str| block(text.parse().expect("an address")).to_string();
        assert_eq!(block("2001:db9:1:2:3:4:5:6"), "2001:db9:1:2::");
        assert_eq!(block("::ffff:1.2.3.4"), "1.2.3.4");
        assert_eq!(block("1.2.3.4"), "1.2.3.4");
    }
}
