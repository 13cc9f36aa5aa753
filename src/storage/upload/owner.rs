//! The user in whose private storage an upload is stored.

use std::sync::Arc;

use crate::context::RequestContext;
use crate::error::{Result, UserError, UserErrorCode};
use crate::reach::Reach;
use crate::storefront_user::{
    StorefrontUser,
    lookup::{StorefrontUserBy, find},
    refusal,
};

/// Name of the input's field for the owner of the new item.
pub(super) const OWNER: &str = "owner";

/// Returns the user in whose storage an upload is stored: the caller's own, or the one that a backend names.
///
/// # Errors
/// FORBIDDEN, REQUIRED, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND, STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_EXPIRED,
/// STOREFRONT_USER_ALREADY_MERGED (409).
pub(super) async fn owner_of(
    context: &RequestContext,
    reach: &Reach,
    by: Option<StorefrontUserBy>,
) -> Result<Arc<StorefrontUser>> {
    let refuse = |code, message| Err(UserError::new(code, [OWNER], message).into());
    let owner = match (reach.person(), by) {
        (Some(_), Some(_)) => {
            let message = "A user's token uploads to the user's own storage. Leave this field out.";
            return refuse(UserErrorCode::Forbidden, message);
        }
        (None, None) => {
            let message = "A backend must name the user in whose storage the file is stored.";
            return refuse(UserErrorCode::Required, message);
        }
        (Some(person), None) => {
            let own = context.by_id::<StorefrontUser>(reach, &person.storefront_user);
            own.await?
        }
        (None, Some(by)) => named(context, reach, by).await?,
    };
    let owner = owner.ok_or_else(|| refusal::not_found(OWNER))?;
    if owner.merged_into.is_some() {
        return Err(refusal::already_merged(OWNER).into());
    }
    if let Some(expires_at) = owner.expires_at {
        if context.app.clock.now() >= expires_at {
            return Err(refusal::expired(OWNER).into());
        }
        context.app.access.count_use(&owner.id, expires_at).await?;
    }
    Ok(owner)
}

/// Returns the user that a backend names. A missing or unknown storefront is a user error of this mutation (SFR-01).
async fn named(
    context: &RequestContext,
    reach: &Reach,
    by: StorefrontUserBy,
) -> Result<Option<Arc<StorefrontUser>>> {
    if let StorefrontUserBy::External(key) = &by {
        let storefront = key.storefront_id.as_ref().map(|id| id.as_str());
        let field = [OWNER, "external", "storefrontId"];
        context.storefront_to_write(reach, storefront, field).await?;
    }
    find(context, reach, by).await
}
