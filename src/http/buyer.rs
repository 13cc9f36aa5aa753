//! `Storefront-Buyer-IP`: the address of the shopper for whom a backend sends the request. Limits count it like a
//! browser's.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};

use super::fault::Fault;
use super::headers::single;
use crate::reach::principal::{CredentialKind, Principal};

const HEADER: HeaderName = HeaderName::from_static("storefront-buyer-ip");

/// Returns the address that a backend sends for its shopper. From any other caller the header is ignored: it would be
/// an unverified claim of the client.
///
/// # Errors
/// 400 if a backend's header is not a single IP address.
pub(super) fn named(headers: &HeaderMap, principal: &Principal) -> Result<Option<IpAddr>, Fault> {
    let is_backend =
        (principal.standing()).is_some_and(|identity| identity.kind() == CredentialKind::Integration);
    if is_backend { address(headers) } else { Ok(None) }
}

fn address(headers: &HeaderMap) -> Result<Option<IpAddr>, Fault> {
    if !headers.contains_key(HEADER) {
        return Ok(None);
    }
    let address =
        single(headers, HEADER).and_then(|value| value.to_str().ok()?.trim().parse::<IpAddr>().ok());
    let address = address.ok_or_else(|| {
        Fault::bad_request(
            "The header \"Storefront-Buyer-IP\" must be the shopper's IP address alone, such as 203.0.113.9 or \
             2001:db8::1, and be sent once. Leave it out where the address is not known.",
        )
    })?;
    Ok(Some(address.to_canonical()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<String>, String> {
        let value = |value: &&[u8]| HeaderValue::from_bytes(value).expect("a value");
        let lines = values.iter().map(|bytes| (HEADER, value(bytes)));
        let address = address(&lines.collect()).map_err(|fault| fault.message.into_owned())?;
        Ok(address.map(|address| address.to_string()))
    }

    // TOK-03
    #[test]
    fn tok_03_a_shoppers_address_is_one_ip_address() {
        for (value, address) in [
            ("203.0.113.9", "203.0.113.9"),
            (" 203.0.113.9 ", "203.0.113.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(read(&[value.as_bytes()]), Ok(Some(address.to_owned())), "{value}");
        }
        assert_eq!(read(&[]), Ok(None));
    }

    // TOK-03
    #[test]
    fn tok_03_anything_else_is_refused_and_the_header_named() {
        let long = "1".repeat(10_000);
        for value in [
            "",
            "shopper",
            "203.0.113.9, 203.0.113.10",
            "203.0.113.9:80",
            "[2001:db8::1]",
            "2001:db8::1%eth0",
            "203.0.113.0/24",
            "203.0.113.999",
            long.as_str(),
        ] {
            let refused = read(&[value.as_bytes()]).expect_err(value);
            assert!(refused.contains("\"Storefront-Buyer-IP\""), "{refused}");
            assert!(value.is_empty() || !refused.contains(&long), "{refused}");
        }
        assert!(read(&[b"\xff\xfe"]).is_err());
        assert!(read(&[b"203.0.113.9", b"203.0.113.9"]).is_err());
    }
}
