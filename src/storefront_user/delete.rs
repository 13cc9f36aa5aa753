//! `storefrontUserDelete`: deletes a storefront user with everything that belongs to it.

use std::sync::Arc;

use async_graphql::{ID, InputObject, SimpleObject};
use bson::doc;

use super::lifecycle::UserRemoval;
use super::{ID_FIELD, WRITE, named_user, refusal, store};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Result, UserError};
use crate::mutation::{Payload, mutation};
use crate::platform::scalar::wire_count;
use crate::reach::StorefrontReach;

/// Input of `storefrontUserDelete`: the user to delete.
#[derive(InputObject)]
pub struct StorefrontUserDeleteInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Id of the user in the online store.
    storefront_user_id: String,
}

/// Payload of `storefrontUserDelete`.
#[derive(Default, SimpleObject)]
pub struct StorefrontUserDeletePayload {
    /// Id of the deleted user in the online store; null when there are user errors.
    deleted_storefront_user_id: Option<String>,
    /// Number of items that were deleted with the user.
    deleted_item_count: i32,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

impl Payload for StorefrontUserDeletePayload {
    fn rejected(user_errors: Vec<UserError>) -> Self {
        Self {
            user_errors,
            ..Self::default()
        }
    }
}

mutation! {
    /// Deletes a storefront user, its private storage and the content of its items.
    /// Requires an integration token or client secret with the scope `storefront_users:write`.
    /// User errors: STOREFRONT_USER_NOT_FOUND, FORBIDDEN for the user of a customer, which `customerDelete` deletes,
    /// REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Everything is deleted when the mutation returns.
    StorefrontUserDelete.storefront_user_delete = delete(
        #[graphql(desc = "The user to delete.")] input: StorefrontUserDeleteInput,
    ) -> StorefrontUserDeletePayload;
}

async fn delete(
    context: &Arc<RequestContext>,
    input: StorefrontUserDeleteInput,
) -> Result<StorefrontUserDeletePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let named = named_user(context, &reach, input.storefront_id, &input.storefront_user_id);
    let (storefront, external_id) = named.await?;
    let items = delete_user(&context.app, &storefront, &external_id).await?;
    Ok(StorefrontUserDeletePayload {
        deleted_storefront_user_id: Some(external_id),
        deleted_item_count: wire_count(items),
        user_errors: Vec::new(),
    })
}

/// Removes a user with everything that belongs to it and returns the number of its items. One transaction removes the
/// user and the access to its storages; the content is removed before this returns. If the process dies in between, the
/// job does the rest.
///
/// # Errors
/// STOREFRONT_USER_NOT_FOUND; FORBIDDEN for a customer's user (SFU-38).
async fn delete_user(app: &Arc<App>, storefront: &StorefrontReach, external_id: &str) -> Result<i64> {
    let reach = storefront.reach();
    let removal = UserRemoval {
        app,
        reach,
        filter: doc! { "storefrontUserId": external_id, "customerId": { "$exists": false } },
    };
    let Some(removed) = removal.run().await? else {
        let stored = store::by_external_id(&app.database, reach, external_id).await?;
        let refusal = match stored {
            Some(_) => refusal::belongs_to_customer,
            None => refusal::not_found,
        };
        return Err(refusal(ID_FIELD).into());
    };
    if let Some(runner) = app.runner() {
        runner.finish(&removed.job, Arc::clone(app)).await?;
    }
    Ok(removed.items)
}
