//! `storefrontUserPromote`: turns an anonymous user into a regular one.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::node::StorefrontUserNode;
use super::store::{self, UNIQUE_EXTERNAL_ID};
use super::{ANONYMOUS_FIELD, REGULAR_FIELD, StorefrontUser, WRITE, named_pair, of_kind, refusal};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Result, UserError};
use crate::mutation::mutation;
use crate::platform::{database::violated_index, id::StorefrontUserId};
use crate::reach::Reach;

/// Input of `storefrontUserPromote`: the anonymous user and its new id.
#[derive(InputObject)]
pub struct StorefrontUserPromoteInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Id of the anonymous user in the online store.
    anonymous_storefront_user_id: String,
    /// New id of the user in the online store: 1 to 256 characters, not blank, without control characters.
    regular_storefront_user_id: String,
}

mutation! {
    /// Turns an anonymous user into a regular user with a new id; its private storage and access tokens stay valid.
    /// Requires an integration token or client secret with the scope `storefront_users:write`.
    /// User errors: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_NOT_ANONYMOUS (409), STOREFRONT_USER_ALREADY_MERGED
    /// (409), STOREFRONT_USER_ALREADY_EXISTS (409) if the new id exists, REQUIRED, TOO_LONG, INVALID,
    /// STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    StorefrontUserPromote.storefront_user_promote = promote(
        #[graphql(desc = "The user to promote.")] input: StorefrontUserPromoteInput,
    ) -> StorefrontUserPromotePayload;

    /// Payload of `storefrontUserPromote`.
    payload {
        /// The user, which is regular now; null when there are user errors.
        storefront_user: StorefrontUserNode,
    }
}

async fn promote(
    context: &Arc<RequestContext>,
    input: StorefrontUserPromoteInput,
) -> Result<StorefrontUserPromotePayload> {
    let StorefrontUserPromoteInput {
        storefront_id,
        anonymous_storefront_user_id: anonymous,
        regular_storefront_user_id: regular,
    } = input;
    let reach = context.reach_to_write(&WRITE).await?;
    let named = named_pair(context, &reach, storefront_id, &anonymous, &regular);
    let (storefront, anonymous, regular) = named.await?;
    let (app, within) = (&context.app, storefront.reach());
    let user = promotable(store::by_external_id(&app.database, within, &anonymous).await?)?;
    let promoted = change(app, within, &user.id, &regular).await;
    let promoted = promoted.map_err(|error| match violated_index(&error) {
        Some(UNIQUE_EXTERNAL_ID) => refusal::already_exists(REGULAR_FIELD).into(),
        _ => error,
    })?;
    let Some(promoted) = promoted else {
        // A merge, another promotion or the expiry came first: report which.
        promotable(store::by_external_id(&app.database, within, &anonymous).await?)?;
        return Err(refusal::not_found(ANONYMOUS_FIELD).into());
    };
    app.access.forget_person(&promoted.id).await;
    let node = StorefrontUserNode::in_payload(promoted, &reach);
    Ok(StorefrontUserPromotePayload::of(node))
}

/// Checks that an anonymous user can become a regular one.
fn promotable(user: Option<StorefrontUser>) -> Result<StorefrontUser, UserError> {
    let user = of_kind(user, true, ANONYMOUS_FIELD)?;
    if user.merged_into.is_some() {
        return Err(refusal::already_merged(ANONYMOUS_FIELD));
    }
    Ok(user)
}

/// Makes an unmerged anonymous user a regular one with a new id (SFU-36); `None` if there is no such user.
///
/// # Errors
/// A violation of [`UNIQUE_EXTERNAL_ID`] if the id is taken.
async fn change(
    app: &App,
    reach: &Reach,
    id: &StorefrontUserId,
    external_id: &str,
) -> Result<Option<StorefrontUser>> {
    let anonymous = doc! { "_id": id, "isAnonymous": true, "mergedInto": { "$exists": false } };
    let now = app.clock.now();
    let update = doc! {
        "$set": { "isAnonymous": false, "storefrontUserId": external_id, "updatedAt": now },
        "$unset": { "expiresAt": "" },
        "$inc": { "version": 1 },
    };
    let users = app.database.open::<StorefrontUser>(reach);
    users.update(anonymous, update).await
}
