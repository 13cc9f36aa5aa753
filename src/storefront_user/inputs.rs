//! What storefront users' mutations take and give.

use async_graphql::{ID, InputObject, SimpleObject};

use super::graphql::StorefrontUser;
use crate::access::token::SignedToken;
use crate::error::UserError;
use crate::platform::clock::Timestamp;

/// A signed JWT (ES256, keys at /.well-known/jwks.json), to be sent as `Authorization: Bearer …`.
#[derive(SimpleObject)]
pub struct AccessToken {
    /// The token.
    pub(super) access_token: String,
    /// Always `Bearer`.
    pub(super) token_type: String,
    /// When it ends.
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

/// Whom to register.
#[derive(InputObject)]
pub struct StorefrontUserRegisterInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// The online store's id: opaque text of 1 to 256 characters, kept verbatim and compared exactly. A backend must send
    /// it (REQUIRED); a publishable key must not (FORBIDDEN): the gateway then chooses one that cannot be guessed.
    pub(super) storefront_user_id: Option<String>,
    /// Anonymous users are temporary. With a publishable key only true is allowed (FORBIDDEN).
    pub(super) is_anonymous: bool,
}

/// What registering came to.
#[derive(SimpleObject)]
pub struct StorefrontUserRegisterPayload {
    /// The new user; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUser>,
    /// The new user's token, so that no second call is needed.
    pub(super) token: Option<AccessToken>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Whom to ensure.
#[derive(InputObject)]
pub struct StorefrontUserEnsureInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// The online store's id: opaque text of 1 to 256 characters.
    pub(super) storefront_user_id: String,
    /// What the user must be.
    pub(super) is_anonymous: bool,
}

/// What ensuring came to.
#[derive(SimpleObject)]
pub struct StorefrontUserEnsurePayload {
    /// The user; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUser>,
    /// Whether this call registered it.
    pub(super) created: bool,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Whose token to issue.
#[derive(InputObject)]
pub struct StorefrontUserTokenIssueInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// The online store's id.
    pub(super) storefront_user_id: String,
}

/// What issuing came to.
#[derive(SimpleObject)]
pub struct StorefrontUserTokenIssuePayload {
    /// The token; null when there are user errors.
    pub(super) token: Option<AccessToken>,
    /// The user; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUser>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Whose storage to give to whom.
#[derive(InputObject)]
pub struct StorefrontUserMergeAnonymousInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// The online store's id of the anonymous user.
    pub(super) anonymous_storefront_user_id: String,
    /// The online store's id of the regular user.
    pub(super) regular_storefront_user_id: String,
}

/// What merging came to.
#[derive(Default, SimpleObject)]
pub struct StorefrontUserMergeAnonymousPayload {
    /// The regular user; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUser>,
    /// The same pair was merged before; nothing was left to do.
    pub(super) already_merged: bool,
    /// Items that this call moved.
    pub(super) moved_item_count: i32,
    /// Bytes of their content.
    pub(super) moved_bytes: f64,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Whom to promote.
#[derive(InputObject)]
pub struct StorefrontUserPromoteInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// The online store's id of the anonymous user.
    pub(super) anonymous_storefront_user_id: String,
    /// The id that it has from now on.
    pub(super) regular_storefront_user_id: String,
}

/// What promoting came to.
#[derive(SimpleObject)]
pub struct StorefrontUserPromotePayload {
    /// The user, regular now; null when there are user errors.
    pub(super) storefront_user: Option<StorefrontUser>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Whom to remove.
#[derive(InputObject)]
pub struct StorefrontUserDeleteInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// The online store's id.
    pub(super) storefront_user_id: String,
}

/// What removing came to.
#[derive(SimpleObject)]
pub struct StorefrontUserDeletePayload {
    /// The online store's id of the removed user; null when there are user errors.
    pub(super) deleted_storefront_user_id: Option<String>,
    /// Items that went with it.
    pub(super) deleted_item_count: i32,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}
