//! Erasures without a grace period, which `customerAnonymize` and `customerDelete` share: complete when the request
//! returns.

use std::sync::Arc;

use super::begin::{self, Closing, Trigger};
use super::node::ErasureReceipt;
use crate::app::App;
use crate::audit::AuditActor;
use crate::context::RequestContext;
use crate::customer::{Customer, limits, password::current::check_current, refusal};
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::organization::actor::Actor;
use crate::reach::{HouseReach, Reach};

/// Confirms by the password, if there is one, that the caller is the customer.
///
/// # Errors
/// PASSWORD_INVALID (408), RATE_LIMITED.
pub async fn confirm(context: &RequestContext, customer: &Customer, password: Option<String>) -> Result<()> {
    if customer.password_hash.is_none() {
        return Ok(());
    }
    let password = password.unwrap_or_default().into();
    check_current(context, customer, password).await
}

/// The immediate erasure of a customer.
pub struct ImmediateErasure<'a> {
    /// The app.
    pub app: &'a Arc<App>,
    /// The reach of the caller.
    pub reach: &'a Reach,
    /// The customer.
    pub customer: &'a Customer,
    /// Whether the customer's document is deleted too.
    pub is_deletion: bool,
}

impl ImmediateErasure<'_> {
    /// Erases the customer and returns when everything is done. If the process dies, the job does the rest. Returns the
    /// receipt, `None` for a deletion.
    ///
    /// # Errors
    /// CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED; SAVE_FAILED (410) if the erasure has started but could not be
    /// finished yet.
    pub async fn run(&self) -> Result<Option<ErasureReceipt>> {
        let job = self.begin().await?;
        let runner = self.app.runner();
        let runner = runner.ok_or_else(|| Error::internal("the job runner has not started"))?;
        let is_done = runner.finish(&job, Arc::clone(self.app)).await?;
        let receipt = self.outcome(is_done).await?;
        limits::forget(self.app, self.customer).await;
        Ok(receipt)
    }

    /// Starts the erasure and returns the id of its job.
    async fn begin(&self) -> Result<String> {
        let (app, id) = (self.app, &self.customer.id);
        let trigger = Trigger::Immediate {
            actor: Actor::of(self.reach, &self.customer.id),
            is_deletion: self.is_deletion,
        };
        let closing = Closing {
            app: app.as_ref(),
            reach: self.reach,
            by: &AuditActor::from(self.reach),
            customer: id,
            trigger: &trigger,
        };
        closing.run().await?;
        let system = HouseReach::within(&self.customer.storefront_id);
        let started = begin::complete_with_job(app, &system, id).await;
        started.map_err(|error| {
            tracing::warn!(
                ?error,
                "erasure not completed in the request; a background job continues it"
            );
            unfinished()
        })
    }

    /// Returns the receipt after the job has ended, `None` for a deletion.
    async fn outcome(&self, is_done: bool) -> Result<Option<ErasureReceipt>> {
        let system = HouseReach::within(&self.customer.storefront_id);
        let customers = self.app.database.open::<Customer>(&system);
        match customers.get(&self.customer.id).await? {
            None if self.is_deletion => Ok(None),
            // Deleted concurrently by another request.
            None => Err(refusal::not_found("customerId").into()),
            Some(customer) if is_done && !self.is_deletion => {
                let state = customer.anonymization.ok_or_else(unfinished)?;
                let completed_at = state.completed_at.ok_or_else(unfinished)?;
                Ok(Some(ErasureReceipt::new(completed_at, state.erased)))
            }
            Some(_) => Err(unfinished()),
        }
    }
}

/// The erasure continues in the background; the caller can query its status.
fn unfinished() -> Error {
    let message = "The erasure has started but is not complete yet. It continues in the background.";
    Error::rejected(UserError::new(UserErrorCode::SaveFailed, [], message).legacy(410))
}
