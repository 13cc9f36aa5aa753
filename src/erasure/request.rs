//! `customerAnonymizationRequest`: requests the erasure of a customer at the end of the grace period (CLY-17).

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::ERASE;
use super::on_behalf::OnBehalf;
use super::refusal;
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::{
    self, Customer,
    anonymization::{Anonymization, AnonymizationStatus},
    node::CustomerNode,
};
use crate::error::{Result, UserError};
use crate::mutation::mutation;
use crate::platform::database::{Tx, Write};

/// Input of `customerAnonymizationRequest`: the customer to erase.
#[derive(InputObject)]
pub struct CustomerAnonymizationRequestInput {
    /// Id of the customer.
    customer_id: ID,
}

mutation! {
    /// Requests the erasure of a customer's personal data.
    /// Requires an integration token with the scope `customers:anonymize` and an owner.
    /// User errors: OWNER_REQUIRED, CUSTOMER_NOT_FOUND (402), CUSTOMER_REFERENCE_MISSING (405),
    /// ANONYMIZATION_ALREADY_REQUESTED, ANONYMIZATION_ALREADY_STARTED, CUSTOMER_ANONYMIZED.
    /// The erasure starts at the end of the grace period and can be cancelled until then.
    CustomerAnonymizationRequest.customer_anonymization_request = request(
        #[graphql(desc = "The customer to erase.")] input: CustomerAnonymizationRequestInput,
    ) -> CustomerAnonymizationRequestPayload;

    /// Payload of `customerAnonymizationRequest`.
    payload {
        /// The customer, unchanged until the grace period ends; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn request(
    context: &Arc<RequestContext>,
    input: CustomerAnonymizationRequestInput,
) -> Result<CustomerAnonymizationRequestPayload> {
    let on_behalf = OnBehalf::of(context, &input.customer_id).await?;
    let request = ErasureRequest {
        app: &context.app,
        on_behalf: &on_behalf,
    };
    let customer = context.app.database.run(&request).await?;
    let customer = CustomerNode::in_payload(customer, &on_behalf.reach);
    Ok(CustomerAnonymizationRequestPayload::of(customer))
}

/// The write that schedules an erasure. Returns the customer as stored.
struct ErasureRequest<'a> {
    app: &'a App,
    on_behalf: &'a OnBehalf,
}

impl Write for ErasureRequest<'_> {
    type Output = Customer;

    /// # Errors
    /// CUSTOMER_NOT_FOUND (402), ANONYMIZATION_ALREADY_REQUESTED, ANONYMIZATION_ALREADY_STARTED, CUSTOMER_ANONYMIZED.
    async fn write(&self, tx: &mut Tx) -> Result<Customer> {
        let Self { app, on_behalf } = *self;
        check_requestable(&on_behalf.customer_in(&app.database, tx).await?)?;
        let now = app.clock.now();
        let scheduled_for = now.after(app.config.anonymization_grace);
        let state = Anonymization::asked(on_behalf.member.clone(), now, scheduled_for);
        let requested = doc! { "$set": { "anonymization": bson::serialize_to_bson(&state)? } };
        let customer = on_behalf.update_in(&app.database, tx, requested).await?;
        let payload = doc! { "customerId": &customer.id };
        app.queue.enqueue(tx, ERASE, payload, scheduled_for).await?;
        let entry = customer.entry(Action::AnonymizationRequested);
        app.audit.note_in(tx, &on_behalf.reach, [entry]).await?;
        Ok(customer)
    }
}

/// Checks that an erasure can be requested in the customer's current state.
fn check_requestable(customer: &Customer) -> Result<(), UserError> {
    Err(match customer.erasure() {
        None | Some(AnonymizationStatus::Cancelled) => return Ok(()),
        Some(AnonymizationStatus::Requested) => refusal::already_requested(),
        Some(AnonymizationStatus::InProgress | AnonymizationStatus::Failed) => refusal::already_started(),
        Some(AnonymizationStatus::Completed) => customer::refusal::anonymized(["customerId"]),
    })
}
