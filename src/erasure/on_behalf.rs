//! What a backend requests on behalf of a member: the request for an erasure, and its cancellation.

use std::sync::Arc;

use async_graphql::ID;
use bson::{Document, doc};

use super::refusal;
use crate::context::RequestContext;
use crate::customer::{self, Customer, named::customer_or_erased};
use crate::error::{Error, Result};
use crate::organization::actor::Actor;
use crate::platform::{
    database::{Database, Tx},
    id::CustomerId,
};
use crate::reach::{Reach, principal::Policy, scope::Scope};

/// Who may request and cancel erasures.
const REQUEST: Policy = Policy::backend(Scope::CustomersAnonymize);

/// A customer that a backend names, and the member on whose behalf the backend acts.
pub struct OnBehalf {
    /// The reach of the backend.
    pub reach: Reach,
    /// The customer.
    pub customer: CustomerId,
    /// The member.
    pub member: Actor,
}

impl OnBehalf {
    /// Returns the customer with this id and the owner of the backend's token.
    ///
    /// # Errors
    /// OWNER_REQUIRED, CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402).
    pub async fn of(context: &Arc<RequestContext>, id: &ID) -> Result<Self> {
        let reach = context.reach_to_write(&REQUEST).await?;
        let owner = reach.identity().owner().cloned();
        let owner = owner.ok_or_else(refusal::owner_required)?;
        let customer = customer_or_erased(context, &reach, Some(id)).await?;
        Ok(Self {
            reach,
            customer: customer.id,
            member: Actor::member(&owner),
        })
    }

    /// Returns the customer as it is at the start of the transaction.
    ///
    /// # Errors
    /// CUSTOMER_NOT_FOUND (402) if it was deleted meanwhile.
    pub async fn customer_in(&self, database: &Database, tx: &mut Tx) -> Result<Customer> {
        let customers = database.open::<Customer>(&self.reach);
        let found = customers.find_one_in(tx, doc! { "_id": &self.customer }).await?;
        found.ok_or_else(|| customer::refusal::not_found("customerId").into())
    }

    /// Updates the state of the erasure and returns the customer as stored. `version` and `updatedAt` are unchanged,
    /// because the customer's own data does not change.
    ///
    /// # Errors
    /// Any database error.
    pub async fn update_in(&self, database: &Database, tx: &mut Tx, update: Document) -> Result<Customer> {
        let customers = database.open::<Customer>(&self.reach);
        let updated = customers.update_in(tx, doc! { "_id": &self.customer }, update);
        let updated = updated.await?;
        updated.ok_or_else(|| Error::internal("customer not found during a transaction"))
    }
}
