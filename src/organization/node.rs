//! `viewer`, and the nodes of organizations, members and API clients.

use async_graphql::{Context, Description, Enum, ID, Object};

use super::{Member, Organization};
use crate::auth::client::{ApiClient, ClientKind};
use crate::context::{GlobalNode, RequestContext};
use crate::customer::node::{CustomerNode, customer_behind};
use crate::error::{Error, Result};
use crate::platform::clock::Timestamp;
use crate::platform::id::{ApiClientId, MemberId, OrganizationId};
use crate::reach::principal::{CredentialKind, Identity};
use crate::reach::scope::Scope;
use crate::reach::seen::Sight;
use crate::storefront::{Storefront, node::StorefrontNode};
use crate::storefront_user::{StorefrontUser, node::StorefrontUserNode};
use std::sync::Arc;

/// Kind of the credential of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ViewerKind {
    /// The publishable key of a storefront.
    Public,
    /// A client secret, or an integration token that /oauth/token issued for it.
    Integration,
    /// A storefront user token.
    StorefrontUser,
    /// A customer token: the access token of a customer's session.
    Customer,
}

/// An organization, which owns storefronts. Each credential reads its own organization only.
#[derive(Description)]
pub struct OrganizationNode(Organization);

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

/// Kind of an API client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ApiClientKind {
    /// The publishable key of one storefront; safe to ship to a browser.
    Public,
    /// An integration: the API client of a store's own system, with a client secret.
    Integration,
}

/// An API client: a publishable key or an integration. Each API client reads itself only.
#[derive(Description)]
pub struct ApiClientNode(ApiClient);

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
    async fn kind(&self) -> ApiClientKind {
        match self.0.kind {
            ClientKind::Public => ApiClientKind::Public,
            ClientKind::Integration => ApiClientKind::Integration,
        }
    }

    /// Time at which an operator created the API client.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// The holder of the request's credential.
#[derive(Description)]
pub struct Viewer(Arc<Identity>);

#[Object(use_type_description)]
impl Viewer {
    /// Kind of the credential.
    async fn kind(&self) -> ViewerKind {
        match self.0.kind() {
            CredentialKind::Public => ViewerKind::Public,
            CredentialKind::Integration => ViewerKind::Integration,
            CredentialKind::StorefrontUser => ViewerKind::StorefrontUser,
            CredentialKind::Customer => ViewerKind::Customer,
        }
    }

    /// Scopes of an integration token or client secret; empty for every other credential.
    async fn scopes(&self) -> &[Scope] {
        self.0.scopes()
    }

    /// The organization that the credential belongs to.
    async fn organization(&self, ctx: &Context<'_>) -> Result<OrganizationNode> {
        let found = RequestContext::of(ctx)?
            .app
            .access
            .organizations
            .find(self.0.organization())
            .await?;
        found
            .map(OrganizationNode)
            .ok_or_else(|| Error::internal("the organization of a credential does not exist"))
    }

    /// The storefront that the credential is bound to; null for an integration that covers several storefronts or all.
    async fn storefront(&self, ctx: &Context<'_>) -> Option<Result<StorefrontNode>> {
        let id = self.0.bound_storefront()?;
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.principal.own_reach()?;
            Ok(context
                .by_id::<Storefront>(&reach, id)
                .await?
                .map(StorefrontNode::new))
        };
        load.await.transpose()
    }

    /// The storefront user of a storefront user token or of a customer token; null for every other credential.
    async fn storefront_user(&self, ctx: &Context<'_>) -> Option<Result<StorefrontUserNode>> {
        let person = self.0.person()?;
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.principal.own_reach()?;
            Ok(context
                .by_id::<StorefrontUser>(&reach, &person.storefront_user)
                .await?
                .map(StorefrontUserNode::new))
        };
        load.await.transpose()
    }

    /// The customer of a customer token; null for every other credential.
    async fn customer(&self, ctx: &Context<'_>) -> Option<Result<CustomerNode>> {
        let (id, _) = self.0.person()?.customer.as_ref()?;
        let load = async {
            let context = RequestContext::of(ctx)?;
            customer_behind(context, &Sight::With(context.principal.own_reach()?), id).await
        };
        load.await.transpose()
    }

    /// The API client of a publishable key, integration token or client secret; null for the token of a person.
    async fn api_client(&self, ctx: &Context<'_>) -> Option<Result<ApiClientNode>> {
        let id = self.0.client()?;
        let load = async {
            Ok(RequestContext::of(ctx)?
                .app
                .access
                .clients
                .find(id)
                .await?
                .map(ApiClientNode))
        };
        load.await.transpose()
    }

    /// The owner of an integration token: the member on whose behalf it was issued. Null if the token has no owner, and
    /// for every other credential.
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<MemberNode>> {
        let id = self.0.owner()?;
        let load = async {
            let organizations = &RequestContext::of(ctx)?.app.access.organizations;
            Ok(organizations
                .find_member(self.0.organization(), id)
                .await?
                .map(MemberNode))
        };
        load.await.transpose()
    }
}

/// The queries of access.
#[derive(Default)]
pub struct AccessQuery;

#[Object]
impl AccessQuery {
    /// Returns the holder of the request's credential.
    /// Accepts every credential; null without one, and for an anonymous storefront user that was merged into another
    /// user.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Result<Viewer>> {
        match RequestContext::of(ctx) {
            Ok(context) => context
                .principal
                .standing()
                .map(|identity| Ok(Viewer(Arc::clone(identity)))),
            Err(error) => Some(Err(error)),
        }
    }
}

impl GlobalNode for OrganizationNode {
    type Id = OrganizationId;

    async fn find(context: &RequestContext, id: &OrganizationId) -> Result<Option<Self>> {
        match context.principal.standing() {
            Some(identity) if identity.organization() == id => Ok(context
                .app
                .access
                .organizations
                .find(id)
                .await?
                .map(OrganizationNode)),
            _ => Ok(None),
        }
    }
}

impl GlobalNode for MemberNode {
    type Id = MemberId;

    async fn find(context: &RequestContext, id: &MemberId) -> Result<Option<Self>> {
        match context.principal.standing() {
            Some(identity) if identity.owner() == Some(id) => Ok(context
                .app
                .access
                .organizations
                .find_member(identity.organization(), id)
                .await?
                .map(MemberNode)),
            _ => Ok(None),
        }
    }
}

impl GlobalNode for ApiClientNode {
    type Id = ApiClientId;

    async fn find(context: &RequestContext, id: &ApiClientId) -> Result<Option<Self>> {
        match context.principal.standing() {
            Some(identity) if identity.client() == Some(id) => {
                Ok(context.app.access.clients.find(id).await?.map(ApiClientNode))
            }
            _ => Ok(None),
        }
    }
}
