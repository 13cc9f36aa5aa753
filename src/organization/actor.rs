//! Who did something: a member through an integration, a customer, or an integration without an owner.

use std::sync::Arc;

use async_graphql::{Enum, ID, SimpleObject};
use serde::{Deserialize, Serialize};

use super::store::MembersOf;
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::{CustomerId, Id, MemberId};
use crate::reach::{Confine, Reach};

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
    /// The holder of the credential of a reach, where a person's token is that of `customer`.
    #[must_use]
    pub fn of(reach: &Reach, customer: &CustomerId) -> Self {
        let identity = reach.identity();
        match (reach.person(), identity.owner(), identity.client()) {
            (Some(_), _, _) => Self {
                kind: ActorKind::Customer,
                id: customer.to_string(),
            },
            (None, Some(owner), _) => Self::member(owner),
            (None, None, client) => Self {
                kind: ActorKind::System,
                id: client.map(ToString::to_string).unwrap_or_default(),
            },
        }
    }

    /// The owner of the token of a back end; without an owner, its API client.
    #[must_use]
    pub fn of_backend(reach: &Reach) -> Self {
        let identity = reach.identity();
        match identity.owner() {
            Some(owner) => Self::member(owner),
            None => Self {
                kind: ActorKind::Client,
                id: identity.client().map(ToString::to_string).unwrap_or_default(),
            },
        }
    }

    /// A member of the organization.
    #[must_use]
    pub fn member(id: &MemberId) -> Self {
        Self {
            kind: ActorKind::Member,
            id: id.to_string(),
        }
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

/// Returns the name of a member, `None` if the member no longer exists. One database command serves all members of a
/// level.
async fn member_name(context: &Arc<RequestContext>, reach: &Reach, id: MemberId) -> Result<Option<String>> {
    let make = || MembersOf {
        organizations: context.app.access.organizations.clone(),
        organization: reach.identity().organization().clone(),
    };
    let member = context.loader(reach.scope(), make).load(id).await?;
    Ok(member.map(|member| member.name.clone()))
}

impl ActorNode {
    /// Returns the node of an actor, with the name of a member.
    ///
    /// # Errors
    /// Any database error.
    pub async fn of(context: &Arc<RequestContext>, reach: &Reach, actor: &Actor) -> Result<Self> {
        let name = match MemberId::parse(&actor.id) {
            Some(id) => member_name(context, reach, id).await?,
            None => None,
        };
        Ok(Self {
            kind: actor.kind,
            id: ID::from(&actor.id),
            name,
        })
    }
}
