//! OAuth 2.0 for customers: the password and refresh_token grants (RFC 6749 §4.3 and §6), and sign-out by refresh token
//! (RFC 7009). They do the same as the mutations, with the standard's requests and responses.

use std::sync::Arc;

use super::credentials::{TokenPair, device};
use super::inputs::CustomerTokenCreateInput;
use super::sign_in;
use super::token_mutations::{self, client_of};
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
    let outcome = token_mutations::create_token(context, input).await;
    answer(&context.app, outcome.map(|(signed_in, _)| signed_in.pair))
}

/// Exchanges a refresh token.
///
/// # Errors
/// The outer error when the request cannot be processed.
pub async fn by_refresh_token(
    context: &RequestContext,
    token: &str,
) -> Result<std::result::Result<TokenAnswer, OAuthError>> {
    let client = client_of(context);
    let outcome = sign_in::refresh(&context.app, token, client.as_deref(), device(context)).await;
    answer(&context.app, outcome.map(|(signed_in, _)| signed_in.pair))
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
    let is_ended = sign_in::end_by_token(app, token, Some(client.as_str())).await?;
    Ok(if is_ended {
        Ok(())
    } else {
        Err(OAuthError::UnauthorizedClient)
    })
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
            "This refresh token is not, or no longer, one that works.",
        )),
        UserErrorCode::RateLimited => Some(OAuthError::TooMany(fault.retry_after_seconds.unwrap_or(1))),
        UserErrorCode::SaveFailed => Some(OAuthError::Unavailable),
        _ => None,
    });
    refusal.map(Err).ok_or(Error::Rejected(faults))
}
