//! Customer groups and markets on the wire.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::lists::{READ_GROUPS, READ_MARKETS, group_reach, of_storefront, persons_own};
use super::{CustomerGroup as GroupDocument, Market as MarketDocument};
use crate::access::reach::Reach;
use crate::context::{RequestContext, behind::Behind};
use crate::customer::{
    Customer as CustomerDocument,
    graphql::{Customer, READ as READ_CUSTOMERS},
};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    id::{CustomerGroupId, Id, MarketId, StorefrontId},
    page::{Connection, PageArgs},
};
use crate::storefront::graphql::{Storefront, storefront_of};

/// Customers that share access to private markets. Backend (groups:read), or a customer who is in it.
#[derive(Clone, Description)]
pub struct CustomerGroup {
    document: Arc<GroupDocument>,
    /// In a mutation's payload: what the caller may see of it without the scopes to ask for it.
    granted: Option<Reach>,
}

impl CustomerGroup {
    /// The node of a document. `granted` is what a payload shows without the scope.
    #[must_use]
    pub fn granted(document: Arc<GroupDocument>, granted: Option<Reach>) -> Self {
        Self { document, granted }
    }

    fn behind<'a>(&'a self, ctx: &Context<'a>) -> Result<Behind<'a, GroupDocument>> {
        Ok(Behind {
            context: RequestContext::of(ctx)?,
            parent: &self.document,
        })
    }
}

#[Object(use_type_description)]
impl CustomerGroup {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// The storefront whose customers it is made of. Backend (storefronts:read), or a customer; else FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<Storefront> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.granted.as_ref(), &self.document.storefront_id).await
    }

    /// What it is called: 1 to 255 characters, unique in the storefront whatever its case.
    async fn name(&self) -> &str {
        &self.document.name.written
    }

    /// The customers who are in it, oldest account first. Backend (customers:read); a customer sees itself; else
    /// FORBIDDEN.
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<Customer>> {
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
        let node = |document: Arc<CustomerDocument>| Customer::granted(document, own.clone());
        behind.list(&groups, &customers, &page, node).await
    }

    /// The private markets that it opens, oldest first. Backend (storefronts:read), or a customer; else FORBIDDEN.
    async fn markets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<Market>> {
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
        let node = |document| Market::granted(document, own.clone());
        behind.list(&groups, &markets, &page, node).await
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

/// A part of a store. It is private while customer groups are linked to it, and stays so when the last of them is deleted;
/// else it is public, everybody's. Whoever has a credential sees the public ones of its storefront, a customer also those
/// which their groups open, a backend (storefronts:read) all.
#[derive(Clone, Description)]
pub struct Market {
    document: Arc<MarketDocument>,
    /// In a mutation's payload: what the caller may see of it without the scopes to ask for it.
    granted: Option<Reach>,
}

impl Market {
    /// The node of a document. `granted` is what a payload shows without the scope.
    #[must_use]
    pub fn granted(document: Arc<MarketDocument>, granted: Option<Reach>) -> Self {
        Self { document, granted }
    }
}

#[Object(use_type_description)]
impl Market {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// The storefront that it is a part of.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<Storefront> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.granted.as_ref(), &self.document.storefront_id).await
    }

    /// What it is called: 1 to 255 characters, unique in the storefront whatever its case.
    async fn name(&self) -> &str {
        &self.document.name.written
    }

    /// Whether only members of its groups may enter; nobody, when the last of the groups was deleted.
    async fn is_private(&self) -> bool {
        self.document.is_private()
    }

    /// The groups that open it, oldest first. Backend (groups:read): all; a customer: those it is in; else FORBIDDEN.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<CustomerGroup>> {
        let (context, granted) = (RequestContext::of(ctx)?, self.granted.as_ref());
        let groups = group_reach(context, granted, &READ_GROUPS).await?;
        let markets = group_reach(context, granted, &READ_MARKETS).await?;
        let own = persons_own(granted);
        let node = |document| CustomerGroup::granted(document, own.clone());
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

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

/// The groups of a storefront, for its node.
pub async fn groups_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    page: &PageArgs,
) -> Result<Connection<CustomerGroup>> {
    let node = |document| CustomerGroup::granted(document, None);
    of_storefront(context, &READ_GROUPS, storefront, page, node).await
}

/// The markets of a storefront that the caller may enter, for its node.
pub async fn markets_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    page: &PageArgs,
) -> Result<Connection<Market>> {
    let node = |document| Market::granted(document, None);
    of_storefront(context, &READ_MARKETS, storefront, page, node).await
}

/// The groups that a customer is in, for its node.
pub async fn groups_of_customer(
    behind: Behind<'_, CustomerDocument>,
    granted: Option<&Reach>,
    page: &PageArgs,
) -> Result<Connection<CustomerGroup>> {
    let reach = group_reach(behind.context, granted, &READ_GROUPS).await?;
    let own = persons_own(granted);
    let node = |document| CustomerGroup::granted(document, own.clone());
    behind.list(&reach, &reach, page, node).await
}

/// The markets that a customer may enter, as far as the caller sees them too, for its node.
pub async fn markets_of_customer(
    behind: Behind<'_, CustomerDocument>,
    granted: Option<&Reach>,
    page: &PageArgs,
) -> Result<Connection<Market>> {
    let reach = group_reach(behind.context, granted, &READ_MARKETS).await?;
    let own = persons_own(granted);
    let node = |document| Market::granted(document, own.clone());
    behind.list(&reach, &reach, page, node).await
}

/// The group with this id, for `node`.
pub async fn group_node(context: &RequestContext, id: &str) -> Result<Option<CustomerGroup>> {
    let (Some(id), Ok(reach)) = (CustomerGroupId::parse(id), context.reach(&READ_GROUPS)) else {
        return Ok(None);
    };
    let reach = context.group_reach::<CustomerDocument>(&reach).await?;
    let found = context.by_id::<GroupDocument>(&reach, &id).await?;
    Ok(found.map(|document| CustomerGroup::granted(document, None)))
}

/// The market with this id, for `node`.
pub async fn market_node(context: &RequestContext, id: &str) -> Result<Option<Market>> {
    let (Some(id), Ok(reach)) = (MarketId::parse(id), context.reach(&READ_MARKETS)) else {
        return Ok(None);
    };
    let reach = context.group_reach::<CustomerDocument>(&reach).await?;
    let found = context.by_id::<MarketDocument>(&reach, &id).await?;
    Ok(found.map(|document| Market::granted(document, None)))
}
