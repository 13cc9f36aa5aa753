//! The definition that an input names.

use async_graphql::ID;

use super::{Definition, refusal};
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::{CustomFieldId, Id};
use crate::reach::{Reach, StorefrontReach};

/// A definition that an input names, and the reach into its storefront.
pub struct NamedDefinition {
    /// The reach into the storefront.
    pub place: StorefrontReach,
    /// The definition.
    pub definition: Definition,
}

/// Returns the definition that a mutation changes.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND.
pub async fn named_definition(context: &RequestContext, reach: &Reach, id: &ID) -> Result<NamedDefinition> {
    let id = CustomFieldId::parse(id).ok_or_else(refusal::not_found)?;
    let found = context.app.database.open::<Definition>(reach).get(&id).await?;
    let definition = found.ok_or_else(refusal::not_found)?;
    let place = reach.only(&definition.storefront_id);
    let place = place.ok_or_else(refusal::not_found)?;
    Ok(NamedDefinition { place, definition })
}
