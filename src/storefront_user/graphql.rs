//! Storefront users on the wire: the node, its lists and lookups.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, InputObject, Object, OneofObject};
use bson::doc;

use super::{StorefrontUser as Document, store};
use crate::access::{principal::Policy, reach::Reach, scope::Scope};
use crate::context::RequestContext;
use crate::customer::graphql::{Customer, customer_behind};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    filter::{DateTimeFilter, Filter, Nested, StringFilter, condition},
    id::{Id, StorefrontId, StorefrontUserId},
    page::{Connection, Count, Order, PageArgs},
};
use crate::storage::graphql::PrivateStorage;
use crate::storefront::graphql::{Storefront, storefront_of};

/// Who may read storefront users.
pub const READ: Policy = Policy::backend(Scope::StorefrontUsersRead).and_own();

/// A person as the online store knows them, with private storage. Anonymous users are temporary. Backend
/// (storefront_users:read), or the user itself.
#[derive(Clone, Description)]
pub struct StorefrontUser {
    document: Arc<Document>,
    /// In a mutation's payload: what the caller may see of this person without the scopes to ask for it.
    granted: Option<Reach>,
}

impl StorefrontUser {
    /// The node of a document.
    #[must_use]
    pub fn new(document: Arc<Document>) -> Self {
        Self {
            document,
            granted: None,
        }
    }

    /// The node in the payload of a mutation that `reach` was good for.
    #[must_use]
    pub fn in_payload(document: Document, reach: &Reach) -> Self {
        Self {
            granted: Some(reach.showing(&document.id)),
            document: Arc::new(document),
        }
    }

    /// The same node, shown as in the payload that it stands in.
    #[must_use]
    pub fn granted(document: Arc<Document>, granted: Option<Reach>) -> Self {
        Self { document, granted }
    }
}

#[Object(use_type_description)]
impl StorefrontUser {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// The storefront that the user belongs to. Backend (storefronts:read), or the user itself; else FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<Storefront> {
        {
            let context = RequestContext::of(ctx)?;
            storefront_of(context, self.granted.as_ref(), &self.document.storefront_id).await
        }
    }

    /// The id that the online store chose, verbatim; unique in its storefront. The gateway chooses it for anonymous users
    /// that a publishable key registers.
    async fn storefront_user_id(&self) -> &str {
        &self.document.external_id
    }

    /// Whether the user is temporary: it and its storage are removed when it is not used for long (`expiresAt`).
    async fn is_anonymous(&self) -> bool {
        self.document.is_anonymous
    }

    /// The customer account behind a regular user; null where there is none, or where the caller may not read it. Backend
    /// (customers:read), or the person itself.
    async fn customer(&self, ctx: &Context<'_>) -> Option<Result<Customer>> {
        let id = self.document.customer_id.as_ref()?;
        let load = async { customer_behind(RequestContext::of(ctx)?, self.granted.as_ref(), id).await };
        load.await.transpose()
    }

    /// What the user has uploaded. Backend (storage:read), or the user itself; else FORBIDDEN.
    async fn private_storage(&self, ctx: &Context<'_>) -> Result<PrivateStorage> {
        PrivateStorage::of(RequestContext::of(ctx)?, &self.document, self.granted.as_ref())
    }

    /// The regular user that this anonymous one was merged into; null where it was not, or where that user was removed
    /// since.
    async fn merged_into(&self, ctx: &Context<'_>) -> Option<Result<Self>> {
        let id = self.document.merged_into.as_ref()?;
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = match &self.granted {
                Some(reach) => reach.clone(),
                None => context.reach(&READ)?,
            };
            Ok(context.by_id::<Document>(&reach, id).await?.map(Self::new))
        };
        load.await.transpose()
    }

    /// When it was merged; null where it was not.
    async fn merged_at(&self) -> Option<Timestamp> {
        self.document.merged_at
    }

    /// When a temporary user and its storage are removed, unless it is used before; null for regular and merged users.
    async fn expires_at(&self) -> Option<Timestamp> {
        self.document.expires_at
    }

    /// When it was registered.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.document.updated_at
    }
}

/// Conditions on storefront users; all given ones must hold. A list whose filter no index narrows is looked through, for at
/// most 5 seconds (TIMEOUT).
#[derive(Clone, Debug, Default, InputObject)]
pub struct StorefrontUserFilter {
    /// Anonymous, or regular.
    pub is_anonymous: Option<bool>,
    /// Merged into another, or not.
    pub is_merged: Option<bool>,
    /// The online store's id. An index answers eq, in and startsWith.
    pub storefront_user_id: Option<StringFilter>,
    /// When it was registered.
    pub created_at: Option<DateTimeFilter>,
    /// All of these must hold. `and`, `or` and `not` stand at most five within each other.
    pub and: Option<Vec<StorefrontUserFilter>>,
    /// One of these must hold.
    pub or: Option<Vec<StorefrontUserFilter>>,
    /// This must not hold.
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

/// A page of a storefront's users.
///
/// # Errors
/// FORBIDDEN where the caller may not read users; BAD_USER_INPUT for a wrong page or filter.
pub async fn users_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    filter: Option<StorefrontUserFilter>,
    page: PageArgs,
) -> Result<Connection<StorefrontUser>> {
    let reach = context.reach(&READ)?;
    let order = Order::by_id(format!("users of {storefront}"));
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
        slice.map(|user| StorefrontUser::new(Arc::new(user))),
        count,
    ))
}

/// The reach into a storefront that a node stands for.
async fn within(context: &RequestContext, reach: &Reach, storefront: &StorefrontId) -> Result<Reach> {
    let one = context
        .storefront_to_read(reach, Some(storefront.as_str()))
        .await?;
    one.map(|one| one.reach().clone())
        .ok_or(crate::error::Error::StorefrontNotFound)
}

/// Names a storefront user, one way or the other.
#[derive(OneofObject)]
pub enum StorefrontUserBy {
    /// By global id.
    Id(ID),
    /// By the online store's id.
    External(StorefrontUserExternalKey),
}

/// The key that the online store knows its user by.
#[derive(InputObject)]
pub struct StorefrontUserExternalKey {
    /// Which storefront; needed where the credential covers several.
    pub storefront_id: Option<ID>,
    /// The online store's id, compared exactly.
    pub storefront_user_id: String,
}

/// The user that is named, as far as the reach goes.
///
/// # Errors
/// STOREFRONT_REQUIRED where several storefronts are reached and none is named.
pub async fn find(
    context: &RequestContext,
    reach: &Reach,
    by: StorefrontUserBy,
) -> Result<Option<Arc<Document>>> {
    match by {
        StorefrontUserBy::Id(id) => match StorefrontUserId::parse(&id) {
            Some(id) => context.by_id_at_root::<Document>(reach, &id).await,
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

/// Storefront users' part of the query.
#[derive(Default)]
pub struct StorefrontUserQuery;

#[Object]
impl StorefrontUserQuery {
    /// Does this user exist in this storefront? Null when not. Backend (storefront_users:read), or the user itself.
    async fn storefront_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: StorefrontUserBy,
    ) -> Option<Result<StorefrontUser>> {
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.reach(&READ)?;
            Ok(find(context, &reach, by).await?.map(StorefrontUser::new))
        };
        load.await.transpose()
    }
}

/// The user with this id, for `node`.
pub async fn node(context: &RequestContext, id: &str) -> Result<Option<StorefrontUser>> {
    let (Some(id), Ok(reach)) = (StorefrontUserId::parse(id), context.reach(&READ)) else {
        return Ok(None);
    };
    Ok(context
        .by_id::<Document>(&reach, &id)
        .await?
        .map(StorefrontUser::new))
}
