//! `customerPasswordResetRequest`: mails a key with which a new password can be chosen.

use std::sync::Arc;

use async_graphql::{ID, InputObject, SimpleObject};

use super::request::{RequestedKey, TO_ANY_ADDRESS};
use crate::auth::one_time::Purpose;
use crate::context::RequestContext;
use crate::customer::mail::About;
use crate::error::{Result, UserError};
use crate::mutation::{Payload, mutation};

const RESET_KEY: RequestedKey = RequestedKey {
    policy: TO_ANY_ADDRESS,
    purpose: Purpose::PasswordReset,
    about: About::PasswordReset,
};

/// Input of `customerPasswordResetRequest`: the account to send the key to.
#[derive(InputObject)]
pub struct CustomerPasswordResetRequestInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// E-mail address; case is ignored.
    email: String,
}

/// Payload of `customerPasswordResetRequest`.
#[derive(SimpleObject)]
pub struct CustomerPasswordResetRequestPayload {
    /// User errors; empty when the mutation took effect, also for an unknown e-mail address.
    user_errors: Vec<UserError>,
}

impl Payload for CustomerPasswordResetRequestPayload {
    fn rejected(user_errors: Vec<UserError>) -> Self {
        Self { user_errors }
    }
}

mutation! {
    /// Sends a Password Reset Key by mail.
    /// Requires a publishable key, or an integration token or client secret with the scope `customers:write`.
    /// User errors: RATE_LIMITED, SAVE_FAILED (410), STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// The response and its timing are the same for known and unknown addresses. At most one mail a minute and five an
    /// hour are sent to an address. Only the newest key works.
    CustomerPasswordResetRequest.customer_password_reset_request = request(
        #[graphql(desc = "The account to send the key to.")] input: CustomerPasswordResetRequestInput,
    ) -> CustomerPasswordResetRequestPayload;
}

async fn request(
    context: &Arc<RequestContext>,
    input: CustomerPasswordResetRequestInput,
) -> Result<CustomerPasswordResetRequestPayload> {
    RESET_KEY
        .request(context, input.storefront_id.as_ref(), &input.email)
        .await?;
    Ok(CustomerPasswordResetRequestPayload {
        user_errors: Vec::new(),
    })
}
