//! `customerTokenIssue`: signs a customer in without the customer's own credentials, for the store's back end (TOK-08).
//! An operator does the same at the command line.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::{CustomerTokenPayload, SignIn, SignedIn};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::context::RequestContext;
use crate::customer::{Customer, credentials::Beginner, limits, named::customer_to_change, refusal};
use crate::error::Result;
use crate::mutation::mutation;
use crate::reach::{principal::Policy, scope::Scope};

/// Who may sign in customers that are authenticated elsewhere.
const ISSUE: Policy = Policy::backend(Scope::CustomersToken);

/// Input of `customerTokenIssue`: the customer to sign in.
#[derive(InputObject)]
pub struct CustomerTokenIssueInput {
    /// Id of the customer.
    customer_id: ID,
}

mutation! {
    /// Issues tokens for a customer that the store has already signed in.
    /// Requires an integration token or client secret with the scope `customers:token`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, SAVE_FAILED (410).
    /// The session records the owner of the integration token.
    CustomerTokenIssue.customer_token_issue = issue(
        #[graphql(desc = "The customer to sign in.")] input: CustomerTokenIssueInput,
    ) -> CustomerTokenPayload;
}

async fn issue(
    context: &Arc<RequestContext>,
    input: CustomerTokenIssueInput,
) -> Result<CustomerTokenPayload> {
    let reach = context.reach_to_write(&ISSUE).await?;
    let customer = customer_to_change(context, &reach, Some(&input.customer_id)).await?;
    let beginner = Beginner::of(context, &reach);
    let signed_in = issue_to(&context.app, &customer, AuditActor::from(&reach), &beginner).await?;
    limits::signed_in(context, &signed_in.customer).await;
    Ok(signed_in.shown(&reach))
}

/// Signs in a customer for whose sign-in another actor is responsible: a back end, or an operator at the command line.
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn issue_to(
    app: &App,
    customer: &Customer,
    actor: AuditActor,
    beginner: &Beginner<'_>,
) -> Result<SignedIn> {
    let sign_in = SignIn {
        actor,
        action: Action::TokenIssued,
        ..SignIn::new(app, customer, beginner)
    };
    let signed_in = sign_in.run().await;
    signed_in.map_err(|error| refusal::save_failed(error, 410))
}
