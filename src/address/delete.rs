//! `customerAddressDelete`: deletes an address of a customer.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::defaults::Defaults;
use super::store::{Addresses, address_of};
use super::{WRITE, refusal};
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::{Customer, node::CustomerNode, refusal::save_failed};
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::{AddressId, CustomerId},
};
use crate::reach::Reach;

/// Input of `customerAddressDelete`: the address to delete.
/// If it is a default, the customer's oldest remaining address becomes the default.
#[derive(InputObject)]
pub struct CustomerAddressDeleteInput {
    /// Id of the address.
    id: ID,
    /// Id of the customer; required with an integration token or client secret (CUSTOMER_REFERENCE_MISSING).
    customer_id: Option<ID>,
}

mutation! {
    /// Deletes an address of a customer.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, ADDRESS_ID_MISSING
    /// (412), ADDRESS_NOT_FOUND (404), SAVE_FAILED (409).
    /// If it is a default, the customer's oldest remaining address becomes the default.
    CustomerAddressDelete.customer_address_delete = delete(
        #[graphql(desc = "The address to delete.")] input: CustomerAddressDeleteInput,
    ) -> CustomerAddressDeletePayload;

    /// Payload of `customerAddressDelete`.
    payload {
        /// Id of the deleted address; null when there are user errors.
        deleted_address_id: ID,
        /// The customer as stored after the change; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn delete(
    context: &Arc<RequestContext>,
    input: CustomerAddressDeleteInput,
) -> Result<CustomerAddressDeletePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let addresses = Addresses::of(&context.app, &reach);
    let named = addresses.named(context, &mut faults, input.customer_id.as_ref(), &input.id);
    let named = named.await?;
    let named = faults.finish(named)?;
    let deletion = Deletion {
        app: &context.app,
        reach: &reach,
        customer: named.customer.id,
        address: named.address.id,
    };
    let written = context.app.database.run(&deletion).await;
    let customer = written.map_err(|error| save_failed(error, 409))?;
    Ok(CustomerAddressDeletePayload::of(
        ID::from(&deletion.address),
        CustomerNode::in_payload(customer, &reach),
    ))
}

/// The write that deletes an address; another address replaces it as a default. Returns the customer as stored.
struct Deletion<'a> {
    app: &'a App,
    reach: &'a Reach,
    customer: CustomerId,
    address: AddressId,
}

impl Write for Deletion<'_> {
    type Output = Customer;

    /// # Errors
    /// CUSTOMER_NOT_FOUND (402), ADDRESS_NOT_FOUND (404).
    async fn write(&self, tx: &mut Tx) -> Result<Customer> {
        let id = &self.address;
        let addresses = Addresses::of(self.app, self.reach);
        let customer = addresses.customer_in(tx, &self.customer).await?;
        let open = addresses.open();
        let removed = open.delete_in(tx, address_of(&customer.id, id)).await?;
        removed.ok_or_else(refusal::not_found)?;
        let defaults = Defaults::of(&customer);
        let oldest_remaining = if defaults.include(id) {
            addresses.oldest_other_in(tx, &customer, id).await?
        } else {
            None
        };
        let defaults = defaults.without(id, oldest_remaining.as_ref());
        let entry = customer.entry(Action::AddressDeleted).on(id);
        self.app.audit.note_in(tx, self.reach, [entry]).await?;
        addresses
            .change_customer_in(tx, &customer, defaults, self.app.clock.now())
            .await
    }
}
