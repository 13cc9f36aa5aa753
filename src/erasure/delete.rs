//! `customerDelete`: erases a customer at once and deletes the account.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::immediate::{ImmediateErasure, confirm};
use crate::context::RequestContext;
use crate::customer::named::customer_or_erased;
use crate::error::Result;
use crate::mutation::mutation;
use crate::reach::{principal::Policy, scope::Scope};

/// Who may delete customers.
const DELETE: Policy = Policy::backend(Scope::CustomersWrite).and_customer();

/// Input of `customerDelete`: the customer to delete.
#[derive(InputObject)]
pub struct CustomerDeleteInput {
    /// Id of the customer; required with an integration token or client secret.
    customer_id: Option<ID>,
    /// Current password; required with a customer token if the customer has a password.
    password: Option<String>,
}

mutation! {
    /// Erases the personal data of a customer and deletes the account with its storefront user.
    /// Requires a customer token, and `password` if the customer has one; or an integration token or client secret with
    /// the scope `customers:write` and `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), PASSWORD_INVALID (408), RATE_LIMITED,
    /// SAVE_FAILED (410) if the deletion has started and continues in the background.
    /// The deletion is complete when the mutation returns. Orders are kept without personal data and without a
    /// customer.
    CustomerDelete.customer_delete = delete(
        #[graphql(desc = "The customer to delete.")] input: CustomerDeleteInput,
    ) -> CustomerDeletePayload;

    /// Payload of `customerDelete`.
    payload {
        /// Id of the deleted customer; null when there are user errors.
        deleted_customer_id: ID,
    }
}

async fn delete(context: &Arc<RequestContext>, input: CustomerDeleteInput) -> Result<CustomerDeletePayload> {
    let reach = context.reach_to_write(&DELETE).await?;
    let customer = customer_or_erased(context, &reach, input.customer_id.as_ref()).await?;
    if reach.person().is_some() {
        confirm(context, &customer, input.password).await?;
    }
    let erasure = ImmediateErasure {
        app: &context.app,
        reach: &reach,
        customer: &customer,
        is_deletion: true,
    };
    erasure.run().await?;
    Ok(CustomerDeletePayload::of(ID::from(&customer.id)))
}
