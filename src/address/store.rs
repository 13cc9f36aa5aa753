//! Database access for addresses.

use async_graphql::ID;
use bson::{Document, doc};

use super::defaults::Defaults;
use super::{Address, refusal};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer::{self, Customer, named::customer_to_change};
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::{Error, Faults, Result};
use crate::platform::{
    change::Change,
    clock::Timestamp,
    database::{Database, Index, IndexKind, Tx},
    id::{AddressId, CustomerId, Id},
    stored::{Stored, StoredField},
};
use crate::reach::{
    Reach,
    tenant::{Tenant, TenantDocument},
};
use crate::read::leads::{Leads, Listed};

/// The customer's field with the default address for shipping.
pub const DEFAULT_SHIPPING: &str = "defaultShippingAddressId";
/// The customer's field with the default address for billing.
pub const DEFAULT_BILLING: &str = "defaultBillingAddressId";

/// Indexes of the addresses.
pub const INDEXES: &[Index] = &[Index::new(
    Address::COLLECTION,
    "storefront_customer",
    &[("storefrontId", 1), ("customerId", 1), ("_id", 1)],
    IndexKind::Plain,
)];

/// The filter for an address of a customer.
#[must_use]
pub fn address_of(customer: &CustomerId, id: &AddressId) -> Document {
    doc! { "_id": id, "customerId": customer }
}

/// An address that an input names, and its customer.
pub struct NamedAddress {
    /// The customer.
    pub customer: Customer,
    /// The address.
    pub address: Address,
}

/// The addresses within a reach.
pub struct Addresses<'a> {
    database: &'a Database,
    reach: &'a Reach,
}

impl<'a> Addresses<'a> {
    /// Returns the addresses that `reach` covers.
    #[must_use]
    pub fn of(app: &'a App, reach: &'a Reach) -> Self {
        Self {
            database: &app.database,
            reach,
        }
    }

    /// Opens the collection within the reach.
    #[must_use]
    pub fn open(&self) -> Tenant<Address> {
        self.database.open(self.reach)
    }

    /// Returns the address and the customer that an input names, or adds what is wrong to `faults`:
    /// CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, ADDRESS_ID_MISSING (412),
    /// ADDRESS_NOT_FOUND (404).
    ///
    /// # Errors
    /// Any database error.
    pub async fn named(
        &self,
        context: &RequestContext,
        faults: &mut Faults,
        customer: Option<&ID>,
        id: &ID,
    ) -> Result<Option<NamedAddress>> {
        let customer = faults.absorb(customer_to_change(context, self.reach, customer).await)?;
        if id.trim().is_empty() {
            faults.push(refusal::id_missing());
            return Ok(None);
        }
        let Some(customer) = customer else {
            return Ok(None);
        };
        let found = match AddressId::parse(id) {
            Some(id) => self.find(&customer.id, &id).await?,
            None => None,
        };
        let found = faults.take(found.ok_or_else(refusal::not_found));
        Ok(found.map(|address| NamedAddress { customer, address }))
    }

    /// Returns the customer's address with this id.
    ///
    /// # Errors
    /// Any database error.
    pub async fn find(&self, customer: &CustomerId, id: &AddressId) -> Result<Option<Address>> {
        self.open().find_one(address_of(customer, id)).await
    }

    /// As [`Addresses::find`], within a transaction.
    ///
    /// # Errors
    /// Any database error.
    pub async fn find_in(
        &self,
        tx: &mut Tx,
        customer: &CustomerId,
        id: &AddressId,
    ) -> Result<Option<Address>> {
        self.open().find_one_in(tx, address_of(customer, id)).await
    }

    /// Returns the id of the customer's oldest address except this one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn oldest_other_in(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        but: &AddressId,
    ) -> Result<Option<AddressId>> {
        let others = doc! {
            "storefrontId": &customer.storefront_id, "customerId": &customer.id, "_id": { "$ne": but },
        };
        let oldest = self.open().first_in(tx, others, doc! { "_id": 1 }).await?;
        Ok(oldest.map(|address| address.id))
    }

    /// Returns the customer as it is at the start of the transaction.
    ///
    /// # Errors
    /// CUSTOMER_NOT_FOUND (402) if it was deleted meanwhile, CUSTOMER_ANONYMIZED.
    pub async fn customer_in(&self, tx: &mut Tx, id: &CustomerId) -> Result<Customer> {
        let customers = self.database.open::<Customer>(self.reach);
        let found = customers.find_one_in(tx, doc! { "_id": id }).await?;
        let found = found.ok_or_else(|| customer::refusal::not_found("customerId"))?;
        found.check_open("customerId")?;
        Ok(found)
    }

    /// Stores the defaults in the customer's document. Every change of an address also calls this, so that of two
    /// concurrent changes, which have read the same state, one is retried (SPR-64).
    ///
    /// # Errors
    /// Any database error.
    pub async fn change_customer_in(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        defaults: Defaults,
        now: Timestamp,
    ) -> Result<Customer> {
        let Defaults { shipping, billing } = defaults;
        let mut change = Change::default();
        change.keep_or_clear(DEFAULT_SHIPPING, Some(shipping))?;
        change.keep_or_clear(DEFAULT_BILLING, Some(billing))?;
        let customers = self.database.open::<Customer>(self.reach);
        let changed = customers.update_in(tx, doc! { "_id": &customer.id }, change.into_update(now));
        let changed = changed.await?;
        changed.ok_or_else(|| Error::internal("customer not found during a transaction"))
    }
}

impl Personal for Address {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("userId", StoredField::Kept("storefrontUserId")),
            ("customerId", StoredField::Kept("customerId")),
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
            ("createdAt", StoredField::Kept("createdAt")),
            ("updatedAt", StoredField::Kept("updatedAt")),
            ("version", StoredField::Free),
        ],
    };
    const NAME: &'static str = "addresses";
    const LINK: SubjectLink = SubjectLink::Customer("customerId");
}

impl Listed for Address {}

impl Leads<Address> for Customer {
    const FIELD: &'static str = "customerId";

    const KEY: Option<&'static str> = Some("_id");

    fn own_keys(&self) -> Vec<String> {
        vec![self.id.to_string()]
    }
}
