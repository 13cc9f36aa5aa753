//! `storefront`: returns a storefront by one of its keys, or the only one.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, OneofObject};
use bson::doc;

use super::Storefront;
use super::node::{READ, StorefrontNode};
use crate::context::RequestContext;
use crate::error::Result;

/// Identifies a storefront by exactly one of its keys.
#[derive(OneofObject)]
pub enum StorefrontBy {
    /// Global id of the storefront.
    Id(ID),
    /// Name of the storefront, which is unique in the organization.
    Name(String),
}

/// The query `storefront`.
#[derive(Default)]
pub struct StorefrontLookup;

#[Object]
impl StorefrontLookup {
    /// Returns a storefront by id or by name; null if it is not found for this credential.
    /// Requires an integration token or client secret with the scope `storefronts:read`, which reads any storefront
    /// that it covers; any other credential reads its own storefront.
    /// Without `by`, returns the only storefront that the credential covers, and fails with STOREFRONT_REQUIRED if it
    /// covers several.
    async fn storefront(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Key of the storefront; optional if the credential covers only one.")] by: Option<
            StorefrontBy,
        >,
    ) -> Option<Result<StorefrontNode>> {
        let load = async { find(RequestContext::of(ctx)?, by).await };
        load.await.transpose()
    }
}

/// Returns the storefront with this key, or the only one without a key, if it is within the caller's reach.
async fn find(context: &RequestContext, by: Option<StorefrontBy>) -> Result<Option<StorefrontNode>> {
    let reach = context.reach(&READ)?;
    let id = match by {
        Some(StorefrontBy::Name(name)) => {
            let reach = context.renewed(&reach).await?;
            // Names are unique in an organization, and a reach is within one.
            let storefronts = context.app.database.open::<Storefront>(&reach);
            let found = storefronts.find_one(doc! { "name": name }).await?;
            return Ok(found.map(|storefront| StorefrontNode::new(Arc::new(storefront))));
        }
        Some(StorefrontBy::Id(id)) => Some(id),
        None => None,
    };
    let id = id.as_ref().map(|id| id.as_str());
    let storefront = context.storefront_to_read(&reach, id).await?;
    Ok(storefront.map(StorefrontNode::within))
}
