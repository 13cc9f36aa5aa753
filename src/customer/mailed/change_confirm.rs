//! `customerEmailChangeConfirm`: changes the customer's address with a token that was mailed to the new one.

use std::sync::Arc;

use async_graphql::InputObject;

use super::confirmation::redeem;
use crate::auth::one_time::Purpose;
use crate::context::RequestContext;
use crate::customer::node::CustomerNode;
use crate::error::Result;
use crate::mutation::mutation;

/// Input of `customerEmailChangeConfirm`: the token to redeem.
#[derive(InputObject)]
pub struct CustomerEmailChangeConfirmInput {
    /// The token from the mail to the new address.
    token: String,
    /// Password of the account; keeps its sessions and the password. Not needed if the request is sent with a customer
    /// token of the account.
    password: Option<String>,
}

mutation! {
    /// Changes the e-mail address of a customer with a token from a mail; the new address is verified.
    /// Requires no credential; any credential is accepted.
    /// User errors: EMAIL_TOKEN_INVALID, EMAIL_TOKEN_EXPIRED, EMAIL_TAKEN (400), PASSWORD_INVALID (408), RATE_LIMITED
    /// with `retryAfterSeconds`, SAVE_FAILED (410).
    /// A token works once; a wrong `password` does not use it up. The change revokes all sessions of the account and
    /// removes its password, linked identities and other mailed keys and tokens, unless the request is sent with a
    /// customer token of the account or with the `password` of the account.
    CustomerEmailChangeConfirm.customer_email_change_confirm = confirm(
        #[graphql(desc = "The token to redeem.")] input: CustomerEmailChangeConfirmInput,
    ) -> CustomerEmailChangeConfirmPayload;

    /// Payload of `customerEmailChangeConfirm`.
    payload {
        /// The customer with the new address; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn confirm(
    context: &Arc<RequestContext>,
    input: CustomerEmailChangeConfirmInput,
) -> Result<CustomerEmailChangeConfirmPayload> {
    let redeemed = redeem(context, &input.token, input.password, Purpose::EmailChange).await?;
    Ok(CustomerEmailChangeConfirmPayload::of(redeemed))
}
