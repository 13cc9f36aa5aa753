//! `customerGroupRemoveCustomers`: removes customers from a customer group.

use std::sync::Arc;

use super::membership::{
    CustomerGroupMembersInput, CustomerGroupMembersPayload, MemberChange, change_members,
};
use crate::context::RequestContext;
use crate::error::Result;
use crate::mutation::mutation;

mutation! {
    /// Removes customers from a customer group, either all of them or none.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND, REQUIRED for an empty list, TOO_LONG for more than 1,000 customers,
    /// CUSTOMER_NOT_FOUND (402) at the index of each id that is not a customer of the group's storefront.
    /// The customers lose access to the group's markets at once. Repeating the request succeeds. The `version` and
    /// `updatedAt` of the customers do not change.
    CustomerGroupRemoveCustomers.customer_group_remove_customers = remove(
        #[graphql(desc = "The group and the customers to remove.")] input: CustomerGroupMembersInput,
    ) -> CustomerGroupMembersPayload;
}

async fn remove(
    context: &Arc<RequestContext>,
    input: CustomerGroupMembersInput,
) -> Result<CustomerGroupMembersPayload> {
    change_members(context, input, MemberChange::Leave).await
}
