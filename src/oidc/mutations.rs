//! The mutation of single sign-on.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::inputs::{CustomerTokenCreateWithOidcInput, redirect_uri as checked_redirect_uri, returned};
use super::{IdentityProvider, admission, exchange, refusal, store};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer::{
    credentials::Beginner,
    inputs::CustomerTokenPayload,
    limits,
    sign_in::SignedIn,
    token_mutations::{SIGN_IN, token_payload},
};
use crate::error::{Error, Faults, Result, UserError, UserErrorCode};
use crate::reach::{Reach, StorefrontReach};

/// Mutations of single sign-on.
#[derive(Default)]
pub struct SignOnMutation;

#[Object]
impl SignOnMutation {
    /// Signs a customer in at an identity provider of the storefront (OpenID Connect), or registers the customer.
    /// Requires a publishable key, or an integration token or client secret with the scope `customers:write`.
    /// User errors: IDENTITY_PROVIDER_NOT_FOUND, REDIRECT_URI_NOT_ALLOWED, IDENTITY_PROVIDER_REJECTED (start the
    /// sign-in again; a code works once), IDENTITY_NOT_LINKED, TOO_MANY for an account with 20 identities,
    /// CREDENTIALS_INVALID for an account that is erased or whose erasure has started, RATE_LIMITED with
    /// `retryAfterSeconds`, REQUIRED, TOO_SHORT, TOO_LONG, INVALID, SAVE_FAILED (410), STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND.
    /// Warnings: ANONYMOUS_TOKEN_INVALID if the token is unknown, blank, of another storefront or of a regular user;
    /// STOREFRONT_USER_ALREADY_MERGED (409), STOREFRONT_USER_EXPIRED.
    /// The sign-in starts with `IdentityProvider.authorizationUrl`. The first sign-in of an identity registers a
    /// customer without accepted terms, or links the account with the same e-mail address if the address is verified
    /// both by the provider and here. If the storefront conceals registered e-mail addresses, the provider must have
    /// verified the address in both cases.
    /// With `anonymousUserToken` the anonymous user's private storage is merged into the customer's.
    async fn customer_token_create_with_oidc(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The result of the sign-in at the identity provider.")]
        input: CustomerTokenCreateWithOidcInput,
    ) -> Result<CustomerTokenPayload> {
        let context = RequestContext::of(ctx)?;
        // Boxed, because the future of every mutation is as large as the largest of them.
        token_payload(Box::pin(sign_in(context, input)).await)
    }
}

/// Returns the provider that an input names, if the storefront is known.
async fn provider(app: &App, place: Option<&StorefrontReach>, key: &str) -> Result<Option<IdentityProvider>> {
    if key.trim().is_empty() {
        let message = "This must not be empty or blank.";
        return Err(UserError::new(UserErrorCode::Required, ["provider"], message).into());
    }
    let Some(place) = place else {
        return Ok(None);
    };
    let found = store::by_key(&app.database, &place.of_the_house(), place.id(), key).await?;
    let found = found.ok_or_else(refusal::provider_not_found)?;
    Ok(Some(found))
}

async fn sign_in(
    context: &Arc<RequestContext>,
    input: CustomerTokenCreateWithOidcInput,
) -> Result<(SignedIn, Reach)> {
    let CustomerTokenCreateWithOidcInput {
        storefront_id,
        provider: key,
        code,
        redirect_uri,
        code_verifier,
        nonce,
        anonymous_user_token,
    } = input;
    let app = &context.app;
    let reach = context.reach_to_write(&SIGN_IN).await?;
    let mut faults = Faults::default();
    let id = storefront_id.as_ref().map(|id| id.as_str());
    let place = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    let provider = faults
        .absorb(provider(app, place.as_ref(), &key).await)?
        .flatten();
    let redirect_uri = faults.take(checked_redirect_uri(provider.as_ref(), &redirect_uri));
    let returned = returned(&mut faults, (code, redirect_uri, code_verifier, &nonce));
    faults.check()?;
    let (Some(place), Some(provider), Some(returned)) = (place, provider, returned) else {
        return Err(Error::internal("a validated input is incomplete"));
    };
    limits::sign_on(context, &place).await?;
    let vouched = exchange::exchange(app, &provider, &returned).await;
    let beginner = Beginner::of(context, &reach);
    let outcome = match vouched {
        Ok(vouched) => {
            let at = (&place, &provider);
            admission::admit(app, at, &vouched, anonymous_user_token.as_deref(), &beginner).await
        }
        Err(refused) => Err(refused),
    };
    metrics::counter!("gateway_logins_total", "outcome" => if outcome.is_ok() { "ok" } else { "refused" })
        .increment(1);
    let signed_in = outcome?;
    limits::signed_in(context, &signed_in.customer).await;
    Ok((signed_in, reach))
}
