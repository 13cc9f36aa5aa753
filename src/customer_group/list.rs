//! What the nodes of groups and markets have in common: their lists, and the callers' reach into groups and markets.

use std::fmt::Debug;
use std::sync::Arc;

use async_graphql::OutputType;
use bson::doc;
use serde::Deserialize;

use crate::context::{RequestContext, behind::Behind};
use crate::customer::Customer;
use crate::error::{Error, Result};
use crate::platform::{
    id::{Id, StorefrontId},
    page::{Connection, Count, PageArgs, SortOrder},
};
use crate::reach::{
    Reach,
    membership::GroupReach,
    principal::Policy,
    seen::{Seen, Sight},
    tenant::TenantDocument,
};
use crate::read::leads::{Leads, Listed};

/// The node of a group or a market.
pub trait GroupedNode: OutputType + Clone {
    /// The group or the market.
    type Document: Listed + Clone;
    /// Who may read the documents.
    const READ: Policy;

    /// The node of a document that another object leads to.
    fn seen(document: Seen<Self::Document>) -> Self;

    /// The node for a mutation's payload, which is shown also to callers that may not read the documents.
    #[must_use]
    fn in_payload(document: Self::Document, reach: &Reach) -> Self {
        Self::seen(Seen::in_payload(document, reach.clone()))
    }
}

/// Returns the reach into groups and markets behind an object that is seen in this way.
///
/// # Errors
/// FORBIDDEN or UNAUTHENTICATED if the policy decides and does not admit the caller; any database error.
pub async fn group_reach(context: &RequestContext, sight: &Sight, policy: &Policy) -> Result<GroupReach> {
    let reach = sight.reach(&context.principal, policy)?;
    context.group_reach::<Customer>(&reach).await
}

/// Returns the node with this id; `None` if the caller may not see it.
///
/// # Errors
/// Any database error.
pub async fn find<N: GroupedNode>(
    context: &RequestContext,
    id: &<N::Document as TenantDocument>::Id,
) -> Result<Option<N>>
where
    <N::Document as TenantDocument>::Id: Debug,
{
    let Ok(reach) = context.reach(&N::READ) else {
        return Ok(None);
    };
    let reach = context.group_reach::<Customer>(&reach).await?;
    let found = context.by_id::<N::Document>(&reach, id).await?;
    Ok(found.map(|document| N::seen(Seen::by_policy(document))))
}

/// Returns a page of the groups or markets behind an object that is seen in this way and read under the policy
/// `parents`; with one command for all objects of a level.
///
/// # Errors
/// FORBIDDEN if a policy refuses the caller; BAD_USER_INPUT for invalid page arguments.
pub async fn of_parent<P, N>(
    behind: Behind<'_, P>,
    sight: &Sight,
    parents: &Policy,
    args: &PageArgs,
) -> Result<Connection<N>>
where
    P: Leads<N::Document>,
    P::Id: Debug + Unpin + for<'de> Deserialize<'de>,
    N: GroupedNode,
{
    let parents = group_reach(behind.context, sight, parents).await?;
    let children = group_reach(behind.context, sight, &N::READ).await?;
    let own = sight.of_the_persons_own();
    let node = |document| N::seen(Seen::with(document, own.clone()));
    behind.list(&parents, &children, args, node).await
}

/// Returns a page of a storefront's groups or markets that the caller may see, oldest first.
///
/// # Errors
/// FORBIDDEN if the policy refuses the caller; BAD_USER_INPUT for invalid page arguments.
pub async fn of_storefront<N: GroupedNode>(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    args: &PageArgs,
) -> Result<Connection<N>> {
    let reach = context.reach(&N::READ)?;
    let order = SortOrder::by_id(format!("{} of {storefront}", N::Document::COLLECTION));
    let page = args.check(context.app.vault.cursors(), order)?;
    let one = context
        .storefront_to_read(&reach, Some(storefront.as_str()))
        .await?
        .ok_or(Error::StorefrontNotFound)?;
    let reach = context.group_reach::<Customer>(one.reach()).await?;
    let documents = context.app.database.open::<N::Document>(&reach);
    let slice = documents.page(doc! {}, &page, N::Document::position).await?;
    let app = Arc::clone(&context.app);
    let count: Count = Box::new(move || {
        let (app, reach) = (Arc::clone(&app), reach.clone());
        Box::pin(async move { app.database.open::<N::Document>(&reach).count(doc! {}).await })
    });
    let node = |document| N::seen(Seen::by_policy(Arc::new(document)));
    Ok(Connection::new(slice.map(node), count))
}
