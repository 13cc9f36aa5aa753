//! `storefrontUserTokenIssue`: issues an access token for a storefront user.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::access_token::AccessToken;
use super::node::StorefrontUserNode;
use super::{ID_FIELD, named_user, refusal, store};
use crate::audit::{Action, AuditEntry};
use crate::context::RequestContext;
use crate::error::Result;
use crate::mutation::mutation;
use crate::reach::{principal::Policy, scope::Scope};

/// Who may issue tokens of storefront users.
const TOKEN: Policy = Policy::backend(Scope::StorefrontUsersToken);

/// Input of `storefrontUserTokenIssue`: the user to issue an access token for.
#[derive(InputObject)]
pub struct StorefrontUserTokenIssueInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Id of the user in the online store.
    storefront_user_id: String,
}

mutation! {
    /// Issues an access token for a storefront user, which gives access to the user's private storage.
    /// Requires an integration token or client secret with the scope `storefront_users:token`.
    /// User errors: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_ALREADY_MERGED (409), STOREFRONT_USER_EXPIRED,
    /// CUSTOMER_ANONYMIZED, REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Counts as a use of an anonymous user, which postpones `expiresAt`.
    StorefrontUserTokenIssue.storefront_user_token_issue = issue(
        #[graphql(desc = "The user to issue an access token for.")] input: StorefrontUserTokenIssueInput,
    ) -> StorefrontUserTokenIssuePayload;

    /// Payload of `storefrontUserTokenIssue`.
    payload {
        /// The access token; null when there are user errors.
        token: AccessToken,
        /// The user; null when there are user errors.
        storefront_user: StorefrontUserNode,
    }
}

async fn issue(
    context: &Arc<RequestContext>,
    input: StorefrontUserTokenIssueInput,
) -> Result<StorefrontUserTokenIssuePayload> {
    let app = &context.app;
    let reach = context.reach_to_write(&TOKEN).await?;
    let named = named_user(context, &reach, input.storefront_id, &input.storefront_user_id);
    let (storefront, external_id) = named.await?;
    let user = store::by_external_id(&app.database, storefront.reach(), &external_id).await?;
    let mut user = user.ok_or_else(|| refusal::not_found(ID_FIELD))?;
    if user.merged_into.is_some() {
        return Err(refusal::already_merged(ID_FIELD).into());
    }
    if user.erased_at.is_some() {
        return Err(refusal::anonymized(ID_FIELD).into());
    }
    if let Some(expires_at) = user.expires_at {
        if app.clock.now() >= expires_at {
            return Err(refusal::expired(ID_FIELD).into());
        }
        user.expires_at = Some(app.access.count_use(&user.id, expires_at).await?);
    }
    let token = AccessToken::issue(context, &reach, &user)?;
    if let Some(customer) = &user.customer_id {
        let entry = AuditEntry::new(&user.storefront_id, customer, Action::StorefrontUserTokenIssued);
        app.audit.note(&reach, entry.on(&user.id)).await?;
    }
    let node = StorefrontUserNode::in_payload(user, &reach);
    Ok(StorefrontUserTokenIssuePayload::of(token, node))
}
