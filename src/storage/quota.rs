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

/// Returns the maximum size of the content of a user's storage, in bytes.
#[must_use]
pub fn quota_of(owner: &StorefrontUser, limits: &StorageLimits) -> i64 {
    let quota = if owner.is_anonymous {
        limits.anonymous_quota
    } else {
        limits.quota
    };
    i64::try_from(quota).unwrap_or(i64::MAX)
}

impl Totals {
    /// Whether the totals are within the limits of a user's storage.
    #[must_use]
    pub fn fit(self, owner: &StorefrontUser, limits: &StorageLimits) -> bool {
        let bytes = quota_of(owner, limits);
        self.bytes <= bytes && self.items <= (bytes / BYTES_PER_ITEM).max(LEAST_ITEMS)
    }
}
