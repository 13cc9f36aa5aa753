//! Who did something: a member through an integration, a customer, or an integration without an owner.

use std::sync::Arc;

use async_graphql::{Enum, ID, SimpleObject};
use serde::{Deserialize, Serialize};

use super::store::MembersOf;
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::{CustomerId, Id, MemberId};
use crate::reach::{Confine, Reach, identity::Identity};

/// The actor of an operation, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// Kind of the actor.
    pub kind: ActorKind,
    /// Id of the actor.
    pub id: String,
}

/// Kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActorKind {
    /// A member of the organization, who acted through an integration.
    Member,
    /// The customer itself.
    Customer,
    /// An integration that acted without an owner.
    System,
    /// An API client that acted without an owner, as the author of a note.
    Client,
}

impl Actor {
    fn new(kind: ActorKind, id: Option<&impl Id>) -> Self {
        let id = id.map(|id| id.as_str().to_owned()).unwrap_or_default();
        Self { kind, id }
    }

    /// The holder of the credential of a reach, where a person's token is that of `customer`.
    #[must_use]
    pub fn of(reach: &Reach, customer: &CustomerId) -> Self {
        match reach.person() {
            Some(_) => Self::new(ActorKind::Customer, Some(customer)),
            None => Self::owner_or(ActorKind::System, reach.identity()),
        }
    }

    /// The owner of the token of a back end; without an owner, its API client.
    #[must_use]
    pub fn of_backend(reach: &Reach) -> Self {
        Self::owner_or(ActorKind::Client, reach.identity())
    }

    /// The owner; without one, the API client as an actor of this kind.
    fn owner_or(kind: ActorKind, identity: &Identity) -> Self {
        match identity.owner() {
            Some(owner) => Self::member(owner),
            None => Self::new(kind, identity.client()),
        }
    }

    /// A member of the organization.
    #[must_use]
    pub fn member(id: &MemberId) -> Self {
        Self::new(ActorKind::Member, Some(id))
    }
}

/// The actor of an operation: a member through an integration, the customer itself, or an integration without an owner.
#[derive(SimpleObject)]
#[graphql(name = "Actor")]
pub struct ActorNode {
    /// Kind of the actor.
    kind: ActorKind,
    /// Id of the member, the customer or the API client.
    id: ID,
    /// Name of the member; null for other actors, and for a member that no longer exists.
    name: Option<String>,
}

impl ActorNode {
    /// Returns the node of an actor, with the name of a member. One database command serves all members of a level.
    pub async fn of(context: &Arc<RequestContext>, reach: &Reach, actor: &Actor) -> Result<Self> {
        let mut name = None;
        if let Some(id) = MemberId::parse(&actor.id) {
            let make = || MembersOf {
                organizations: context.app.access.organizations.clone(),
                organization: reach.identity().organization().clone(),
            };
            let member = context.loader(reach.scope(), make).load(id).await?;
            name = member.map(|member| member.name.clone());
        }
        Ok(Self {
            kind: actor.kind,
            id: ID::from(&actor.id),
            name,
        })
    }
}
