//! `customerGroupDelete`: deletes a customer group. The group and its links to markets are deleted immediately; a job
//! removes it from its members' documents, which may be very many. In between, the deleted group opens no market, and
//! no query returns it.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::target::Target;
use super::{CustomerGroup, WRITE, forget, links, name::UniquelyNamed};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::Result;
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::CustomerGroupId,
};
use crate::reach::Reach;

/// Input of `customerGroupDelete`: the group to delete.
#[derive(InputObject)]
pub struct CustomerGroupDeleteInput {
    /// Id of the group.
    id: ID,
}

mutation! {
    /// Deletes a customer group, its memberships and its links to markets.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND.
    /// A market that loses its last group stays private, and nobody may enter it until its `groupIds` are set.
    CustomerGroupDelete.customer_group_delete = delete(
        #[graphql(desc = "The group to delete.")] input: CustomerGroupDeleteInput,
    ) -> CustomerGroupDeletePayload;

    /// Payload of `customerGroupDelete`.
    payload {
        /// Id of the deleted group; null when there are user errors.
        deleted_customer_group_id: ID,
    }
}

async fn delete(
    context: &Arc<RequestContext>,
    input: CustomerGroupDeleteInput,
) -> Result<CustomerGroupDeletePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let database = &context.app.database;
    let target = Target::<CustomerGroup>::find(database, &reach, &input.id).await?;
    let deletion = GroupDeletion {
        app: &context.app,
        reach: &reach,
        group: target.document.id,
    };
    database.run(&deletion).await?;
    Ok(CustomerGroupDeletePayload::of(ID::from(&deletion.group)))
}

/// The write that deletes a group. Markets that it opened stay private; those without another group are closed (CLY-15).
struct GroupDeletion<'a> {
    app: &'a App,
    reach: &'a Reach,
    group: CustomerGroupId,
}

impl Write for GroupDeletion<'_> {
    type Output = ();

    /// # Errors
    /// CUSTOMER_GROUP_NOT_FOUND.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let database = &self.app.database;
        let groups = database.open::<CustomerGroup>(self.reach);
        let deleted = groups.delete_in(tx, doc! { "_id": &self.group }).await?;
        let group = deleted.ok_or_else(CustomerGroup::not_found)?;
        links::remove_in(database, self.reach, tx, &group).await?;
        forget::enqueue_in(self.app, tx, &group).await
    }
}
