//! `customerGroupAddCustomers`: adds customers to a customer group.

use async_graphql::{Context, Object};

use super::membership::{
    CustomerGroupMembersInput, CustomerGroupMembersPayload, MemberChange, change_members,
};
use crate::context::RequestContext;
use crate::error::{Result, payload};

/// The mutation `customerGroupAddCustomers`.
#[derive(Default)]
pub struct CustomerGroupAddCustomers;

#[Object]
impl CustomerGroupAddCustomers {
    /// Adds customers to a customer group, either all of them or none.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND, REQUIRED for an empty list, TOO_LONG for more than 1,000 customers,
    /// CUSTOMER_NOT_FOUND (402) at the index of each id that is not a customer of the group's storefront,
    /// CUSTOMER_ANONYMIZED at the index of each customer whose data is erased.
    /// Repeating the request succeeds. The `version` and `updatedAt` of the customers do not change.
    async fn customer_group_add_customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group and the customers to add.")] input: CustomerGroupMembersInput,
    ) -> Result<CustomerGroupMembersPayload> {
        let changed = change_members(RequestContext::of(ctx)?, &input, MemberChange::Join).await;
        let (customer_group, user_errors) = payload(changed)?;
        Ok(CustomerGroupMembersPayload {
            customer_group,
            user_errors,
        })
    }
}
