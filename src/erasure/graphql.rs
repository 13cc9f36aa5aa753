//! The erasure on the wire: where it stands, who asked, what was erased.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::access::{
    organization::MembersOf,
    principal::Kind,
    reach::{Confine, Reach},
};
use crate::context::RequestContext;
use crate::customer::anonymization::{
    Actor as ActorState, ActorKind, Anonymization, AnonymizationStatus, Counts,
};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    id::{Id, MemberId},
    scalar::wire_count,
};

/// Where the erasure of a customer's personal data stands, with one time for each state that it was in. Backend
/// (customers:read), or the customer itself.
pub struct AnonymizationInfo {
    state: Anonymization,
    /// How far the caller reads the customer.
    reach: Reach,
}

impl AnonymizationInfo {
    /// Of a state, for a caller who reads the customer with this reach.
    #[must_use]
    pub fn new(state: Anonymization, reach: Reach) -> Self {
        Self { state, reach }
    }

    /// An actor, for backends only.
    async fn actor(&self, ctx: &Context<'_>, actor: Option<&ActorState>) -> Result<Option<Actor>> {
        let Some(actor) = actor.filter(|_| self.reach.identity().kind() == Kind::Integration) else {
            return Ok(None);
        };
        let name = match MemberId::parse(&actor.id) {
            Some(id) => member_name(RequestContext::of(ctx)?, &self.reach, id).await?,
            None => None,
        };
        Ok(Some(Actor {
            kind: actor.kind,
            id: ID::from(&actor.id),
            name,
        }))
    }
}

/// The name of a member, who may be gone: one command for all of a level.
async fn member_name(context: &Arc<RequestContext>, reach: &Reach, id: MemberId) -> Result<Option<String>> {
    let make = || MembersOf {
        organizations: context.app.access.organizations.clone(),
        organization: reach.identity().organization().clone(),
    };
    let member = context.loader(reach.scope(), make).load(id).await?;
    Ok(member.map(|member| member.name.clone()))
}

/// Where the erasure of a customer's personal data stands, with one time for each state that it was in.
#[Object]
impl AnonymizationInfo {
    /// Where it stands.
    async fn status(&self) -> AnonymizationStatus {
        self.state.status
    }

    /// When it was asked for.
    async fn requested_at(&self) -> Timestamp {
        self.state.requested_at
    }

    /// When the grace period ends and erasure may start.
    async fn scheduled_for(&self) -> Timestamp {
        self.state.scheduled_for
    }

    /// When it began; null before.
    async fn started_at(&self) -> Option<Timestamp> {
        self.state.started_at
    }

    /// When it was done; null before.
    async fn completed_at(&self) -> Option<Timestamp> {
        self.state.completed_at
    }

    /// When it last failed, to be tried again; null where it never did.
    async fn failed_at(&self) -> Option<Timestamp> {
        self.state.failed_at
    }

    /// When it was cancelled; null where it was not.
    async fn cancelled_at(&self) -> Option<Timestamp> {
        self.state.cancelled_at
    }

    /// Who asked. Backend; null for everyone else.
    async fn requester(&self, ctx: &Context<'_>) -> Option<Result<Actor>> {
        self.actor(ctx, Some(&self.state.requester)).await.transpose()
    }

    /// Who cancelled; null where nobody did. Backend; null for everyone else.
    async fn cancellation_requester(&self, ctx: &Context<'_>) -> Option<Result<Actor>> {
        self.actor(ctx, self.state.canceller.as_ref()).await.transpose()
    }

    /// What was erased, counted by kind: proof for the file, without personal data. Null until all is done.
    async fn receipt(&self) -> Option<ErasureReceipt> {
        let completed_at = self.state.completed_at?;
        Some(ErasureReceipt::new(completed_at, self.state.erased))
    }
}

/// Who did something: a member through a backend, the customer itself, or a backend on nobody's behalf.
#[derive(SimpleObject)]
pub struct Actor {
    /// What kind of actor.
    kind: ActorKind,
    /// The member's, the customer's or the API client's id.
    id: ID,
    /// The member's name; null for others, and for one who is gone.
    name: Option<String>,
}

/// What was erased, counted by kind.
#[derive(SimpleObject)]
pub struct ErasureReceipt {
    /// When all was done.
    erased_at: Timestamp,
    /// Addresses.
    addresses: i32,
    /// Orders that had an address or an e-mail address in them.
    orders: i32,
    /// Items of private storage.
    storage_items: i32,
    /// Sessions.
    sessions: i32,
    /// Values of custom fields.
    custom_fields: i32,
}

impl ErasureReceipt {
    /// Of what was counted.
    #[must_use]
    pub fn new(erased_at: Timestamp, counts: Counts) -> Self {
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
