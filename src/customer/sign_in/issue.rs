//! `customerTokenIssue`: signs a customer in without the customer's own credentials, for the store's back end (TOK-08).
//! An operator does the same at the command line.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};

use super::{CustomerTokenPayload, SignIn, SignedIn, token_payload};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::context::RequestContext;
use crate::customer::{Customer, credentials::Beginner, limits, named::customer_to_change, refusal};
use crate::error::Result;
use crate::reach::{Confine, HouseReach, principal::Policy, scope::Scope};

/// Who may sign in customers that are authenticated elsewhere.
const ISSUE: Policy = Policy::backend(Scope::CustomersToken);

/// Input of `customerTokenIssue`: the customer to sign in.
#[derive(InputObject)]
pub struct CustomerTokenIssueInput {
    /// Id of the customer.
    customer_id: ID,
}

/// The mutation `customerTokenIssue`.
#[derive(Default)]
pub struct CustomerTokenIssue;

#[Object]
impl CustomerTokenIssue {
    /// Issues tokens for a customer that the store has already signed in.
    /// Requires an integration token or client secret with the scope `customers:token`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, SAVE_FAILED (410).
    /// The session records the owner of the integration token.
    async fn customer_token_issue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer to sign in.")] input: CustomerTokenIssueInput,
    ) -> Result<CustomerTokenPayload> {
        token_payload(issue(RequestContext::of(ctx)?, input).await)
    }
}

async fn issue(
    context: &Arc<RequestContext>,
    input: CustomerTokenIssueInput,
) -> Result<CustomerTokenPayload> {
    let CustomerTokenIssueInput { customer_id } = input;
    let reach = context.reach_to_write(&ISSUE).await?;
    let customer = customer_to_change(context, &reach, Some(&customer_id)).await?;
    let issue = TokenIssue {
        app: &context.app,
        reach: &reach,
        customer: &customer,
        actor: AuditActor::from(&reach),
        beginner: &Beginner::of(context, &reach),
    };
    let signed_in = issue.run().await?;
    limits::signed_in(context, &signed_in.customer).await;
    Ok(signed_in.shown(&reach))
}

/// Signs in a customer for an operator at the gateway's command line.
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn at_the_console(app: &Arc<App>, customer: Customer, beginner: &Beginner<'_>) -> Result<SignedIn> {
    let issue = TokenIssue {
        app,
        reach: &HouseReach::within(&customer.storefront_id),
        customer: &customer,
        actor: AuditActor::OPERATOR,
        beginner,
    };
    issue.run().await
}

/// A sign-in for which somebody else than the customer is responsible.
struct TokenIssue<'a, R> {
    app: &'a App,
    reach: &'a R,
    customer: &'a Customer,
    actor: AuditActor,
    beginner: &'a Beginner<'a>,
}

impl<R: Confine> TokenIssue<'_, R> {
    /// Begins a session.
    ///
    /// # Errors
    /// SAVE_FAILED (410).
    async fn run(self) -> Result<SignedIn> {
        let Self {
            app,
            reach,
            customer,
            actor,
            beginner,
        } = self;
        let sign_in = SignIn {
            app,
            reach,
            customer,
            actor,
            action: Action::TokenIssued,
            new_hash: None,
            voucher: None,
            anonymous_token: None,
            beginner,
        };
        let signed_in = sign_in.run().await;
        signed_in.map_err(|error| refusal::save_failed(error, 410))
    }
}
