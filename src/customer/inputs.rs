//! What customers' mutations take and give.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::credentials::Pair;
use super::graphql::Customer;
use super::{Gender, Salutation};
use crate::custom_field::inputs::CustomFieldInput;
use crate::error::UserError;
use crate::platform::{clock::Timestamp, scalar::Date};

/// A signed-in customer's tokens. The access token is sent as `Authorization: Bearer …`; the refresh token is kept safe
/// and exchanged for the next pair before the access token ends.
#[derive(SimpleObject)]
pub struct CustomerToken {
    /// JWT (ES256, keys at /.well-known/jwks.json), for some minutes.
    access_token: String,
    /// Works once; using it a second time ends the session.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// When the access token ends.
    expires_at: Timestamp,
    /// When the refresh token ends.
    refresh_token_expires_at: Timestamp,
}

impl From<Pair> for CustomerToken {
    fn from(pair: Pair) -> Self {
        Self {
            access_token: pair.access.token,
            refresh_token: pair.refresh,
            token_type: "Bearer".to_owned(),
            expires_at: pair.access.expires_at,
            refresh_token_expires_at: pair.refresh_expires_at,
        }
    }
}

/// Whom to register.
#[derive(InputObject)]
pub struct CustomerRegisterInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// E-mail address, unique in the storefront whatever its case.
    pub(super) email: String,
    /// Optional: a customer without a password signs in by single sign-on or through the store. 7 to 128 characters.
    pub(super) password: Option<String>,
    /// Required with password.
    pub(super) confirm_password: Option<String>,
    /// Must be true.
    pub(super) accepted_terms: bool,
    /// Which terms, as the store calls them; at most 100 characters.
    pub(super) terms_version: Option<String>,
    /// First name, 1 to 100 characters.
    pub(super) first_name: String,
    /// Last name, 1 to 100 characters.
    pub(super) last_name: String,
    /// How to address them.
    pub(super) salutation: Option<Salutation>,
    /// Gender.
    pub(super) gender: Option<Gender>,
    /// Birth date, from 1900-01-01 to today.
    pub(super) date_of_birth: Option<Date>,
    /// Backend only; made up where it is left out.
    pub(super) shopper_reference: Option<String>,
    /// Values of the storefront's custom fields, at most 100. A browser sends those that customers may write, with all that
    /// are required among them; a backend any, with all that are required.
    pub(super) custom_fields: Option<Vec<CustomFieldInput>>,
    /// The token of the anonymous user that the shopper was until now, also when it has run out: what is in its storage comes
    /// over. With one that cannot be used the customer is registered all the same, and `warnings` says why.
    pub(super) anonymous_user_token: Option<String>,
}

/// What registering came to.
#[derive(Default, SimpleObject)]
pub struct CustomerRegisterPayload {
    /// The new customer; null when there are user errors, and where the storefront conceals which addresses it knows.
    pub(super) customer: Option<Customer>,
    /// Present when a password was given, so that the new customer is signed in.
    pub(super) token: Option<CustomerToken>,
    /// Items that came over from the anonymous user.
    pub(super) merged_item_count: i32,
    /// What was left undone although the customer was registered: on `anonymousUserToken` why nothing came over.
    pub(super) warnings: Vec<UserError>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// What to change. Absent fields stay as they are; null clears a clearable one.
#[derive(InputObject)]
pub struct CustomerUpdateInput {
    /// Which customer; needed by a backend.
    pub(super) customer_id: Option<ID>,
    /// Refuse unless this is the stored version.
    pub(super) expected_version: Option<i32>,
    /// First name, 1 to 100 characters; cannot be cleared.
    pub(super) first_name: MaybeUndefined<String>,
    /// Last name, 1 to 100 characters; cannot be cleared.
    pub(super) last_name: MaybeUndefined<String>,
    /// How to address them.
    pub(super) salutation: MaybeUndefined<Salutation>,
    /// Gender.
    pub(super) gender: MaybeUndefined<Gender>,
    /// Birth date, from 1900-01-01 to today.
    pub(super) date_of_birth: MaybeUndefined<Date>,
    /// Backend only; the address is unverified from then on.
    pub(super) email: MaybeUndefined<String>,
    /// Backend only: 3 to 128 characters; cannot be cleared.
    pub(super) shopper_reference: MaybeUndefined<String>,
    /// Values of custom fields, at most 100; those that are not named stay. A customer sends those that customers may write.
    /// An empty list, and null, name nothing to change.
    pub(super) custom_fields: Option<Vec<CustomFieldInput>>,
}

/// What changing came to.
#[derive(SimpleObject)]
pub struct CustomerUpdatePayload {
    /// The customer as it is stored now; null when there are user errors.
    pub(super) customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// A sign-in by password.
#[derive(InputObject)]
pub struct CustomerTokenCreateInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// E-mail address, in whatever case.
    pub(super) email: String,
    /// Password.
    pub(super) password: String,
    /// The token of the anonymous user that the shopper was until now, also when it has run out: what is in its storage comes
    /// over. With one that cannot be used the customer is signed in all the same, and `warnings` says why.
    pub(super) anonymous_user_token: Option<String>,
}

/// A sign-in through the store.
#[derive(InputObject)]
pub struct CustomerTokenIssueInput {
    /// Who.
    pub(super) customer_id: ID,
}

/// A refresh.
#[derive(InputObject)]
pub struct CustomerTokenRefreshInput {
    /// The refresh token.
    pub(super) refresh_token: String,
}

/// What signing in came to.
#[derive(Default, SimpleObject)]
pub struct CustomerTokenPayload {
    /// The tokens; null when there are user errors.
    pub(super) token: Option<CustomerToken>,
    /// Who is signed in.
    pub(super) customer: Option<Customer>,
    /// Items that came over from an anonymous user.
    pub(super) merged_item_count: i32,
    /// What was left undone although the sign-in took effect: on `anonymousUserToken` why nothing came over.
    pub(super) warnings: Vec<UserError>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// What to sign out: by refresh token, or for the signed-in customer this session, another one, or all of them.
#[derive(InputObject)]
pub struct CustomerTokenRevokeInput {
    /// The session of this refresh token.
    pub(super) refresh_token: Option<String>,
    /// This session.
    pub(super) session_id: Option<ID>,
    /// All sessions.
    #[graphql(default_with = "Some(false)")]
    pub(super) all: Option<bool>,
    /// Backend, with all: whose; else CUSTOMER_REFERENCE_MISSING.
    pub(super) customer_id: Option<ID>,
}

/// What signing out came to.
#[derive(SimpleObject)]
pub struct CustomerTokenRevokePayload {
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// A change of password.
#[derive(InputObject)]
pub struct CustomerPasswordChangeInput {
    /// The present password.
    pub(super) password: String,
    /// The new one, 7 to 128 characters.
    pub(super) new_password: String,
    /// The new one again.
    pub(super) confirm_password: String,
}

/// What changing the password came to.
#[derive(SimpleObject)]
pub struct CustomerPasswordChangePayload {
    /// The customer; null when there are user errors.
    pub(super) customer: Option<Customer>,
    /// A fresh pair: the old tokens no longer work.
    pub(super) token: Option<CustomerToken>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// A first password.
#[derive(InputObject)]
pub struct CustomerPasswordSetInput {
    /// Whose.
    pub(super) customer_id: ID,
    /// The password, 7 to 128 characters.
    pub(super) new_password: String,
    /// The password again.
    pub(super) confirm_password: String,
}

/// What setting the password came to.
#[derive(SimpleObject)]
pub struct CustomerPasswordSetPayload {
    /// The customer; null when there are user errors.
    pub(super) customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}
