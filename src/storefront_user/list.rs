//! A storefront's list of its users, and its filter.

use std::sync::Arc;

use async_graphql::InputObject;
use bson::{Document, doc};

use super::StorefrontUser;
use super::node::{READ, StorefrontUserNode};
use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::platform::{
    filter::{DateTimeFilter, Filter, Nested, StringFilter, condition},
    id::{Id, StorefrontId},
    page::{Connection, Count, PageArgs, SortOrder},
};

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
    fn own(&mut self) -> Result<Vec<Document>> {
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
    let storefront = context.storefront_to_read(&reach, Some(storefront.as_str()));
    let storefront = storefront.await?.ok_or(Error::StorefrontNotFound)?;
    let condition = condition(filter)?;
    let users = context.app.database.open::<StorefrontUser>(storefront.reach());
    let position = |user: &StorefrontUser| ((&user.id).into(), (&user.id).into());
    let slice = users.page(condition.clone(), &page, position).await?;
    let count: Count = Box::new(move || {
        let (users, condition) = (users.clone(), condition.clone());
        Box::pin(async move { users.count(condition).await })
    });
    let node = |user| StorefrontUserNode::new(Arc::new(user));
    Ok(Connection::new(slice.map(node), count))
}
