//! Addresses in the database.

use std::collections::{BTreeSet, HashMap};

use bson::{Bson, Document, doc};
use serde::Deserialize;

use super::{Address, Defaults};
use crate::access::{
    reach::{Confine, Reach},
    tenant::TenantDocument,
};
use crate::customer::{self, Customer};
use crate::error::{Error, Result};
use crate::platform::{
    change::Change,
    clock::Timestamp,
    database::{Database, Index, IndexKind, Tx},
    id::{AddressId, CustomerId, StorefrontId},
    loader::Batch,
    page::{Page, Slice},
};

/// Indexes of the addresses.
pub const INDEXES: &[Index] = &[Index {
    collection: Address::COLLECTION,
    name: "storefront_customer",
    keys: &[("storefrontId", 1), ("customerId", 1), ("_id", 1)],
    kind: IndexKind::Plain,
}];

/// The customer's address with this id.
pub async fn find(
    database: &Database,
    reach: &Reach,
    customer: &CustomerId,
    id: &AddressId,
) -> Result<Option<Address>> {
    database.open::<Address>(reach).find_one(of(customer, id)).await
}

/// The same within a transaction.
pub async fn find_in(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    customer: &CustomerId,
    id: &AddressId,
) -> Result<Option<Address>> {
    let addresses = database.open::<Address>(reach);
    addresses.find_one_in(tx, of(customer, id)).await
}

/// The condition that names an address of a customer.
#[must_use]
pub fn of(customer: &CustomerId, id: &AddressId) -> Document {
    doc! { "_id": id, "customerId": customer }
}

/// The customer's oldest address but for this one.
pub async fn oldest_other(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    customer: &Customer,
    but: &AddressId,
) -> Result<Option<AddressId>> {
    let others = doc! {
        "storefrontId": &customer.storefront_id, "customerId": &customer.id, "_id": { "$ne": but },
    };
    let addresses = database.open::<Address>(reach);
    let oldest = addresses.first_in(tx, others, doc! { "_id": 1 }).await?;
    Ok(oldest.map(|address| address.id))
}

/// The customer as it is when the transaction begins.
///
/// # Errors
/// CUSTOMER_NOT_FOUND (402), where it was removed since it was named.
pub async fn customer_in(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    id: &CustomerId,
) -> Result<Customer> {
    let customers = database.open::<Customer>(reach);
    let found = customers.find_one_in(tx, doc! { "_id": id }).await?;
    found.ok_or_else(|| customer::refusal::not_found("customerId").into())
}

/// Notes at the customer that one of its addresses changes, and which are the defaults from now on. Every change of an
/// address goes through here, so that of two at once, which read the same, one begins anew (SPR-64).
pub async fn note_change(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    customer: &Customer,
    defaults: Defaults,
    now: Timestamp,
) -> Result<Customer> {
    let Defaults { shipping, billing } = defaults;
    let mut change = Change::default();
    change.keep_or_clear("defaultShippingAddressId", Some(shipping))?;
    change.keep_or_clear("defaultBillingAddressId", Some(billing))?;
    let named = doc! { "_id": &customer.id };
    let changed = customer::store::update_in(database, reach, tx, named, change.into_update(now)).await?;
    changed.ok_or_else(|| Error::internal("a customer that was read in a transaction stays for its time"))
}

/// A customer as its addresses are asked for: with its storefront, by which the index begins.
pub type Holder = (StorefrontId, CustomerId);

/// Reads a page of addresses for each of a level of customers, in one command: from the customers, whom the reach
/// confines, to what is theirs.
pub struct AddressesOf {
    /// Where.
    pub database: Database,
    /// How far.
    pub reach: Reach,
    /// Which page.
    pub page: Page,
}

/// What one customer has in one row of a pipeline.
#[derive(Deserialize)]
struct Found<T> {
    #[serde(rename = "_id")]
    customer: CustomerId,
    #[serde(rename = "storefrontId")]
    storefront: StorefrontId,
    found: Vec<T>,
}

impl Batch for AddressesOf {
    type Key = Holder;
    type Value = Slice<Address>;

    async fn load(&self, holders: &[Holder]) -> Result<HashMap<Holder, Slice<Address>>> {
        let within = vec![
            doc! { "$match": self.page.filter() },
            doc! { "$sort": self.page.sort() },
            doc! { "$limit": self.page.limit() },
        ];
        let rows = through_customers::<Address>(&self.database, &self.reach, holders, within).await?;
        let position = |address: &Address| ((&address.id).into(), (&address.id).into());
        let cut = |row: Found<Address>| {
            let slice = self.page.cut(row.found, position);
            ((row.storefront, row.customer), slice)
        };
        Ok(rows.into_iter().map(cut).collect())
    }
}

/// Counts the addresses of each of a level of customers.
pub struct CountsOf {
    /// Where.
    pub database: Database,
    /// How far.
    pub reach: Reach,
}

#[derive(Deserialize)]
struct Counted {
    n: i64,
}

impl Batch for CountsOf {
    type Key = Holder;
    type Value = u64;

    async fn load(&self, holders: &[Holder]) -> Result<HashMap<Holder, u64>> {
        let within = vec![doc! { "$count": "n" }];
        let rows = through_customers::<Counted>(&self.database, &self.reach, holders, within).await?;
        let count = |row: Found<Counted>| {
            let counted = row.found.first();
            let count = counted.map_or(0, |counted| u64::try_from(counted.n).unwrap_or(0));
            ((row.storefront, row.customer), count)
        };
        Ok(rows.into_iter().map(count).collect())
    }
}

async fn through_customers<R>(
    database: &Database,
    reach: &Reach,
    holders: &[Holder],
    within: Vec<Document>,
) -> Result<Vec<Found<R>>>
where
    Found<R>: for<'de> Deserialize<'de>,
    R: Send + Unpin,
{
    let ids: Vec<Bson> = holders.iter().map(|(_, customer)| customer.into()).collect();
    let storefronts: BTreeSet<&StorefrontId> = holders.iter().map(|(storefront, _)| storefront).collect();
    let storefronts: Vec<Bson> = storefronts.into_iter().map(Bson::from).collect();
    // The index begins with the storefront.
    let mut theirs = vec![doc! { "$match": { "storefrontId": { "$in": storefronts } } }];
    theirs.extend(within);
    let customers = database.open::<Customer>(reach);
    let pipeline = vec![
        doc! { "$match": { "_id": { "$in": ids } } },
        customers.children::<Address>("_id", "customerId", "found", theirs),
        doc! { "$project": { "storefrontId": 1, "found": 1 } },
    ];
    customers.aggregate(pipeline).await
}

/// Adds an address.
pub async fn insert_in(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    address: &Address,
) -> Result<()> {
    database
        .open::<Address>(reach)
        .insert_in(tx, reach, address)
        .await
}
