//! Inputs and payloads of the mutations of storefront users.

use async_graphql::{ID, InputObject, SimpleObject};

use super::node::StorefrontUserNode;
use crate::auth::token::SignedToken;
use crate::error::UserError;
use crate::platform::clock::Timestamp;

/// An access token of a storefront user. Send it as `Authorization: Bearer …`.
#[derive(SimpleObject)]
pub struct AccessToken {
    /// The access token: a JWT (ES256, keys at /.well-known/jwks.json), valid for 24 hours by default.
    pub(super) access_token: String,
    /// Always `Bearer`.
    pub(super) token_type: String,
    /// Time at which the token expires.
    pub(super) expires_at: Timestamp,
}

impl From<SignedToken> for AccessToken {
    fn from(signed: SignedToken) -> Self {
        Self {
            access_token: signed.token,
            token_type: "Bearer".to_owned(),
            expires_at: signed.expires_at,
        }
    }
}

/// Input of `storefrontUserRegister`: the user to register.
#[derive(InputObject)]
pub struct StorefrontUserRegisterInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Id of the user in the online store: 1 to 256 characters, not blank, without control characters. It is stored
    /// verbatim and compared exactly.
    /// Required with an integration token or client secret (REQUIRED). Rejected with a publishable key (FORBIDDEN): the
    /// gateway generates an id that cannot be guessed.
    pub(super) storefront_user_id: Option<String>,
    /// Whether the user is anonymous, and so temporary. With a publishable key only true is accepted (FORBIDDEN).
    pub(super) is_anonymous: bool,
}

/// Payload of `storefrontUserRegister`.
#[derive(SimpleObject)]
pub struct StorefrontUserRegisterPayload {
    /// The new user; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUserNode>,
    /// Access token of the new user; null when there are user errors.
    pub(super) token: Option<AccessToken>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `storefrontUserEnsure`: the user to return or to register.
#[derive(InputObject)]
pub struct StorefrontUserEnsureInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Id of the user in the online store: 1 to 256 characters, not blank, without control characters.
    pub(super) storefront_user_id: String,
    /// Whether the user is anonymous. An existing user must have the same value.
    pub(super) is_anonymous: bool,
}

/// Payload of `storefrontUserEnsure`.
#[derive(SimpleObject)]
pub struct StorefrontUserEnsurePayload {
    /// The user; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUserNode>,
    /// Whether this request registered the user.
    pub(super) created: bool,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `storefrontUserTokenIssue`: the user to issue an access token for.
#[derive(InputObject)]
pub struct StorefrontUserTokenIssueInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Id of the user in the online store.
    pub(super) storefront_user_id: String,
}

/// Payload of `storefrontUserTokenIssue`.
#[derive(SimpleObject)]
pub struct StorefrontUserTokenIssuePayload {
    /// The access token; null when there are user errors.
    pub(super) token: Option<AccessToken>,
    /// The user; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUserNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `storefrontUserMergeAnonymous`: the anonymous user to merge and the regular user that receives its items.
#[derive(InputObject)]
pub struct StorefrontUserMergeAnonymousInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Id of the anonymous user in the online store.
    pub(super) anonymous_storefront_user_id: String,
    /// Id of the regular user in the online store.
    pub(super) regular_storefront_user_id: String,
}

/// Payload of `storefrontUserMergeAnonymous`.
#[derive(Default, SimpleObject)]
pub struct StorefrontUserMergeAnonymousPayload {
    /// The regular user; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUserNode>,
    /// Whether the same pair was merged by an earlier request, so that nothing was left to move.
    pub(super) already_merged: bool,
    /// Number of items that this request moved.
    pub(super) moved_item_count: i32,
    /// Size of the content of the moved items, in bytes.
    pub(super) moved_bytes: f64,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `storefrontUserPromote`: the anonymous user and its new id.
#[derive(InputObject)]
pub struct StorefrontUserPromoteInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Id of the anonymous user in the online store.
    pub(super) anonymous_storefront_user_id: String,
    /// New id of the user in the online store: 1 to 256 characters, not blank, without control characters.
    pub(super) regular_storefront_user_id: String,
}

/// Payload of `storefrontUserPromote`.
#[derive(SimpleObject)]
pub struct StorefrontUserPromotePayload {
    /// The user, which is regular now; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUserNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `storefrontUserDelete`: the user to delete.
#[derive(InputObject)]
pub struct StorefrontUserDeleteInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Id of the user in the online store.
    pub(super) storefront_user_id: String,
}

/// Payload of `storefrontUserDelete`.
#[derive(SimpleObject)]
pub struct StorefrontUserDeletePayload {
    /// Id of the deleted user in the online store; null when there are user errors.
    pub(super) deleted_storefront_user_id: Option<String>,
    /// Number of items that were deleted with the user.
    pub(super) deleted_item_count: i32,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}
