//! Memory for requests that are still being received: bounded in all and for each client, and apart for those without a
//! valid credential, so that strangers take none of the others'.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;

use super::client::block;
use super::fault::Fault;
use crate::platform::shares::{Full, Share, Shares};

const MIB: usize = 1024 * 1024;
/// All requests without a valid credential together, in bytes: heads and bodies.
const STRANGERS: usize = 64 * MIB;
/// Most of it for one address.
const STRANGER: usize = 16 * MIB;
/// All requests with a valid credential together, in bytes, or two with the largest body; half of it for one address.
const KNOWN: usize = 256 * MIB;
/// What is kept of a request beside its body, in bytes: its headers, parsed.
const HEAD: usize = 16 * 1024;
/// Bytes that each byte of a body takes: itself, the texts that are copied from it, the values made of those.
const COPIES: usize = 4;

/// Bytes for a body of so many.
fn copies(body: usize) -> usize {
    body.saturating_mul(COPIES)
}

/// Bytes of a head, with what each header takes beside its texts.
fn length(parts: &Parts) -> usize {
    let headers = parts.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len() + 64)
        .sum();
    headers + parts.uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// What there is.
pub(super) struct Memory {
    strangers: Arc<Shares<IpAddr>>,
    known: Arc<Shares<IpAddr>>,
}

impl Memory {
    /// With room for two bodies of the largest size at least, one of them from one address.
    pub(super) fn new(max_body: u64) -> Self {
        let largest = usize::try_from(max_body).unwrap_or(usize::MAX);
        let known = KNOWN.max(copies(largest).saturating_add(HEAD).saturating_mul(2));
        Self {
            strangers: Shares::new(STRANGERS, STRANGER),
            known: Shares::new(known, known / 2),
        }
    }

    /// What a request without a valid credential holds: its head.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn of_stranger(&self, address: Option<IpAddr>, parts: &Parts) -> Result<Held, Full> {
        let mut held = Held::nothing(&self.strangers, address);
        held.head = HEAD.max(length(parts));
        held.hold(0)?;
        Ok(held)
    }

    /// What a head of which only a part has come holds: nothing yet.
    pub(super) fn of_head(&self, address: Option<IpAddr>) -> Held {
        Held::nothing(&self.strangers, address)
    }

    /// What a request with a valid credential holds: nothing yet, because most come at once.
    pub(super) fn of_known(&self, address: Option<IpAddr>) -> Held {
        Held::nothing(&self.known, address)
    }
}

/// What one request holds, until it is dropped.
pub(super) struct Held {
    shares: Arc<Shares<IpAddr>>,
    address: Option<IpAddr>,
    /// Bytes of the request's head, in memory.
    head: usize,
    share: Option<Share<IpAddr>>,
}

impl Held {
    fn nothing(shares: &Arc<Shares<IpAddr>>, address: Option<IpAddr>) -> Self {
        Self {
            shares: Arc::clone(shares),
            address: address.map(block),
            head: HEAD,
            share: None,
        }
    }

    /// Holds the memory for a head, and for a body of at least so many bytes.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn hold(&mut self, body: usize) -> Result<(), Full> {
        self.hold_bytes(self.head.saturating_add(copies(body)))
    }

    /// Holds at least so many bytes.
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

    /// Holds nothing any more.
    pub(super) fn release(&mut self) {
        self.share = None;
    }
}

/// 503: what is being received fills the memory that there is for it.
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
        let held: Vec<Vec<Held>> = (1..4).map(fill).collect();
        assert!(held.iter().all(|of_one| (10..20).contains(&of_one.len())));
        let others = memory.of_stranger(Some(IpAddr::from([192, 0, 2, 4])), &parts);
        assert!(others.is_ok(), "others have memory");
        let more: Vec<Vec<Held>> = (4..7).map(fill).collect();
        let one_more = memory
            .of_stranger(None, &parts)
            .and_then(|mut one| one.hold(1024 * 1024));
        assert!(one_more.is_err(), "all is held");
        drop((held, more, others));
        assert!(
            memory.strangers.take(None, STRANGERS).is_ok(),
            "all is given back"
        );
    }
}
