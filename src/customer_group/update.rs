//! `customerGroupUpdate`: renames a customer group.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::list::GroupedNode;
use super::name::{self, Name, UniquelyNamed};
use super::node::CustomerGroupNode;
use super::target::Target;
use super::{CustomerGroup, WRITE};
use crate::context::RequestContext;
use crate::error::{Faults, Result};
use crate::mutation::mutation;

/// Input of `customerGroupUpdate`: the group and its new name.
#[derive(InputObject)]
pub struct CustomerGroupUpdateInput {
    /// Id of the group.
    id: ID,
    /// New name of the group: 1 to 255 characters, not blank, without control characters. Unique in the storefront
    /// regardless of case and surrounding white space.
    name: String,
}

mutation! {
    /// Renames a customer group.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND, CUSTOMER_GROUP_NAME_TAKEN, REQUIRED, TOO_LONG, INVALID.
    CustomerGroupUpdate.customer_group_update = update(
        #[graphql(desc = "The group and its new name.")] input: CustomerGroupUpdateInput,
    ) -> CustomerGroupUpdatePayload;

    /// Payload of `customerGroupUpdate`.
    payload {
        /// The group as stored after the update; null when there are user errors.
        customer_group: CustomerGroupNode,
    }
}

async fn update(
    context: &Arc<RequestContext>,
    input: CustomerGroupUpdateInput,
) -> Result<CustomerGroupUpdatePayload> {
    let CustomerGroupUpdateInput { id, name } = input;
    let reach = context.reach_to_write(&WRITE).await?;
    let database = &context.app.database;
    let mut faults = Faults::default();
    let target = faults.absorb(Target::<CustomerGroup>::find(database, &reach, &id).await)?;
    let name = Name::checked(&name, &mut faults);
    let storefront = target.as_ref().map(|target| &target.storefront);
    let own = target.as_ref().map(|target| &target.document);
    name::check_free(database, storefront, name.as_ref(), own, &mut faults).await?;
    let (target, name) = faults.finish((target, name))?;
    let change = doc! { "$set": { "name": bson::serialize_to_bson(&name)? }, "$inc": { "version": 1_i64 } };
    let groups = database.open::<CustomerGroup>(&reach);
    let renamed = groups.update(doc! { "_id": &target.document.id }, change).await;
    let renamed = renamed.map_err(name::taken::<CustomerGroup>)?;
    let renamed = renamed.ok_or_else(CustomerGroup::not_found)?;
    let group = CustomerGroupNode::in_payload(renamed, &reach);
    Ok(CustomerGroupUpdatePayload::of(group))
}
