//! Signed links to content. A link permits every holder to read that content until it expires; without a link, it
//! cannot be read (STO-02).

use std::time::Duration;

use crate::platform::{
    clock::Timestamp,
    crypto::Vault,
    id::{Id, StorageItemId},
};

/// Lifetime of a link: enough to show a page and to download, too short to pass it on.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Returns a link to an item's content.
#[must_use]
pub fn sign(vault: &Vault, public_url: &str, item: &StorageItemId, expires_at: Timestamp) -> String {
    let expires = expires_at.seconds();
    let signature = vault.sign_link(&text(item, expires));
    format!("{public_url}/storage/{item}?expires={expires}&signature={signature}")
}

/// Why a link is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFlaw {
    /// The signature does not match.
    Changed,
    /// The link has expired.
    Expired,
}

/// Checks that the gateway signed a link and that it has not expired.
///
/// # Errors
/// If the link is invalid.
pub fn verify(
    vault: &Vault,
    item: &StorageItemId,
    expires: i64,
    signature: &str,
    now: Timestamp,
) -> Result<(), LinkFlaw> {
    if !vault.verify_link(&text(item, expires), signature) {
        Err(LinkFlaw::Changed)
    } else if now.seconds() >= expires {
        Err(LinkFlaw::Expired)
    } else {
        Ok(())
    }
}

fn text(item: &StorageItemId, expires: i64) -> String {
    format!("{}|{expires}", item.as_str())
}
