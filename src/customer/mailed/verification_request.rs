//! `customerEmailVerificationRequest`: mails a token that verifies the customer's address.

use std::sync::Arc;

use async_graphql::{ID, InputObject, SimpleObject};

use super::request::{RequestedKey, TO_ANY_ADDRESS};
use crate::auth::one_time::Purpose;
use crate::context::RequestContext;
use crate::customer::mail::About;
use crate::error::{Result, UserError};
use crate::mutation::{Payload, mutation};

const VERIFICATION_TOKEN: RequestedKey = RequestedKey {
    policy: TO_ANY_ADDRESS.and_customer(),
    purpose: Purpose::EmailVerification,
    about: About::EmailVerification,
};

/// Input of `customerEmailVerificationRequest`: the e-mail address to verify.
#[derive(InputObject)]
pub struct CustomerEmailVerificationRequestInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// E-mail address; case is ignored.
    email: String,
}

/// Payload of `customerEmailVerificationRequest`.
#[derive(SimpleObject)]
pub struct CustomerEmailVerificationRequestPayload {
    /// User errors; empty when the mutation took effect, also for an unknown e-mail address.
    user_errors: Vec<UserError>,
}

impl Payload for CustomerEmailVerificationRequestPayload {
    fn rejected(user_errors: Vec<UserError>) -> Self {
        Self { user_errors }
    }
}

mutation! {
    /// Sends a token by mail that verifies the customer's e-mail address.
    /// Requires a publishable key, an integration token or client secret with the scope `customers:write`, or a
    /// customer token.
    /// User errors: RATE_LIMITED, CUSTOMER_ANONYMIZED, SAVE_FAILED (410), STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// The response and its timing are the same for known and unknown addresses. With a customer token, an address
    /// other than the customer's own succeeds and no mail is sent. At most one mail a minute is sent to an address.
    /// Only the newest token works.
    CustomerEmailVerificationRequest.customer_email_verification_request = request(
        #[graphql(desc = "The e-mail address to verify.")] input: CustomerEmailVerificationRequestInput,
    ) -> CustomerEmailVerificationRequestPayload;
}

async fn request(
    context: &Arc<RequestContext>,
    input: CustomerEmailVerificationRequestInput,
) -> Result<CustomerEmailVerificationRequestPayload> {
    VERIFICATION_TOKEN
        .request(context, input.storefront_id.as_ref(), &input.email)
        .await?;
    Ok(CustomerEmailVerificationRequestPayload {
        user_errors: Vec::new(),
    })
}
