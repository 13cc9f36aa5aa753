//! Who belongs to what: a page of customers, groups or markets for each of a level of parents, in one command, from
//! parents as far as one reach goes to what another reach shows of theirs.

use std::collections::HashMap;

use bson::{Bson, Document, doc};
use serde::Deserialize;

use super::{CustomerGroup, Market};
use crate::access::tenant::{Tenant, TenantDocument};
use crate::customer::Customer;
use crate::error::Result;
use crate::platform::{
    loader::Batch,
    page::{Page, Slice},
};

/// How children are told from their parent.
pub trait Leads<C: TenantDocument>: TenantDocument {
    /// An expression for the parent's keys, one or a list of them.
    fn keys() -> Bson;
    /// The children's field that has one of these.
    const FIELD: &'static str;
}

impl Leads<CustomerGroup> for Customer {
    fn keys() -> Bson {
        // No keys at all would find those which have none.
        doc! { "$ifNull": ["$groupIds", []] }.into()
    }
    const FIELD: &'static str = "_id";
}

impl Leads<Market> for Customer {
    fn keys() -> Bson {
        doc! { "$concatArrays": [["$storefrontId"], { "$ifNull": ["$groupIds", []] }] }.into()
    }
    const FIELD: &'static str = "opensTo";
}

impl Leads<Customer> for CustomerGroup {
    fn keys() -> Bson {
        "$_id".into()
    }
    const FIELD: &'static str = "groupIds";
}

impl Leads<Market> for CustomerGroup {
    fn keys() -> Bson {
        "$_id".into()
    }
    const FIELD: &'static str = "opensTo";
}

impl Leads<CustomerGroup> for Market {
    fn keys() -> Bson {
        "$opensTo".into()
    }
    const FIELD: &'static str = "_id";
}

/// The parents and the children, each opened as far as the caller reaches.
#[derive(Clone)]
pub struct Related<P: TenantDocument, C: TenantDocument> {
    /// Whose.
    pub parents: Tenant<P>,
    /// What.
    pub children: Tenant<C>,
}

/// What one parent has in one row of a pipeline.
#[derive(Deserialize)]
struct Found<I, T> {
    #[serde(rename = "_id")]
    parent: I,
    found: Vec<T>,
}

impl<P: Leads<C>, C: TenantDocument> Related<P, C> {
    async fn read<T>(&self, parents: &[P::Id], within: Vec<Document>) -> Result<Vec<Found<P::Id, T>>>
    where
        Found<P::Id, T>: for<'de> Deserialize<'de>,
        P::Id: Unpin,
        T: Send + Unpin,
    {
        let ids: Vec<Bson> = parents.iter().cloned().map(Into::into).collect();
        let pipeline = vec![
            doc! { "$match": { "_id": { "$in": ids } } },
            doc! { "$project": { "keys": P::keys() } },
            self.parents
                .joined(&self.children, "keys", P::FIELD, "found", within),
            doc! { "$project": { "found": 1 } },
        ];
        self.parents.aggregate(pipeline).await
    }
}

/// Reads a page of children for each of a level of parents.
pub struct PageOf<P: TenantDocument, C: TenantDocument>(pub Related<P, C>, pub Page);

impl<P, C> Batch for PageOf<P, C>
where
    P: Leads<C>,
    C: TenantDocument,
    P::Id: std::fmt::Debug + Unpin + for<'de> Deserialize<'de>,
{
    type Key = P::Id;
    type Value = Slice<C>;

    async fn load(&self, parents: &[P::Id]) -> Result<HashMap<P::Id, Slice<C>>> {
        let Self(related, page) = self;
        let within = vec![
            doc! { "$match": page.filter() },
            doc! { "$sort": page.sort() },
            doc! { "$limit": page.limit() },
        ];
        let rows = related.read::<C>(parents, within).await?;
        let position = |child: &C| {
            let id: Bson = child.id().clone().into();
            (id.clone(), id)
        };
        let cut = |row: Found<P::Id, C>| (row.parent, page.cut(row.found, position));
        Ok(rows.into_iter().map(cut).collect())
    }
}

/// Counts the children of each of a level of parents.
pub struct CountOf<P: TenantDocument, C: TenantDocument>(pub Related<P, C>);

#[derive(Deserialize)]
struct Counted {
    n: i64,
}

impl<P, C> Batch for CountOf<P, C>
where
    P: Leads<C>,
    C: TenantDocument,
    P::Id: std::fmt::Debug + Unpin + for<'de> Deserialize<'de>,
{
    type Key = P::Id;
    type Value = u64;

    async fn load(&self, parents: &[P::Id]) -> Result<HashMap<P::Id, u64>> {
        let within = vec![doc! { "$count": "n" }];
        let rows = self.0.read::<Counted>(parents, within).await?;
        let count = |row: Found<P::Id, Counted>| {
            let counted = row.found.first();
            let count = counted.map_or(0, |counted| u64::try_from(counted.n).unwrap_or(0));
            (row.parent, count)
        };
        Ok(rows.into_iter().map(count).collect())
    }
}
