//! Inputs and payloads of the customers' mutations for sessions and passwords.

use async_graphql::{ID, InputObject, SimpleObject};

use super::credentials::TokenPair;
use super::node::CustomerNode;
use crate::error::UserError;
use crate::platform::clock::Timestamp;

/// The tokens of a session. Send the access token as `Authorization: Bearer …`. Store the refresh token securely and
/// exchange it with `customerTokenRefresh` before the access token expires.
#[derive(SimpleObject)]
pub struct CustomerToken {
    /// Access token: a JWT (ES256, keys at /.well-known/jwks.json), valid for 15 minutes by default.
    access_token: String,
    /// Refresh token. It works once; a second use revokes the session.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// Time at which the access token expires.
    expires_at: Timestamp,
    /// Time at which the refresh token expires.
    refresh_token_expires_at: Timestamp,
}

impl From<TokenPair> for CustomerToken {
    fn from(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access.token,
            refresh_token: pair.refresh,
            token_type: "Bearer".to_owned(),
            expires_at: pair.access.expires_at,
            refresh_token_expires_at: pair.refresh_expires_at,
        }
    }
}

/// Input of `customerTokenCreate`: the credentials of the customer.
#[derive(InputObject)]
pub struct CustomerTokenCreateInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// E-mail address; case is ignored.
    pub(super) email: String,
    /// Password.
    pub(super) password: String,
    /// Token of the anonymous storefront user whose private storage is merged into the customer's; it may have expired.
    /// A token that cannot be used does not prevent the sign-in; `warnings` contains the reason.
    pub(super) anonymous_user_token: Option<String>,
}

/// Input of `customerTokenIssue`: the customer to sign in.
#[derive(InputObject)]
pub struct CustomerTokenIssueInput {
    /// Id of the customer.
    pub(super) customer_id: ID,
}

/// Input of `customerTokenRefresh`: the refresh token to exchange.
#[derive(InputObject)]
pub struct CustomerTokenRefreshInput {
    /// Refresh token.
    pub(super) refresh_token: String,
}

/// Payload of `customerTokenCreate`, `customerTokenCreateWithOidc`, `customerTokenIssue` and `customerTokenRefresh`.
#[derive(Default, SimpleObject)]
pub struct CustomerTokenPayload {
    /// Tokens of the session; null when there are user errors.
    pub(super) token: Option<CustomerToken>,
    /// The signed-in customer; null when there are user errors.
    pub(super) customer: Option<CustomerNode>,
    /// Number of storage items merged from the anonymous user.
    pub(super) merged_item_count: i32,
    /// Reasons for which `anonymousUserToken` was not used although the customer was signed in; usually empty.
    pub(super) warnings: Vec<UserError>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerTokenRevoke`: the sessions to revoke. With a customer token and no field, the current session.
#[derive(InputObject)]
pub struct CustomerTokenRevokeInput {
    /// Refresh token of the session to revoke.
    pub(super) refresh_token: Option<String>,
    /// Id of the session to revoke.
    pub(super) session_id: Option<ID>,
    /// Whether to revoke all sessions of the customer.
    #[graphql(default_with = "Some(false)")]
    pub(super) all: Option<bool>,
    /// Id of the customer; required with `all` for an integration token or client secret (CUSTOMER_REFERENCE_MISSING).
    pub(super) customer_id: Option<ID>,
}

/// Payload of `customerTokenRevoke`.
#[derive(SimpleObject)]
pub struct CustomerTokenRevokePayload {
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerPasswordChange`: the current and the new password.
#[derive(InputObject)]
pub struct CustomerPasswordChangeInput {
    /// Current password.
    pub(super) password: String,
    /// New password, by default 7 to 128 characters.
    pub(super) new_password: String,
    /// Repetition of the new password.
    pub(super) confirm_password: String,
}

/// Payload of `customerPasswordChange`.
#[derive(SimpleObject)]
pub struct CustomerPasswordChangePayload {
    /// The customer; null when there are user errors.
    pub(super) customer: Option<CustomerNode>,
    /// Tokens of a new session, which replace all earlier tokens; null when there are user errors.
    pub(super) token: Option<CustomerToken>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerPasswordSet`: the first password of a customer.
#[derive(InputObject)]
pub struct CustomerPasswordSetInput {
    /// Id of the customer.
    pub(super) customer_id: ID,
    /// New password, by default 7 to 128 characters.
    pub(super) new_password: String,
    /// Repetition of the new password.
    pub(super) confirm_password: String,
}

/// Payload of `customerPasswordSet`.
#[derive(SimpleObject)]
pub struct CustomerPasswordSetPayload {
    /// The customer; null when there are user errors.
    pub(super) customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}
