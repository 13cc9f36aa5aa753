//! `customerGroupUpdate`: renames a customer group.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use bson::doc;

use super::name::{self, Name};
use super::node::CustomerGroupNode;
use super::target::Target;
use super::{CustomerGroup, WRITE, refusal};
use crate::context::RequestContext;
use crate::error::{Faults, Result, UserError, payload};
use crate::platform::{database::Database, id::CustomerGroupId};
use crate::reach::Reach;

/// Input of `customerGroupUpdate`: the group and its new name.
#[derive(InputObject)]
pub struct CustomerGroupUpdateInput {
    /// Id of the group.
    id: ID,
    /// New name of the group: 1 to 255 characters, not blank, without control characters. Unique in the storefront
    /// regardless of case and surrounding white space.
    name: String,
}

/// Payload of `customerGroupUpdate`.
#[derive(SimpleObject)]
pub struct CustomerGroupUpdatePayload {
    /// The group as stored after the update; null when there are user errors.
    customer_group: Option<CustomerGroupNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `customerGroupUpdate`.
#[derive(Default)]
pub struct CustomerGroupUpdate;

#[Object]
impl CustomerGroupUpdate {
    /// Renames a customer group.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND, CUSTOMER_GROUP_NAME_TAKEN, REQUIRED, TOO_LONG, INVALID.
    async fn customer_group_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group and its new name.")] input: CustomerGroupUpdateInput,
    ) -> Result<CustomerGroupUpdatePayload> {
        let (customer_group, user_errors) = payload(update(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerGroupUpdatePayload {
            customer_group,
            user_errors,
        })
    }
}

async fn update(context: &Arc<RequestContext>, input: CustomerGroupUpdateInput) -> Result<CustomerGroupNode> {
    let CustomerGroupUpdateInput { id, name } = input;
    let reach = context.reach_to_write(&WRITE).await?;
    let database = &context.app.database;
    let mut faults = Faults::default();
    let target = Target::<CustomerGroup>::find(database, &reach, &id).await?;
    let target = faults.take(target.ok_or_else(refusal::not_found));
    let name = Name::checked(&name, &mut faults);
    name::check_free(
        database,
        target.as_ref().map(|target| &target.storefront),
        name.as_ref(),
        target.as_ref().map(|target| &target.document),
        &mut faults,
    )
    .await?;
    let (target, name) = faults.finish((target, name))?;
    let renamed = rename(database, &reach, &target.document.id, &name).await?;
    Ok(CustomerGroupNode::in_payload(renamed, &reach))
}

/// Renames a group and returns it as stored.
async fn rename(
    database: &Database,
    reach: &Reach,
    id: &CustomerGroupId,
    name: &Name,
) -> Result<CustomerGroup> {
    let change = doc! { "$set": { "name": bson::serialize_to_bson(name)? }, "$inc": { "version": 1_i64 } };
    let groups = database.open::<CustomerGroup>(reach);
    let renamed = groups.update(doc! { "_id": id }, change).await;
    let renamed = renamed.map_err(name::taken::<CustomerGroup>)?;
    renamed.ok_or_else(|| refusal::not_found().into())
}
