//! The GraphQL node of markets, and the markets of storefronts, customers and groups.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::{Market, READ};
use crate::context::{GlobalNode, RequestContext, behind::Behind};
use crate::customer::Customer;
use crate::customer_group::{
    self, CustomerGroup,
    list::{group_reach, of_storefront},
    node::CustomerGroupNode,
};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    id::{MarketId, StorefrontId},
    page::{Connection, PageArgs},
};
use crate::reach::{
    Reach,
    seen::{Seen, Sight},
};
use crate::storefront::node::{StorefrontNode, storefront_of};

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
    /// The node of a market that another object leads to.
    #[must_use]
    pub fn seen(document: Seen<Market>) -> Self {
        Self { document }
    }

    /// The node for a mutation's payload, which shows the market also to callers that may not read markets.
    #[must_use]
    pub fn in_payload(document: Market, reach: &Reach) -> Self {
        Self::seen(Seen::in_payload(document, reach.clone()))
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
        let groups = group_reach(context, sight, &customer_group::READ).await?;
        let markets = group_reach(context, sight, &READ).await?;
        let own = sight.of_the_persons_own();
        let node = |document| CustomerGroupNode::seen(Seen::with(document, own.clone()));
        let behind = Behind {
            context,
            parent: &*self.document,
        };
        let page = PageArgs::new(first, after, last, before);
        behind.list(&markets, &groups, &page, node).await
    }

    /// Time at which the market was created.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

/// Returns the markets of a storefront that the caller may enter, for the storefront's node.
pub async fn markets_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    page: &PageArgs,
) -> Result<Connection<MarketNode>> {
    let node = |document| MarketNode::seen(Seen::by_policy(document));
    of_storefront(context, &READ, storefront, page, node).await
}

/// Returns the markets that a customer may enter and that the caller sees, for the customer's node.
pub async fn markets_of_customer(
    behind: Behind<'_, Customer>,
    sight: &Sight,
    page: &PageArgs,
) -> Result<Connection<MarketNode>> {
    let reach = group_reach(behind.context, sight, &READ).await?;
    let own = sight.of_the_persons_own();
    let node = |document| MarketNode::seen(Seen::with(document, own.clone()));
    behind.list(&reach, &reach, page, node).await
}

/// Returns the markets that a group opens and that the caller sees, for the group's node.
pub async fn markets_of_group(
    behind: Behind<'_, CustomerGroup>,
    sight: &Sight,
    page: &PageArgs,
) -> Result<Connection<MarketNode>> {
    let groups = group_reach(behind.context, sight, &customer_group::READ).await?;
    let markets = group_reach(behind.context, sight, &READ).await?;
    let own = sight.of_the_persons_own();
    let node = |document| MarketNode::seen(Seen::with(document, own.clone()));
    behind.list(&groups, &markets, page, node).await
}

impl GlobalNode for MarketNode {
    type Id = MarketId;

    async fn find(context: &RequestContext, id: &MarketId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        let reach = context.group_reach::<Customer>(&reach).await?;
        let found = context.by_id::<Market>(&reach, id).await?;
        Ok(found.map(|document| Self::seen(Seen::by_policy(document))))
    }
}
