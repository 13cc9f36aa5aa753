//! `customerTokenCreate`: signs a customer in with e-mail address and password.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::{CustomerTokenPayload, SIGN_IN, SignIn, SignedIn};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer::{credentials::Beginner, email, limits, refusal, store};
use crate::error::Result;
use crate::mutation::mutation;
use crate::platform::secret::Secret;
use crate::reach::{HouseReach, Reach, StorefrontReach};

/// Input of `customerTokenCreate`: the credentials of the customer.
#[derive(InputObject)]
pub struct CustomerTokenCreateInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub storefront_id: Option<ID>,
    /// E-mail address; case is ignored.
    pub email: String,
    /// Password.
    pub password: String,
    /// Token of the anonymous storefront user whose private storage is merged into the customer's; it may have expired.
    /// A token that cannot be used does not prevent the sign-in; `warnings` contains the reason.
    pub anonymous_user_token: Option<String>,
}

mutation! {
    /// Signs a customer in with e-mail address and password.
    /// Requires a publishable key, or an integration token or client secret with the scope `customers:write`.
    /// User errors: CREDENTIALS_INVALID, the same for an unknown address, an account without a password and a wrong
    /// password; RATE_LIMITED with `retryAfterSeconds`, SAVE_FAILED (410), STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Warnings: ANONYMOUS_TOKEN_INVALID if the token is unknown, blank, of another storefront or of a regular user;
    /// STOREFRONT_USER_ALREADY_MERGED (409), STOREFRONT_USER_EXPIRED.
    /// With `anonymousUserToken` the anonymous user's private storage is merged into the customer's.
    CustomerTokenCreate.customer_token_create = create(
        #[graphql(desc = "The credentials of the customer.")] input: CustomerTokenCreateInput,
    ) -> CustomerTokenPayload;
}

async fn create(
    context: &Arc<RequestContext>,
    input: CustomerTokenCreateInput,
) -> Result<CustomerTokenPayload> {
    let reach = context.reach_to_write(&SIGN_IN).await?;
    Ok(sign_in(context, &reach, input).await?.shown(&reach))
}

/// Signs a customer in, as described at `customerTokenCreate`; `reach` is the caller's, under [`SIGN_IN`].
///
/// # Errors
/// The user errors of that mutation.
pub async fn sign_in(
    context: &RequestContext,
    reach: &Reach,
    input: CustomerTokenCreateInput,
) -> Result<SignedIn> {
    context.app.passwords.room().await?;
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let storefront = context.storefront_to_write(reach, id, ["storefrontId"]).await?;
    let guess = limits::login(context, &storefront, &email::account(&input.email)).await?;
    let beginner = Beginner::of(context, reach);
    let outcome = attempt(&context.app, &storefront, input, &beginner).await;
    limits::settle(guess, outcome).await
}

/// Checks the password and begins a session (EPC-08).
///
/// # Errors
/// CREDENTIALS_INVALID, in the same time for an unknown address, a customer without a password and a wrong one;
/// RATE_LIMITED; SAVE_FAILED (410).
async fn attempt(
    app: &App,
    storefront: &StorefrontReach,
    input: CustomerTokenCreateInput,
    beginner: &Beginner<'_>,
) -> Result<SignedIn> {
    let password = Secret::from(input.password);
    let reach = HouseReach::within(storefront.id());
    let known = match email::parse(&input.email) {
        Some(email) => store::by_email(&app.database, &reach, &email).await?,
        None => None,
    };
    // An account in a storefront that conceals addresses cannot sign in until its address is verified (SPR-10).
    let known = known.filter(|customer| !customer.awaits_proof);
    let stored = known
        .as_ref()
        .and_then(|customer| customer.password_hash.as_ref());
    let verified = app.passwords.verify(password.clone(), stored).await?;
    let customer = known.filter(|_| verified.matches);
    let label = if customer.is_some() { "ok" } else { "refused" };
    metrics::counter!("gateway_logins_total", "outcome" => label).increment(1);
    let customer = customer.ok_or_else(refusal::credentials_invalid)?;
    let new_hash = match verified.outdated {
        // The stored parameters are weaker than the configured ones; only now is the password available for a new hash.
        true => Some(app.passwords.hash(password).await?),
        false => None,
    };
    let sign_in = SignIn {
        new_hash,
        anonymous_token: input.anonymous_user_token.as_deref(),
        ..SignIn::new(app, &customer, beginner)
    };
    let signed_in = sign_in.run().await;
    signed_in.map_err(|error| refusal::save_failed(error, 410))
}
