//! Lists of groups, of markets and of a group's customers: a storefront's, and those behind another object.

use std::sync::Arc;

use async_graphql::OutputType;
use serde::Deserialize;

use super::related::{CountOf, Leads, PageOf, Related};
use super::store;
use crate::access::{
    membership::GroupReach,
    principal::Policy,
    reach::{Confine, Reach},
    scope::Scope,
    tenant::TenantDocument,
};
use crate::context::RequestContext;
use crate::customer::Customer;
use crate::error::{Error, Result};
use crate::platform::{
    id::{Id, StorefrontId},
    page::{Connection, Count, Order, PageArgs, Slice},
};

/// Who may read groups: a customer those which they are in.
pub const READ_GROUPS: Policy = Policy::backend(Scope::GroupsRead).and_customer();
/// Who may read markets: everybody the public ones, a customer those of their groups too.
pub const READ_MARKETS: Policy = crate::storefront::graphql::READ;

/// The reach into groups and markets that a policy gives, or that a payload shows without the scope.
pub async fn group_reach(
    context: &RequestContext,
    granted: Option<&Reach>,
    policy: &Policy,
) -> Result<GroupReach> {
    let reach = match granted {
        Some(reach) => reach.clone(),
        None => context.reach(policy)?,
    };
    context.group_reach::<Customer>(&reach).await
}

/// What a payload that shows a person leaves to what is behind them: all that is that person's own. A backend needs the
/// scopes of what is behind.
#[must_use]
pub fn persons_own(granted: Option<&Reach>) -> Option<Reach> {
    granted.filter(|reach| reach.person().is_some()).cloned()
}

/// A page of a storefront's groups or markets, as far as the caller may see them.
///
/// # Errors
/// FORBIDDEN where the policy refuses the caller; BAD_USER_INPUT for a wrong page.
pub async fn of_storefront<T, N>(
    context: &Arc<RequestContext>,
    policy: &Policy,
    storefront: &StorefrontId,
    args: &PageArgs,
    node: impl Fn(Arc<T>) -> N,
) -> Result<Connection<N>>
where
    T: TenantDocument,
    N: OutputType + Clone,
{
    let reach = context.reach(policy)?;
    let page = args.check(Order::by_id(format!("{} of {storefront}", T::COLLECTION)))?;
    let one = context
        .storefront_to_read(&reach, Some(storefront.as_str()))
        .await?
        .ok_or(Error::StorefrontNotFound)?;
    let reach = context.group_reach::<Customer>(one.reach()).await?;
    let slice = store::page::<T>(&context.app.database, &reach, &page).await?;
    let app = Arc::clone(&context.app);
    let count: Count = Box::new(move || {
        let (app, reach) = (Arc::clone(&app), reach.clone());
        Box::pin(async move { store::count::<T>(&app.database, &reach).await })
    });
    Ok(Connection::new(
        slice.map(|document| node(Arc::new(document))),
        count,
    ))
}

/// A list behind another object: read for all objects of a level in one command.
pub struct Behind<'a, P: TenantDocument> {
    /// The request.
    pub context: &'a Arc<RequestContext>,
    /// The object.
    pub parent: &'a P,
    /// The page.
    pub args: PageArgs,
}

impl<P> Behind<'_, P>
where
    P: TenantDocument + Clone,
    P::Id: std::fmt::Debug + Unpin + for<'de> Deserialize<'de>,
{
    /// A page of it, oldest first: from parents as far as `to_parents` goes, to what `to_children` shows.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a wrong page.
    pub async fn list<C, N>(
        self,
        to_parents: &impl Confine,
        to_children: &impl Confine,
        node: impl Fn(Arc<C>) -> N,
    ) -> Result<Connection<N>>
    where
        P: Leads<C>,
        C: TenantDocument + Clone,
        N: OutputType + Clone,
    {
        let Self {
            context,
            parent,
            args,
        } = self;
        // Siblings have equal arguments and share a loader; cursors belong to the tenant.
        let (what, whose, where_) = (C::COLLECTION, P::COLLECTION, parent.storefront());
        let page = args.check(Order::by_id(format!("{what} of {whose} in {where_}")))?;
        let database = &context.app.database;
        let related: Related<P, C> = Related {
            parents: database.open(to_parents),
            children: database.open(to_children),
        };
        let scope = format!("{} {}", to_children.scope(), page.key());
        let make = || PageOf(related.clone(), page);
        let slice = context.loader(&scope, make).load(parent.id().clone()).await?;
        let slice = slice.map_or_else(Slice::empty, |slice| Slice::clone(&slice));
        let (context, id) = (Arc::clone(context), parent.id().clone());
        let scope = to_children.scope().to_owned();
        let count: Count = Box::new(move || {
            let (context, id, scope) = (Arc::clone(&context), id.clone(), scope.clone());
            let related = related.clone();
            Box::pin(async move {
                let count = context.loader(&scope, || CountOf(related)).load(id).await?;
                Ok(count.map_or(0, |count| *count))
            })
        });
        Ok(Connection::new(slice.map(|child| node(Arc::new(child))), count))
    }
}
