//! Mutations of the erasure and of the export.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::eraser;
use super::inputs::{
    CustomerAnonymizationCancelInput, CustomerAnonymizationCancelPayload, CustomerAnonymizationRequestInput,
    CustomerAnonymizationRequestPayload, CustomerAnonymizeInput, CustomerAnonymizePayload,
    CustomerDataExportInput, CustomerDataExportPayload, CustomerDeleteInput, CustomerDeletePayload,
};
use super::node::ErasureReceipt;
use super::{export, refusal, request};
use crate::context::RequestContext;
use crate::customer::{
    Customer,
    anonymization::{Actor, ActorKind},
    limits,
    named::{customer_or_erased, customer_to_change},
    node::CustomerNode,
    password::current::check_current,
};
use crate::error::{Error, Result, payload};
use crate::platform::id::Id;
use crate::reach::{Reach, principal::Policy, scope::Scope, seen::Sight};
use crate::storage::node::StorageItemNode;

const REQUEST: Policy = Policy::backend(Scope::CustomersAnonymize);
const OWN: Policy = Policy::customer_only();
const DELETE: Policy = Policy::backend(Scope::CustomersWrite).and_customer();
const EXPORT: Policy = Policy::backend(Scope::CustomersRead).and_customer();

/// Mutations of the erasure.
#[derive(Default)]
pub struct ErasureMutation;

#[Object]
impl ErasureMutation {
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
        let context = RequestContext::of(ctx)?;
        let request = async {
            let (reach, customer, member) = on_behalf(context, &input.customer_id).await?;
            let customer = request::request(&context.app, &reach, &customer.id, member).await?;
            Ok(CustomerNode::in_payload(customer, &reach))
        };
        let (customer, user_errors) = payload(request.await)?;
        Ok(CustomerAnonymizationRequestPayload {
            customer,
            user_errors,
        })
    }

    /// Cancels a requested erasure that has not started.
    /// Requires an integration token with the scope `customers:anonymize` and an owner.
    /// User errors: OWNER_REQUIRED, CUSTOMER_NOT_FOUND (402), CUSTOMER_REFERENCE_MISSING (405),
    /// ANONYMIZATION_NOT_REQUESTED, ANONYMIZATION_ALREADY_STARTED.
    /// All data of the customer is unchanged.
    async fn customer_anonymization_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer whose erasure to cancel.")] input: CustomerAnonymizationCancelInput,
    ) -> Result<CustomerAnonymizationCancelPayload> {
        let context = RequestContext::of(ctx)?;
        let cancel = async {
            let (reach, customer, member) = on_behalf(context, &input.customer_id).await?;
            let customer = request::cancel(&context.app, &reach, &customer.id, member).await?;
            Ok(CustomerNode::in_payload(customer, &reach))
        };
        let (customer, user_errors) = payload(cancel.await)?;
        Ok(CustomerAnonymizationCancelPayload {
            customer,
            user_errors,
        })
    }

    /// Erases the personal data of the signed-in customer at once.
    /// Requires a customer token, and `password` if the customer has one.
    /// User errors: PASSWORD_INVALID (408), RATE_LIMITED, CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, SAVE_FAILED
    /// (410) if the erasure has started and continues in the background.
    /// The erasure is complete when the mutation returns: all sessions are revoked, the e-mail address can be
    /// registered again and ids, times, and ordered items with their prices are kept.
    async fn customer_anonymize(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's confirmation.")] input: CustomerAnonymizeInput,
    ) -> Result<CustomerAnonymizePayload> {
        let (receipt, user_errors) = payload(anonymize(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerAnonymizePayload { receipt, user_errors })
    }

    /// Erases the personal data of a customer and deletes the account with its storefront user.
    /// Requires a customer token, and `password` if the customer has one; or an integration token or client secret with
    /// the scope `customers:write` and `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), PASSWORD_INVALID (408), RATE_LIMITED,
    /// SAVE_FAILED (410) if the deletion has started and continues in the background.
    /// The deletion is complete when the mutation returns. Orders are kept without personal data and without a
    /// customer.
    async fn customer_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer to delete.")] input: CustomerDeleteInput,
    ) -> Result<CustomerDeletePayload> {
        let (deleted, user_errors) = payload(delete(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerDeletePayload {
            deleted_customer_id: deleted,
            user_errors,
        })
    }

    /// Exports all data that is stored about a customer to a JSON file.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:read` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, RATE_LIMITED
    /// beyond ten exports a day.
    /// The same credentials read the file by `node` with its id for a week. It appears in no list, count or quota of
    /// the private storage and cannot be changed.
    async fn customer_data_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer whose data to export.")] input: CustomerDataExportInput,
    ) -> Result<CustomerDataExportPayload> {
        let context = RequestContext::of(ctx)?;
        let write = async {
            let reach = context.reach_to_write(&EXPORT).await?;
            let customer = customer_to_change(context, &reach, input.customer_id.as_ref()).await?;
            limits::export(&context.app, customer.id.as_str()).await?;
            let export = export::write(&context.app, &reach, &customer).await?;
            Ok(StorageItemNode::exported(&export, Sight::With(reach)))
        };
        let (storage_item, user_errors) = payload(write.await)?;
        Ok(CustomerDataExportPayload {
            storage_item,
            user_errors,
        })
    }
}

/// Returns the customer that a backend names, and the member on whose behalf the backend acts.
async fn on_behalf(context: &Arc<RequestContext>, id: &ID) -> Result<(Reach, Customer, Actor)> {
    let reach = context.reach_to_write(&REQUEST).await?;
    let owner = reach.identity().owner().cloned();
    let owner = owner.ok_or_else(refusal::owner_required)?;
    let customer = customer_or_erased(context, &reach, Some(id)).await?;
    let member = Actor {
        kind: ActorKind::Member,
        id: owner.to_string(),
    };
    Ok((reach, customer, member))
}

async fn anonymize(context: &Arc<RequestContext>, input: CustomerAnonymizeInput) -> Result<ErasureReceipt> {
    let reach = context.reach_to_write(&OWN).await?;
    let customer = customer_to_change(context, &reach, None).await?;
    confirm(context, &customer, input.password).await?;
    let erased = eraser::at_once(
        &context.app,
        &reach,
        &customer.id,
        actor(&reach, &customer),
        false,
    )
    .await?;
    limits::forget(&context.app, &customer).await;
    let (erased_at, counts) = erased.ok_or_else(|| Error::internal("the erased customer does not exist"))?;
    Ok(ErasureReceipt::new(erased_at, counts))
}

async fn delete(context: &Arc<RequestContext>, input: CustomerDeleteInput) -> Result<ID> {
    let reach = context.reach_to_write(&DELETE).await?;
    let customer = customer_or_erased(context, &reach, input.customer_id.as_ref()).await?;
    if reach.person().is_some() {
        confirm(context, &customer, input.password).await?;
    }
    eraser::at_once(&context.app, &reach, &customer.id, actor(&reach, &customer), true).await?;
    limits::forget(&context.app, &customer).await;
    Ok(ID::from(&customer.id))
}

/// Confirms by the password, if there is one, that the caller is the customer.
async fn confirm(context: &RequestContext, customer: &Customer, password: Option<String>) -> Result<()> {
    if customer.password_hash.is_none() {
        return Ok(());
    }
    let password = password.unwrap_or_default().into();
    check_current(context, customer, password).await
}

fn actor(reach: &Reach, customer: &Customer) -> Actor {
    let identity = reach.identity();
    match (reach.person(), identity.owner(), identity.client()) {
        (Some(_), _, _) => Actor {
            kind: ActorKind::Customer,
            id: customer.id.to_string(),
        },
        (None, Some(owner), _) => Actor {
            kind: ActorKind::Member,
            id: owner.to_string(),
        },
        (None, None, client) => Actor {
            kind: ActorKind::System,
            id: client.map(ToString::to_string).unwrap_or_default(),
        },
    }
}
