//! An object that a query names by its id.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{
    Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry,
};
use bson::doc;
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};

use super::plan::ObjectPlan;
use super::{DirectObject, write};
use crate::error::Result;
use crate::reach::tenant::{Search, Tenant, TenantDocument};

/// An object of a response, or the part of it that the query selects, as JSON.
pub enum Shown<N> {
    /// The object.
    Node(N),
    /// What is selected of it.
    Written(Bytes),
}

impl<N: DirectObject> Shown<N> {
    /// Reads what the query selects of the object with this id; `None` if the selection needs more than its document.
    ///
    /// # Errors
    /// Any database error.
    pub fn read<T: TenantDocument>(
        ctx: &Context<'_>,
        documents: Tenant<T>,
        id: T::Id,
        node: fn(Arc<T>) -> N,
    ) -> Option<BoxFuture<'static, Result<Option<Self>>>>
    where
        N: 'static,
    {
        let plan = ObjectPlan::of(ctx, &N::OBJECT)?;
        Some(Self::planned(plan, documents, id, node).boxed())
    }

    async fn planned<T: TenantDocument>(
        plan: ObjectPlan,
        documents: Tenant<T>,
        id: T::Id,
        node: fn(Arc<T>) -> N,
    ) -> Result<Option<Self>> {
        let search = Search {
            filter: doc! { "_id": id.clone().into() },
            limit: 1,
            projection: plan.projection(),
            ..Search::default()
        };
        let rows = documents.undecoded().find(search).await?;
        let Some(row) = rows.documents()?.into_iter().next() else {
            return Ok(None);
        };
        let mut out = Vec::with_capacity(256);
        match write::document(&plan, row, &[], &mut out) {
            Some(()) => Ok(Some(Self::Written(Bytes::from(out)))),
            // Reports what is wrong with the document.
            None => {
                let document = documents.get(&id).await?;
                Ok(document.map(|document| Self::Node(node(Arc::new(document)))))
            }
        }
    }
}

impl<N: OutputType> OutputType for Shown<N> {
    fn type_name() -> Cow<'static, str> {
        N::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        N::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self {
            Self::Node(node) => node.resolve(ctx, field).await,
            Self::Written(json) => Ok(Value::Binary(json.clone())),
        }
    }
}
