//! `customerTokenRefresh`: exchanges a refresh token for new tokens of the same session (TOK-01).

use std::sync::Arc;

use async_graphql::InputObject;

use super::revoke::end_session;
use super::{CustomerTokenPayload, SignedIn};
use crate::audit::{Action, AuditActor};
use crate::auth::{refresh_token, session::Refreshed};
use crate::context::RequestContext;
use crate::customer::{
    Customer,
    credentials::{self, client_of, device},
    guest::MergedGuest,
};
use crate::error::{Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::reach::Reach;

/// Input of `customerTokenRefresh`: the refresh token to exchange.
#[derive(InputObject)]
pub struct CustomerTokenRefreshInput {
    /// Refresh token.
    refresh_token: String,
}

mutation! {
    /// Exchanges a refresh token for new tokens of the same session.
    /// Requires no credential; any credential is accepted.
    /// User errors: TOKEN_INVALID.
    /// A refresh token works once; a second use revokes the session, except that a retry within ten seconds from the
    /// same client address and user agent returns the same tokens. With the credential of an API client other than the
    /// one that the token was issued to, the request is refused (TOKEN_INVALID) and does not use the token up.
    CustomerTokenRefresh.customer_token_refresh = refresh(
        #[graphql(desc = "The refresh token to exchange.")] input: CustomerTokenRefreshInput,
    ) -> CustomerTokenPayload;
}

async fn refresh(
    context: &Arc<RequestContext>,
    input: CustomerTokenRefreshInput,
) -> Result<CustomerTokenPayload> {
    let RefreshedSignIn { signed_in, reach } = exchange(context, &input.refresh_token).await?;
    Ok(signed_in.shown(&reach))
}

/// A customer whose session was refreshed.
pub struct RefreshedSignIn {
    /// The customer, with the new tokens.
    pub signed_in: SignedIn,
    /// The session's own reach.
    pub reach: Reach,
}

/// Exchanges a refresh token that the caller presents.
///
/// # Errors
/// TOKEN_INVALID.
pub async fn exchange(context: &RequestContext, token: &str) -> Result<RefreshedSignIn> {
    let app = &context.app;
    let (sessions, client) = (&app.access.sessions, client_of(context));
    let refreshed = sessions
        .refresh(token, client.as_deref(), device(context))
        .await?;
    let (session, next) = match refreshed {
        Refreshed::Good(session, next) => (session, next),
        Refreshed::Invalid => return Err(token_invalid(token).into()),
        Refreshed::Reused(session) => {
            end_session(app, &session, AuditActor::SYSTEM, Action::RefreshTokenReused).await?;
            return Err(token_invalid(token).into());
        }
    };
    let reach = app.access.reach_of_session(&session);
    let customers = app.database.open::<Customer>(&reach);
    let customer = customers.get(&session.customer_id).await?;
    let signed_in = SignedIn {
        customer: customer.ok_or_else(|| token_invalid(token))?,
        pair: credentials::pair(app, &session, next)?,
        guest: MergedGuest::default(),
    };
    Ok(RefreshedSignIn { signed_in, reach })
}

fn token_invalid(token: &str) -> UserError {
    let message = if token.starts_with(refresh_token::PREFIX) {
        "This refresh token is not valid: it is unknown, was used, expired or was revoked. Sign in again."
    } else {
        "This is not a refresh token: refresh tokens begin with rt_. Send the refreshToken that was returned with the \
         access token."
    };
    UserError::new(UserErrorCode::TokenInvalid, ["refreshToken"], message)
}
