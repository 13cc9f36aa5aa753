//! The addresses' mutations.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::inputs::{
    CustomerAddressCreateInput, CustomerAddressCreatePayload, CustomerAddressDeleteInput,
    CustomerAddressDeletePayload, CustomerAddressUpdateInput, CustomerAddressUpdatePayload,
};
use super::node::AddressNode;
use super::{Address, create, delete, refusal, store, update};
use crate::context::RequestContext;
use crate::customer::{Customer, mutations::whom, node::CustomerNode};
use crate::error::{Error, Faults, Result, payload};
use crate::platform::id::{AddressId, Id};
use crate::reach::{Reach, principal::Policy, scope::Scope};

const WRITE: Policy = Policy::backend(Scope::CustomersWrite).and_customer();

/// The addresses' mutations.
#[derive(Default)]
pub struct AddressMutation;

#[Object]
impl AddressMutation {
    /// Adds an address to a customer.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, REQUIRED,
    /// TOO_LONG, INVALID, SAVE_FAILED (409).
    /// The address becomes the default for shipping and billing unless its flags say otherwise. The first address
    /// always becomes both.
    async fn customer_address_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address to add.")] input: CustomerAddressCreateInput,
    ) -> Result<CustomerAddressCreatePayload> {
        let (done, user_errors) = payload(create_address(RequestContext::of(ctx)?, input).await)?;
        let (address, customer) = done.unzip();
        Ok(CustomerAddressCreatePayload {
            address,
            customer,
            user_errors,
        })
    }

    /// Changes the fields of an address that are sent.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, ADDRESS_ID_MISSING
    /// (412), ADDRESS_NOT_FOUND (404), NO_CHANGES, VERSION_CONFLICT with `currentVersion`, REQUIRED, TOO_LONG, INVALID,
    /// SAVE_FAILED (409).
    async fn customer_address_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address and its new values.")] input: CustomerAddressUpdateInput,
    ) -> Result<CustomerAddressUpdatePayload> {
        let (done, user_errors) = payload(update_address(RequestContext::of(ctx)?, input).await)?;
        let (address, customer) = done.unzip();
        Ok(CustomerAddressUpdatePayload {
            address,
            customer,
            user_errors,
        })
    }

    /// Deletes an address of a customer.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, ADDRESS_ID_MISSING
    /// (412), ADDRESS_NOT_FOUND (404), SAVE_FAILED (409).
    /// If it is a default, the customer's oldest remaining address becomes the default.
    async fn customer_address_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address to delete.")] input: CustomerAddressDeleteInput,
    ) -> Result<CustomerAddressDeletePayload> {
        let (done, user_errors) = payload(delete_address(RequestContext::of(ctx)?, input).await)?;
        let (deleted_address_id, customer) = done.unzip();
        Ok(CustomerAddressDeletePayload {
            deleted_address_id,
            customer,
            user_errors,
        })
    }
}

/// The nodes for a payload.
fn shown((address, customer): (Address, Customer), reach: &Reach) -> (AddressNode, CustomerNode) {
    let customer = Arc::new(customer);
    let granted = reach.showing_customer(&customer.user_id);
    let address = AddressNode::of(Arc::new(address), Arc::clone(&customer), Some(granted.clone()));
    (address, CustomerNode::granted(customer, Some(granted)))
}

/// The customer and the address that an input names; notes errors in `faults`.
async fn named(
    context: &RequestContext,
    reach: &Reach,
    faults: &mut Faults,
    (customer_id, id): (Option<&ID>, &ID),
) -> Result<Option<(Customer, AddressId)>> {
    let customer = faults.absorb(whom(context, reach, customer_id).await)?;
    if id.trim().is_empty() {
        faults.push(refusal::id_missing());
        return Ok(None);
    }
    let Some(customer) = customer else {
        return Ok(None);
    };
    let known = match AddressId::parse(id) {
        Some(id) => store::find(&context.app.database, reach, &customer.id, &id).await?,
        None => None,
    };
    let address = faults.take(known.ok_or_else(refusal::not_found));
    Ok(address.map(|address| (customer, address.id)))
}

async fn create_address(
    context: &Arc<RequestContext>,
    input: CustomerAddressCreateInput,
) -> Result<(AddressNode, CustomerNode)> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let customer = faults.absorb(whom(context, &reach, input.customer_id.as_ref()).await)?;
    let new = input.checked(&mut faults);
    faults.check()?;
    let complete = customer.zip(new);
    let (customer, (content, flags)) = complete.ok_or_else(incomplete)?;
    let written = create::create(&context.app, &reach, &customer.id, content, flags).await?;
    Ok(shown(written, &reach))
}

async fn update_address(
    context: &Arc<RequestContext>,
    input: CustomerAddressUpdateInput,
) -> Result<(AddressNode, CustomerNode)> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let names = (input.customer_id.as_ref(), &input.id);
    let named = named(context, &reach, &mut faults, names).await?;
    let expected = input.expected_version.map(i64::from);
    let changes = input.checked(&mut faults);
    faults.check()?;
    let (customer, id) = named.ok_or_else(incomplete)?;
    let written = update::update(&context.app, &reach, (&customer.id, &id), changes, expected).await?;
    Ok(shown(written, &reach))
}

async fn delete_address(
    context: &Arc<RequestContext>,
    input: CustomerAddressDeleteInput,
) -> Result<(ID, CustomerNode)> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let names = (input.customer_id.as_ref(), &input.id);
    let named = named(context, &reach, &mut faults, names).await?;
    faults.check()?;
    let (customer, id) = named.ok_or_else(incomplete)?;
    let customer = delete::delete(&context.app, &reach, &customer.id, &id).await?;
    Ok((ID::from(&id), CustomerNode::in_payload(customer, &reach)))
}

fn incomplete() -> Error {
    Error::internal("a validated input is incomplete")
}
