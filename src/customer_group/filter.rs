//! The group in a filter of customers. It is looked up before the filter is built, because customers' documents may
//! still contain a deleted group.

use std::collections::HashSet;
use std::sync::Arc;

use bson::{Bson, doc};

use super::{CustomerGroup, READ};
use crate::context::RequestContext;
use crate::customer::{Customer, list::CustomerFilter};
use crate::error::{Error, Result};
use crate::platform::id::{CustomerGroupId, Id, StorefrontId};

/// Returns the filter with those of its groups resolved that exist in the storefront and that the caller may see; any
/// other group matches no customer. Takes one database command, none if no group is named.
///
/// # Errors
/// FORBIDDEN for a caller who may not read groups.
pub async fn with_groups(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    filter: Option<CustomerFilter>,
) -> Result<Option<CustomerFilter>> {
    let Some(mut filter) = filter else {
        return Ok(None);
    };
    let mut named = Vec::new();
    filter.each_group(&mut |id, _| named.push(CustomerGroupId::parse(id)));
    if named.is_empty() {
        return Ok(Some(filter));
    }
    let reach = context.reach(&READ)?;
    let one = context
        .storefront_to_read(&reach, Some(storefront.as_str()))
        .await?
        .ok_or(Error::StorefrontNotFound)?;
    let reach = context.group_reach::<Customer>(one.reach()).await?;
    let ids: Vec<Bson> = named.iter().flatten().map(Bson::from).collect();
    let groups = context.app.database.open::<CustomerGroup>(&reach);
    let known = groups.ids(doc! { "_id": { "$in": ids } }, 0).await?;
    let known: HashSet<CustomerGroupId> = known.into_iter().collect();
    filter.each_group(&mut |id, group| {
        *group = CustomerGroupId::parse(id).filter(|id| known.contains(id));
    });
    Ok(Some(filter))
}
