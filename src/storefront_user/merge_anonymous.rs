//! `storefrontUserMergeAnonymous`: moves everything of an anonymous user to a regular one.

use std::sync::Arc;

use async_graphql::{ID, InputObject, SimpleObject};
use bson::doc;

use super::merge::{Merge, MergeAttempt, Merged, StoredPair};
use super::node::StorefrontUserNode;
use super::{ANONYMOUS_FIELD, REGULAR_FIELD, StorefrontUser, WRITE, named_pair, of_kind, refusal};
use crate::app::App;
use crate::audit::AuditActor;
use crate::context::RequestContext;
use crate::error::{Faults, Result, UserError};
use crate::mutation::{Payload, mutation};
use crate::platform::{
    database::{Tx, Write},
    scalar::{wire_bytes, wire_count},
};
use crate::reach::Reach;

/// Input of `storefrontUserMergeAnonymous`: the anonymous user to merge and the regular user that receives its items.
#[derive(InputObject)]
pub struct StorefrontUserMergeAnonymousInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Id of the anonymous user in the online store.
    anonymous_storefront_user_id: String,
    /// Id of the regular user in the online store.
    regular_storefront_user_id: String,
}

/// Payload of `storefrontUserMergeAnonymous`.
#[derive(Default, SimpleObject)]
pub struct StorefrontUserMergeAnonymousPayload {
    /// The regular user; null when there are user errors.
    storefront_user: Option<StorefrontUserNode>,
    /// Whether the same pair was merged by an earlier request, so that nothing was left to move.
    already_merged: bool,
    /// Number of items that this request moved.
    moved_item_count: i32,
    /// Size of the content of the moved items, in bytes.
    moved_bytes: f64,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

impl Payload for StorefrontUserMergeAnonymousPayload {
    fn rejected(user_errors: Vec<UserError>) -> Self {
        Self {
            user_errors,
            ..Self::default()
        }
    }
}

mutation! {
    /// Moves everything in an anonymous user's private storage to a regular user, atomically and permanently.
    /// Requires an integration token or client secret with the scope `storefront_users:write`.
    /// User errors, after which nothing has moved: STOREFRONT_USER_NOT_FOUND, STOREFRONT_USER_NOT_ANONYMOUS (409),
    /// STOREFRONT_USER_NOT_REGULAR (409), STOREFRONT_USER_ALREADY_MERGED (409) if the anonymous user was merged into
    /// another user, CUSTOMER_ANONYMIZED, REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Only an anonymous user can be merged, and only into a regular user. Names, folders, content, ids and creation
    /// times are kept, and uploads in progress are included. Merging the same pair again succeeds.
    StorefrontUserMergeAnonymous.storefront_user_merge_anonymous = merge_anonymous(
        #[graphql(desc = "The users to merge.")] input: StorefrontUserMergeAnonymousInput,
    ) -> StorefrontUserMergeAnonymousPayload;
}

async fn merge_anonymous(
    context: &Arc<RequestContext>,
    input: StorefrontUserMergeAnonymousInput,
) -> Result<StorefrontUserMergeAnonymousPayload> {
    let StorefrontUserMergeAnonymousInput {
        storefront_id,
        anonymous_storefront_user_id: anonymous,
        regular_storefront_user_id: regular,
    } = input;
    let reach = context.reach_to_write(&WRITE).await?;
    let named = named_pair(context, &reach, storefront_id, &anonymous, &regular);
    let (storefront, anonymous, regular) = named.await?;
    let merged = merge(&context.app, storefront.reach(), &anonymous, &regular).await?;
    context.app.access.forget_person(&merged.anonymous.id).await;
    Ok(StorefrontUserMergeAnonymousPayload {
        storefront_user: Some(StorefrontUserNode::in_payload(merged.regular, &reach)),
        already_merged: merged.already,
        moved_item_count: wire_count(merged.items),
        moved_bytes: wire_bytes(merged.bytes),
        user_errors: Vec::new(),
    })
}

/// Merges the users with these ids in the online store. It succeeds also while uploads change the anonymous user's
/// storage continuously.
///
/// # Errors
/// The user errors of SFU-23, SFU-30 and SFU-32; then nothing is moved.
async fn merge(app: &App, reach: &Reach, anonymous: &str, regular: &str) -> Result<Merged> {
    let users = app.database.open::<StorefrontUser>(reach);
    let named = doc! { "storefrontUserId": { "$in": [anonymous, regular] } };
    let found = users.find(named, doc! {}, 0).await?;
    let find = |id: &str| found.iter().find(|user| user.external_id == id).cloned();
    let pair = AdmissiblePair::check(StoredPair {
        anonymous: find(anonymous),
        regular: find(regular),
    })?;
    if pair.anonymous.merged_into.as_ref() == Some(&pair.regular.id) {
        return Ok(pair.already_merged());
    }
    let merge = PairMerge {
        app,
        reach,
        actor: AuditActor::from(reach),
        pair,
    };
    app.database.run_pressing(&merge).await
}

/// An anonymous and a regular user that exist. The anonymous one is not merged into another user.
struct AdmissiblePair {
    anonymous: StorefrontUser,
    regular: StorefrontUser,
}

impl AdmissiblePair {
    /// Checks that the users exist and are of the right kind.
    ///
    /// # Errors
    /// All faults of both users.
    fn check(pair: StoredPair) -> Result<Self> {
        let StoredPair { anonymous, regular } = pair;
        let mut faults = Faults::default();
        let anonymous = faults.take(of_kind(anonymous, true, ANONYMOUS_FIELD));
        let regular = faults.take(of_kind(regular, false, REGULAR_FIELD));
        if let (Some(anonymous), Some(regular)) = (&anonymous, &regular)
            && (anonymous.merged_into.as_ref()).is_some_and(|into| *into != regular.id)
        {
            faults.push(refusal::already_merged(ANONYMOUS_FIELD));
        }
        let (anonymous, regular) = faults.finish((anonymous, regular))?;
        Ok(Self { anonymous, regular })
    }

    /// The result if these users were merged before.
    fn already_merged(self) -> Merged {
        Merged {
            regular: self.regular,
            anonymous: self.anonymous,
            already: true,
            items: 0,
            bytes: 0,
        }
    }
}

/// The write that merges a pair of users.
struct PairMerge<'a> {
    app: &'a App,
    reach: &'a Reach,
    actor: AuditActor,
    pair: AdmissiblePair,
}

impl Write for PairMerge<'_> {
    type Output = Merged;

    /// # Errors
    /// The user errors of users that have changed meanwhile.
    async fn write(&self, tx: &mut Tx) -> Result<Merged> {
        let merge = Merge {
            app: self.app,
            reach: self.reach,
            actor: &self.actor,
            anonymous: &self.pair.anonymous.id,
            regular: &self.pair.regular.id,
        };
        match merge.attempt_in(tx).await? {
            MergeAttempt::Merged(merged) => Ok(*merged),
            MergeAttempt::TooLate(stored) => Ok(AdmissiblePair::check(*stored)?.already_merged()),
        }
    }
}
