//! Storefronts on the wire.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object, OneofObject};

use super::{IntegrationType, Storefront as Document, store};
use crate::access::{principal::Policy, reach::Reach, scope::Scope};
use crate::context::RequestContext;
use crate::custom_field::graphql::{CustomFieldDefinition, definitions_of};
use crate::customer::{
    graphql::Customer,
    list::{CustomerFilter, CustomerSortKey, customers_of},
};
use crate::error::{Error, Result};
use crate::market::{
    filter::with_groups,
    graphql::{CustomerGroup, Market, groups_of, markets_of},
};
use crate::order::{
    graphql::Order as OrderNode,
    list::{OrderFilter, orders_of},
};
use crate::platform::{
    clock::Timestamp,
    id::{Id, StorefrontId},
    page::{Connection, Count, Order, PageArgs},
};
use crate::sign_on::graphql::{IdentityProvider, providers_of};
use crate::storefront_user::graphql::{StorefrontUser, StorefrontUserFilter, users_of};

/// Who may read storefronts and their public parts.
pub const READ: Policy = Policy::backend(Scope::StorefrontsRead).and_public().and_own();

/// An online store connected to the organization. Registered by an operator only: there is no mutation for it.
#[derive(Clone, Description)]
pub struct Storefront(Arc<Document>);

impl Storefront {
    /// The node of a document.
    #[must_use]
    pub fn new(document: Arc<Document>) -> Self {
        Self(document)
    }
}

#[Object(use_type_description)]
impl Storefront {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.0.id)
    }

    /// Unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Prefix of customer references: DE in DE--25. Unique in the organization, 1 to 16 capital letters and digits.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// What software the store runs.
    async fn integration_type(&self) -> IntegrationType {
        self.0.integration_type
    }

    /// When an operator added it.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The users of this storefront, oldest first, merged ones included. Backend (storefront_users:read), or a storefront
    /// user, which sees itself.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only users that meet this.")] filter: Option<StorefrontUserFilter>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<StorefrontUser>> {
        users_of(
            RequestContext::of(ctx)?,
            &self.0.id,
            filter,
            PageArgs {
                first,
                after,
                last,
                before,
            },
        )
        .await
    }

    /// The customers of this storefront, by `sortKey`, from low to high unless `reverse`; those without a value stand before
    /// all others. Backend (customers:read); a customer sees itself. A filter that no index answers is given so much time
    /// as a request has, and fails with TIMEOUT beyond: `eq` and `startsWith` on e-mail, names and references are quick.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only customers who meet this.")] filter: Option<CustomerFilter>,
        #[graphql(
            desc = "What they are sorted by.",
            default_with = "Some(CustomerSortKey::CreatedAt)"
        )]
        sort_key: Option<CustomerSortKey>,
        #[graphql(desc = "From high to low.", default_with = "Some(false)")] reverse: Option<bool>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<Customer>> {
        let order = (
            sort_key.unwrap_or(CustomerSortKey::CreatedAt),
            reverse.unwrap_or_default(),
        );
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        let context = RequestContext::of(ctx)?;
        let filter = with_groups(context, &self.0.id, filter).await?;
        customers_of(context, &self.0.id, filter, order, page).await
    }

    /// The customer groups of this storefront, oldest first. Backend (groups:read): all; a customer: those it is in; else
    /// FORBIDDEN.
    async fn customer_groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<CustomerGroup>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        groups_of(RequestContext::of(ctx)?, &self.0.id, &page).await
    }

    /// The markets of this storefront that the caller may enter, oldest first: a customer's token sees the public ones and
    /// those of their groups, a backend (storefronts:read) all, everybody else, a storefront user too, the public ones.
    async fn markets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<Market>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        markets_of(RequestContext::of(ctx)?, &self.0.id, &page).await
    }

    /// The orders of this storefront, newest first by when they were placed. Backend (orders:read); a customer sees their own.
    /// A filter that no index answers is given 5 seconds, and fails with TIMEOUT beyond.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only orders that meet this.")] filter: Option<OrderFilter>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<OrderNode>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        orders_of(RequestContext::of(ctx)?, &self.0.id, filter, page).await
    }

    /// Fields by which customers of this storefront are extended, in the order in which they were defined: all of them for a
    /// backend, public ones for everyone else. At most 100.
    async fn custom_field_definitions(&self, ctx: &Context<'_>) -> Result<Vec<CustomFieldDefinition>> {
        definitions_of(RequestContext::of(ctx)?, &self.0.id).await
    }

    /// Identity providers that customers can sign in with, in the order in which an operator added them.
    async fn identity_providers(&self, ctx: &Context<'_>) -> Result<Vec<IdentityProvider>> {
        providers_of(RequestContext::of(ctx)?, &self.0.id).await
    }
}

/// Names a storefront, one way or the other.
#[derive(OneofObject)]
pub enum StorefrontBy {
    /// By global id.
    Id(ID),
    /// By name, which is unique in the organization.
    Name(String),
}

/// Storefronts' part of the query.
#[derive(Default)]
pub struct StorefrontQuery;

#[Object]
impl StorefrontQuery {
    /// A storefront by id or by name; null when the caller may not see it. Backend (storefronts:read): any storefront that
    /// it covers. Everyone else with a credential: their own one. Without `by`: the only one that the credential covers,
    /// else the error STOREFRONT_REQUIRED.
    async fn storefront(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one; may be left out where the credential covers one only.")] by: Option<
            StorefrontBy,
        >,
    ) -> Option<Result<Storefront>> {
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.reach(&READ)?;
            match by {
                Some(StorefrontBy::Name(name)) => {
                    let reach = context.renewed(&reach).await?;
                    Ok(store::by_name(&context.app.database, &reach, &name)
                        .await?
                        .map(Arc::new))
                }
                Some(StorefrontBy::Id(id)) => match context.storefront_to_read(&reach, Some(&id)).await? {
                    Some(one) => context.by_id_at_root::<Document>(one.reach(), one.id()).await,
                    None => Ok(None),
                },
                None => match context.storefront_to_read(&reach, None).await? {
                    Some(one) => context.by_id_at_root::<Document>(one.reach(), one.id()).await,
                    None => Ok(None),
                },
            }
        };
        load.await.map(|found| found.map(Storefront)).transpose()
    }

    /// Every storefront that the caller may see, oldest first. Backend (storefronts:read): all that it covers. Everyone
    /// else with a credential: their own one.
    async fn storefronts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<Storefront>> {
        let context = RequestContext::of(ctx)?;
        let reach = context.renewed(&context.reach(&READ)?).await?;
        let order = Order::by_id(format!("storefronts of {}", reach.identity().organization()));
        let page = PageArgs {
            first,
            after,
            last,
            before,
        }
        .check(context.app.vault.cursors(), order)?;
        let slice = Box::pin(store::page(&context.app.database, &reach, &page)).await?;
        let app = Arc::clone(&context.app);
        let count: Count = Box::new(move || {
            let (app, reach) = (Arc::clone(&app), reach.clone());
            Box::pin(async move { store::count(&app.database, &reach).await })
        });
        Ok(Connection::new(
            slice.map(|document| Storefront(Arc::new(document))),
            count,
        ))
    }
}

/// The storefront with this id, for `node`.
pub async fn node(context: &RequestContext, id: &str) -> Result<Option<Storefront>> {
    let (Some(id), Ok(reach)) = (StorefrontId::parse(id), context.reach(&READ)) else {
        return Ok(None);
    };
    Ok(context.by_id::<Document>(&reach, &id).await?.map(Storefront))
}

/// The storefront of an object, for the fields that lead to it. `granted` is what a payload shows without the scope.
///
/// # Errors
/// FORBIDDEN where the caller may not read storefronts.
pub async fn storefront_of(
    context: &RequestContext,
    granted: Option<&Reach>,
    id: &StorefrontId,
) -> Result<Storefront> {
    let found = match granted {
        Some(reach) => context.by_id::<Document>(reach, id).await?,
        None => context.by_id::<Document>(&context.reach(&READ)?, id).await?,
    };
    found
        .map(Storefront)
        .ok_or_else(|| Error::internal("an object's storefront is gone"))
}
