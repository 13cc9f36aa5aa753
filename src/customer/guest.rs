//! Merging of an anonymous shopper at registration or sign-in (CST-02).
//!
//! The merge is optional. A problem with the token is a warning in the payload (ERR-04), and the customer is registered
//! or signed in nevertheless; the token is examined only if nothing else is wrong. The merge happens in the transaction
//! that signs the customer in, so that it happens exactly once even if the process dies.

use bson::doc;

use super::{Customer, refusal::credentials_invalid};
use crate::app::App;
use crate::audit::AuditActor;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    database::Tx,
    id::{StorefrontId, StorefrontUserId},
};
use crate::reach::HouseReach;
use crate::storefront_user::{
    StorefrontUser,
    merge::{Merge, MergeAttempt},
    refusal,
};

/// The input field with the anonymous user's token.
const FIELD: &str = "anonymousUserToken";

/// The anonymous user that a presented token identifies, if there is anything to merge; or the warning that says why not.
pub type GuestToMerge = Result<Option<StorefrontUser>, UserError>;

/// The result of a merge into a customer.
#[derive(Clone, Debug, Default)]
pub struct MergedGuest {
    /// Number of merged items.
    pub items: i64,
    /// Why nothing was merged.
    pub warning: Option<UserError>,
}

impl MergedGuest {
    /// The result if nothing was merged.
    #[must_use]
    pub fn warned(warning: Option<UserError>) -> Self {
        Self { items: 0, warning }
    }
}

/// Examines a presented token, for a customer of this storefront; `own` is the customer's storefront user, which a new
/// customer does not have yet. The result is empty without a token, and a warning for a token that cannot be used.
///
/// # Errors
/// Any database error.
pub async fn find(
    app: &App,
    storefront: &StorefrontId,
    own: Option<&StorefrontUserId>,
    token: Option<&str>,
) -> Result<GuestToMerge> {
    let Some(token) = token else {
        return Ok(Ok(None));
    };
    let guest = app.access.guest_of(token).await?;
    let Some((id, _)) = guest.filter(|(_, its_storefront)| its_storefront == storefront) else {
        return Ok(Err(invalid()));
    };
    // The caller reaches neither the anonymous user nor, yet, the customer.
    let reach = HouseReach::within(storefront);
    let found = app.database.open::<StorefrontUser>(&reach).get(&id).await?;
    Ok(usable(found, own, Some(app.clock.now())))
}

/// The anonymous user whose data can be merged; `None` if it was merged into this customer already. Without `now`, no
/// user counts as expired.
fn usable(
    found: Option<StorefrontUser>,
    own: Option<&StorefrontUserId>,
    now: Option<Timestamp>,
) -> GuestToMerge {
    let Some(user) = found else {
        return Err(refusal::expired(FIELD));
    };
    let has_expired = user.expires_at.zip(now).is_some_and(|(at, now)| now >= at);
    match &user.merged_into {
        _ if !user.is_anonymous => Err(invalid()),
        Some(into) if Some(into) == own => Ok(None),
        Some(_) => Err(refusal::already_merged(FIELD)),
        None if has_expired => Err(refusal::expired(FIELD)),
        None => Ok(Some(user)),
    }
}

fn invalid() -> UserError {
    let message = "This is not the token of an anonymous user of this storefront.";
    UserError::new(UserErrorCode::AnonymousTokenInvalid, [FIELD], message)
}

/// Merges the anonymous user into the customer's user, within the transaction that signs the customer in. The entry in
/// the audit trail names `actor`.
///
/// # Errors
/// CREDENTIALS_INVALID if the customer's erasure has started; any database error.
pub async fn merge_in(
    app: &App,
    actor: &AuditActor,
    tx: &mut Tx,
    guest: &GuestToMerge,
    customer: &Customer,
) -> Result<MergedGuest> {
    let anonymous = match guest {
        Ok(Some(anonymous)) => anonymous,
        Ok(None) => return Ok(MergedGuest::default()),
        Err(warning) => return Ok(MergedGuest::warned(Some(warning.clone()))),
    };
    let reach = HouseReach::within(&customer.storefront_id);
    let users = app.database.open::<StorefrontUser>(&reach);
    let own = users.find_one_in(tx, doc! { "_id": &customer.user_id }).await?;
    let own = own.ok_or_else(|| Error::internal("storefront user not found for a customer"))?;
    let merge = Merge {
        app,
        reach: &reach,
        actor,
        anonymous: &anonymous.id,
        regular: &own.id,
    };
    match merge.attempt_in(tx).await {
        Ok(MergeAttempt::Merged(merged)) => Ok(MergedGuest {
            items: merged.items,
            warning: None,
        }),
        // A concurrent operation was first; nothing was written.
        Ok(MergeAttempt::TooLate(late)) => {
            let usable = usable(late.anonymous, Some(&own.id), None);
            Ok(MergedGuest::warned(usable.err()))
        }
        Err(Error::Rejected(_)) => Err(credentials_invalid().into()),
        Err(other) => Err(other),
    }
}

/// Evicts the merged user from this node's cache after a sign-in, so that its own token is refused here at once.
pub async fn forget(app: &App, guest: &GuestToMerge) {
    if let Ok(Some(user)) = guest {
        app.access.forget_person(&user.id).await;
    }
}
