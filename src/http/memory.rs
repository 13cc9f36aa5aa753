//! Memory for requests while they are received: limited in total and for each client, and separate for requests without
//! a valid credential, so that those cannot use up the memory of others.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;

use super::address_block::block;
use super::fault::Fault;
use crate::platform::shares::{Full, Share, Shares};

const MIB: usize = 1024 * 1024;
/// Limit for all requests without a valid credential, in bytes: heads and bodies.
const STRANGERS: usize = 64 * MIB;
/// Limit of that for one address.
const STRANGER: usize = 16 * MIB;
/// Limit for all requests with a valid credential, in bytes, or enough for two of the largest bodies if that is more;
/// one address may use half of it.
const KNOWN: usize = 256 * MIB;
/// Memory of a request besides its body, in bytes: its parsed headers.
const HEAD: usize = 16 * 1024;
/// Bytes of memory for each byte of a body: the body itself, the strings copied from it, the values built from those.
const COPIES: usize = 4;

/// Returns the memory for a body of this length, in bytes.
fn copies(body: usize) -> usize {
    body.saturating_mul(COPIES)
}

/// Returns the length of a head in bytes, with an overhead for each header.
fn length(parts: &Parts) -> usize {
    let headers = parts.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len() + 64)
        .sum();
    headers + parts.uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// The available memory.
pub(super) struct Memory {
    strangers: Arc<Shares<IpAddr>>,
    known: Arc<Shares<IpAddr>>,
}

impl Memory {
    /// Creates the limits. At least two bodies of the largest size fit, one of them from one address.
    pub(super) fn new(max_body: u64) -> Self {
        let largest = usize::try_from(max_body).unwrap_or(usize::MAX);
        let known = KNOWN.max(copies(largest).saturating_add(HEAD).saturating_mul(2));
        Self {
            strangers: Shares::new(STRANGERS, STRANGER),
            known: Shares::new(known, known / 2),
        }
    }

    /// Reserves memory for a request without a valid credential: its head.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn of_stranger(&self, address: Option<IpAddr>, parts: &Parts) -> Result<ReservedMemory, Full> {
        let mut held = ReservedMemory::nothing(&self.strangers, address);
        held.head = HEAD.max(length(parts));
        held.hold(0)?;
        Ok(held)
    }

    /// Makes an empty reservation for a head of which only a part has arrived.
    pub(super) fn of_head(&self, address: Option<IpAddr>) -> ReservedMemory {
        ReservedMemory::nothing(&self.strangers, address)
    }

    /// Makes an empty reservation for a request with a valid credential; most bodies arrive at once and need none.
    pub(super) fn of_known(&self, address: Option<IpAddr>) -> ReservedMemory {
        ReservedMemory::nothing(&self.known, address)
    }
}

/// The memory that one request reserves, until it is dropped.
pub(super) struct ReservedMemory {
    shares: Arc<Shares<IpAddr>>,
    address: Option<IpAddr>,
    /// Memory of the request's head, in bytes.
    head: usize,
    share: Option<Share<IpAddr>>,
}

impl ReservedMemory {
    fn nothing(shares: &Arc<Shares<IpAddr>>, address: Option<IpAddr>) -> Self {
        Self {
            shares: Arc::clone(shares),
            address: address.map(block),
            head: HEAD,
            share: None,
        }
    }

    /// Reserves the memory for a head, and for a body of at least this many bytes.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn hold(&mut self, body: usize) -> Result<(), Full> {
        self.hold_bytes(self.head.saturating_add(copies(body)))
    }

    /// Reserves at least this many bytes.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn hold_bytes(&mut self, bytes: usize) -> Result<(), Full> {
        match &mut self.share {
            Some(share) => share.grow_to(bytes),
            None => {
                self.share = Some(self.shares.take(self.address, bytes)?);
                Ok(())
            }
        }
    }

    /// Releases the reservation.
    pub(super) fn release(&mut self) {
        self.share = None;
    }
}

/// 503: the memory for requests being received is used up.
pub(super) fn exhausted(_full: Full) -> Fault {
    Fault::unavailable("Too many requests are being received at the moment; please try again shortly.")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    // DEF-01
    #[test]
    fn no_network_takes_the_memory_of_others_and_all_together_have_their_bound() {
        let memory = Memory::new(1024);
        let (parts, ()) = Request::new(()).into_parts();
        let fill = |last: u8| {
            let address = IpAddr::from([192, 0, 2, last]);
            let mut held = Vec::new();
            while let Ok(mut one) = memory.of_stranger(Some(address), &parts) {
                if one.hold(256 * 1024).is_err() {
                    break;
                }
                held.push(one);
            }
            held
        };
        let held: Vec<Vec<ReservedMemory>> = (1..4).map(fill).collect();
        assert!(held.iter().all(|of_one| (10..20).contains(&of_one.len())));
        let others = memory.of_stranger(Some(IpAddr::from([192, 0, 2, 4])), &parts);
        assert!(others.is_ok(), "others have memory");
        let more: Vec<Vec<ReservedMemory>> = (4..7).map(fill).collect();
        let one_more = memory.of_stranger(None, &parts);
        let one_more = one_more.and_then(|mut one| one.hold(1024 * 1024));
        assert!(one_more.is_err(), "all is held");
        drop((held, more, others));
        let all = memory.strangers.take(None, STRANGERS);
        assert!(all.is_ok(), "all is released");
    }
}
