//! Accepted terms on the wire.

use async_graphql::SimpleObject;

use crate::platform::clock::Timestamp;

/// Which terms a customer accepted.
#[derive(SimpleObject)]
pub struct TermsAcceptance {
    /// When.
    pub(super) accepted_at: Timestamp,
    /// Which, as the store calls them.
    pub(super) version: Option<String>,
}
