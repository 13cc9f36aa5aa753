//! `customerGroupCreate`: creates a customer group without members.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::list::GroupedNode;
use super::name::{self, Name};
use super::node::CustomerGroupNode;
use super::{CustomerGroup, WRITE};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::CustomerGroupId,
};
use crate::reach::StorefrontReach;

/// Input of `customerGroupCreate`: the group to create.
#[derive(InputObject)]
pub struct CustomerGroupCreateInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Name of the group: 1 to 255 characters, not blank, without control characters. Unique in the storefront
    /// regardless of case and surrounding white space.
    name: String,
}

mutation! {
    /// Creates a customer group without members.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NAME_TAKEN, REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    CustomerGroupCreate.customer_group_create = create(
        #[graphql(desc = "The group to create.")] input: CustomerGroupCreateInput,
    ) -> CustomerGroupCreatePayload;

    /// Payload of `customerGroupCreate`.
    payload {
        /// The new group; null when there are user errors.
        customer_group: CustomerGroupNode,
    }
}

async fn create(
    context: &Arc<RequestContext>,
    input: CustomerGroupCreateInput,
) -> Result<CustomerGroupCreatePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let storefront = context.storefront_to_write(&reach, id, ["storefrontId"]).await;
    let storefront = faults.absorb(storefront)?;
    let name = Name::checked(&input.name, &mut faults);
    let database = &context.app.database;
    let own = None::<&CustomerGroup>;
    name::check_free(database, storefront.as_ref(), name.as_ref(), own, &mut faults).await?;
    let (storefront, name) = faults.finish((storefront, name))?;
    let creation = GroupCreation {
        app: &context.app,
        storefront: &storefront,
        name,
    };
    let group = CustomerGroupNode::in_payload(creation.run().await?, &reach);
    Ok(CustomerGroupCreatePayload::of(group))
}

/// The write that creates a group without members.
pub struct GroupCreation<'a> {
    /// The app.
    pub app: &'a App,
    /// The reach into the group's storefront.
    pub storefront: &'a StorefrontReach,
    /// The checked name.
    pub name: Name,
}

impl GroupCreation<'_> {
    /// Creates the group.
    ///
    /// # Errors
    /// CUSTOMER_GROUP_NAME_TAKEN.
    pub async fn run(&self) -> Result<CustomerGroup> {
        let written = self.app.database.run(self).await;
        written.map_err(name::taken::<CustomerGroup>)
    }
}

impl Write for GroupCreation<'_> {
    type Output = CustomerGroup;

    async fn write(&self, tx: &mut Tx) -> Result<CustomerGroup> {
        let reach = self.storefront.reach();
        let now = self.app.clock.now();
        let group = CustomerGroup {
            id: CustomerGroupId::fresh(now, &self.app.random),
            storefront_id: self.storefront.id().clone(),
            name: self.name.clone(),
            created_at: now,
            version: 1,
        };
        let groups = self.app.database.open::<CustomerGroup>(reach);
        groups.insert_in(tx, reach, &group).await?;
        Ok(group)
    }
}
