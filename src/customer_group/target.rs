//! The group or the market that a mutation changes.

use async_graphql::ID;

use super::name::UniquelyNamed;
use crate::error::Result;
use crate::platform::{database::Database, id::Id};
use crate::reach::{Reach, StorefrontReach};

/// A document that an input names by its id, and the reach into its storefront.
pub struct Target<T> {
    /// The document.
    pub document: T,
    /// The reach into its storefront.
    pub storefront: StorefrontReach,
}

impl<T: UniquelyNamed> Target<T> {
    /// Looks up the document that an input names. A mutation does this before its transaction: without a primary, a
    /// transaction would be retried for longer than a request may take.
    ///
    /// # Errors
    /// CUSTOMER_GROUP_NOT_FOUND or MARKET_NOT_FOUND.
    pub async fn find(database: &Database, reach: &Reach, id: &ID) -> Result<Self> {
        let id = T::Id::parse(id).ok_or_else(T::not_found)?;
        let found = database.open::<T>(reach).get(&id).await?;
        let document = found.ok_or_else(T::not_found)?;
        let storefront = reach.only(document.storefront());
        let storefront = storefront.ok_or_else(T::not_found)?;
        Ok(Self { document, storefront })
    }
}
