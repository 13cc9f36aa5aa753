//! The group or the market that a mutation changes.

use async_graphql::ID;

use crate::error::Result;
use crate::platform::{database::Database, id::Id};
use crate::reach::{Reach, StorefrontReach, tenant::TenantDocument};

/// A document that an input names by its id, and the reach into its storefront.
pub struct Target<T> {
    /// The document.
    pub document: T,
    /// The reach into its storefront.
    pub storefront: StorefrontReach,
}

impl<T: TenantDocument> Target<T> {
    /// Looks up the document that an input names; `None` if it is outside the reach. A mutation does this before its
    /// transaction: without a primary, a transaction would be retried for longer than a request may take.
    ///
    /// # Errors
    /// Any database error.
    pub async fn find(database: &Database, reach: &Reach, id: &ID) -> Result<Option<Self>> {
        let Some(id) = T::Id::parse(id) else {
            return Ok(None);
        };
        let found = database.open::<T>(reach).get(&id).await?;
        Ok(found.and_then(|document| {
            let storefront = reach.only(document.storefront())?;
            Some(Self { document, storefront })
        }))
    }
}
