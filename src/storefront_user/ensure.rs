//! `storefrontUserEnsure`: returns a storefront user, which is registered if it does not exist.

use std::sync::Arc;

use async_graphql::{ID, InputObject, SimpleObject};

use super::node::StorefrontUserNode;
use super::register::register_user;
use super::{ID_FIELD, StorefrontUser, WRITE, named_user, refusal, store};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Error, Result, UserError};
use crate::mutation::{Payload, mutation};
use crate::reach::StorefrontReach;

/// Input of `storefrontUserEnsure`: the user to return or to register.
#[derive(InputObject)]
pub struct StorefrontUserEnsureInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Id of the user in the online store: 1 to 256 characters, not blank, without control characters.
    storefront_user_id: String,
    /// Whether the user is anonymous. An existing user must have the same value.
    is_anonymous: bool,
}

/// Payload of `storefrontUserEnsure`.
#[derive(Default, SimpleObject)]
pub struct StorefrontUserEnsurePayload {
    /// The user; null when there are user errors.
    storefront_user: Option<StorefrontUserNode>,
    /// Whether this request registered the user.
    created: bool,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

impl Payload for StorefrontUserEnsurePayload {
    fn rejected(user_errors: Vec<UserError>) -> Self {
        Self {
            user_errors,
            ..Self::default()
        }
    }
}

mutation! {
    /// Returns the storefront user with this id, and registers it first if it does not exist.
    /// Requires an integration token or client secret with the scope `storefront_users:write`.
    /// User errors: STOREFRONT_USER_ALREADY_EXISTS (409) if the id exists with the other value of `isAnonymous`;
    /// REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// The request can be repeated, also concurrently; the user is registered once.
    StorefrontUserEnsure.storefront_user_ensure = ensure(
        #[graphql(desc = "The user to return or to register.")] input: StorefrontUserEnsureInput,
    ) -> StorefrontUserEnsurePayload;
}

async fn ensure(
    context: &Arc<RequestContext>,
    input: StorefrontUserEnsureInput,
) -> Result<StorefrontUserEnsurePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let named = named_user(context, &reach, input.storefront_id, &input.storefront_user_id);
    let (storefront, external_id) = named.await?;
    let ensured = ensure_user(&context.app, &storefront, &external_id, input.is_anonymous).await?;
    Ok(StorefrontUserEnsurePayload {
        storefront_user: Some(StorefrontUserNode::in_payload(ensured.user, &reach)),
        created: ensured.created,
        user_errors: Vec::new(),
    })
}

/// A user that exists now.
#[derive(Clone, Debug)]
pub struct EnsuredUser {
    /// The user.
    pub user: StorefrontUser,
    /// Whether it was registered only now.
    pub created: bool,
}

/// Returns the user with this id in the online store, which is registered if it does not exist (SFU-26).
///
/// # Errors
/// STOREFRONT_USER_ALREADY_EXISTS (409) if it exists with the other value of `is_anonymous`.
pub async fn ensure_user(
    app: &App,
    storefront: &StorefrontReach,
    external_id: &str,
    is_anonymous: bool,
) -> Result<EnsuredUser> {
    let find = || store::by_external_id(&app.database, storefront.reach(), external_id);
    let user = match find().await? {
        Some(user) => user,
        None => match register_user(app, storefront, external_id.to_owned(), is_anonymous).await {
            Ok(user) => return Ok(EnsuredUser { user, created: true }),
            // A concurrent request has registered it.
            Err(Error::Rejected(faults)) => find().await?.ok_or(Error::Rejected(faults))?,
            Err(other) => return Err(other),
        },
    };
    if user.is_anonymous != is_anonymous {
        return Err(refusal::already_exists(ID_FIELD).into());
    }
    Ok(EnsuredUser { user, created: false })
}
