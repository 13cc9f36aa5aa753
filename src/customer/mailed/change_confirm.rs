//! `customerEmailChangeConfirm`: changes the customer's address with a token that was mailed to the new one.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::confirmation::redeem;
use crate::auth::one_time::Purpose;
use crate::context::RequestContext;
use crate::customer::node::CustomerNode;
use crate::error::{Result, UserError, payload};
use crate::platform::secret::Secret;

/// Input of `customerEmailChangeConfirm`: the token to redeem.
#[derive(InputObject)]
pub struct CustomerEmailChangeConfirmInput {
    /// The token from the mail to the new address.
    token: String,
    /// Password of the account; keeps its sessions and the password. Not needed if the request is sent with a customer
    /// token of the account.
    password: Option<String>,
}

/// Payload of `customerEmailChangeConfirm`.
#[derive(SimpleObject)]
pub struct CustomerEmailChangeConfirmPayload {
    /// The customer with the new address; null when there are user errors.
    customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `customerEmailChangeConfirm`.
#[derive(Default)]
pub struct CustomerEmailChangeConfirm;

#[Object]
impl CustomerEmailChangeConfirm {
    /// Changes the e-mail address of a customer with a token from a mail; the new address is verified.
    /// Requires no credential; any credential is accepted.
    /// User errors: EMAIL_TOKEN_INVALID, EMAIL_TOKEN_EXPIRED, EMAIL_TAKEN (400), PASSWORD_INVALID (408), RATE_LIMITED
    /// with `retryAfterSeconds`, SAVE_FAILED (410).
    /// A token works once; a wrong `password` does not use it up. The change revokes all sessions of the account and
    /// removes its password, linked identities and other mailed keys and tokens, unless the request is sent with a
    /// customer token of the account or with the `password` of the account.
    async fn customer_email_change_confirm(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token to redeem.")] input: CustomerEmailChangeConfirmInput,
    ) -> Result<CustomerEmailChangeConfirmPayload> {
        let CustomerEmailChangeConfirmInput { token, password } = input;
        let (context, password) = (RequestContext::of(ctx)?, password.map(Secret::from));
        let redeemed = redeem(context, &token, password, Purpose::EmailChange).await;
        let (customer, user_errors) = payload(redeemed)?;
        Ok(CustomerEmailChangeConfirmPayload {
            customer,
            user_errors,
        })
    }
}
