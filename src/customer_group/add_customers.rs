//! `customerGroupAddCustomers`: adds customers to a customer group.

use std::sync::Arc;

use super::membership::{
    CustomerGroupMembersInput, CustomerGroupMembersPayload, MemberChange, change_members,
};
use crate::context::RequestContext;
use crate::error::Result;
use crate::mutation::mutation;

mutation! {
    /// Adds customers to a customer group, either all of them or none.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND, REQUIRED for an empty list, TOO_LONG for more than 1,000 customers,
    /// CUSTOMER_NOT_FOUND (402) at the index of each id that is not a customer of the group's storefront,
    /// CUSTOMER_ANONYMIZED at the index of each customer whose data is erased.
    /// Repeating the request succeeds. The `version` and `updatedAt` of the customers do not change.
    CustomerGroupAddCustomers.customer_group_add_customers = add(
        #[graphql(desc = "The group and the customers to add.")] input: CustomerGroupMembersInput,
    ) -> CustomerGroupMembersPayload;
}

async fn add(
    context: &Arc<RequestContext>,
    input: CustomerGroupMembersInput,
) -> Result<CustomerGroupMembersPayload> {
    change_members(context, input, MemberChange::Join).await
}
