//! What belongs to customers, for lists under a list of them: a page for each of a level of customers, in one command.

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::OutputType;
use bson::{Bson, Document, doc};
use serde::{Deserialize, de::DeserializeOwned};

use super::Customer;
use crate::access::{
    reach::{Confine, Reach},
    tenant::TenantDocument,
};
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::{
    database::Database,
    id::{CustomerId, StorefrontId},
    loader::Batch,
    page::{Connection, Count, Page, Slice},
};

/// A kind of documents each of which belongs to one customer.
pub trait Belonging: TenantDocument + Clone {
    /// The customer's field and the document's, which are equal. An index begins with `storefrontId` and the latter.
    const LINK: (&'static str, &'static str);

    /// Where it stands in the list: the value that the list is sorted by, and its id.
    fn position(&self) -> (Bson, Bson);
}

/// A customer as its belongings are asked for: with its storefront, by which their index begins.
type Holder = (StorefrontId, CustomerId);

/// Reads a page for each of a level of customers: from the customers, whom the reach confines, to what is theirs.
struct PagesOf<T> {
    database: Database,
    reach: Reach,
    page: Page,
    kind: PhantomData<T>,
}

impl<T: Belonging> Batch for PagesOf<T> {
    type Key = Holder;
    type Value = Slice<T>;

    async fn load(&self, holders: &[Holder]) -> Result<HashMap<Holder, Slice<T>>> {
        let within = vec![
            doc! { "$match": self.page.filter() },
            doc! { "$sort": self.page.sort() },
            doc! { "$limit": self.page.limit() },
        ];
        let rows = through_customers::<T, T>(&self.database, &self.reach, holders, within).await?;
        let cut = |row: Found<T>| {
            let slice = self.page.cut(row.found, T::position);
            ((row.storefront, row.customer), slice)
        };
        Ok(rows.into_iter().map(cut).collect())
    }
}

/// Counts what each of a level of customers has.
struct CountsOf<T> {
    database: Database,
    reach: Reach,
    kind: PhantomData<T>,
}

#[derive(Deserialize)]
struct Counted {
    n: i64,
}

impl<T: Belonging> Batch for CountsOf<T> {
    type Key = Holder;
    type Value = u64;

    async fn load(&self, holders: &[Holder]) -> Result<HashMap<Holder, u64>> {
        let within = vec![doc! { "$count": "n" }];
        let rows = through_customers::<T, Counted>(&self.database, &self.reach, holders, within).await?;
        let count = |row: Found<Counted>| {
            let counted = row.found.first();
            let count = counted.map_or(0, |counted| u64::try_from(counted.n).unwrap_or(0));
            ((row.storefront, row.customer), count)
        };
        Ok(rows.into_iter().map(count).collect())
    }
}

/// What one customer has in one row of a pipeline.
#[derive(Deserialize)]
struct Found<R> {
    #[serde(rename = "_id")]
    customer: CustomerId,
    #[serde(rename = "storefrontId")]
    storefront: StorefrontId,
    found: Vec<R>,
}

async fn through_customers<T, R>(
    database: &Database,
    reach: &Reach,
    holders: &[Holder],
    within: Vec<Document>,
) -> Result<Vec<Found<R>>>
where
    T: Belonging,
    R: DeserializeOwned + Send + Unpin,
{
    let ids: Vec<Bson> = holders.iter().map(|(_, customer)| customer.into()).collect();
    let storefronts: BTreeSet<&StorefrontId> = holders.iter().map(|(storefront, _)| storefront).collect();
    let storefronts: Vec<Bson> = storefronts.into_iter().map(Bson::from).collect();
    // The index begins with the storefront.
    let mut theirs = vec![doc! { "$match": { "storefrontId": { "$in": storefronts } } }];
    theirs.extend(within);
    let customers = database.open::<Customer>(reach);
    let (local, foreign) = T::LINK;
    let pipeline = vec![
        doc! { "$match": { "_id": { "$in": ids } } },
        customers.children::<T>(local, foreign, "found", theirs),
        doc! { "$project": { "storefrontId": 1, "found": 1 } },
    ];
    customers.aggregate(pipeline).await
}

/// A page of what a customer has: one command for all customers of a level that ask for the same page.
///
/// # Errors
/// Whatever reading it fails with.
pub async fn page<T, N>(
    context: &Arc<RequestContext>,
    reach: &Reach,
    customer: &Customer,
    page: Page,
    node: impl FnMut(T) -> N,
) -> Result<Connection<N>>
where
    T: Belonging,
    N: OutputType + Clone,
{
    let holder = (customer.storefront_id.clone(), customer.id.clone());
    let (database, reach) = (context.app.database.clone(), reach.clone());
    let scope = format!("{} {}", reach.scope(), page.key());
    let make = || PagesOf::<T> {
        database: database.clone(),
        reach: reach.clone(),
        page,
        kind: PhantomData,
    };
    let slice = context.loader(&scope, make).load(holder.clone()).await?;
    let slice = slice.map_or_else(Slice::empty, |slice| Slice::clone(&slice));
    let context = Arc::clone(context);
    let count: Count = Box::new(move || {
        let (context, holder) = (Arc::clone(&context), holder.clone());
        let counts = CountsOf::<T> {
            database: database.clone(),
            reach: reach.clone(),
            kind: PhantomData,
        };
        let scope = reach.scope().to_owned();
        Box::pin(async move {
            let count = context.loader(&scope, || counts).load(holder).await?;
            Ok(count.map_or(0, |count| *count))
        })
    });
    Ok(Connection::new(slice.map(node), count))
}
