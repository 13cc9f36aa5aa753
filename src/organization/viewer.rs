//! `viewer`: the holder of the request's credential.

use std::sync::Arc;

use async_graphql::{Context, Description, Object};

use super::node::{ApiClientNode, MemberNode, OrganizationNode};
use crate::context::RequestContext;
use crate::customer::node::{CustomerNode, customer_behind};
use crate::error::{Error, Result};
use crate::reach::principal::{CredentialKind, Identity};
use crate::reach::{scope::Scope, seen::Sight, tenant::TenantDocument};
use crate::storefront::node::StorefrontNode;
use crate::storefront_user::node::StorefrontUserNode;

/// The query `viewer`.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Returns the holder of the request's credential.
    /// Accepts every credential; null without one, and for an anonymous storefront user that was merged into another
    /// user.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Result<Viewer>> {
        match RequestContext::of(ctx) {
            Ok(context) => Some(Ok(Viewer(Arc::clone(context.principal.standing()?)))),
            Err(error) => Some(Err(error)),
        }
    }
}

/// The holder of the request's credential.
#[derive(Description)]
pub struct Viewer(Arc<Identity>);

#[Object(use_type_description)]
impl Viewer {
    /// Kind of the credential.
    async fn kind(&self) -> CredentialKind {
        self.0.kind()
    }

    /// Scopes of an integration token or client secret; empty for every other credential.
    async fn scopes(&self) -> &[Scope] {
        self.0.scopes()
    }

    /// The organization that the credential belongs to.
    async fn organization(&self, ctx: &Context<'_>) -> Result<OrganizationNode> {
        let found = OrganizationNode::load(RequestContext::of(ctx)?, self.0.organization()).await?;
        found.ok_or_else(|| Error::internal("organization not found for a credential"))
    }

    /// The storefront that the credential is bound to; null for an integration that covers several storefronts or all.
    async fn storefront(&self, ctx: &Context<'_>) -> Option<Result<StorefrontNode>> {
        let found = own(ctx, self.0.bound_storefront()?).await.transpose()?;
        Some(found.map(StorefrontNode::new))
    }

    /// The storefront user of a storefront user token or of a customer token; null for every other credential.
    async fn storefront_user(&self, ctx: &Context<'_>) -> Option<Result<StorefrontUserNode>> {
        let id = &self.0.person()?.storefront_user;
        let found = own(ctx, id).await.transpose()?;
        Some(found.map(StorefrontUserNode::new))
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
        let load = async { ApiClientNode::load(RequestContext::of(ctx)?, id).await };
        load.await.transpose()
    }

    /// The owner of an integration token: the member on whose behalf it was issued. Null if the token has no owner, and
    /// for every other credential.
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<MemberNode>> {
        let id = self.0.owner()?;
        let load = async {
            let context = RequestContext::of(ctx)?;
            MemberNode::load(context, self.0.organization(), id).await
        };
        load.await.transpose()
    }
}

/// Reads a document that the credential itself names.
async fn own<T: TenantDocument>(ctx: &Context<'_>, id: &T::Id) -> Result<Option<Arc<T>>> {
    let context = RequestContext::of(ctx)?;
    context.by_id(&context.principal.own_reach()?, id).await
}
