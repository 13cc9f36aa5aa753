//! `customerAnonymizationRequest`: requests the erasure of a customer at the end of the grace period (CLY-17).

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
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
use crate::error::{Result, UserError, payload};
use crate::platform::database::{Tx, Write};

/// Input of `customerAnonymizationRequest`: the customer to erase.
#[derive(InputObject)]
pub struct CustomerAnonymizationRequestInput {
    /// Id of the customer.
    customer_id: ID,
}

/// Payload of `customerAnonymizationRequest`.
#[derive(SimpleObject)]
pub struct CustomerAnonymizationRequestPayload {
    /// The customer, unchanged until the grace period ends; null when there are user errors.
    customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `customerAnonymizationRequest`.
#[derive(Default)]
pub struct CustomerAnonymizationRequest;

#[Object]
impl CustomerAnonymizationRequest {
    /// Requests the erasure of a customer's personal data.
    /// Requires an integration token with the scope `customers:anonymize` and an owner.
    /// User errors: OWNER_REQUIRED, CUSTOMER_NOT_FOUND (402), CUSTOMER_REFERENCE_MISSING (405),
    /// ANONYMIZATION_ALREADY_REQUESTED, ANONYMIZATION_ALREADY_STARTED, CUSTOMER_ANONYMIZED.
    /// The erasure starts at the end of the grace period and can be cancelled until then.
    async fn customer_anonymization_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer to erase.")] input: CustomerAnonymizationRequestInput,
    ) -> Result<CustomerAnonymizationRequestPayload> {
        let (customer, user_errors) = payload(request(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerAnonymizationRequestPayload {
            customer,
            user_errors,
        })
    }
}

async fn request(
    context: &Arc<RequestContext>,
    input: CustomerAnonymizationRequestInput,
) -> Result<CustomerNode> {
    let on_behalf = OnBehalf::of(context, &input.customer_id).await?;
    let request = ErasureRequest {
        app: &context.app,
        on_behalf: &on_behalf,
    };
    let customer = context.app.database.run(&request).await?;
    Ok(CustomerNode::in_payload(customer, &on_behalf.reach))
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
