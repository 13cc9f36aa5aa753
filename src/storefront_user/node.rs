//! The GraphQL node of storefront users.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::StorefrontUser;
use crate::context::{GlobalNode, RequestContext};
use crate::customer::node::{CustomerNode, customer_behind};
use crate::error::Result;
use crate::platform::{clock::Timestamp, id::StorefrontUserId};
use crate::reach::{Reach, principal::Policy, scope::Scope, seen::Seen};
use crate::read::direct::{DirectObject, ObjectShape, fields};
use crate::storage::node::PrivateStorageNode;
use crate::storefront::node::{StorefrontNode, storefront_of};

/// Who may read storefront users.
pub const READ: Policy = Policy::backend(Scope::StorefrontUsersRead).and_own();

/// A user of an online store, with a private storage.
/// Requires an integration token or client secret with the scope `storefront_users:read`, or the token of this user or
/// of its customer.
/// An anonymous user is temporary, a regular user is not.
#[derive(Clone, Description)]
pub struct StorefrontUserNode {
    document: Seen<StorefrontUser>,
}

impl StorefrontUserNode {
    /// Returns the node of a user behind which policies decide.
    #[must_use]
    pub fn new(document: Arc<StorefrontUser>) -> Self {
        Self::seen(Seen::by_policy(document))
    }

    /// Returns the node in the payload of a mutation that `reach` permitted.
    #[must_use]
    pub fn in_payload(document: StorefrontUser, reach: &Reach) -> Self {
        let reach = reach.showing(&document.id);
        Self::seen(Seen::in_payload(document, reach))
    }

    /// Returns the node of a user that another object leads to.
    #[must_use]
    pub fn seen(document: Seen<StorefrontUser>) -> Self {
        Self { document }
    }
}

fields! {
    /// The fields of a storefront user that its document contains.
    StorefrontUserFields of StorefrontUser {
        /// Id of the user in the online store, stored verbatim and unique in the storefront.
        /// The gateway generates it for an anonymous user that a publishable key registers.
        storefront_user_id: &str = "storefrontUserId" => |user| &user.external_id;

        /// Whether the user is temporary: the user and its private storage are removed at `expiresAt` unless they are
        /// used before.
        is_anonymous: bool = "isAnonymous" => |user| user.is_anonymous;

        /// Time of the merge; null if the user was not merged.
        merged_at: Option<Timestamp> = "mergedAt" => |user| user.merged_at;

        /// Time at which an anonymous user and its private storage are removed unless they are used before.
        /// Null for regular and merged users.
        expires_at: Option<Timestamp> = "expiresAt" => |user| user.expires_at;

        /// Time of the registration.
        created_at: Timestamp = "createdAt" => |user| user.created_at;

        /// Time of the last change.
        updated_at: Timestamp = "updatedAt" => |user| user.updated_at;
    }
}

impl DirectObject for StorefrontUserNode {
    const OBJECT: ObjectShape = ObjectShape {
        name: "StorefrontUser",
        fields: &[StorefrontUserFields::stored],
        lists: &[],
    };
}

#[Object(name = "StorefrontUser", use_type_description)]
impl StorefrontUserNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// Storefront that the user belongs to.
    /// Requires the scope `storefronts:read`, or the token of this user or of its customer; otherwise FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<StorefrontNode> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.document.sight(), &self.document.storefront_id)
    }

    #[graphql(flatten)]
    async fn stored(&self) -> StorefrontUserFields<'_> {
        StorefrontUserFields(&self.document)
    }

    /// Customer account of a regular user.
    /// Requires an integration token or client secret with the scope `customers:read`, or the token of this user or of
    /// its customer.
    /// Null if the user has no customer account or the caller may not read it.
    async fn customer(&self, ctx: &Context<'_>) -> Option<Result<CustomerNode>> {
        let id = self.document.customer_id.as_ref()?;
        let load = async { customer_behind(RequestContext::of(ctx)?, self.document.sight(), id).await };
        load.await.transpose()
    }

    /// Private storage of the user.
    /// Requires the scope `storage:read`, or the token of this user or of its customer; otherwise FORBIDDEN.
    async fn private_storage(&self, ctx: &Context<'_>) -> Result<PrivateStorageNode> {
        PrivateStorageNode::of(RequestContext::of(ctx)?, &self.document)
    }

    /// Regular user that this anonymous user was merged into; null if it was not merged or that user has been removed.
    async fn merged_into(&self, ctx: &Context<'_>) -> Option<Result<Self>> {
        let id = self.document.merged_into.as_ref()?;
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = self.document.sight().reach(&context.principal, &READ)?;
            Ok(context.by_id::<StorefrontUser>(&reach, id).await?.map(Self::new))
        };
        load.await.transpose()
    }
}

impl GlobalNode for StorefrontUserNode {
    type Id = StorefrontUserId;

    async fn find(context: &RequestContext, id: &StorefrontUserId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        let found = context.by_id::<StorefrontUser>(&reach, id).await?;
        Ok(found.map(StorefrontUserNode::new))
    }
}
