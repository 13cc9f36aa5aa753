//! `customerTokenCreate`: signs a customer in with e-mail address and password.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};

use super::{CustomerTokenPayload, SIGN_IN, SignIn, SignedIn, token_payload};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::context::RequestContext;
use crate::customer::{credentials::Beginner, email, limits, password::current::stored_hash, refusal, store};
use crate::error::Result;
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

/// The mutation `customerTokenCreate`.
#[derive(Default)]
pub struct CustomerTokenCreate;

#[Object]
impl CustomerTokenCreate {
    /// Signs a customer in with e-mail address and password.
    /// Requires a publishable key, or an integration token or client secret with the scope `customers:write`.
    /// User errors: CREDENTIALS_INVALID, the same for an unknown address, an account without a password and a wrong
    /// password; RATE_LIMITED with `retryAfterSeconds`, SAVE_FAILED (410), STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Warnings: ANONYMOUS_TOKEN_INVALID if the token is unknown, blank, of another storefront or of a regular user;
    /// STOREFRONT_USER_ALREADY_MERGED (409), STOREFRONT_USER_EXPIRED.
    /// With `anonymousUserToken` the anonymous user's private storage is merged into the customer's.
    async fn customer_token_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The credentials of the customer.")] input: CustomerTokenCreateInput,
    ) -> Result<CustomerTokenPayload> {
        token_payload(create(RequestContext::of(ctx)?, input).await)
    }
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
    let CustomerTokenCreateInput {
        storefront_id,
        email,
        password,
        anonymous_user_token,
    } = input;
    context.app.passwords.room().await?;
    let id = storefront_id.as_ref().map(|id| id.as_str());
    let storefront = context.storefront_to_write(reach, id, ["storefrontId"]).await?;
    let account = email::account(&email);
    let attempt = PasswordSignIn {
        app: &context.app,
        storefront: &storefront,
        email: &email,
        password: Secret::from(password),
        anonymous_token: anonymous_user_token.as_deref(),
        beginner: &Beginner::of(context, reach),
    };
    let guess = limits::login(context, &storefront, &account).await?;
    let outcome = attempt.run().await;
    limits::settle(guess, outcome).await
}

/// An attempt to sign in with e-mail address and password (EPC-08).
struct PasswordSignIn<'a> {
    app: &'a App,
    storefront: &'a StorefrontReach,
    email: &'a str,
    password: Secret,
    anonymous_token: Option<&'a str>,
    beginner: &'a Beginner<'a>,
}

impl PasswordSignIn<'_> {
    /// Checks the password and begins a session.
    ///
    /// # Errors
    /// CREDENTIALS_INVALID, in the same time for an unknown address, a customer without a password and a wrong one;
    /// RATE_LIMITED; SAVE_FAILED (410).
    async fn run(self) -> Result<SignedIn> {
        let app = self.app;
        let reach = HouseReach::within(self.storefront.id());
        let known = match email::parse(self.email) {
            Some(email) => store::by_email(&app.database, &reach, &email).await?,
            None => None,
        };
        // An account in a storefront that conceals addresses cannot sign in until its address is verified (SPR-10).
        let known = known.filter(|customer| !customer.awaits_proof);
        let stored = known.as_ref().and_then(stored_hash);
        let verified = app.passwords.verify(self.password.clone(), stored).await?;
        let customer = known.filter(|_| verified.matches);
        metrics::counter!("gateway_logins_total", "outcome" => if customer.is_some() { "ok" } else { "refused" })
            .increment(1);
        let customer = customer.ok_or_else(refusal::credentials_invalid)?;
        let new_hash = match verified.outdated {
            // The stored parameters are weaker than the configured ones; only now is the password available for a new
            // hash.
            true => Some(app.passwords.hash(self.password).await?),
            false => None,
        };
        let sign_in = SignIn {
            app,
            reach: &reach,
            customer: &customer,
            actor: AuditActor::customer(&customer.id),
            action: Action::SignedIn,
            new_hash,
            voucher: None,
            anonymous_token: self.anonymous_token,
            beginner: self.beginner,
        };
        let signed_in = sign_in.run().await;
        signed_in.map_err(|error| refusal::save_failed(error, 410))
    }
}
