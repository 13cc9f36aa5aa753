//! Recomputes the keys by which stored addresses are compared (UNI-02).

use std::cmp::Ordering;

use bson::doc;

use super::store::UNIQUE_EMAIL;
use super::{Customer, email};
use crate::error::{Error, Result};
use crate::platform::{
    database::violated_index,
    id::{CustomerId, Id},
};
use crate::reach::tenant::Tenant;

/// Customers that are read per command.
const PART: i64 = 500;
/// Maximum number of attempts to set a customer's key that concurrent operations take.
const ROUNDS: usize = 5;

/// Recomputes the keys of all addresses with non-ASCII characters or quotation marks; no others were compared
/// differently before. They are processed in the order of the customers' ids, which is the order of registration. If
/// two customers have the same address, the older one keeps it; the other one can be found by id only, until its
/// address is changed.
///
/// # Errors
/// Any database error; a repeated call does not repeat what was done.
pub async fn compare_all(customers: &Tenant<Customer>) -> Result<()> {
    let mut after: Option<CustomerId> = None;
    loop {
        let mut filter = doc! { "email": { "$regex": "[^\\x00-\\x7f]|\"" } };
        if let Some(after) = &after {
            filter.insert("_id", doc! { "$gt": after });
        }
        let part = customers.find(filter, doc! { "_id": 1 }, PART).await?;
        let Some(last) = part.last() else {
            return Ok(());
        };
        after = Some(last.id.clone());
        for customer in &part {
            compare_address(customers, customer).await?;
        }
    }
}

async fn compare_address(customers: &Tenant<Customer>, customer: &Customer) -> Result<()> {
    let written = customer.email.as_deref().unwrap_or_default();
    let Some(email) = email::parse(written) else {
        tracing::warn!(customer = %customer.id, "the stored e-mail address is not valid and cannot be looked up");
        return set_key(customers, customer, placeholder_key(customer))
            .await
            .map(drop);
    };
    for _ in 0..ROUNDS {
        let named = doc! { "storefrontId": &customer.storefront_id, "emailKey": &email.key };
        if let Some(other) = customers.find_one(named).await? {
            let (older, younger) = match other.id.as_str().cmp(customer.id.as_str()) {
                Ordering::Equal => return Ok(()),
                Ordering::Less => (&other, customer),
                Ordering::Greater => (customer, &other),
            };
            tracing::warn!(
                customer = %younger.id, older = %older.id,
                "two customers have the same e-mail address; only the older customer can be found by it"
            );
            set_key(customers, younger, placeholder_key(younger)).await?;
            if younger.id == customer.id {
                return Ok(());
            }
        }
        if set_key(customers, customer, email.key.clone()).await? {
            return Ok(());
        }
    }
    Err(Error::internal(
        "cannot store the lookup key of an e-mail address: other customers used it in every attempt",
    ))
}

/// A key that no address has.
fn placeholder_key(customer: &Customer) -> String {
    customer.id.to_string()
}

/// Sets a key. Returns false if another customer has it.
async fn set_key(customers: &Tenant<Customer>, customer: &Customer, key: String) -> Result<bool> {
    let unchanged = doc! { "_id": &customer.id, "email": customer.email.as_deref() };
    let update = doc! { "$set": { "emailKey": key } };
    match customers.update(unchanged, update).await {
        Ok(_) => Ok(true),
        Err(error) if violated_index(&error) == Some(UNIQUE_EMAIL) => Ok(false),
        Err(error) => Err(error),
    }
}
