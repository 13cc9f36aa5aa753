//! The customer that an input names.

use async_graphql::ID;

use super::{Customer, refusal};
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::{CustomerId, Id};
use crate::reach::Reach;

/// The customer that a mutation changes: the caller's own, or the one that a backend names.
///
/// # Errors
/// CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, on `customerId`.
pub async fn customer_to_change(
    context: &RequestContext,
    reach: &Reach,
    id: Option<&ID>,
) -> Result<Customer> {
    let customer = customer_or_erased(context, reach, id).await?;
    customer.check_open("customerId")?;
    Ok(customer)
}

/// As [`customer_to_change`], but the customer may be erased.
///
/// # Errors
/// CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), on `customerId`.
pub async fn customer_or_erased(
    context: &RequestContext,
    reach: &Reach,
    id: Option<&ID>,
) -> Result<Customer> {
    let own = reach.person().and_then(|person| person.customer.as_ref());
    let sent = id.filter(|id| own.is_some() || !id.trim().is_empty());
    let id = match (sent, own) {
        (Some(id), _) => CustomerId::parse(id).ok_or_else(|| refusal::not_found("customerId"))?,
        (None, Some((own, _))) => own.clone(),
        (None, None) => return Err(refusal::reference_missing("customerId").into()),
    };
    let found = context.app.database.open::<Customer>(reach).get(&id).await?;
    found.ok_or_else(|| refusal::not_found("customerId").into())
}
