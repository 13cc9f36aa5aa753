//! The GraphQL nodes of organizations, members and API clients.

use async_graphql::{Description, ID, Object};

use super::{Member, Organization};
use crate::auth::client::{ApiClient, ClientKind};
use crate::context::{GlobalNode, RequestContext};
use crate::error::Result;
use crate::platform::clock::Timestamp;
use crate::platform::id::{ApiClientId, MemberId, OrganizationId};

/// An organization, which owns storefronts. Each credential reads its own organization only.
#[derive(Description)]
pub struct OrganizationNode(Organization);

impl OrganizationNode {
    /// Returns the organization with this id, whatever the credential of the request.
    pub(super) async fn load(context: &RequestContext, id: &OrganizationId) -> Result<Option<Self>> {
        let found = context.app.access.organizations.find(id).await?;
        Ok(found.map(Self))
    }
}

#[Object(name = "Organization", use_type_description)]
impl OrganizationNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.0.id)
    }

    /// Display name.
    async fn name(&self) -> &str {
        &self.0.name
    }
}

/// A member of an organization, who can be the owner of integration tokens.
/// Requires an integration token whose owner is this member.
#[derive(Description)]
pub struct MemberNode(Member);

impl MemberNode {
    /// Returns the member of this organization with this id, whatever the credential of the request.
    pub(super) async fn load(
        context: &RequestContext,
        organization: &OrganizationId,
        id: &MemberId,
    ) -> Result<Option<Self>> {
        let organizations = &context.app.access.organizations;
        let found = organizations.find_member(organization, id).await?;
        Ok(found.map(Self))
    }
}

#[Object(name = "Member", use_type_description)]
impl MemberNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.0.id)
    }

    /// Display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// E-mail address; null if the operator did not set one.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }
}

impl GlobalNode for OrganizationNode {
    type Id = OrganizationId;

    async fn find(context: &RequestContext, id: &OrganizationId) -> Result<Option<Self>> {
        match context.principal.standing() {
            Some(identity) if identity.organization() == id => Self::load(context, id).await,
            _ => Ok(None),
        }
    }
}

impl GlobalNode for MemberNode {
    type Id = MemberId;

    async fn find(context: &RequestContext, id: &MemberId) -> Result<Option<Self>> {
        match context.principal.standing() {
            Some(identity) if identity.owner() == Some(id) => {
                Self::load(context, identity.organization(), id).await
            }
            _ => Ok(None),
        }
    }
}

/// An API client: a publishable key or an integration. Each API client reads itself only.
#[derive(Description)]
pub struct ApiClientNode(ApiClient);

impl ApiClientNode {
    /// Returns the API client with this id, whatever the credential of the request.
    pub(super) async fn load(context: &RequestContext, id: &ApiClientId) -> Result<Option<Self>> {
        let found = context.app.access.clients.find(id).await?;
        Ok(found.map(Self))
    }
}

#[Object(name = "ApiClient", use_type_description)]
impl ApiClientNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.0.id)
    }

    /// Display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Kind of the API client.
    async fn kind(&self) -> ClientKind {
        self.0.kind
    }

    /// Time at which an operator created the API client.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

impl GlobalNode for ApiClientNode {
    type Id = ApiClientId;

    async fn find(context: &RequestContext, id: &ApiClientId) -> Result<Option<Self>> {
        match context.principal.standing() {
            Some(identity) if identity.client() == Some(id) => Self::load(context, id).await,
            _ => Ok(None),
        }
    }
}
