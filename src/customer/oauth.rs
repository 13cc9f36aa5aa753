//! OAuth 2.0 for customers: the password and refresh_token grants (RFC 6749 §4.3 and §6), and sign-out by refresh token
//! (RFC 7009). They do the same as the mutations, with the standard's requests and responses.

use std::sync::Arc;

use super::credentials::TokenPair;
use super::sign_in::{
    SIGN_IN,
    password::{self, CustomerTokenCreateInput},
    refresh, revoke,
};
use crate::app::App;
use crate::auth::oauth::{OAuthError, TokenAnswer};
use crate::context::RequestContext;
use crate::error::{Error, Result, UserErrorCode};
use crate::platform::id::{ApiClientId, Id};

/// Signs a customer in with e-mail address and password.
///
/// # Errors
/// The outer error when the request cannot be processed.
pub async fn by_password(
    context: &Arc<RequestContext>,
    username: String,
    password: String,
) -> Result<std::result::Result<TokenAnswer, OAuthError>> {
    let input = CustomerTokenCreateInput {
        storefront_id: None,
        email: username,
        password,
        anonymous_user_token: None,
    };
    let reach = context.reach_to_write(&SIGN_IN).await?;
    let outcome = password::sign_in(context, &reach, input).await;
    answer(&context.app, outcome.map(|signed_in| signed_in.pair))
}

/// Exchanges a refresh token.
///
/// # Errors
/// The outer error when the request cannot be processed.
pub async fn by_refresh_token(
    context: &RequestContext,
    token: &str,
) -> Result<std::result::Result<TokenAnswer, OAuthError>> {
    let outcome = refresh::exchange(context, token).await;
    answer(&context.app, outcome.map(|refreshed| refreshed.signed_in.pair))
}

/// Ends the session of a refresh token. An unknown token is no error; another client's token is refused and stays
/// valid.
///
/// # Errors
/// The outer error when the request cannot be processed.
pub async fn revoke_refresh_token(
    app: &App,
    client: &ApiClientId,
    token: &str,
) -> Result<std::result::Result<(), OAuthError>> {
    let is_ended = revoke::end_by_token(app, token, Some(client.as_str())).await?;
    Ok(is_ended.then_some(()).ok_or(OAuthError::UnauthorizedClient))
}

fn answer(app: &App, outcome: Result<TokenPair>) -> Result<std::result::Result<TokenAnswer, OAuthError>> {
    let faults = match outcome {
        Ok(pair) => {
            return Ok(Ok(TokenAnswer {
                refresh_token: Some(pair.refresh),
                ..TokenAnswer::bearer(pair.access, &app.clock)
            }));
        }
        Err(Error::Rejected(faults)) => faults,
        Err(other) => return Err(other),
    };
    let refusal = faults.iter().find_map(|fault| match fault.code {
        UserErrorCode::CredentialsInvalid => {
            let message = "No customer has this e-mail address and password together.";
            Some(OAuthError::InvalidGrant(message))
        }
        UserErrorCode::TokenInvalid => Some(OAuthError::InvalidGrant(
            "This refresh token is not valid: it is unknown, was used, expired or was revoked.",
        )),
        UserErrorCode::RateLimited => Some(OAuthError::TooMany(fault.retry_after_seconds.unwrap_or(1))),
        UserErrorCode::SaveFailed => Some(OAuthError::Unavailable),
        _ => None,
    });
    refusal.map(Err).ok_or(Error::Rejected(faults))
}
