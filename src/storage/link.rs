//! Signed links to content: whoever has one may read that content until it expires, and nobody else (STO-02).

use std::time::Duration;

use crate::platform::{
    clock::Timestamp,
    crypto::Vault,
    id::{Id, StorageItemId},
};

/// How long a link is good for: time to show a page and to download, not to pass it on.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A link to an item's content.
#[must_use]
pub fn sign(vault: &Vault, public_url: &str, item: &StorageItemId, expires_at: Timestamp) -> String {
    let expires = expires_at.seconds();
    let signature = vault.sign_link(&text(item, expires));
    format!("{public_url}/storage/{item}?expires={expires}&signature={signature}")
}

/// Why a link opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not one of ours, or was changed.
    Changed,
    /// It has run out.
    Expired,
}

/// Checks that a link is one of ours and has not expired.
///
/// # Errors
/// What is wrong with it.
pub fn verify(
    vault: &Vault,
    item: &StorageItemId,
    expires: i64,
    signature: &str,
    now: Timestamp,
) -> Result<(), Flaw> {
    if !vault.verify_link(&text(item, expires), signature) {
        Err(Flaw::Changed)
    } else if now.seconds() >= expires {
        Err(Flaw::Expired)
    } else {
        Ok(())
    }
}

fn text(item: &StorageItemId, expires: i64) -> String {
    format!("{}|{expires}", item.as_str())
}
