//! `customerAnonymize`: erases the signed-in customer at once.

use std::sync::Arc;

use async_graphql::InputObject;

use super::immediate::{ImmediateErasure, confirm};
use super::node::ErasureReceipt;
use crate::context::RequestContext;
use crate::customer::named::customer_to_change;
use crate::error::{Error, Result};
use crate::mutation::mutation;
use crate::reach::principal::Policy;

/// Who may erase itself.
const OWN: Policy = Policy::customer_only();

/// Input of `customerAnonymize`: the customer's confirmation.
#[derive(InputObject)]
pub struct CustomerAnonymizeInput {
    /// Current password; required if the customer has one.
    password: Option<String>,
}

mutation! {
    /// Erases the personal data of the signed-in customer at once.
    /// Requires a customer token, and `password` if the customer has one.
    /// User errors: PASSWORD_INVALID (408), RATE_LIMITED, CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, SAVE_FAILED
    /// (410) if the erasure has started and continues in the background.
    /// The erasure is complete when the mutation returns: all sessions are revoked, the e-mail address can be
    /// registered again and ids, times, and ordered items with their prices are kept.
    CustomerAnonymize.customer_anonymize = anonymize(
        #[graphql(desc = "The customer's confirmation.")] input: CustomerAnonymizeInput,
    ) -> CustomerAnonymizePayload;

    /// Payload of `customerAnonymize`.
    payload {
        /// Number of erased objects by kind; null when there are user errors.
        receipt: ErasureReceipt,
    }
}

async fn anonymize(
    context: &Arc<RequestContext>,
    input: CustomerAnonymizeInput,
) -> Result<CustomerAnonymizePayload> {
    let reach = context.reach_to_write(&OWN).await?;
    let customer = customer_to_change(context, &reach, None).await?;
    confirm(context, &customer, input.password).await?;
    let erasure = ImmediateErasure {
        app: &context.app,
        reach: &reach,
        customer: &customer,
        is_deletion: false,
    };
    let receipt = erasure.run().await?;
    let receipt = receipt.ok_or_else(|| Error::internal("a completed erasure has no receipt"))?;
    Ok(CustomerAnonymizePayload::of(receipt))
}
