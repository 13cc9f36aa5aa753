//! Lists of child objects, read for all parent objects of a query level together.

use std::sync::Arc;

use async_graphql::OutputType;

use super::RequestContext;
use crate::error::Result;
use crate::platform::{
    id::Id,
    loader::Loader,
    page::{Connection, Count, PageArgs, SortOrder},
};
use crate::reach::{Confine, tenant::TenantDocument};
use crate::read::leads::{Leads, Listed, list_name};
use crate::read::related::{ChildCounts, Children, Parent, Related, Want};

/// The children of one object.
pub struct Behind<'a, P: TenantDocument> {
    /// The request.
    pub context: &'a Arc<RequestContext>,
    /// The parent object.
    pub parent: &'a P,
}

impl<P: TenantDocument> Behind<'_, P> {
    fn key<C>(&self) -> Parent<P::Id>
    where
        P: Leads<C>,
        C: TenantDocument,
    {
        Parent {
            storefront: self.parent.storefront().clone(),
            id: self.parent.id().clone(),
            keys: self.parent.own_keys(),
        }
    }

    /// Reads from the parents within `to_parents` to the children within `to_children`.
    fn related<C: TenantDocument>(
        &self,
        to_parents: &impl Confine,
        to_children: &impl Confine,
    ) -> Related<P, C> {
        let database = &self.context.app.database;
        Related {
            parents: database.open(to_parents),
            children: database.open(to_children),
        }
    }

    fn children<C: Listed>(
        &self,
        to_parents: &impl Confine,
        to_children: &impl Confine,
    ) -> Arc<Loader<Children<P, C>>>
    where
        P: Leads<C>,
    {
        let make = || Children(self.related::<C>(to_parents, to_children));
        self.context.loader(to_children.scope(), make)
    }

    /// Returns the child whose id is in this field of the parent's current document.
    pub async fn named<C>(&self, reach: &impl Confine, field: &'static str) -> Result<Option<Arc<C>>>
    where
        P: Leads<C>,
        C: Listed,
    {
        let loader = self.children::<C>(reach, reach);
        let found = loader.load((self.key::<C>(), Want::Named(field))).await?;
        Ok(found.and_then(|found| found.first().cloned()))
    }

    /// Returns a page of the children in the order of their creation; see [`Self::list_by`].
    ///
    /// # Errors
    /// BAD_USER_INPUT for invalid page arguments.
    pub async fn list<C, N>(
        &self,
        to_parents: &impl Confine,
        to_children: &impl Confine,
        args: &PageArgs,
        node: impl Fn(Arc<C>) -> N,
    ) -> Result<Connection<N>>
    where
        P: Leads<C>,
        C: Listed,
        N: OutputType + Clone,
    {
        let order = SortOrder::by_id;
        self.list_by(to_parents, to_children, args, order, node).await
    }

    /// Returns a page of the children in the order that `order` makes for the name of the list.
    ///
    /// # Errors
    /// BAD_USER_INPUT for invalid page arguments.
    pub async fn list_by<C, N>(
        &self,
        to_parents: &impl Confine,
        to_children: &impl Confine,
        args: &PageArgs,
        order: impl FnOnce(String) -> SortOrder,
        node: impl Fn(Arc<C>) -> N,
    ) -> Result<Connection<N>>
    where
        P: Leads<C>,
        C: Listed,
        N: OutputType + Clone,
    {
        let order = order(list_name::<P, C>(Id::as_str(self.parent.storefront())));
        let page = Arc::new(args.check(self.context.app.vault.cursors(), order)?);
        let loader = self.children::<C>(to_parents, to_children);
        let found = loader
            .load((self.key::<C>(), Want::Page(Arc::clone(&page))))
            .await?;
        let found = found.map(|found| Vec::clone(&found)).unwrap_or_default();
        let slice = page.cut(found, |child| child.position()).map(node);
        let make = || ChildCounts(self.related::<C>(to_parents, to_children));
        let (counts, key) = (self.context.loader(to_children.scope(), make), self.key::<C>());
        let count: Count = Box::new(move || {
            let (counts, key) = (Arc::clone(&counts), key.clone());
            Box::pin(async move { Ok(counts.load(key).await?.map_or(0, |count| *count)) })
        });
        Ok(Connection::new(slice, count))
    }
}
