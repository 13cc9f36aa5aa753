//! Mutations of storefront users.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Object};

use super::inputs::{
    AccessToken, StorefrontUserDeleteInput, StorefrontUserDeletePayload, StorefrontUserEnsureInput,
    StorefrontUserEnsurePayload, StorefrontUserMergeAnonymousInput, StorefrontUserMergeAnonymousPayload,
    StorefrontUserPromoteInput, StorefrontUserPromotePayload, StorefrontUserRegisterInput,
    StorefrontUserRegisterPayload, StorefrontUserTokenIssueInput, StorefrontUserTokenIssuePayload,
};
use super::lifecycle::{self, ID_FIELD};
use super::merge;
use super::merge::{ANONYMOUS_FIELD, REGULAR_FIELD, UsersToMerge};
use super::node::StorefrontUserNode;
use super::{StorefrontUser, check_external_id, refusal, store};
use crate::audit::{Action, AuditEntry};
use crate::auth::token::{SignedToken, StorefrontUserSubject};
use crate::context::{RequestContext, limits::Amounts};
use crate::error::{Error, Faults, Result, UserError, UserErrorCode, payload};
use crate::platform::scalar::{wire_bytes, wire_count};
use crate::platform::throttle::Window;
use crate::reach::{Reach, StorefrontReach, principal::Policy, scope::Scope};

const MINUTE: Duration = Duration::from_secs(60);
/// Rate limits of anonymous users that browsers register (SFU-40).
const BY_BROWSERS: Amounts = Amounts {
    what: "anonymous user",
    client: &[Window::new(60, MINUTE)],
    site: &[Window::new(600, MINUTE)],
    storefront: &[Window::new(6000, MINUTE)],
};

const REGISTER: Policy = Policy::backend(Scope::StorefrontUsersWrite).and_public();
const WRITE: Policy = Policy::backend(Scope::StorefrontUsersWrite);
const TOKEN: Policy = Policy::backend(Scope::StorefrontUsersToken);

/// Mutations of storefront users.
#[derive(Default)]
pub struct StorefrontUserMutation;

#[Object]
impl StorefrontUserMutation {
    /// Registers a storefront user together with its private storage and returns an access token for it.
    /// Requires a publishable key, which registers anonymous users only and may send this mutation once in a document,
    /// or an integration token or client secret with the scope `storefront_users:write`.
    /// User errors: STOREFRONT_USER_ALREADY_EXISTS (409) if the id exists, in which case the stored user does not
    /// change; RATE_LIMITED with `retryAfterSeconds`; REQUIRED, TOO_LONG, INVALID, FORBIDDEN, STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND.
    /// With a publishable key, at most 60 users a minute are registered from one client address, 600 from one IPv6 /48
    /// network and 6,000 in one storefront.
    async fn storefront_user_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user to register.")] input: StorefrontUserRegisterInput,
    ) -> Result<StorefrontUserRegisterPayload> {
        let (done, user_errors) = payload(register(RequestContext::of(ctx)?, input).await)?;
        let (user, token) = done.unzip();
        Ok(StorefrontUserRegisterPayload {
            storefront_user: user,
            token: token.map(AccessToken::from),
            user_errors,
        })
    }

    /// Returns the storefront user with this id, and registers it first if it does not exist.
    /// Requires an integration token or client secret with the scope `storefront_users:write`.
    /// User errors: STOREFRONT_USER_ALREADY_EXISTS (409) if the id exists with the other value of `isAnonymous`;
    /// REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// The request can be repeated, also concurrently; the user is registered once.
    async fn storefront_user_ensure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user to return or to register.")] input: StorefrontUserEnsureInput,
    ) -> Result<StorefrontUserEnsurePayload> {
        let StorefrontUserEnsureInput {
            storefront_id,
            storefront_user_id,
            is_anonymous,
        } = input;
        let context = RequestContext::of(ctx)?;
        let ensure = async {
            let reach = context.reach_to_write(&WRITE).await?;
            let ids = [(storefront_user_id.as_str(), ID_FIELD)];
            let storefront = checked(context, &reach, storefront_id.as_ref(), &ids).await?;
            let ensured = lifecycle::ensure(&context.app, &storefront, &storefront_user_id, is_anonymous);
            let (user, created) = ensured.await?;
            Ok((StorefrontUserNode::in_payload(user, &reach), created))
        };
        let (done, user_errors) = payload(ensure.await)?;
        let (user, created) = done.unzip();
        Ok(StorefrontUserEnsurePayload {
            storefront_user: user,
            created: created.unwrap_or(false),
            user_errors,
        })
    }

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
        let (done, user_errors) = payload(issue_token(RequestContext::of(ctx)?, input).await)?;
        let (user, token) = done.unzip();
        Ok(StorefrontUserTokenIssuePayload {
            token: token.map(AccessToken::from),
            storefront_user: user,
            user_errors,
        })
    }

    /// Moves everything in an anonymous user's private storage to a regular user, atomically and permanently.
    /// Requires an integration token or client secret with the scope `storefront_users:write`.
    /// User errors, after which nothing has moved: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_NOT_ANONYMOUS (409),
    /// STOREFRONT_USER_NOT_REGULAR (409), STOREFRONT_USER_ALREADY_MERGED (409) if the anonymous user was merged into
    /// another user, CUSTOMER_ANONYMIZED, REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Only an anonymous user can be merged, and only into a regular user. Names, folders, content, ids and creation
    /// times are kept, and uploads in progress are included. Merging the same pair again succeeds.
    async fn storefront_user_merge_anonymous(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The users to merge.")] input: StorefrontUserMergeAnonymousInput,
    ) -> Result<StorefrontUserMergeAnonymousPayload> {
        let StorefrontUserMergeAnonymousInput {
            storefront_id,
            anonymous_storefront_user_id,
            regular_storefront_user_id,
        } = input;
        let context = RequestContext::of(ctx)?;
        let pair = UsersToMerge {
            anonymous: &anonymous_storefront_user_id,
            regular: &regular_storefront_user_id,
        };
        let merge = async {
            let reach = context.reach_to_write(&WRITE).await?;
            let ids = [(pair.anonymous, ANONYMOUS_FIELD), (pair.regular, REGULAR_FIELD)];
            let storefront = checked(context, &reach, storefront_id.as_ref(), &ids).await?;
            let merged = merge::merge(&context.app, &storefront, pair).await?;
            context.app.access.forget_person(&merged.anonymous.id).await;
            Ok(StorefrontUserMergeAnonymousPayload {
                already_merged: merged.already,
                moved_item_count: wire_count(merged.items),
                moved_bytes: wire_bytes(merged.bytes),
                storefront_user: Some(StorefrontUserNode::in_payload(merged.regular, &reach)),
                user_errors: Vec::new(),
            })
        };
        let (done, user_errors) = payload(merge.await)?;
        Ok(done.unwrap_or(StorefrontUserMergeAnonymousPayload {
            user_errors,
            ..Default::default()
        }))
    }

    /// Turns an anonymous user into a regular user with a new id; its private storage and access tokens stay valid.
    /// Requires an integration token or client secret with the scope `storefront_users:write`.
    /// User errors: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_NOT_ANONYMOUS (409), STOREFRONT_USER_ALREADY_MERGED
    /// (409), STOREFRONT_USER_ALREADY_EXISTS (409) if the new id exists, REQUIRED, TOO_LONG, INVALID,
    /// STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn storefront_user_promote(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user to promote.")] input: StorefrontUserPromoteInput,
    ) -> Result<StorefrontUserPromotePayload> {
        let StorefrontUserPromoteInput {
            storefront_id,
            anonymous_storefront_user_id,
            regular_storefront_user_id,
        } = input;
        let context = RequestContext::of(ctx)?;
        let promote = async {
            let reach = context.reach_to_write(&WRITE).await?;
            let ids = [
                (&*anonymous_storefront_user_id, ANONYMOUS_FIELD),
                (&*regular_storefront_user_id, REGULAR_FIELD),
            ];
            let one = checked(context, &reach, storefront_id.as_ref(), &ids).await?;
            let promoted = lifecycle::promote(
                &context.app,
                one.reach(),
                &anonymous_storefront_user_id,
                &regular_storefront_user_id,
            );
            Ok(StorefrontUserNode::in_payload(promoted.await?, &reach))
        };
        let (done, user_errors) = payload(promote.await)?;
        Ok(StorefrontUserPromotePayload {
            storefront_user: done,
            user_errors,
        })
    }

    /// Deletes a storefront user, its private storage and the content of its items.
    /// Requires an integration token or client secret with the scope `storefront_users:write`.
    /// User errors: STOREFRONT_USER_NOT_FOUND, FORBIDDEN for the user of a customer, which `customerDelete` deletes,
    /// REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Everything is deleted when the mutation returns.
    async fn storefront_user_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user to delete.")] input: StorefrontUserDeleteInput,
    ) -> Result<StorefrontUserDeletePayload> {
        let StorefrontUserDeleteInput {
            storefront_id,
            storefront_user_id,
        } = input;
        let context = RequestContext::of(ctx)?;
        let remove = async {
            let reach = context.reach_to_write(&WRITE).await?;
            let ids = [(storefront_user_id.as_str(), ID_FIELD)];
            let one = checked(context, &reach, storefront_id.as_ref(), &ids).await?;
            lifecycle::remove(&context.app, one.reach(), &storefront_user_id).await
        };
        let (done, user_errors) = payload(remove.await)?;
        Ok(StorefrontUserDeletePayload {
            deleted_item_count: done.map_or(0, wire_count),
            deleted_storefront_user_id: done.map(|_| storefront_user_id),
            user_errors,
        })
    }
}

/// Checks the ids and returns the storefront that the input names; reports all faults.
async fn checked(
    context: &RequestContext,
    reach: &Reach,
    storefront_id: Option<&ID>,
    ids: &[(&str, &'static str)],
) -> Result<StorefrontReach> {
    let mut faults = Faults::default();
    let id = storefront_id.map(|id| id.as_str());
    let storefront = faults.absorb(context.storefront_to_write(reach, id, ["storefrontId"]).await)?;
    for (value, field) in ids {
        faults.take(check_external_id(value, field));
    }
    faults.check()?;
    storefront.ok_or_else(|| Error::internal("a validated input has no storefront"))
}

async fn register(
    context: &Arc<RequestContext>,
    input: StorefrontUserRegisterInput,
) -> Result<(StorefrontUserNode, SignedToken)> {
    let StorefrontUserRegisterInput {
        storefront_id,
        storefront_user_id,
        is_anonymous,
    } = input;
    let reach = context.reach_to_write(&REGISTER).await?;
    let mut faults = Faults::default();
    let id = storefront_id.as_ref().map(|id| id.as_str());
    let storefront = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    let external_id = if reach.is_public() {
        faults.take(chosen_id(context, storefront_user_id.as_deref()))
    } else {
        faults.take(check_external_id(
            storefront_user_id.as_deref().unwrap_or_default(),
            ID_FIELD,
        ))
    };
    if reach.is_public() && !is_anonymous {
        let message = "A publishable key may register anonymous users only.";
        faults.push(UserError::new(UserErrorCode::Forbidden, ["isAnonymous"], message));
    }
    faults.check()?;
    let (Some(storefront), Some(external_id)) = (storefront, external_id) else {
        return Err(Error::internal("a validated input is incomplete"));
    };
    if reach.is_public() {
        context.take(&storefront, &BY_BROWSERS).await?;
    }
    let user = lifecycle::register(&context.app, &storefront, external_id, is_anonymous).await?;
    let token = token_for(context, &reach, &user)?;
    Ok((StorefrontUserNode::in_payload(user, &reach), token))
}

/// Returns a generated id for a user that a browser registers. It is as hard to guess as a token, because a backend
/// that knows the id and has the scope can access the user.
fn chosen_id(context: &RequestContext, sent: Option<&str>) -> std::result::Result<String, UserError> {
    match sent {
        None => Ok(format!("anon-{}", context.app.random.token())),
        Some(_) => {
            let message = "With a publishable key the gateway chooses the id.";
            Err(UserError::new(UserErrorCode::Forbidden, [ID_FIELD], message))
        }
    }
}

async fn issue_token(
    context: &Arc<RequestContext>,
    input: StorefrontUserTokenIssueInput,
) -> Result<(StorefrontUserNode, SignedToken)> {
    let StorefrontUserTokenIssueInput {
        storefront_id,
        storefront_user_id,
    } = input;
    let app = &context.app;
    let reach = context.reach_to_write(&TOKEN).await?;
    let ids = [(storefront_user_id.as_str(), ID_FIELD)];
    let one = checked(context, &reach, storefront_id.as_ref(), &ids).await?;
    let user = store::by_external_id(&app.database, one.reach(), &storefront_user_id).await?;
    let mut user = user.ok_or_else(|| Error::rejected(refusal::not_found(ID_FIELD)))?;
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
    let token = token_for(context, &reach, &user)?;
    if let Some(customer) = &user.customer_id {
        let entry = AuditEntry::new(&user.storefront_id, customer, Action::StorefrontUserTokenIssued);
        app.audit.note(&reach, entry.on(&user.id)).await?;
    }
    Ok((StorefrontUserNode::in_payload(user, &reach), token))
}

fn token_for(context: &RequestContext, reach: &Reach, user: &StorefrontUser) -> Result<SignedToken> {
    let client = reach
        .identity()
        .client()
        .map(ToString::to_string)
        .unwrap_or_default();
    context.app.access.tokens.issue_storefront_user(
        &client,
        StorefrontUserSubject {
            id: &user.id,
            storefront: &user.storefront_id,
            organization: reach.identity().organization(),
            external_id: &user.external_id,
            anonymous: user.is_anonymous,
            epoch: user.token_epoch,
        },
    )
}
