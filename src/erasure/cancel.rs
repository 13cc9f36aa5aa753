//! `customerAnonymizationCancel`: cancels a requested erasure that has not started (CLY-18).

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::on_behalf::OnBehalf;
use super::refusal;
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::{Customer, anonymization::AnonymizationStatus, node::CustomerNode};
use crate::error::Result;
use crate::mutation::mutation;
use crate::platform::database::{Tx, Write};

/// Input of `customerAnonymizationCancel`: the customer whose erasure to cancel.
#[derive(InputObject)]
pub struct CustomerAnonymizationCancelInput {
    /// Id of the customer.
    customer_id: ID,
}

mutation! {
    /// Cancels a requested erasure that has not started.
    /// Requires an integration token with the scope `customers:anonymize` and an owner.
    /// User errors: OWNER_REQUIRED, CUSTOMER_NOT_FOUND (402), CUSTOMER_REFERENCE_MISSING (405),
    /// ANONYMIZATION_NOT_REQUESTED, ANONYMIZATION_ALREADY_STARTED.
    /// All data of the customer is unchanged.
    CustomerAnonymizationCancel.customer_anonymization_cancel = cancel(
        #[graphql(desc = "The customer whose erasure to cancel.")] input: CustomerAnonymizationCancelInput,
    ) -> CustomerAnonymizationCancelPayload;

    /// Payload of `customerAnonymizationCancel`.
    payload {
        /// The customer, with all its data; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn cancel(
    context: &Arc<RequestContext>,
    input: CustomerAnonymizationCancelInput,
) -> Result<CustomerAnonymizationCancelPayload> {
    let on_behalf = OnBehalf::of(context, &input.customer_id).await?;
    let cancellation = ErasureCancellation {
        app: &context.app,
        on_behalf: &on_behalf,
    };
    let customer = context.app.database.run(&cancellation).await?;
    let customer = CustomerNode::in_payload(customer, &on_behalf.reach);
    Ok(CustomerAnonymizationCancelPayload::of(customer))
}

/// The write that cancels an erasure. Returns the customer as stored.
struct ErasureCancellation<'a> {
    app: &'a App,
    on_behalf: &'a OnBehalf,
}

impl Write for ErasureCancellation<'_> {
    type Output = Customer;

    /// # Errors
    /// CUSTOMER_NOT_FOUND (402), ANONYMIZATION_NOT_REQUESTED, ANONYMIZATION_ALREADY_STARTED.
    async fn write(&self, tx: &mut Tx) -> Result<Customer> {
        let Self { app, on_behalf } = *self;
        // Read and changed in one transaction, like the start of an erasure: of the two, the later one sees the other's
        // change.
        match on_behalf.customer_in(&app.database, tx).await?.erasure() {
            Some(AnonymizationStatus::Requested) => {}
            None | Some(AnonymizationStatus::Cancelled) => return Err(refusal::not_requested().into()),
            Some(_) => return Err(refusal::already_started().into()),
        }
        let cancelled = doc! { "$set": {
            "anonymization.status": bson::serialize_to_bson(&AnonymizationStatus::Cancelled)?,
            "anonymization.cancelledAt": app.clock.now(),
            "anonymization.canceller": bson::serialize_to_bson(&on_behalf.member)?,
        } };
        let customer = on_behalf.update_in(&app.database, tx, cancelled).await?;
        let entry = customer.entry(Action::AnonymizationCancelled);
        app.audit.note_in(tx, &on_behalf.reach, [entry]).await?;
        Ok(customer)
    }
}
