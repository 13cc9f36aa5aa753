//! The GraphQL object of accepted terms.

use async_graphql::SimpleObject;

use crate::platform::clock::Timestamp;

/// Acceptance of the store's terms by a customer.
#[derive(SimpleObject)]
#[graphql(name = "TermsAcceptance")]
pub struct TermsAcceptanceNode {
    /// Time of the acceptance.
    pub(super) accepted_at: Timestamp,
    /// Version of the accepted terms, as the store named it; null if none was sent, and after erasure.
    pub(super) version: Option<String>,
}
