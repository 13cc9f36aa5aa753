//! What one request's resolvers share: who is asking, what was read already, and the app behind it.

pub mod behind;
pub mod limits;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use async_graphql::Context;
use tokio::sync::Mutex;

use crate::access::{
    by_id::ById,
    membership::{GroupReach, MemberDocument},
    principal::{Policy, Principal},
    reach::{Confine, Named, Reach, StorageReach, StorefrontReach},
    tenant::{StorageDocument, TenantDocument},
};
use crate::app::App;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    loader::{Batch, Loader, Loaders},
    upload::Uploads,
};

/// The request's context.
pub struct RequestContext {
    /// The process's parts.
    pub app: Arc<App>,
    /// Who is asking.
    pub principal: Principal,
    /// Names the request in logs and answers.
    pub request_id: String,
    /// The client's address, behind the proxies that are trusted. `None`: not known.
    pub client: Option<IpAddr>,
    /// The shopper's address that a backend names, for limits only.
    pub buyer: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The request's files.
    pub uploads: Uploads,
    /// Whether the operation is a query of one field with nothing behind it: no siblings are read together with it, and
    /// nobody asks for it again.
    pub is_single: bool,
    /// The reach into items, looked up once.
    storages: Mutex<Option<StorageReach>>,
    loaders: Loaders,
}

impl RequestContext {
    /// A context for one request.
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

    /// The context of the request that a resolver works for.
    ///
    /// # Errors
    /// [`Error::Internal`] when the HTTP layer has not given one.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Self>> {
        match ctx.data_opt::<Arc<Self>>() {
            Some(context) => Ok(context),
            None => Err(Error::internal("the request has no context")),
        }
    }

    /// The reach for a query under this policy.
    pub fn reach(&self, policy: &Policy) -> Result<Reach> {
        self.principal.reach(policy)
    }

    /// The reach for a mutation under this policy. What was read before it is forgotten: mutations of one request run one
    /// after the other, and a payload shows what is stored then.
    pub async fn reach_to_write(&self, policy: &Policy) -> Result<Reach> {
        self.loaders.clear();
        *self.storages.lock().await = None;
        self.principal.reach_to_write(policy)
    }

    /// The reach with which items are read: a person's own storages are looked up once.
    pub async fn storage_reach<S: StorageDocument>(&self, reach: &Reach) -> Result<StorageReach> {
        let mut known = self.storages.lock().await;
        match &*known {
            Some(storages) => Ok(storages.clone()),
            None => {
                let storages = self.app.database.with_storages::<S>(reach).await?;
                *known = Some(storages.clone());
                Ok(storages)
            }
        }
    }

    /// The reach with which groups and markets are read: a customer's own groups are looked up once.
    pub async fn group_reach<M: MemberDocument>(&self, reach: &Reach) -> Result<GroupReach> {
        self.app.database.with_groups::<M>(reach, &self.loaders).await
    }

    /// The request's loader of this kind; see [`Loaders::get`].
    pub fn loader<B: Batch>(&self, scope: &str, make: impl FnOnce() -> B) -> Arc<Loader<B>> {
        self.loaders.get(scope, make)
    }

    /// The documents with these ids, as far as the reach goes: one command for all that a level asks for.
    pub async fn by_id<T: TenantDocument>(&self, reach: &impl Confine, id: &T::Id) -> Result<Option<Arc<T>>>
    where
        T::Id: std::fmt::Debug,
    {
        let make = || ById::<T>::new(self.app.database.open(reach));
        let loader = self.loader(reach.scope(), make);
        // Boxed: each field of a node is given room for the largest of them.
        let load: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(async move { loader.load(id.clone()).await });
        load.await
    }

    /// The document that a field of the query itself names; with what else is read where there is something.
    pub async fn by_id_at_root<T: TenantDocument>(&self, reach: &Reach, id: &T::Id) -> Result<Option<Arc<T>>>
    where
        T::Id: std::fmt::Debug,
    {
        if !self.is_single {
            return self.by_id(reach, id).await;
        }
        let load: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(async move { self.app.database.open::<T>(reach).get(id).await });
        Ok(load.await?.map(Arc::new))
    }

    async fn named(&self, reach: &Reach, id: Option<&str>) -> Result<Named> {
        match reach.named(id) {
            // Perhaps it was made in the last seconds.
            Named::Unknown if reach.covers_all() => Ok(self.renewed(reach).await?.named(id)),
            named => Ok(named),
        }
    }

    /// The same reach with the storefronts that its organization has at this moment, for a backend of all of them; any
    /// other reach as it is.
    pub async fn renewed(&self, reach: &Reach) -> Result<Reach> {
        if !reach.covers_all() {
            return Ok(reach.clone());
        }
        let renewed = Box::pin(self.app.access.renewed(reach.identity())).await?;
        Ok(renewed.map_or_else(|| reach.clone(), Reach::renewed))
    }

    /// The storefront that a mutation's input names, or the credential's only one (SFR-01).
    ///
    /// # Errors
    /// STOREFRONT_NOT_FOUND or STOREFRONT_REQUIRED as user errors on `field`.
    pub async fn storefront_to_write<const N: usize>(
        &self,
        reach: &Reach,
        id: Option<&str>,
        field: [&str; N],
    ) -> Result<StorefrontReach> {
        match self.named(reach, id).await? {
            Named::One(storefront) => Ok(storefront),
            Named::Unknown => Err(Error::rejected(UserError::new(
                UserErrorCode::StorefrontNotFound,
                field,
                "No storefront with this id was found for this credential. Send the id of one that storefronts lists \
                 (sto_…); a credential of one storefront may leave it out.",
            ))),
            Named::Required => Err(Error::rejected(UserError::new(
                UserErrorCode::StorefrontRequired,
                field,
                "This credential covers several storefronts: send the id of the one that is meant (sto_…), which storefronts \
                 lists.",
            ))),
        }
    }

    /// The storefront that a query names, or the credential's only one; `None` for one that is not reached.
    ///
    /// # Errors
    /// [`Error::StorefrontRequired`] where several are reached and none is named.
    pub async fn storefront_to_read(
        &self,
        reach: &Reach,
        id: Option<&str>,
    ) -> Result<Option<StorefrontReach>> {
        match self.named(reach, id).await? {
            Named::One(storefront) => Ok(Some(storefront)),
            Named::Unknown => Ok(None),
            Named::Required => Err(Error::StorefrontRequired),
        }
    }
}
