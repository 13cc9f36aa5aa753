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
