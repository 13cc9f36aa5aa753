//! `storefrontUserDelete`: deletes a storefront user with everything that belongs to it.

use std::sync::Arc;

use async_graphql::{ID, InputObject, SimpleObject};
use bson::doc;

use super::lifecycle::UserRemoval;
use super::{ID_FIELD, WRITE, named_user, refusal, store};
use crate::context::RequestContext;
use crate::error::{Result, UserError};
use crate::mutation::{Payload, mutation};
use crate::platform::scalar::wire_count;

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
    let app = &context.app;
    let reach = context.reach_to_write(&WRITE).await?;
    let named = named_user(context, &reach, input.storefront_id, &input.storefront_user_id);
    let (storefront, external_id) = named.await?;
    let reach = storefront.reach();
    let removal = UserRemoval {
        app,
        reach,
        // The user of a customer is deleted with its customer only (SFU-38).
        filter: doc! { "storefrontUserId": &external_id, "customerId": { "$exists": false } },
    };
    let Some(removed) = removal.run().await? else {
        let refusal = match store::by_external_id(&app.database, reach, &external_id).await? {
            Some(_) => refusal::belongs_to_customer,
            None => refusal::not_found,
        };
        return Err(refusal(ID_FIELD).into());
    };
    // The access to the storages was removed with the user. If the process dies before their content is removed, the
    // job removes it.
    if let Some(runner) = app.runner() {
        runner.finish(&removed.job, Arc::clone(app)).await?;
    }
    Ok(StorefrontUserDeletePayload {
        deleted_storefront_user_id: Some(external_id),
        deleted_item_count: wire_count(removed.items),
        user_errors: Vec::new(),
    })
}
