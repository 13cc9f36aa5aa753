//! `storefrontUserTokenIssue`: issues an access token for a storefront user.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::access_token::AccessToken;
use super::node::StorefrontUserNode;
use super::{ID_FIELD, check_external_id, refusal, store};
use crate::audit::{Action, AuditEntry};
use crate::context::RequestContext;
use crate::error::{Error, Faults, Result, UserError, payload};
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

/// Payload of `storefrontUserTokenIssue`.
#[derive(SimpleObject)]
pub struct StorefrontUserTokenIssuePayload {
    /// The access token; null when there are user errors.
    token: Option<AccessToken>,
    /// The user; null when there are user errors.
    storefront_user: Option<StorefrontUserNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `storefrontUserTokenIssue`.
#[derive(Default)]
pub struct StorefrontUserTokenIssue;

#[Object]
impl StorefrontUserTokenIssue {
    /// Issues an access token for a storefront user, which gives access to the user's private storage.
    /// Requires an integration token or client secret with the scope `storefront_users:token`.
    /// User errors: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_ALREADY_MERGED (409), STOREFRONT_USER_EXPIRED,
    /// CUSTOMER_ANONYMIZED, REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Counts as a use of an anonymous user, which postpones `expiresAt`.
    async fn storefront_user_token_issue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user to issue an access token for.")] input: StorefrontUserTokenIssueInput,
    ) -> Result<StorefrontUserTokenIssuePayload> {
        let (done, user_errors) = payload(issue(RequestContext::of(ctx)?, input).await)?;
        let (storefront_user, token) = done.unzip();
        Ok(StorefrontUserTokenIssuePayload {
            token,
            storefront_user,
            user_errors,
        })
    }
}

async fn issue(
    context: &Arc<RequestContext>,
    input: StorefrontUserTokenIssueInput,
) -> Result<(StorefrontUserNode, AccessToken)> {
    let StorefrontUserTokenIssueInput {
        storefront_id,
        storefront_user_id,
    } = input;
    let app = &context.app;
    let reach = context.reach_to_write(&TOKEN).await?;
    let mut faults = Faults::default();
    let id = storefront_id.as_ref().map(|id| id.as_str());
    let storefront = context.storefront_to_write(&reach, id, ["storefrontId"]).await;
    let storefront = faults.absorb(storefront)?;
    let external_id = faults.take(check_external_id(&storefront_user_id, ID_FIELD));
    let (storefront, external_id) = faults.finish((storefront, external_id))?;
    let user = store::by_external_id(&app.database, storefront.reach(), &external_id).await?;
    let mut user = user.ok_or_else(|| refusal::not_found(ID_FIELD))?;
    if user.merged_into.is_some() {
        return Err(Error::rejected(refusal::already_merged(ID_FIELD)));
    }
    if user.erased_at.is_some() {
        return Err(Error::rejected(refusal::anonymized(ID_FIELD)));
    }
    if let Some(expires_at) = user.expires_at {
        if app.clock.now() >= expires_at {
            return Err(Error::rejected(refusal::expired(ID_FIELD)));
        }
        user.expires_at = Some(app.access.count_use(&user.id, expires_at).await?);
    }
    let token = AccessToken::issue(context, &reach, &user)?;
    if let Some(customer) = &user.customer_id {
        let entry = AuditEntry::new(&user.storefront_id, customer, Action::StorefrontUserTokenIssued);
        app.audit.note(&reach, entry.on(&user.id)).await?;
    }
    Ok((StorefrontUserNode::in_payload(user, &reach), token))
}
