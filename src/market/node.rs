//! GraphQL types of customer groups and markets.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::lists::{READ_GROUPS, READ_MARKETS, group_reach, of_storefront, persons_own};
use super::{CustomerGroup, Market};
use crate::context::{GlobalNode, RequestContext, behind::Behind};
use crate::customer::{
    Customer,
    node::{CustomerNode, READ as READ_CUSTOMERS},
};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    id::{CustomerGroupId, MarketId, StorefrontId},
    page::{Connection, PageArgs},
};
use crate::reach::Reach;
use crate::storefront::node::{StorefrontNode, storefront_of};

/// A group of customers, which gives its members access to private markets.
/// Requires an integration token or client secret with the scope `groups:read`, or the token of a customer in the
/// group.
#[derive(Clone, Description)]
pub struct CustomerGroupNode {
    document: Arc<CustomerGroup>,
    /// In a mutation's payload: what the caller may see of it without the scopes to query it.
    granted: Option<Reach>,
}

impl CustomerGroupNode {
    /// Returns the node of a document. `granted` is what a payload shows without the scope.
    #[must_use]
    pub fn granted(document: Arc<CustomerGroup>, granted: Option<Reach>) -> Self {
        Self { document, granted }
    }

    fn behind<'a>(&'a self, ctx: &Context<'a>) -> Result<Behind<'a, CustomerGroup>> {
        Ok(Behind {
            context: RequestContext::of(ctx)?,
            parent: &self.document,
        })
    }
}

#[Object(name = "CustomerGroup", use_type_description)]
impl CustomerGroupNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// Storefront of the group and its customers.
    /// Requires the scope `storefronts:read`, or a customer token; otherwise FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<StorefrontNode> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.granted.as_ref(), &self.document.storefront_id).await
    }

    /// Name of the group: 1 to 255 characters, unique in the storefront regardless of case.
    async fn name(&self) -> &str {
        &self.document.name.written
    }

    /// Customers in the group, oldest account first.
    /// Requires the scope `customers:read`, or a customer token, which lists only its own customer; otherwise
    /// FORBIDDEN.
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<CustomerNode>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        let behind = self.behind(ctx)?;
        let own = persons_own(self.granted.as_ref());
        let customers = match &own {
            Some(reach) => reach.clone(),
            None => behind.context.reach(&READ_CUSTOMERS)?,
        };
        let groups = group_reach(behind.context, self.granted.as_ref(), &READ_GROUPS).await?;
        let node = |document: Arc<Customer>| CustomerNode::granted(document, own.clone());
        behind.list(&groups, &customers, &page, node).await
    }

    /// Private markets that the group opens, oldest first.
    /// Requires the scope `storefronts:read`, or a customer token; otherwise FORBIDDEN.
    async fn markets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<MarketNode>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        let behind = self.behind(ctx)?;
        let (context, granted) = (behind.context, self.granted.as_ref());
        let groups = group_reach(context, granted, &READ_GROUPS).await?;
        let markets = group_reach(context, granted, &READ_MARKETS).await?;
        let own = persons_own(granted);
        let node = |document| MarketNode::granted(document, own.clone());
        behind.list(&groups, &markets, &page, node).await
    }

    /// Time at which the group was created.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

/// A part of an online store, open to everyone or to the members of customer groups.
/// An integration token or client secret with the scope `storefronts:read` reads every market, a customer token the
/// public markets and those of the customer's groups, any other credential the public markets of its storefront.
/// A market is private while customer groups are linked to it, and stays private when the last of them is deleted. Any
/// other market is public.
#[derive(Clone, Description)]
pub struct MarketNode {
    document: Arc<Market>,
    /// In a mutation's payload: what the caller may see of it without the scopes to query it.
    granted: Option<Reach>,
}

impl MarketNode {
    /// Returns the node of a document. `granted` is what a payload shows without the scope.
    #[must_use]
    pub fn granted(document: Arc<Market>, granted: Option<Reach>) -> Self {
        Self { document, granted }
    }
}

#[Object(name = "Market", use_type_description)]
impl MarketNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// Storefront of the market.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<StorefrontNode> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.granted.as_ref(), &self.document.storefront_id).await
    }

    /// Name of the market: 1 to 255 characters, unique in the storefront regardless of case.
    async fn name(&self) -> &str {
        &self.document.name.written
    }

    /// Whether only members of the market's groups may enter it. After the last of these groups was deleted, nobody
    /// may.
    async fn is_private(&self) -> bool {
        self.document.is_private()
    }

    /// Customer groups that open the market, oldest first.
    /// Requires the scope `groups:read`, or a customer token, which lists only the groups of its customer; otherwise
    /// FORBIDDEN.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<CustomerGroupNode>> {
        let (context, granted) = (RequestContext::of(ctx)?, self.granted.as_ref());
        let groups = group_reach(context, granted, &READ_GROUPS).await?;
        let markets = group_reach(context, granted, &READ_MARKETS).await?;
        let own = persons_own(granted);
        let node = |document| CustomerGroupNode::granted(document, own.clone());
        let behind = Behind {
            context,
            parent: &*self.document,
        };
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        behind.list(&markets, &groups, &page, node).await
    }

    /// Time at which the market was created.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

/// Returns the groups of a storefront, for the storefront's node.
pub async fn groups_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    page: &PageArgs,
) -> Result<Connection<CustomerGroupNode>> {
    let node = |document| CustomerGroupNode::granted(document, None);
    of_storefront(context, &READ_GROUPS, storefront, page, node).await
}

/// Returns the markets of a storefront that the caller may enter, for the storefront's node.
pub async fn markets_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    page: &PageArgs,
) -> Result<Connection<MarketNode>> {
    let node = |document| MarketNode::granted(document, None);
    of_storefront(context, &READ_MARKETS, storefront, page, node).await
}

/// Returns the groups of a customer, for the customer's node.
pub async fn groups_of_customer(
    behind: Behind<'_, Customer>,
    granted: Option<&Reach>,
    page: &PageArgs,
) -> Result<Connection<CustomerGroupNode>> {
    let reach = group_reach(behind.context, granted, &READ_GROUPS).await?;
    let own = persons_own(granted);
    let node = |document| CustomerGroupNode::granted(document, own.clone());
    behind.list(&reach, &reach, page, node).await
}

/// Returns the markets that a customer may enter and that the caller sees, for the customer's node.
pub async fn markets_of_customer(
    behind: Behind<'_, Customer>,
    granted: Option<&Reach>,
    page: &PageArgs,
) -> Result<Connection<MarketNode>> {
    let reach = group_reach(behind.context, granted, &READ_MARKETS).await?;
    let own = persons_own(granted);
    let node = |document| MarketNode::granted(document, own.clone());
    behind.list(&reach, &reach, page, node).await
}

impl GlobalNode for CustomerGroupNode {
    type Id = CustomerGroupId;

    async fn find(context: &RequestContext, id: &CustomerGroupId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ_GROUPS) else {
            return Ok(None);
        };
        let reach = context.group_reach::<Customer>(&reach).await?;
        let found = context.by_id::<CustomerGroup>(&reach, id).await?;
        Ok(found.map(|document| CustomerGroupNode::granted(document, None)))
    }
}

impl GlobalNode for MarketNode {
    type Id = MarketId;

    async fn find(context: &RequestContext, id: &MarketId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ_MARKETS) else {
            return Ok(None);
        };
        let reach = context.group_reach::<Customer>(&reach).await?;
        let found = context.by_id::<Market>(&reach, id).await?;
        Ok(found.map(|document| MarketNode::granted(document, None)))
    }
}
