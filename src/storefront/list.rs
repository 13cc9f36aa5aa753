//! `storefronts`: lists the storefronts that the caller may see.

use std::sync::Arc;

use async_graphql::{Context, Object};
use bson::doc;

use super::Storefront;
use super::node::{READ, StorefrontNode};
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::page::{Connection, Count, PageArgs, SortOrder};

/// The query `storefronts`.
#[derive(Default)]
pub struct StorefrontList;

#[Object]
impl StorefrontList {
    /// Returns the storefronts that the caller may see, oldest first.
    /// Requires an integration token or client secret with the scope `storefronts:read`, which lists all storefronts
    /// that it covers; any other credential lists its own storefront.
    async fn storefronts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<StorefrontNode>> {
        let context = RequestContext::of(ctx)?;
        let reach = context.renewed(&context.reach(&READ)?).await?;
        let order = SortOrder::by_id(format!("storefronts of {}", reach.identity().organization()));
        let page = PageArgs::new(first, after, last, before);
        let page = page.check(context.app.vault.cursors(), order)?;
        let storefronts = context.app.database.open::<Storefront>(&reach);
        let position = |storefront: &Storefront| ((&storefront.id).into(), (&storefront.id).into());
        let slice = Box::pin(storefronts.page(doc! {}, &page, position)).await?;
        let count: Count = Box::new(move || {
            let storefronts = storefronts.clone();
            Box::pin(async move { storefronts.count(doc! {}).await })
        });
        let node = |storefront| StorefrontNode::new(Arc::new(storefront));
        Ok(Connection::new(slice.map(node), count))
    }
}
