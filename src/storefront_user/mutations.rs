//! Storefront users' mutations.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Object};

use super::graphql::StorefrontUser;
use super::inputs::{
    AccessToken, StorefrontUserDeleteInput, StorefrontUserDeletePayload, StorefrontUserEnsureInput,
    StorefrontUserEnsurePayload, StorefrontUserMergeAnonymousInput, StorefrontUserMergeAnonymousPayload,
    StorefrontUserPromoteInput, StorefrontUserPromotePayload, StorefrontUserRegisterInput,
    StorefrontUserRegisterPayload, StorefrontUserTokenIssueInput, StorefrontUserTokenIssuePayload,
};
use super::lifecycle::{self, ID_FIELD};
use super::merge::{self, ANONYMOUS_FIELD, Pair, REGULAR_FIELD};
use super::{StorefrontUser as Document, check_external_id, refusal, store};
use crate::access::{
    audit::{Action, Entry},
    principal::Policy,
    reach::{Reach, StorefrontReach},
    scope::Scope,
    token::{SignedToken, StorefrontUserSubject},
};
use crate::context::{RequestContext, limits::Amounts};
use crate::error::{Error, Faults, Result, UserError, UserErrorCode, payload};
use crate::platform::scalar::{wire_bytes, wire_count};
use crate::platform::throttle::Window;

const MINUTE: Duration = Duration::from_secs(60);
/// Anonymous users that browsers register (SFU-40).
const BY_BROWSERS: Amounts = Amounts {
    what: "anonymous user",
    client: &[Window::new(60, MINUTE)],
    site: &[Window::new(600, MINUTE)],
    storefront: &[Window::new(6000, MINUTE)],
};

const REGISTER: Policy = Policy::backend(Scope::StorefrontUsersWrite).and_public();
const WRITE: Policy = Policy::backend(Scope::StorefrontUsersWrite);
const TOKEN: Policy = Policy::backend(Scope::StorefrontUsersToken);

/// Storefront users' part of the mutation.
#[derive(Default)]
pub struct StorefrontUserMutation;

#[Object]
impl StorefrontUserMutation {
    /// Registers a user and its private storage together, and gives its token. Backend (storefront_users:write); public
    /// for an anonymous user only, whose id the gateway then chooses, and once in a document. A client address registers at
    /// most 60 anonymous users a minute and a storefront 6,000. Codes: STOREFRONT_USER_ALREADY_EXISTS (409) when the id
    /// exists, the stored user untouched; RATE_LIMITED with `retryAfterSeconds`; REQUIRED, TOO_LONG, INVALID, FORBIDDEN,
    /// STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn storefront_user_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to register.")] input: StorefrontUserRegisterInput,
    ) -> Result<StorefrontUserRegisterPayload> {
        let (done, user_errors) = payload(register(RequestContext::of(ctx)?, input).await)?;
        let (user, token) = done.unzip();
        Ok(StorefrontUserRegisterPayload {
            storefront_user: user,
            token: token.map(AccessToken::from),
            user_errors,
        })
    }

    /// Registers the user if needed; safe to repeat and to run twice at once. Backend (storefront_users:write). Codes:
    /// STOREFRONT_USER_ALREADY_EXISTS (409) when the id exists with the other `isAnonymous`; REQUIRED, TOO_LONG, INVALID,
    /// STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn storefront_user_ensure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to ensure.")] input: StorefrontUserEnsureInput,
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
            Ok((StorefrontUser::in_payload(user, &reach), created))
        };
        let (done, user_errors) = payload(ensure.await)?;
        let (user, created) = done.unzip();
        Ok(StorefrontUserEnsurePayload {
            storefront_user: user,
            created: created.unwrap_or(false),
            user_errors,
        })
    }

    /// The user's JWT, the key to its private storage; counts as a use of an anonymous user. Backend
    /// (storefront_users:token). Codes: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_ALREADY_MERGED (409),
    /// STOREFRONT_USER_EXPIRED, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn storefront_user_token_issue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose token to issue.")] input: StorefrontUserTokenIssueInput,
    ) -> Result<StorefrontUserTokenIssuePayload> {
        let (done, user_errors) = payload(issue_token(RequestContext::of(ctx)?, input).await)?;
        let (user, token) = done.unzip();
        Ok(StorefrontUserTokenIssuePayload {
            token: token.map(AccessToken::from),
            storefront_user: user,
            user_errors,
        })
    }

    /// Gives everything in an anonymous user's storage to a regular user, at once and for good: names, folders, content,
    /// ids and creation times are kept, and uploads that are under way arrive. Only this direction. Repeating it is
    /// success. Backend (storefront_users:write). Codes: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_NOT_ANONYMOUS (409),
    /// STOREFRONT_USER_NOT_REGULAR (409), STOREFRONT_USER_ALREADY_MERGED (409) into another user, REQUIRED, TOO_LONG,
    /// INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND; nothing moves then.
    async fn storefront_user_merge_anonymous(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose storage to give to whom.")] input: StorefrontUserMergeAnonymousInput,
    ) -> Result<StorefrontUserMergeAnonymousPayload> {
        let StorefrontUserMergeAnonymousInput {
            storefront_id,
            anonymous_storefront_user_id,
            regular_storefront_user_id,
        } = input;
        let context = RequestContext::of(ctx)?;
        let pair = Pair {
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
                storefront_user: Some(StorefrontUser::in_payload(merged.regular, &reach)),
                user_errors: Vec::new(),
            })
        };
        let (done, user_errors) = payload(merge.await)?;
        Ok(done.unwrap_or(StorefrontUserMergeAnonymousPayload {
            user_errors,
            ..Default::default()
        }))
    }

    /// Makes an anonymous user regular under a new id, keeping its storage and its token. Backend
    /// (storefront_users:write). Codes: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_NOT_ANONYMOUS (409),
    /// STOREFRONT_USER_ALREADY_MERGED (409), STOREFRONT_USER_ALREADY_EXISTS (409) when the new id is taken, REQUIRED,
    /// TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn storefront_user_promote(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to promote.")] input: StorefrontUserPromoteInput,
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
            Ok(StorefrontUser::in_payload(promoted.await?, &reach))
        };
        let (done, user_errors) = payload(promote.await)?;
        Ok(StorefrontUserPromotePayload {
            storefront_user: done,
            user_errors,
        })
    }

    /// Removes the user, its storage and the content of its items; all is gone when this answers. Backend
    /// (storefront_users:write). Codes: STOREFRONT_USER_NOT_FOUND, FORBIDDEN for a customer's user, which customerDelete
    /// removes, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn storefront_user_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to remove.")] input: StorefrontUserDeleteInput,
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

/// The storefront that the input names, and nothing wrong with its ids; every fault is told.
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
    storefront.ok_or_else(|| Error::internal("an input without faults has a storefront"))
}

async fn register(
    context: &Arc<RequestContext>,
    input: StorefrontUserRegisterInput,
) -> Result<(StorefrontUser, SignedToken)> {
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
        return Err(Error::internal("an input without faults is complete"));
    };
    if reach.is_public() {
        context.take(&storefront, &BY_BROWSERS).await?;
    }
    let user = lifecycle::register(&context.app, &storefront, external_id, is_anonymous).await?;
    let token = token_for(context, &reach, &user)?;
    Ok((StorefrontUser::in_payload(user, &reach), token))
}

/// The id of a user that a browser registers: as hard to guess as a token, because whoever has a backend's scope and the
/// id has the user.
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
) -> Result<(StorefrontUser, SignedToken)> {
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
        let entry = Entry::new(&user.storefront_id, customer, Action::StorefrontUserTokenIssued);
        app.audit.note(&reach, entry.on(&user.id)).await?;
    }
    Ok((StorefrontUser::in_payload(user, &reach), token))
}

fn token_for(context: &RequestContext, reach: &Reach, user: &Document) -> Result<SignedToken> {
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
