//! Rate limits on operations that affect others: by client address, by IPv6 site, by storefront (TOK-03, SFU-40). All
//! nodes share the counts; the keys are stored blinded.

use std::net::IpAddr;

use super::RequestContext;
use crate::error::Result;
use crate::platform::id::Id;
use crate::platform::throttle::{Limit, Window, network_of, site_of};
use crate::reach::{StorefrontReach, principal::CredentialKind};

/// The origin of a request, as rate limits count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The IPv4 address, or the /64 of the IPv6 address.
    pub network: String,
    /// The /48 of the IPv6 address.
    pub site: Option<String>,
}

/// The limits on one operation.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// Name of the operation; part of the keys.
    pub what: &'static str,
    /// Limit of one client.
    pub client: &'static [Window],
    /// Limit of all clients of one IPv6 site, which can have 65,536 networks.
    pub site: &'static [Window],
    /// Limit of one storefront.
    pub storefront: &'static [Window],
}

impl RequestContext {
    /// Returns the address of the person on whose behalf the request is sent: the address of a browser, or the one that
    /// a backend sends for its shopper. `None` for a backend that sends none, because its own address says nothing
    /// about its shoppers.
    #[must_use]
    pub fn shopper(&self) -> Option<IpAddr> {
        let kind = self.principal.standing().map(|identity| identity.kind());
        match kind {
            Some(CredentialKind::Integration) => self.buyer,
            Some(CredentialKind::Public | CredentialKind::StorefrontUser | CredentialKind::Customer)
            | None => self.client,
        }
    }

    /// Returns the client that limits count; see [`RequestContext::shopper`].
    #[must_use]
    pub fn counted_client(&self) -> Option<Client> {
        self.shopper().map(|address| Client {
            network: network_of(address),
            site: site_of(address),
        })
    }

    /// Counts one operation in a storefront against the limits.
    ///
    /// # Errors
    /// RATE_LIMITED if a limit is exceeded.
    pub async fn take(&self, place: &StorefrontReach, amounts: &Amounts) -> Result<()> {
        let what = amounts.what;
        let client = self.counted_client();
        let network = client.as_ref().map(|client| [what, "network", &client.network]);
        let site = client.as_ref().and_then(|client| client.site.as_deref());
        let site = site.map(|site| [what, "site", site]);
        let storefront = Some([what, "storefront", place.id().as_str()]);
        // Narrow limits first: what they refuse does not count towards the wide ones.
        let limits = [
            (&network, amounts.client),
            (&site, amounts.site),
            (&storefront, amounts.storefront),
        ];
        let limits = limits.into_iter().filter_map(|(key, windows)| {
            let key = key.as_ref()?;
            Some(Limit { key, windows })
        });
        self.app.throttle.take(&limits.collect::<Vec<_>>()).await
    }
}
