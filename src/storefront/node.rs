//! The GraphQL node of storefronts.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::{IntegrationType, Storefront};
use crate::context::{GlobalNode, RequestContext};
use crate::custom_field::node::{CustomFieldDefinitionNode, definitions_of};
use crate::customer::{
    list::{CustomerFilter, CustomerListOrder, CustomerSortKey, customers_of},
    node::CustomerNode,
};
use crate::customer_group::{filter::with_groups, list::of_storefront, node::CustomerGroupNode};
use crate::error::{Error, Result};
use crate::market::node::MarketNode;
use crate::oidc::node::{IdentityProviderNode, providers_of};
use crate::order::{
    list::{OrderFilter, orders_of},
    node::OrderNode,
};
use crate::platform::{
    clock::Timestamp,
    id::StorefrontId,
    page::{Connection, PageArgs},
};
use crate::reach::{StorefrontReach, principal::Policy, scope::Scope, seen::Sight};
use crate::storefront_user::{
    list::{StorefrontUserFilter, users_of},
    node::StorefrontUserNode,
};

/// Who may read storefronts and their public parts.
pub const READ: Policy = Policy::backend(Scope::StorefrontsRead).and_public().and_own();

/// An online store of the organization.
/// Requires an integration token or client secret with the scope `storefronts:read`; any other credential reads its own
/// storefront.
/// Only an operator adds a storefront, on the command line. No mutation creates, renames or removes one.
#[derive(Clone, Description)]
pub struct StorefrontNode(Known);

/// What is known of a storefront.
#[derive(Clone)]
enum Known {
    Document(Arc<Storefront>),
    /// It is within the caller's reach. Its document is read only if a field needs it: most queries of a storefront
    /// select its lists.
    Reach(StorefrontReach),
}

impl StorefrontNode {
    /// Returns the node of a document.
    #[must_use]
    pub fn new(document: Arc<Storefront>) -> Self {
        Self(Known::Document(document))
    }

    /// Returns the node of a storefront that is not read yet.
    #[must_use]
    pub fn within(reach: StorefrontReach) -> Self {
        Self(Known::Reach(reach))
    }

    fn storefront(&self) -> &StorefrontId {
        match &self.0 {
            Known::Document(document) => &document.id,
            Known::Reach(reach) => reach.id(),
        }
    }

    async fn document(&self, ctx: &Context<'_>) -> Result<Arc<Storefront>> {
        match &self.0 {
            Known::Document(document) => Ok(Arc::clone(document)),
            Known::Reach(reach) => {
                let context = RequestContext::of(ctx)?;
                let found = context.by_id::<Storefront>(reach.reach(), reach.id()).await?;
                found.ok_or_else(|| Error::internal("storefront within a reach not found"))
            }
        }
    }
}

#[Object(name = "Storefront", use_type_description)]
impl StorefrontNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(self.storefront())
    }

    /// Name of the storefront, unique in the organization.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.document(ctx).await?.name.clone())
    }

    /// Prefix of customer references: `DE` in `DE--25`. 1 to 16 capital letters and digits, unique in the organization.
    async fn code(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.document(ctx).await?.code.clone())
    }

    /// Software that the online store runs on.
    async fn integration_type(&self, ctx: &Context<'_>) -> Result<IntegrationType> {
        Ok(self.document(ctx).await?.integration_type)
    }

    /// Time at which an operator added the storefront.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<Timestamp> {
        Ok(self.document(ctx).await?.created_at)
    }

    /// Storefront users of this storefront, oldest first, including merged ones.
    /// Requires an integration token or client secret with the scope `storefront_users:read`, or a storefront user
    /// token or customer token, which lists only its own user.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Filter of the list.")] filter: Option<StorefrontUserFilter>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<StorefrontUserNode>> {
        let page = PageArgs::new(first, after, last, before);
        users_of(RequestContext::of(ctx)?, self.storefront(), filter, page).await
    }

    /// Customers of this storefront, sorted by `sortKey` in ascending order.
    /// Requires an integration token or client secret with the scope `customers:read`, or the token of a customer or of
    /// its storefront user, which lists only that customer.
    /// Customers without a value to sort by come first, or last with `reverse`. A filter that no index supports is
    /// aborted after 5 seconds with the error TIMEOUT; an index supports `eq` and `startsWith` of e-mail addresses,
    /// names and references.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Filter of the list.")] filter: Option<CustomerFilter>,
        #[graphql(desc = "Value to sort by.", default_with = "Some(CustomerSortKey::CreatedAt)")]
        sort_key: Option<CustomerSortKey>,
        #[graphql(desc = "Whether to sort in descending order.", default_with = "Some(false)")]
        reverse: Option<bool>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<CustomerNode>> {
        let order = CustomerListOrder {
            key: sort_key.unwrap_or(CustomerSortKey::CreatedAt),
            reverse: reverse.unwrap_or_default(),
        };
        let page = PageArgs::new(first, after, last, before);
        let context = RequestContext::of(ctx)?;
        let filter = with_groups(context, self.storefront(), filter).await?;
        customers_of(context, self.storefront(), filter, order, page).await
    }

    /// Customer groups of this storefront, oldest first.
    /// Requires the scope `groups:read`, or a customer token, which lists only the groups of its customer; otherwise
    /// FORBIDDEN.
    async fn customer_groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<CustomerGroupNode>> {
        let page = PageArgs::new(first, after, last, before);
        of_storefront(RequestContext::of(ctx)?, self.storefront(), &page).await
    }

    /// Markets of this storefront that the caller may enter, oldest first.
    /// An integration token or client secret with the scope `storefronts:read` lists all markets, a customer token the
    /// public markets and those of the customer's groups, any other credential, such as a storefront user token, the
    /// public markets.
    async fn markets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<MarketNode>> {
        let page = PageArgs::new(first, after, last, before);
        of_storefront(RequestContext::of(ctx)?, self.storefront(), &page).await
    }

    /// Orders of this storefront, newest first by `placedAt`.
    /// Requires an integration token or client secret with the scope `orders:read`, or a customer token, which lists
    /// only the orders of its customer.
    /// A filter that no index supports is aborted after 5 seconds with the error TIMEOUT.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Filter of the list.")] filter: Option<OrderFilter>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<OrderNode>> {
        let page = PageArgs::new(first, after, last, before);
        orders_of(RequestContext::of(ctx)?, self.storefront(), filter, page).await
    }

    /// Custom fields of this storefront's customers, in the order in which they were defined.
    /// An integration token or client secret with the scope `storefronts:read` lists all of them, any other credential
    /// the public ones.
    /// A storefront has at most 200 custom fields.
    async fn custom_field_definitions(&self, ctx: &Context<'_>) -> Result<Vec<CustomFieldDefinitionNode>> {
        definitions_of(RequestContext::of(ctx)?, self.storefront()).await
    }

    /// Identity providers that customers can sign in with, in the order in which an operator added them.
    async fn identity_providers(&self, ctx: &Context<'_>) -> Result<Vec<IdentityProviderNode>> {
        providers_of(RequestContext::of(ctx)?, self.storefront()).await
    }
}

impl GlobalNode for StorefrontNode {
    type Id = StorefrontId;

    async fn find(context: &RequestContext, id: &StorefrontId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        Ok(context
            .by_id::<Storefront>(&reach, id)
            .await?
            .map(StorefrontNode::new))
    }
}

/// Returns the storefront of an object, for the fields that lead to it.
///
/// # Errors
/// FORBIDDEN if the caller may not read storefronts.
pub fn storefront_of(context: &RequestContext, sight: &Sight, id: &StorefrontId) -> Result<StorefrontNode> {
    let reach = sight.reach(&context.principal, &READ)?;
    match reach.only(id) {
        Some(reach) => Ok(StorefrontNode::within(reach)),
        None => Err(Error::internal("storefront of an object not within the reach")),
    }
}
