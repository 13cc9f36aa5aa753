//! Places for uploads: each is occupied for as long as its client takes to send a file.

use std::net::IpAddr;
use std::sync::Arc;

use crate::http::address_block::block;
use crate::http::fault::Fault;
use crate::platform::id::Id;
use crate::platform::shares::{Full, Share, Shares};
use crate::reach::principal::Identity;

/// Maximum number of concurrent uploads.
const ALL: usize = 128;
/// Maximum of one person, or of one backend.
const OF_ONE: usize = 32;
/// Maximum from one address.
const FROM_ONE: usize = 96;

/// The upload places.
pub(in crate::http) struct Uploading {
    by_address: Arc<Shares<IpAddr>>,
    by_person: Arc<Shares<String>>,
}

impl Default for Uploading {
    fn default() -> Self {
        Self {
            by_address: Shares::new(ALL, FROM_ONE),
            by_person: Shares::new(ALL, OF_ONE),
        }
    }
}

/// An upload place, released when it is dropped.
pub(super) struct UploadSlot {
    _of_address: Share<IpAddr>,
    _of_person: Share<String>,
}

impl Uploading {
    /// Takes a place.
    ///
    /// # Errors
    /// 429 for a client that occupies as many as one may, 503 if all are taken.
    pub(super) fn take(&self, address: Option<IpAddr>, identity: &Identity) -> Result<UploadSlot, Fault> {
        let refused = |full| match full {
            Full::Each => Fault::too_many("Too many of your uploads are running: send fewer at once."),
            Full::All => Fault::unavailable("Too many uploads are running; please try again shortly."),
        };
        let of_person = self.by_person.take(Some(person(identity)), 1).map_err(refused)?;
        let of_address = self.by_address.take(address.map(block), 1).map_err(refused)?;
        Ok(UploadSlot {
            _of_address: of_address,
            _of_person: of_person,
        })
    }
}

/// Returns the id of the uploading person or backend.
fn person(identity: &Identity) -> String {
    match (identity.person(), identity.client()) {
        (Some(person), _) => person.storefront_user.as_str().to_owned(),
        (None, Some(client)) => client.as_str().to_owned(),
        (None, None) => identity.organization().as_str().to_owned(),
    }
}
