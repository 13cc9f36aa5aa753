//! The GraphQL node of customer groups.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::list::{self, GroupedNode};
use super::{CustomerGroup, READ};
use crate::context::{GlobalNode, RequestContext, behind::Behind};
use crate::customer::{self, Customer, node::CustomerNode};
use crate::error::Result;
use crate::market::node::MarketNode;
use crate::platform::{
    clock::Timestamp,
    id::CustomerGroupId,
    page::{Connection, PageArgs},
};
use crate::reach::{principal::Policy, seen::Seen};
use crate::storefront::node::{StorefrontNode, storefront_of};

/// A group of customers, which gives its members access to private markets.
/// Requires an integration token or client secret with the scope `groups:read`, or the token of a customer in the
/// group.
#[derive(Clone, Description)]
pub struct CustomerGroupNode {
    document: Seen<CustomerGroup>,
}

impl GroupedNode for CustomerGroupNode {
    type Document = CustomerGroup;
    const READ: Policy = READ;

    fn seen(document: Seen<CustomerGroup>) -> Self {
        Self { document }
    }
}

impl CustomerGroupNode {
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
        storefront_of(context, self.document.sight(), &self.document.storefront_id)
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
        let page = PageArgs::new(first, after, last, before);
        let behind = self.behind(ctx)?;
        let own = self.document.sight().of_the_persons_own();
        let customers = own.reach(&behind.context.principal, &customer::node::READ)?;
        let groups = list::group_reach(behind.context, self.document.sight(), &READ).await?;
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
        let page = PageArgs::new(first, after, last, before);
        list::of_parent(self.behind(ctx)?, self.document.sight(), &READ, &page).await
    }

    /// Time at which the group was created.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

impl GlobalNode for CustomerGroupNode {
    type Id = CustomerGroupId;

    async fn find(context: &RequestContext, id: &CustomerGroupId) -> Result<Option<Self>> {
        list::find(context, id).await
    }
}
