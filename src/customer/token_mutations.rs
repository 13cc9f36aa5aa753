//! The customers' mutations for sessions: sign-in, refresh and sign-out.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::credentials::{Beginner, device};
use super::inputs::{
    CustomerTokenCreateInput, CustomerTokenIssueInput, CustomerTokenPayload, CustomerTokenRefreshInput,
    CustomerTokenRevokeInput, CustomerTokenRevokePayload,
};
use super::named::{customer_or_erased, customer_to_change};
use super::node::CustomerNode;
use super::sign_in::{self, SignedIn};
use super::{email, limits};
use crate::auth::session::Session;
use crate::context::RequestContext;
use crate::error::{Result, UserError, UserErrorCode, payload};
use crate::platform::{
    id::{Id, SessionId},
    scalar::wire_count,
    secret::Secret,
};
use crate::reach::{Reach, principal::Policy, scope::Scope};

/// Who may sign a customer in with the customer's own credentials.
pub const SIGN_IN: Policy = Policy::backend(Scope::CustomersWrite).and_public();
const ISSUE: Policy = Policy::backend(Scope::CustomersToken);
const WRITE: Policy = Policy::backend(Scope::CustomersWrite).and_customer();

/// The customers' mutations for sessions.
#[derive(Default)]
pub struct CustomerTokenMutation;

#[Object]
impl CustomerTokenMutation {
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
        token_payload(create_token(RequestContext::of(ctx)?, input).await)
    }

    /// Issues tokens for a customer that the store has already signed in.
    /// Requires an integration token or client secret with the scope `customers:token`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, SAVE_FAILED (410).
    /// The session records the owner of the integration token.
    async fn customer_token_issue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer to sign in.")] input: CustomerTokenIssueInput,
    ) -> Result<CustomerTokenPayload> {
        let context = RequestContext::of(ctx)?;
        let issue = async {
            let reach = context.reach_to_write(&ISSUE).await?;
            let customer = customer_to_change(context, &reach, Some(&input.customer_id)).await?;
            let beginner = Beginner::of(context, &reach);
            let done = sign_in::through_the_store(&context.app, &reach, customer, &beginner).await?;
            limits::signed_in(context, &done.customer).await;
            Ok((done, reach))
        };
        token_payload(issue.await)
    }

    /// Exchanges a refresh token for new tokens of the same session.
    /// Requires no credential; any credential is accepted.
    /// User errors: TOKEN_INVALID.
    /// A refresh token works once; a second use revokes the session, except that a retry within ten seconds from the
    /// same client address and user agent returns the same tokens. With the credential of an API client other than the
    /// one that the token was issued to, the request is refused (TOKEN_INVALID) and does not use the token up.
    async fn customer_token_refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token to exchange.")] input: CustomerTokenRefreshInput,
    ) -> Result<CustomerTokenPayload> {
        let context = RequestContext::of(ctx)?;
        let client = client_of(context);
        let (app, token) = (&context.app, input.refresh_token.as_str());
        token_payload(sign_in::refresh(app, token, client.as_deref(), device(context)).await)
    }

    /// Signs a customer out by revoking sessions.
    /// Requires no credential with `refreshToken` alone; otherwise a customer token, or an integration token or client
    /// secret with the scope `customers:write` and `sessionId`, or `all` and `customerId`.
    /// User errors: REQUIRED, CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), SAVE_FAILED (410).
    /// An unknown token or session, or a refresh token of another API client, revokes nothing and is a success. Access
    /// tokens of a revoked session stop working at once on the server that handles the request, and within five seconds
    /// on all others.
    async fn customer_token_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sessions to revoke.")] input: CustomerTokenRevokeInput,
    ) -> Result<CustomerTokenRevokePayload> {
        let (_, user_errors) = payload(revoke(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerTokenRevokePayload { user_errors })
    }
}

/// Builds the payload of a sign-in.
pub fn token_payload(outcome: Result<(SignedIn, Reach)>) -> Result<CustomerTokenPayload> {
    let (done, user_errors) = payload(outcome)?;
    let Some((signed_in, reach)) = done else {
        return Ok(CustomerTokenPayload {
            user_errors,
            ..Default::default()
        });
    };
    Ok(CustomerTokenPayload {
        token: Some(signed_in.pair.into()),
        customer: Some(CustomerNode::in_payload(signed_in.customer, &reach)),
        merged_item_count: wire_count(signed_in.taken.items),
        warnings: signed_in.taken.warning.into_iter().collect(),
        user_errors,
    })
}

/// The API client of the request's credential; `None` for any other credential.
pub(super) fn client_of(context: &RequestContext) -> Option<String> {
    let client = context.principal.standing()?.client()?;
    Some(client.to_string())
}

/// Signs in by password, as described at [`CustomerTokenMutation`].
///
/// # Errors
/// The user errors of that mutation.
pub(super) async fn create_token(
    context: &Arc<RequestContext>,
    input: CustomerTokenCreateInput,
) -> Result<(SignedIn, Reach)> {
    let CustomerTokenCreateInput {
        storefront_id,
        email,
        password,
        anonymous_user_token,
    } = input;
    let reach = context.reach_to_write(&SIGN_IN).await?;
    context.app.passwords.room().await?;
    let id = storefront_id.as_ref().map(|id| id.as_str());
    let place = context.storefront_to_write(&reach, id, ["storefrontId"]).await?;
    let beginner = Beginner::of(context, &reach);
    let credentials = (email.as_str(), Secret::from(password));
    let account = email::account(&email);
    let token = anonymous_user_token.as_deref();
    let guess = limits::login(context, &place, &account).await?;
    let outcome = sign_in::by_password(&context.app, &place, credentials, token, &beginner).await;
    Ok((limits::settle(guess, outcome).await?, reach))
}

async fn revoke(context: &Arc<RequestContext>, input: CustomerTokenRevokeInput) -> Result<()> {
    let CustomerTokenRevokeInput {
        refresh_token,
        session_id,
        all,
        customer_id,
    } = input;
    let all = all.unwrap_or_default();
    let app = &context.app;
    let client = client_of(context);
    if let Some(token) = &refresh_token
        && session_id.is_none()
        && !all
    {
        sign_in::end_by_token(app, token, client.as_deref()).await?;
        return Ok(());
    }
    let reach = context.reach_to_write(&WRITE).await?;
    // A named customer restricts the operation to that customer's sessions (SPR-31).
    let customer = match all || customer_id.is_some() {
        true => Some(customer_or_erased(context, &reach, customer_id.as_ref()).await?),
        false => None,
    };
    if let Some(token) = &refresh_token {
        sign_in::end_by_token(app, token, client.as_deref()).await?;
    }
    if let Some(customer) = customer.as_ref().filter(|_| all) {
        return sign_in::end_all(app, &reach, customer).await;
    }
    let current = reach.person().and_then(|person| person.customer.as_ref());
    let id = match (&session_id, current) {
        (Some(id), _) => SessionId::parse(id),
        (None, Some((_, current))) => Some(current.clone()),
        (None, None) => {
            let message = "Say which session: by refreshToken, by sessionId, or all of a customer.";
            return Err(UserError::new(UserErrorCode::Required, ["refreshToken"], message).into());
        }
    };
    // A session outside the caller's reach is not found, and not ended.
    if let Some(id) = id
        && let Some(session) = app.database.open::<Session>(&reach).get(&id).await?
        && customer.is_none_or(|customer| customer.id == session.customer_id)
    {
        sign_in::end(app, &session, &reach).await?;
    }
    Ok(())
}
