//! A page of a storefront's list, read when the selection is known.

use std::sync::Arc;

use async_graphql::{ContextSelectionSet, OutputType};
use bson::{Bson, Document, RawDocument};
use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};

use super::DirectObject;
use super::level::{ChildRows, ParentKey, text};
use super::plan::{Caller, ConnectionPlan, ObjectPlan};
use super::write::{self, PageRows, ReadList};
use crate::error::Result;
use crate::platform::{
    crypto::CursorKey,
    database::Database,
    page::{Listing, Page, Slice},
};
use crate::reach::{
    principal::Principal,
    tenant::{Search, Tenant, TenantDocument},
};

/// Returns the position of an object in a list: its sort value and its id.
pub type ListPosition<T> = Box<dyn Fn(&T) -> (Bson, Bson) + Send + Sync>;

/// The objects of a storefront that meet a condition.
pub struct StorefrontListing<T: TenantDocument, N> {
    /// The database, for lists behind the objects.
    pub database: Database,
    /// The caller.
    pub principal: Principal,
    /// Authenticates cursors.
    pub cursors: CursorKey,
    /// The storefront's id.
    pub storefront: String,
    /// The objects.
    pub tenant: Tenant<T>,
    /// The condition.
    pub condition: Document,
    /// The page.
    pub page: Page,
    /// Returns the position of an object in the list: its sort value and its id.
    pub position: ListPosition<T>,
    /// Makes the node of an object.
    pub node: fn(Arc<T>) -> N,
}

impl<T, N> Listing<N> for StorefrontListing<T, N>
where
    T: TenantDocument,
    N: DirectObject + OutputType + Clone,
{
    fn written<'a>(&'a self, ctx: &'a ContextSelectionSet<'a>) -> BoxFuture<'a, Option<Result<Bytes>>> {
        async {
            let caller = Caller {
                database: &self.database,
                principal: &self.principal,
                cursors: &self.cursors,
                storefront: &self.storefront,
            };
            let plan = ConnectionPlan::of(ctx, &N::OBJECT, &caller)?;
            self.read(&plan).await.transpose()
        }
        .boxed()
    }

    fn rows(&self) -> BoxFuture<'_, Result<Slice<N>>> {
        async {
            let slice = self
                .tenant
                .page(self.condition.clone(), &self.page, &self.position)
                .await?;
            Ok(slice.map(|document| (self.node)(Arc::new(document))))
        }
        .boxed()
    }
}

impl<T: TenantDocument, N> StorefrontListing<T, N> {
    async fn read(&self, plan: &ConnectionPlan) -> Result<Option<Bytes>> {
        let search = Search {
            filter: self.page.with(self.condition.clone()),
            sort: self.page.sort(),
            limit: self.page.limit(),
            projection: plan.projection(self.page.sort_field()),
        };
        let rows = self.tenant.undecoded().find(search).await?;
        let rows = rows.documents()?;
        // Whatever fails behind the list is reported by the field that it belongs to, when the fields are executed.
        let shown = &rows[..rows.len().min(self.page.size())];
        let Ok(levels) = behind(&plan.item, shown, &self.storefront).await else {
            return Ok(None);
        };
        let Ok(behind) = levels.iter().map(Level::view).collect::<Result<Vec<_>>>() else {
            return Ok(None);
        };
        let mut out = Vec::with_capacity(256 + rows.len() * 256);
        let page = PageRows {
            page: &self.page,
            rows: &rows,
            behind: &behind,
        };
        Ok(write::connection(plan, &page, &mut out).map(|()| Bytes::from(out)))
    }
}

/// The children of a list behind the objects of a plan, and what is behind them.
struct Level {
    children: ChildRows,
    next: Vec<Level>,
}

impl Level {
    fn view(&self) -> Result<ReadList<'_>> {
        Ok(ReadList {
            children: &self.children,
            rows: self.children.rows()?,
            next: self.next.iter().map(Self::view).collect::<Result<_>>()?,
        })
    }
}

/// Reads all that is behind the objects, the lists of a level at the same time.
fn behind<'a>(
    plan: &'a ObjectPlan,
    rows: &'a [&'a RawDocument],
    storefront: &'a str,
) -> BoxFuture<'a, Result<Vec<Level>>> {
    let lists = plan.lists.iter().map(move |list| async move {
        let parent = |row: &'a &'a RawDocument| -> Result<ParentKey<'a>> {
            Ok(ParentKey {
                storefront,
                id: text(row, "_id")?,
                key: text(row, list.relation.key)?,
            })
        };
        let parents = rows.iter().map(parent).collect::<Result<Vec<_>>>()?;
        let projection = list.connection.projection(list.page.sort_field());
        let children = list.relation.read(&parents, &list.page, &projection).await?;
        let next = if list.connection.item.lists.is_empty() {
            Vec::new()
        } else {
            behind(&list.connection.item, &children.rows()?, storefront).await?
        };
        Ok(Level { children, next })
    });
    try_join_all(lists).boxed()
}
