//! Storefront users: users of the online store, each with a private storage. Anonymous ones are temporary.

pub mod access_token;
pub mod delete;
pub mod ensure;
pub mod erase;
pub mod lifecycle;
pub mod list;
pub mod lookup;
pub mod merge;
pub mod merge_anonymous;
pub mod node;
pub mod private_storage;
pub mod promote;
pub mod register;
pub mod store;
pub mod token_issue;

use async_graphql::{ID, MergedObject};
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::auth::STOREFRONT_USERS;
use crate::context::RequestContext;
use crate::domain::personal::{Erasure, PersonalKind, SubjectLink};
use crate::error::{Faults, Result, UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    id::{CustomerId, StorefrontId, StorefrontUserId},
    text,
};
use crate::reach::{Holder, Reach, StorefrontReach, principal::Policy, scope::Scope, tenant::TenantDocument};

/// The declaration of storefront users.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    jobs: lifecycle::JOBS,
    personal: &[
        PersonalKind::of::<StorefrontUser>(Erasure::Elsewhere),
        PersonalKind::of::<StorefrontUser>(Erasure::Elsewhere)
            .linked_by("mergedStorefrontUsers", SubjectLink::User("mergedInto")),
        PersonalKind::of::<private_storage::PrivateStorage>(Erasure::Elsewhere),
    ],
    erase: Some(erase::erase),
    ..Domain::EMPTY
};

/// The mutations of storefront users.
#[derive(MergedObject, Default)]
#[graphql(name = "StorefrontUserMutation")]
pub struct Mutation(
    register::StorefrontUserRegister,
    ensure::StorefrontUserEnsure,
    token_issue::StorefrontUserTokenIssue,
    merge_anonymous::StorefrontUserMergeAnonymous,
    promote::StorefrontUserPromote,
    delete::StorefrontUserDelete,
);

/// The queries of storefront users.
pub type Query = lookup::StorefrontUserQuery;

/// Who may change storefront users.
const WRITE: Policy = Policy::backend(Scope::StorefrontUsersWrite);

/// The input field with a user's id in the online store.
const ID_FIELD: &str = "storefrontUserId";
/// The input field with an anonymous user's id in the online store, where an input names two users.
const ANONYMOUS_FIELD: &str = "anonymousStorefrontUserId";
/// The input field with a regular user's id in the online store, where an input names two users.
const REGULAR_FIELD: &str = "regularStorefrontUserId";

/// Maximum length of an id of the online store, in characters (SFU-12).
const MAX_EXTERNAL_ID: usize = 256;

/// A user of the online store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorefrontUser {
    /// Id.
    #[serde(rename = "_id")]
    pub id: StorefrontUserId,
    /// Storefront of the user.
    pub storefront_id: StorefrontId,
    /// Id of the user in the online store, verbatim; unique in the storefront.
    #[serde(rename = "storefrontUserId")]
    pub external_id: String,
    /// Whether the user is temporary.
    pub is_anonymous: bool,
    /// The customer account behind a regular user.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer_id: Option<CustomerId>,
    /// The regular user that this one was merged into.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub merged_into: Option<StorefrontUserId>,
    /// Time of the merge.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub merged_at: Option<Timestamp>,
    /// Time at which the user is removed; only for anonymous users that are not merged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
    /// Time at which the erasure of its customer started; from then on nothing can be added (ERA-04).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub erased_at: Option<Timestamp>,
    /// Incremented when all credentials of its customer are revoked; tokens with an earlier epoch are invalid (TOK-06).
    #[serde(skip_serializing_if = "is_zero", default)]
    pub token_epoch: i64,
    /// Time of the registration.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Increases with each change of the user or of what belongs to it, so that of two concurrent transactions one
    /// conflicts.
    pub version: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl TenantDocument for StorefrontUser {
    type Id = StorefrontUserId;
    const COLLECTION: &'static str = STOREFRONT_USERS;
    const HOLDER: Holder = Holder::StorefrontUser("_id");

    fn id(&self) -> &StorefrontUserId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

/// Checks a `storefrontUserId`: 1 to 256 characters, kept verbatim (SFU-12).
///
/// # Errors
/// REQUIRED when empty or blank, TOO_LONG, INVALID for control characters, on `field`.
pub fn check_external_id(value: &str, field: &str) -> Result<String, UserError> {
    text::required(value, field, MAX_EXTERNAL_ID)
}

/// Returns the storefront that an input names; `None` if it names none, and the reason is added to `faults`.
async fn named_storefront(
    context: &RequestContext,
    reach: &Reach,
    id: Option<ID>,
    faults: &mut Faults,
) -> Result<Option<StorefrontReach>> {
    let id = id.as_ref().map(|id| id.as_str());
    let found = context.storefront_to_write(reach, id, ["storefrontId"]).await;
    faults.absorb(found)
}

/// Returns the storefront that an input names and the checked id of its user, with all user errors of both.
async fn named_user(
    context: &RequestContext,
    reach: &Reach,
    storefront: Option<ID>,
    id: &str,
) -> Result<(StorefrontReach, String)> {
    let mut faults = Faults::default();
    let storefront = named_storefront(context, reach, storefront, &mut faults).await?;
    let id = faults.take(check_external_id(id, ID_FIELD));
    faults.finish((storefront, id))
}

/// As [`named_user`], for an input that names an anonymous and a regular user.
async fn named_pair(
    context: &RequestContext,
    reach: &Reach,
    storefront: Option<ID>,
    anonymous: &str,
    regular: &str,
) -> Result<(StorefrontReach, String, String)> {
    let mut faults = Faults::default();
    let storefront = named_storefront(context, reach, storefront, &mut faults).await?;
    let anonymous = faults.take(check_external_id(anonymous, ANONYMOUS_FIELD));
    let regular = faults.take(check_external_id(regular, REGULAR_FIELD));
    faults.finish((storefront, anonymous, regular))
}

/// Checks that a user exists and is anonymous, or regular (SFU-23).
fn of_kind(
    user: Option<StorefrontUser>,
    is_anonymous: bool,
    field: &str,
) -> Result<StorefrontUser, UserError> {
    match user {
        None => Err(refusal::not_found(field)),
        Some(user) if user.is_anonymous == is_anonymous => Ok(user),
        Some(_) if is_anonymous => Err(refusal::not_anonymous(field)),
        Some(_) => Err(refusal::not_regular(field)),
    }
}

/// User errors of the operations on storefront users.
pub mod refusal {
    use super::{UserError, UserErrorCode};

    /// No user with this id exists for this caller.
    #[must_use]
    pub fn not_found(field: &str) -> UserError {
        let message = "No such storefront user was found for this credential. The online store's ids are compared \
                       exactly, letter by letter.";
        UserError::new(UserErrorCode::StorefrontUserNotFound, [field], message)
    }

    /// The id is taken (SFU-14).
    #[must_use]
    pub fn already_exists(field: &str) -> UserError {
        let message = "A storefront user with this id exists already.";
        UserError::new(UserErrorCode::StorefrontUserAlreadyExists, [field], message).legacy(409)
    }

    /// The user is regular where an anonymous one is required (SFU-23).
    #[must_use]
    pub fn not_anonymous(field: &str) -> UserError {
        let message = "This user is a regular one; only anonymous users can be merged or promoted.";
        UserError::new(UserErrorCode::StorefrontUserNotAnonymous, [field], message).legacy(409)
    }

    /// The user is anonymous where a regular one is required (SFU-23).
    #[must_use]
    pub fn not_regular(field: &str) -> UserError {
        let message =
            "This user is an anonymous one; only a regular user can receive the items of another user.";
        UserError::new(UserErrorCode::StorefrontUserNotRegular, [field], message).legacy(409)
    }

    /// The anonymous user was already merged into a regular user (SFU-32).
    #[must_use]
    pub fn already_merged(field: &str) -> UserError {
        let message = "This anonymous user was merged into a regular user already.";
        UserError::new(UserErrorCode::StorefrontUserAlreadyMerged, [field], message).legacy(409)
    }

    /// The user's customer is erased, or being erased (ERA-04).
    #[must_use]
    pub fn anonymized(field: &str) -> UserError {
        let message = "The customer of this user is erased, or is being erased; nothing can be added.";
        UserError::new(UserErrorCode::CustomerAnonymized, [field], message)
    }

    /// The user belongs to a customer and is deleted only together with the customer (SFU-38).
    #[must_use]
    pub fn belongs_to_customer(field: &str) -> UserError {
        let message = "This user belongs to a customer account; customerDelete removes both.";
        UserError::new(UserErrorCode::Forbidden, [field], message)
    }

    /// The anonymous user was not used for too long and has expired (SFU-19).
    #[must_use]
    pub fn expired(field: &str) -> UserError {
        let message = "This anonymous user was not used for too long and has expired.";
        UserError::new(UserErrorCode::StorefrontUserExpired, [field], message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SFU-12
    #[test]
    fn an_external_id_is_opaque_text() {
        let longest = "ä".repeat(256);
        for good in ["x", "ann@example.com", "  padded  ", "Łódź/€", longest.as_str()] {
            assert_eq!(check_external_id(good, "id").as_deref(), Ok(good));
        }
        let too_long = "ä".repeat(257);
        for (bad, code) in [
            ("", UserErrorCode::Required),
            ("  ", UserErrorCode::Required),
            ("a\u{0}b", UserErrorCode::Invalid),
            ("a\nb", UserErrorCode::Invalid),
            (too_long.as_str(), UserErrorCode::TooLong),
        ] {
            assert_eq!(
                check_external_id(bad, "id").map_err(|error| error.code),
                Err(code)
            );
        }
    }
}
