//! The GraphQL node of markets.

use async_graphql::{Context, Description, ID, Object};

use super::{Market, READ};
use crate::context::{GlobalNode, RequestContext, behind::Behind};
use crate::customer_group::{
    list::{self, GroupedNode},
    node::CustomerGroupNode,
};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    id::MarketId,
    page::{Connection, PageArgs},
};
use crate::reach::{principal::Policy, seen::Seen};
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

impl GroupedNode for MarketNode {
    type Document = Market;
    const READ: Policy = READ;

    fn seen(document: Seen<Market>) -> Self {
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
        storefront_of(context, self.document.sight(), &self.document.storefront_id)
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
        let behind = Behind {
            context: RequestContext::of(ctx)?,
            parent: &*self.document,
        };
        let page = PageArgs::new(first, after, last, before);
        list::of_parent(behind, self.document.sight(), &READ, &page).await
    }

    /// Time at which the market was created.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

impl GlobalNode for MarketNode {
    type Id = MarketId;

    async fn find(context: &RequestContext, id: &MarketId) -> Result<Option<Self>> {
        list::find(context, id).await
    }
}
