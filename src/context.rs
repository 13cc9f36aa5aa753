//! The state that the resolvers of one request share: the caller, the documents read so far, and the app.

pub mod behind;
pub mod limits;

use std::net::IpAddr;
use std::sync::Arc;

use async_graphql::Context;
use futures_util::FutureExt;
use tokio::sync::Mutex;

use crate::app::App;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    id::Id,
    loader::{Batch, Loader, Loaders},
    upload::Uploads,
};
use crate::reach::{
    Confine, NamedStorefront, Reach, StorageReach, StorefrontReach,
    membership::{GroupReach, MemberDocument},
    principal::{Policy, Principal},
    tenant::{StorageDocument, TenantDocument},
};
use crate::read::by_id::ById;

/// A node that `node` and `nodes` find by its global id.
pub trait GlobalNode: Sized {
    /// Type of its ids, whose prefix selects this type of node.
    type Id: Id;

    /// Returns the node with this id; `None` if it does not exist or the caller may not read it.
    fn find(context: &RequestContext, id: &Self::Id) -> impl Future<Output = Result<Option<Self>>> + Send;
}

/// The context of one request.
pub struct RequestContext {
    /// The components of the process.
    pub app: Arc<App>,
    /// The caller.
    pub principal: Principal,
    /// Identifies the request in logs and responses.
    pub request_id: String,
    /// The client's address, as determined through the trusted proxies. `None`: unknown.
    pub client: Option<IpAddr>,
    /// The shopper's address that a backend sends; used for rate limits only.
    pub buyer: Option<IpAddr>,
    /// The User-Agent of the client.
    pub user_agent: Option<String>,
    /// The request's files.
    pub uploads: Uploads,
    /// Whether the operation is a query of one field whose selections are leaves: no sibling objects are loaded
    /// together with it, and the same object is not loaded a second time.
    pub is_single: bool,
    /// The reach into storage items, looked up once.
    storages: Mutex<Option<StorageReach>>,
    loaders: Loaders,
}

impl RequestContext {
    /// Creates a context for one request.
    #[must_use]
    pub fn new(app: Arc<App>, principal: Principal, request_id: String, uploads: Uploads) -> Self {
        Self {
            app,
            principal,
            request_id,
            client: None,
            buyer: None,
            user_agent: None,
            uploads,
            is_single: false,
            storages: Mutex::default(),
            loaders: Loaders::default(),
        }
    }

    /// Returns the context of the request that a resolver belongs to.
    ///
    /// # Errors
    /// [`Error::Internal`] if the HTTP layer has set none.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Self>> {
        ctx.data_opt()
            .ok_or_else(|| Error::internal("the request has no context"))
    }

    /// Returns the reach for a query under this policy.
    pub fn reach(&self, policy: &Policy) -> Result<Reach> {
        self.principal.reach(policy)
    }

    /// Returns the reach for a mutation under this policy, and clears the loaders: the mutations of a request run one
    /// after the other, and each payload must show the current state.
    pub async fn reach_to_write(&self, policy: &Policy) -> Result<Reach> {
        self.loaders.clear();
        *self.storages.lock().await = None;
        self.principal.reach_to_write(policy)
    }

    /// Returns the reach with which storage items are read. The storages of the person are looked up once per request.
    pub async fn storage_reach<S: StorageDocument>(&self, reach: &Reach) -> Result<StorageReach> {
        let mut known = self.storages.lock().await;
        if let Some(storages) = &*known {
            return Ok(storages.clone());
        }
        let storages = self.app.database.with_storages::<S>(reach).await?;
        Ok(known.insert(storages).clone())
    }

    /// Returns the reach with which customer groups and markets are read. The groups of the customer are looked up once
    /// per request.
    pub async fn group_reach<M: MemberDocument>(&self, reach: &Reach) -> Result<GroupReach> {
        self.app.database.with_groups::<M>(reach, &self.loaders).await
    }

    /// Returns the request's loader of this kind; see [`Loaders::get`].
    pub fn loader<B: Batch>(&self, scope: &str, make: impl FnOnce() -> B) -> Arc<Loader<B>> {
        self.loaders.get(scope, make)
    }

    /// Returns the document with this id, if the reach covers it. All ids that one level of the query requests are read
    /// with one command.
    pub async fn by_id<T: TenantDocument>(&self, reach: &impl Confine, id: &T::Id) -> Result<Option<Arc<T>>> {
        let make = || ById::<T>::new(self.app.database.open(reach));
        let loader = self.loader(reach.scope(), make);
        // Boxed: each field of a node reserves space for the largest future.
        async move { loader.load(id.clone()).await }.boxed().await
    }

    /// Returns the document that a root field of the query names. It is read together with others unless the operation
    /// has no other field.
    pub async fn by_id_at_root<T: TenantDocument>(
        &self,
        reach: &Reach,
        id: &T::Id,
    ) -> Result<Option<Arc<T>>> {
        if !self.is_single {
            return self.by_id(reach, id).await;
        }
        let found = async move { self.app.database.open::<T>(reach).get(id).await };
        Ok(found.boxed().await?.map(Arc::new))
    }

    async fn named(&self, reach: &Reach, id: Option<&str>) -> Result<NamedStorefront> {
        match reach.named(id) {
            // The storefront may have been created within the last seconds.
            NamedStorefront::Unknown if reach.covers_all() => Ok(self.renewed(reach).await?.named(id)),
            named => Ok(named),
        }
    }

    /// Returns the same reach with the storefronts that the organization has now, for a backend with access to all of
    /// them. Any other reach is returned unchanged.
    pub async fn renewed(&self, reach: &Reach) -> Result<Reach> {
        if !reach.covers_all() {
            return Ok(reach.clone());
        }
        let renewed = Box::pin(self.app.access.renewed(reach.identity())).await?;
        Ok(renewed.map_or_else(|| reach.clone(), Reach::renewed))
    }

    /// Returns the storefront that a mutation's input names, or the credential's only one (SFR-01).
    ///
    /// # Errors
    /// STOREFRONT_NOT_FOUND or STOREFRONT_REQUIRED as user errors on `field`.
    pub async fn storefront_to_write<const N: usize>(
        &self,
        reach: &Reach,
        id: Option<&str>,
        field: [&str; N],
    ) -> Result<StorefrontReach> {
        let (code, message) = match self.named(reach, id).await? {
            NamedStorefront::One(storefront) => return Ok(storefront),
            NamedStorefront::Unknown => (
                UserErrorCode::StorefrontNotFound,
                "No storefront with this id was found for this credential. Send the id of one that storefronts lists \
                 (sto_…); a credential of one storefront may leave it out.",
            ),
            NamedStorefront::Required => (
                UserErrorCode::StorefrontRequired,
                "This credential covers several storefronts. Send the id of one that storefronts lists (sto_…).",
            ),
        };
        Err(UserError::new(code, field, message).into())
    }

    /// Returns the storefront that a query names, or the credential's only one; `None` if the reach does not cover it.
    ///
    /// # Errors
    /// [`Error::StorefrontRequired`] if the reach covers several storefronts and none is named.
    pub async fn storefront_to_read(
        &self,
        reach: &Reach,
        id: Option<&str>,
    ) -> Result<Option<StorefrontReach>> {
        match self.named(reach, id).await? {
            NamedStorefront::One(storefront) => Ok(Some(storefront)),
            NamedStorefront::Unknown => Ok(None),
            NamedStorefront::Required => Err(Error::StorefrontRequired),
        }
    }
}
