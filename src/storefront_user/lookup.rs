//! `storefrontUser`: returns a storefront user by one of its keys.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject};

use super::node::{READ, StorefrontUserNode};
use super::{StorefrontUser, store};
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::{Id, StorefrontUserId};
use crate::reach::Reach;
use crate::read::direct::single::Shown;

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

/// The query `storefrontUser`.
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
    ) -> Option<Result<Shown<StorefrontUserNode>>> {
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.reach(&READ)?;
            if context.is_single
                && let StorefrontUserBy::Id(id) = &by
                && let Some(id) = StorefrontUserId::parse(id)
            {
                let users = context.app.database.open::<StorefrontUser>(&reach);
                if let Some(read) = Shown::read(ctx, users, id, StorefrontUserNode::new) {
                    return read.await;
                }
            }
            let found = find(context, &reach, by).await?;
            Ok(found.map(|user| Shown::Node(StorefrontUserNode::new(user))))
        };
        load.await.transpose()
    }
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
            let id = key.storefront_id.as_ref().map(|id| id.as_str());
            let Some(storefront) = context.storefront_to_read(reach, id).await? else {
                return Ok(None);
            };
            let database = &context.app.database;
            let found = store::by_external_id(database, storefront.reach(), &key.storefront_user_id);
            Ok(found.await?.map(Arc::new))
        }
    }
}
