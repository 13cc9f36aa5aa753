//! How much a user's private storage may hold: bytes, and items.

use crate::config::StorageLimits;
use crate::storefront_user::StorefrontUser;

/// Bytes of quota for each item that a storage may hold. An item takes about as much room in the database however small
/// its file is, so that the number of items is bounded too.
const BYTES_PER_ITEM: i64 = 4096;
/// Items that fit whatever the quota is.
const LEAST_ITEMS: i64 = 1000;

/// How much is in a user's storages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Items.
    pub items: i64,
    /// Bytes of their content.
    pub bytes: i64,
}

/// What storages may hold.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    regular: i64,
    anonymous: i64,
}

impl Quota {
    /// The quotas of the settings.
    #[must_use]
    pub fn of(limits: &StorageLimits) -> Self {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        Self {
            regular: bytes(limits.quota),
            anonymous: bytes(limits.anonymous_quota),
        }
    }

    /// Bytes that a user's storage may hold.
    #[must_use]
    pub fn bytes(&self, owner: &StorefrontUser) -> i64 {
        if owner.is_anonymous {
            self.anonymous
        } else {
            self.regular
        }
    }

    /// Whether a user's storage may hold so much.
    #[must_use]
    pub fn admits(&self, owner: &StorefrontUser, totals: Totals) -> bool {
        let bytes = self.bytes(owner);
        totals.bytes <= bytes && totals.items <= (bytes / BYTES_PER_ITEM).max(LEAST_ITEMS)
    }
}
