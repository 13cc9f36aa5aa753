//! Lists of a storefront's groups and markets, and the callers' reach into groups and markets.

use std::sync::Arc;

use async_graphql::OutputType;
use bson::doc;

use crate::context::RequestContext;
use crate::customer::Customer;
use crate::error::{Error, Result};
use crate::platform::{
    id::{Id, StorefrontId},
    page::{Connection, Count, PageArgs, SortOrder},
};
use crate::reach::{membership::GroupReach, principal::Policy, seen::Sight};
use crate::read::related::Listed;

/// Returns the reach into groups and markets behind an object that is seen in this way.
///
/// # Errors
/// FORBIDDEN or UNAUTHENTICATED if the policy decides and does not admit the caller; any database error.
pub async fn group_reach(context: &RequestContext, sight: &Sight, policy: &Policy) -> Result<GroupReach> {
    let reach = sight.reach(&context.principal, policy)?;
    context.group_reach::<Customer>(&reach).await
}

/// Returns a page of a storefront's groups or markets that the caller may see, oldest first.
///
/// # Errors
/// FORBIDDEN if the policy refuses the caller; BAD_USER_INPUT for invalid page arguments.
pub async fn of_storefront<T, N>(
    context: &Arc<RequestContext>,
    policy: &Policy,
    storefront: &StorefrontId,
    args: &PageArgs,
    node: impl Fn(Arc<T>) -> N,
) -> Result<Connection<N>>
where
    T: Listed,
    N: OutputType + Clone,
{
    let reach = context.reach(policy)?;
    let order = SortOrder::by_id(format!("{} of {storefront}", T::COLLECTION));
    let page = args.check(context.app.vault.cursors(), order)?;
    let one = context
        .storefront_to_read(&reach, Some(storefront.as_str()))
        .await?
        .ok_or(Error::StorefrontNotFound)?;
    let reach = context.group_reach::<Customer>(one.reach()).await?;
    let documents = context.app.database.open::<T>(&reach);
    let slice = documents.page(doc! {}, &page, T::position).await?;
    let app = Arc::clone(&context.app);
    let count: Count = Box::new(move || {
        let (app, reach) = (Arc::clone(&app), reach.clone());
        Box::pin(async move { app.database.open::<T>(&reach).count(doc! {}).await })
    });
    Ok(Connection::new(
        slice.map(|document| node(Arc::new(document))),
        count,
    ))
}
