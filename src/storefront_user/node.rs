//! GraphQL types of storefront users: the node, its lists and lookups.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, InputObject, Object, OneofObject};
use bson::doc;

use super::{StorefrontUser, store};
use crate::context::{GlobalNode, RequestContext};
use crate::customer::node::{CustomerNode, customer_behind};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    filter::{DateTimeFilter, Filter, Nested, StringFilter, condition},
    id::{Id, StorefrontId, StorefrontUserId},
    page::{Connection, Count, PageArgs, SortOrder},
};
use crate::reach::{Reach, principal::Policy, scope::Scope, seen::Seen};
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

#[Object(name = "StorefrontUser", use_type_description)]
impl StorefrontUserNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// Storefront that the user belongs to.
    /// Requires the scope `storefronts:read`, or the token of this user or of its customer; otherwise FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<StorefrontNode> {
        {
            let context = RequestContext::of(ctx)?;
            storefront_of(context, self.document.sight(), &self.document.storefront_id).await
        }
    }

    /// Id of the user in the online store, stored verbatim and unique in the storefront.
    /// The gateway generates it for an anonymous user that a publishable key registers.
    async fn storefront_user_id(&self) -> &str {
        &self.document.external_id
    }

    /// Whether the user is temporary: the user and its private storage are removed at `expiresAt` unless they are used
    /// before.
    async fn is_anonymous(&self) -> bool {
        self.document.is_anonymous
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

    /// Time of the merge; null if the user was not merged.
    async fn merged_at(&self) -> Option<Timestamp> {
        self.document.merged_at
    }

    /// Time at which an anonymous user and its private storage are removed unless they are used before.
    /// Null for regular and merged users.
    async fn expires_at(&self) -> Option<Timestamp> {
        self.document.expires_at
    }

    /// Time of the registration.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }

    /// Time of the last change.
    async fn updated_at(&self) -> Timestamp {
        self.document.updated_at
    }
}

/// Filter of a list of storefront users. All conditions must match.
/// A filter that no index supports is aborted after 5 seconds with the error TIMEOUT.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StorefrontUserFilter {
    /// Whether the user is anonymous.
    pub is_anonymous: Option<bool>,
    /// Whether the user was merged into another user.
    pub is_merged: Option<bool>,
    /// Id of the user in the online store. An index supports `eq`, `in` and `startsWith`.
    pub storefront_user_id: Option<StringFilter>,
    /// Time of the registration.
    pub created_at: Option<DateTimeFilter>,
    /// All of these filters must match. `and`, `or` and `not` nest at most five levels deep.
    pub and: Option<Vec<StorefrontUserFilter>>,
    /// At least one of these filters must match.
    pub or: Option<Vec<StorefrontUserFilter>>,
    /// This filter must not match.
    pub not: Option<Box<StorefrontUserFilter>>,
}

impl Filter for StorefrontUserFilter {
    fn own(&mut self) -> Result<Vec<bson::Document>> {
        let mut conditions = Vec::new();
        if let Some(is_anonymous) = self.is_anonymous {
            conditions.push(doc! { "isAnonymous": is_anonymous });
        }
        if let Some(is_merged) = self.is_merged {
            conditions.push(doc! { "mergedInto": { "$exists": is_merged } });
        }
        if let Some(filter) = self.storefront_user_id.take() {
            conditions.extend(filter.on("storefrontUserId")?);
        }
        if let Some(filter) = self.created_at.take() {
            conditions.extend(filter.on("createdAt"));
        }
        Ok(conditions)
    }

    fn nested(self) -> Nested<Self> {
        Nested {
            and: self.and,
            or: self.or,
            not: self.not,
        }
    }
}

/// Returns a page of a storefront's users.
///
/// # Errors
/// FORBIDDEN if the caller may not read users; BAD_USER_INPUT for invalid page arguments or an invalid filter.
pub async fn users_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    filter: Option<StorefrontUserFilter>,
    page: PageArgs,
) -> Result<Connection<StorefrontUserNode>> {
    let reach = context.reach(&READ)?;
    let order = SortOrder::by_id(format!("users of {storefront}"));
    let page = page.check(context.app.vault.cursors(), order)?;
    let reach = within(context, &reach, storefront).await?;
    let condition = condition(filter)?;
    let slice = store::page(&context.app.database, &reach, condition.clone(), &page).await?;
    let app = Arc::clone(&context.app);
    let count: Count = Box::new(move || {
        let (app, reach, condition) = (Arc::clone(&app), reach.clone(), condition.clone());
        Box::pin(async move { store::count(&app.database, &reach, condition).await })
    });
    Ok(Connection::new(
        slice.map(|user| StorefrontUserNode::new(Arc::new(user))),
        count,
    ))
}

/// Returns the reach within the storefront of a node.
async fn within(context: &RequestContext, reach: &Reach, storefront: &StorefrontId) -> Result<Reach> {
    let one = context
        .storefront_to_read(reach, Some(storefront.as_str()))
        .await?;
    one.map(|one| one.reach().clone())
        .ok_or(crate::error::Error::StorefrontNotFound)
}

/// Identifies a storefront user by exactly one of its keys.
#[derive(OneofObject)]
pub enum StorefrontUserBy {
    /// Global id of the user.
    Id(ID),
    /// Id of the user in the online store.
    External(StorefrontUserExternalKey),
}

/// The id of a user in the online store of a storefront.
#[derive(InputObject)]
pub struct StorefrontUserExternalKey {
    /// Id of the storefront; required when the credential covers several storefronts (error STOREFRONT_REQUIRED).
    pub storefront_id: Option<ID>,
    /// Id of the user in the online store, compared exactly.
    pub storefront_user_id: String,
}

/// Returns the user with this key, if it is within the reach.
///
/// # Errors
/// STOREFRONT_REQUIRED if the reach covers several storefronts and the key names none.
pub async fn find(
    context: &RequestContext,
    reach: &Reach,
    by: StorefrontUserBy,
) -> Result<Option<Arc<StorefrontUser>>> {
    match by {
        StorefrontUserBy::Id(id) => match StorefrontUserId::parse(&id) {
            Some(id) => context.by_id_at_root::<StorefrontUser>(reach, &id).await,
            None => Ok(None),
        },
        StorefrontUserBy::External(key) => {
            let storefront = key.storefront_id.as_ref().map(|id| id.as_str());
            match context.storefront_to_read(reach, storefront).await? {
                Some(one) => {
                    let database = &context.app.database;
                    Ok(
                        store::by_external_id(database, one.reach(), &key.storefront_user_id)
                            .await?
                            .map(Arc::new),
                    )
                }
                None => Ok(None),
            }
        }
    }
}

/// Queries of storefront users.
#[derive(Default)]
pub struct StorefrontUserQuery;

#[Object]
impl StorefrontUserQuery {
    /// Returns a storefront user by global id or by its id in the online store; null if it is not found for this
    /// credential.
    /// Requires an integration token or client secret with the scope `storefront_users:read`, or the token of this user
    /// or of its customer.
    async fn storefront_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Key of the user.")] by: StorefrontUserBy,
    ) -> Option<Result<StorefrontUserNode>> {
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.reach(&READ)?;
            Ok(find(context, &reach, by).await?.map(StorefrontUserNode::new))
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
        Ok(context
            .by_id::<StorefrontUser>(&reach, id)
            .await?
            .map(StorefrontUserNode::new))
    }
}
