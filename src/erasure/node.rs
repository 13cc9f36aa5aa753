//! GraphQL types of the erasure: its status, who requested it and what was erased.

use async_graphql::{Context, Description, Object, SimpleObject};

use crate::context::RequestContext;
use crate::customer::anonymization::{Anonymization, AnonymizationStatus, ErasedCounts};
use crate::error::Result;
use crate::organization::actor::{Actor, ActorNode};
use crate::platform::{clock::Timestamp, scalar::wire_count};
use crate::reach::{Reach, principal::CredentialKind};

/// Details of the erasure of a customer, with the time of each status that it reached.
/// Requires an integration token or client secret with the scope `customers:read`, the token of this customer, or the
/// token of its storefront user.
#[derive(Description)]
pub struct AnonymizationInfo {
    state: Anonymization,
    /// The caller's reach when reading the customer.
    reach: Reach,
}

impl AnonymizationInfo {
    /// Returns the node of a state, for a caller who reads the customer with this reach.
    #[must_use]
    pub fn new(state: Anonymization, reach: Reach) -> Self {
        Self { state, reach }
    }

    /// Returns an actor, for backends only.
    async fn actor(&self, ctx: &Context<'_>, actor: Option<&Actor>) -> Result<Option<ActorNode>> {
        let Some(actor) = actor.filter(|_| self.reach.identity().kind() == CredentialKind::Integration)
        else {
            return Ok(None);
        };
        let context = RequestContext::of(ctx)?;
        Ok(Some(ActorNode::of(context, &self.reach, actor).await?))
    }
}

#[Object(use_type_description)]
impl AnonymizationInfo {
    /// Status of the erasure.
    async fn status(&self) -> AnonymizationStatus {
        self.state.status
    }

    /// Time of the request.
    async fn requested_at(&self) -> Timestamp {
        self.state.requested_at
    }

    /// Time at which the grace period ends and the erasure can start.
    async fn scheduled_for(&self) -> Timestamp {
        self.state.scheduled_for
    }

    /// Time at which the erasure started; null before.
    async fn started_at(&self) -> Option<Timestamp> {
        self.state.started_at
    }

    /// Time at which the erasure was completed; null before.
    async fn completed_at(&self) -> Option<Timestamp> {
        self.state.completed_at
    }

    /// Time of the last failed attempt; null if no attempt failed.
    async fn failed_at(&self) -> Option<Timestamp> {
        self.state.failed_at
    }

    /// Time of the cancellation; null if the request was not cancelled.
    async fn cancelled_at(&self) -> Option<Timestamp> {
        self.state.cancelled_at
    }

    /// Actor that requested the erasure. Requires an integration token or client secret; null for other credentials.
    async fn requester(&self, ctx: &Context<'_>) -> Option<Result<ActorNode>> {
        self.actor(ctx, Some(&self.state.requester)).await.transpose()
    }

    /// Actor that cancelled the request; null if it was not cancelled. Requires an integration token or client secret;
    /// null for other credentials.
    async fn cancellation_requester(&self, ctx: &Context<'_>) -> Option<Result<ActorNode>> {
        self.actor(ctx, self.state.canceller.as_ref()).await.transpose()
    }

    /// Number of erased objects by kind, as proof without personal data; null until the erasure is completed.
    async fn receipt(&self) -> Option<ErasureReceipt> {
        let completed_at = self.state.completed_at?;
        Some(ErasureReceipt::new(completed_at, self.state.erased))
    }
}

/// Number of erased objects, by kind.
#[derive(SimpleObject)]
pub struct ErasureReceipt {
    /// Time at which the erasure was completed.
    erased_at: Timestamp,
    /// Number of addresses.
    addresses: i32,
    /// Number of orders that contained an address or an e-mail address.
    orders: i32,
    /// Number of items of private storage.
    storage_items: i32,
    /// Number of sessions.
    sessions: i32,
    /// Number of custom field values.
    custom_fields: i32,
}

impl ErasureReceipt {
    /// Returns the receipt for these counts.
    #[must_use]
    pub fn new(erased_at: Timestamp, counts: ErasedCounts) -> Self {
        Self {
            erased_at,
            addresses: wire_count(counts.addresses),
            orders: wire_count(counts.orders),
            storage_items: wire_count(counts.storage_items),
            sessions: wire_count(counts.sessions),
            custom_fields: wire_count(counts.custom_fields),
        }
    }
}
