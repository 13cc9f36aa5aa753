//! Limits of a user's private storage: bytes and number of items.

use crate::config::StorageLimits;
use crate::storefront_user::StorefrontUser;

/// Bytes of quota for each item that a storage may hold. An item takes about the same space in the database however
/// small its file is, so the number of items is limited too.
const BYTES_PER_ITEM: i64 = 4096;
/// Minimum limit of the number of items, whatever the quota is.
const LEAST_ITEMS: i64 = 1000;

/// Totals of a user's storages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Number of items.
    pub items: i64,
    /// Size of their content, in bytes.
    pub bytes: i64,
}

/// Limits of storages.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    regular: i64,
    anonymous: i64,
}

impl Quota {
    /// Returns the quotas of the settings.
    #[must_use]
    pub fn of(limits: &StorageLimits) -> Self {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        Self {
            regular: bytes(limits.quota),
            anonymous: bytes(limits.anonymous_quota),
        }
    }

    /// Returns the maximum size of the content of a user's storage, in bytes.
    #[must_use]
    pub fn bytes(&self, owner: &StorefrontUser) -> i64 {
        if owner.is_anonymous {
            self.anonymous
        } else {
            self.regular
        }
    }

    /// Whether the totals are within the limits of a user's storage.
    #[must_use]
    pub fn admits(&self, owner: &StorefrontUser, totals: Totals) -> bool {
        let bytes = self.bytes(owner);
        totals.bytes <= bytes && totals.items <= (bytes / BYTES_PER_ITEM).max(LEAST_ITEMS)
    }
}
