//! `customerEmailVerify`: verifies the customer's address with a mailed token.

use std::sync::Arc;

use async_graphql::InputObject;

use super::confirmation::redeem;
use crate::auth::one_time::Purpose;
use crate::context::RequestContext;
use crate::customer::node::CustomerNode;
use crate::error::Result;
use crate::mutation::mutation;

/// Input of `customerEmailVerify`: the token to redeem.
#[derive(InputObject)]
pub struct CustomerEmailVerifyInput {
    /// The token from the mail.
    token: String,
    /// Password of the account; keeps its sessions and the password if this is the first verification of the address.
    /// Not needed if the request is sent with a customer token of the account.
    password: Option<String>,
}

mutation! {
    /// Verifies the e-mail address of a customer with a token from a mail.
    /// Requires no credential; any credential is accepted.
    /// User errors: EMAIL_TOKEN_INVALID, EMAIL_TOKEN_EXPIRED, PASSWORD_INVALID (408), RATE_LIMITED with
    /// `retryAfterSeconds`, SAVE_FAILED (410).
    /// A token works once; a wrong `password` does not use it up. The first verification of an address revokes all
    /// sessions of the account and removes its password, linked identities and other mailed keys and tokens, because
    /// another person may have registered the address; the owner then sets a password with `customerPasswordReset`.
    /// Nothing is removed if the request is sent with a customer token of the account or with the `password` of the
    /// account.
    CustomerEmailVerify.customer_email_verify = verify(
        #[graphql(desc = "The token to redeem.")] input: CustomerEmailVerifyInput,
    ) -> CustomerEmailVerifyPayload;

    /// Payload of `customerEmailVerify`.
    payload {
        /// The customer with the verified address; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn verify(
    context: &Arc<RequestContext>,
    input: CustomerEmailVerifyInput,
) -> Result<CustomerEmailVerifyPayload> {
    let redeemed = redeem(context, &input.token, input.password, Purpose::EmailVerification).await?;
    Ok(CustomerEmailVerifyPayload::of(redeemed))
}
