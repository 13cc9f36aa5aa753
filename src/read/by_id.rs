//! Tenants' documents by id.

use std::collections::HashMap;

use bson::{Bson, doc};

use crate::error::Result;
use crate::platform::loader::Batch;
use crate::reach::tenant::{Tenant, TenantDocument};

/// Reads documents by id, one level of a query per batch.
pub struct ById<T: TenantDocument>(Tenant<T>);

impl<T: TenantDocument> ById<T> {
    /// Reads from this collection, within its reach.
    #[must_use]
    pub fn new(tenant: Tenant<T>) -> Self {
        Self(tenant)
    }
}

impl<T: TenantDocument> Batch for ById<T>
where
    T::Id: std::fmt::Debug,
{
    type Key = T::Id;
    type Value = T;

    async fn load(&self, keys: &[T::Id]) -> Result<HashMap<T::Id, T>> {
        if let [key] = keys {
            let found = self.0.get(key).await?;
            return Ok(found
                .map(|document| (key.clone(), document))
                .into_iter()
                .collect());
        }
        let ids: Vec<Bson> = keys.iter().cloned().map(Into::into).collect();
        let found = self.0.find(doc! { "_id": { "$in": ids } }, doc! {}, 0).await?;
        Ok(found
            .into_iter()
            .map(|document| (document.id().clone(), document))
            .collect())
    }
}
