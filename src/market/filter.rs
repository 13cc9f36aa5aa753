//! The group by which customers are filtered: looked up before the filter is, because customers may still name a group that
//! is gone.

use std::collections::HashSet;
use std::sync::Arc;

use bson::{Bson, doc};

use super::CustomerGroup;
use super::lists::READ_GROUPS;
use crate::context::RequestContext;
use crate::customer::{Customer, list::CustomerFilter};
use crate::error::{Error, Result};
use crate::platform::id::{CustomerGroupId, Id, StorefrontId};

/// The same filter with those of its groups known that there are in the storefront, as far as the caller may see them; who
/// is in any other is nobody. One command, and none without a group.
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
    let reach = context.reach(&READ_GROUPS)?;
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
