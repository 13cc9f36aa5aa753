//! Database access for addresses.

use bson::{Bson, Document, doc};

use super::{Address, Defaults};
use crate::customer::{self, Customer};
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::{Error, Result};
use crate::platform::{
    change::Change,
    clock::Timestamp,
    database::{Database, Index, IndexKind, Tx},
    id::{AddressId, CustomerId},
    stored::{Stored, StoredField},
};
use crate::reach::{Confine, Reach, tenant::TenantDocument};
use crate::read::related::{Leads, Listed};

/// The customer's field with the default address for shipping.
pub const DEFAULT_SHIPPING: &str = "defaultShippingAddressId";
/// The customer's field with the default address for billing.
pub const DEFAULT_BILLING: &str = "defaultBillingAddressId";

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

/// As [`find`], within a transaction.
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

/// The filter for an address of a customer.
#[must_use]
pub fn of(customer: &CustomerId, id: &AddressId) -> Document {
    doc! { "_id": id, "customerId": customer }
}

/// The customer's oldest address except this one.
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

/// The customer as it is at the start of the transaction.
///
/// # Errors
/// CUSTOMER_NOT_FOUND (402) if it was deleted meanwhile, CUSTOMER_ANONYMIZED.
pub async fn customer_in(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    id: &CustomerId,
) -> Result<Customer> {
    let customers = database.open::<Customer>(reach);
    let found = customers.find_one_in(tx, doc! { "_id": id }).await?;
    let found = found.ok_or_else(|| customer::refusal::not_found("customerId"))?;
    found.check_open("customerId")?;
    Ok(found)
}

/// Stores the defaults in the customer's document. Every change of an address also calls this, so that of two
/// concurrent changes, which have read the same state, one is retried (SPR-64).
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
    change.keep_or_clear(DEFAULT_SHIPPING, Some(shipping))?;
    change.keep_or_clear(DEFAULT_BILLING, Some(billing))?;
    let named = doc! { "_id": &customer.id };
    let changed = customer::store::update_in(database, reach, tx, named, change.into_update(now)).await?;
    changed.ok_or_else(|| Error::internal("a customer disappeared during a transaction"))
}

impl Personal for Address {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Told("id")),
            ("storefrontId", StoredField::Told("storefrontId")),
            ("userId", StoredField::Told("storefrontUserId")),
            ("customerId", StoredField::Told("customerId")),
            ("label", StoredField::Personal("label")),
            ("salutation", StoredField::Personal("salutation")),
            ("firstName", StoredField::Personal("firstName")),
            ("lastName", StoredField::Personal("lastName")),
            ("company", StoredField::Personal("company")),
            ("address1", StoredField::Personal("address1")),
            ("address2", StoredField::Personal("address2")),
            ("address3", StoredField::Personal("address3")),
            ("zipCode", StoredField::Personal("zipCode")),
            ("city", StoredField::Personal("city")),
            ("region", StoredField::Personal("region")),
            ("iso2Code", StoredField::Personal("iso2Code")),
            ("country", StoredField::Personal("country")),
            ("phone", StoredField::Personal("phone")),
            ("createdAt", StoredField::Told("createdAt")),
            ("updatedAt", StoredField::Told("updatedAt")),
            ("version", StoredField::Free),
        ],
    };
    const NAME: &'static str = "addresses";
    const LINK: SubjectLink = SubjectLink::Customer("customerId");
}

impl Listed for Address {}

impl Leads<Address> for Customer {
    const FIELD: &'static str = "customerId";

    fn keys() -> Bson {
        "$_id".into()
    }
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
