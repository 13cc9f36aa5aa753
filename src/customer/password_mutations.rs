//! The customers' mutations for changing and setting passwords.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::credentials::Beginner;
use super::inputs::{
    CustomerPasswordChangeInput, CustomerPasswordChangePayload, CustomerPasswordSetInput,
    CustomerPasswordSetPayload, CustomerToken,
};
use super::named::customer_to_change;
use super::node::CustomerNode;
use super::password_check::checked_password;
use super::{passwords, sign_in};
use crate::context::RequestContext;
use crate::error::{Error, Faults, Result, payload};
use crate::password::PasswordField;
use crate::reach::{principal::Policy, scope::Scope};

const OWN: Policy = Policy::customer_only();
const BACKEND: Policy = Policy::backend(Scope::CustomersWrite);

/// The customers' mutations for passwords.
#[derive(Default)]
pub struct CustomerPasswordMutation;

#[Object]
impl CustomerPasswordMutation {
    /// Changes the password of the signed-in customer.
    /// Requires a customer token.
    /// User errors: PASSWORD_INVALID (408) for the current password, PASSWORDS_DO_NOT_MATCH (406), PASSWORD_TOO_SHORT
    /// (408), PASSWORD_TOO_LONG (408), PASSWORD_TOO_COMMON (408), RATE_LIMITED, CUSTOMER_ANONYMIZED, SAVE_FAILED (407).
    /// All sessions are revoked; the payload contains the tokens of a new one.
    async fn customer_password_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current and the new password.")] input: CustomerPasswordChangeInput,
    ) -> Result<CustomerPasswordChangePayload> {
        let (done, user_errors) = payload(change_password(RequestContext::of(ctx)?, input).await)?;
        let (customer, token) = done.unzip();
        Ok(CustomerPasswordChangePayload {
            customer,
            token,
            user_errors,
        })
    }

    /// Sets the first password of a customer that has none.
    /// Requires an integration token or client secret with the scope `customers:write`.
    /// User errors: CUSTOMER_NOT_FOUND (402), CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_ANONYMIZED,
    /// PASSWORD_ALREADY_SET, PASSWORDS_DO_NOT_MATCH (406), PASSWORD_TOO_SHORT (408), PASSWORD_TOO_LONG (408),
    /// PASSWORD_TOO_COMMON (408), RATE_LIMITED, SAVE_FAILED (407).
    async fn customer_password_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer and the password.")] input: CustomerPasswordSetInput,
    ) -> Result<CustomerPasswordSetPayload> {
        let (customer, user_errors) = payload(set_password(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerPasswordSetPayload {
            customer,
            user_errors,
        })
    }
}

/// The place of the new password in the input of a change (SPR-80).
const NEW_PASSWORD: PasswordField = PasswordField {
    field: "newPassword",
    legacy_code: Some(408),
};

async fn change_password(
    context: &Arc<RequestContext>,
    input: CustomerPasswordChangeInput,
) -> Result<(CustomerNode, CustomerToken)> {
    let CustomerPasswordChangeInput {
        password,
        new_password,
        confirm_password,
    } = input;
    let reach = context.reach_to_write(&OWN).await?;
    let mut faults = Faults::default();
    let new = checked_password(
        context,
        &mut faults,
        new_password.into(),
        Some(confirm_password),
        NEW_PASSWORD,
    );
    let customer = customer_to_change(context, &reach, None).await?;
    let present = sign_in::present_password(context, &customer, password.into());
    faults.absorb(present.await)?;
    faults.check()?;
    let beginner = Beginner::of_session(context, &reach).await?;
    let (customer, pair) = passwords::change(&context.app, &reach, customer, new, &beginner).await?;
    Ok((CustomerNode::in_payload(customer, &reach), pair.into()))
}

async fn set_password(
    context: &Arc<RequestContext>,
    input: CustomerPasswordSetInput,
) -> Result<CustomerNode> {
    let CustomerPasswordSetInput {
        customer_id,
        new_password,
        confirm_password,
    } = input;
    let reach = context.reach_to_write(&BACKEND).await?;
    let mut faults = Faults::default();
    let customer = faults.absorb(customer_to_change(context, &reach, Some(&customer_id)).await)?;
    let new = checked_password(
        context,
        &mut faults,
        new_password.into(),
        Some(confirm_password),
        NEW_PASSWORD,
    );
    if customer
        .as_ref()
        .is_some_and(|known| known.password_hash.is_some())
    {
        faults.push(passwords::already_set());
    }
    faults.check()?;
    let customer = customer.ok_or_else(|| Error::internal("a validated input has no customer"))?;
    let customer = passwords::set(&context.app, &reach, customer, new).await?;
    Ok(CustomerNode::in_payload(customer, &reach))
}
