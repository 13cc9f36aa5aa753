//! GraphQL types of customer groups and markets.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::lists::{READ_GROUPS, READ_MARKETS, group_reach, of_storefront};
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
use crate::reach::seen::{Seen, Sight};
use crate::storefront::node::{StorefrontNode, storefront_of};

/// A group of customers, which gives its members access to private markets.
/// Requires an integration token or client secret with the scope `groups:read`, or the token of a customer in the
/// group.
#[derive(Clone, Description)]
pub struct CustomerGroupNode {
    document: Seen<CustomerGroup>,
}

impl CustomerGroupNode {
    /// Returns the node.
    #[must_use]
    pub fn seen(document: Seen<CustomerGroup>) -> Self {
        Self { document }
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
        storefront_of(context, self.document.sight(), &self.document.storefront_id).await
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
        let own = self.document.sight().of_the_persons_own();
        let customers = own.reach(&behind.context.principal, &READ_CUSTOMERS)?;
        let groups = group_reach(behind.context, self.document.sight(), &READ_GROUPS).await?;
        let node = |document: Arc<Customer>| CustomerNode::seen(Seen::with(document, own.clone()));
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
        let (context, sight) = (behind.context, self.document.sight());
        let groups = group_reach(context, sight, &READ_GROUPS).await?;
        let markets = group_reach(context, sight, &READ_MARKETS).await?;
        let own = sight.of_the_persons_own();
        let node = |document| MarketNode::seen(Seen::with(document, own.clone()));
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
    document: Seen<Market>,
}

impl MarketNode {
    /// Returns the node.
    #[must_use]
    pub fn seen(document: Seen<Market>) -> Self {
        Self { document }
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
        storefront_of(context, self.document.sight(), &self.document.storefront_id).await
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
        let (context, sight) = (RequestContext::of(ctx)?, self.document.sight());
        let groups = group_reach(context, sight, &READ_GROUPS).await?;
        let markets = group_reach(context, sight, &READ_MARKETS).await?;
        let own = sight.of_the_persons_own();
        let node = |document| CustomerGroupNode::seen(Seen::with(document, own.clone()));
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
    let node = |document| CustomerGroupNode::seen(Seen::by_policy(document));
    of_storefront(context, &READ_GROUPS, storefront, page, node).await
}

/// Returns the markets of a storefront that the caller may enter, for the storefront's node.
pub async fn markets_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    page: &PageArgs,
) -> Result<Connection<MarketNode>> {
    let node = |document| MarketNode::seen(Seen::by_policy(document));
    of_storefront(context, &READ_MARKETS, storefront, page, node).await
}

/// Returns the groups of a customer, for the customer's node.
pub async fn groups_of_customer(
    behind: Behind<'_, Customer>,
    sight: &Sight,
    page: &PageArgs,
) -> Result<Connection<CustomerGroupNode>> {
    let reach = group_reach(behind.context, sight, &READ_GROUPS).await?;
    let own = sight.of_the_persons_own();
    let node = |document| CustomerGroupNode::seen(Seen::with(document, own.clone()));
    behind.list(&reach, &reach, page, node).await
}

/// Returns the markets that a customer may enter and that the caller sees, for the customer's node.
pub async fn markets_of_customer(
    behind: Behind<'_, Customer>,
    sight: &Sight,
    page: &PageArgs,
) -> Result<Connection<MarketNode>> {
    let reach = group_reach(behind.context, sight, &READ_MARKETS).await?;
    let own = sight.of_the_persons_own();
    let node = |document| MarketNode::seen(Seen::with(document, own.clone()));
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
        Ok(found.map(|document| CustomerGroupNode::seen(Seen::by_policy(document))))
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
        Ok(found.map(|document| MarketNode::seen(Seen::by_policy(document))))
    }
}
