//! Migrations of stored customers.

use std::cmp::Ordering;

use bson::{Bson, Document, doc};
use futures_util::FutureExt;
use serde::Deserialize;

use super::store::UNIQUE_EMAIL;
use super::{Customer, email};
use crate::auth::session::{MOST, Session};
use crate::error::{Error, Result};
use crate::platform::{
    database::{Database, Tx, Write, violated_index},
    id::{CustomerId, Id},
    migration::Migration,
};
use crate::reach::{HouseReach, tenant::Tenant};

/// Number of sessions that one transaction of a migration ends.
const BATCH: i64 = 1000;
/// Customers whose addresses are read per command.
const PART: i64 = 500;
/// Maximum number of attempts to set a customer's key that concurrent operations take.
const ROUNDS: usize = 5;

/// Stores the number of each reference in a field of its own, because numbers as text do not sort in numeric order.
pub const REFERENCE_NUMBERS: Migration = Migration {
    number: 1,
    name: "numbers of customers' references",
    run: |database| number_references(database).boxed(),
};

/// Ends the sessions of customers that exceed the limit, the least recently used first.
pub const SURPLUS_SESSIONS: Migration = Migration {
    number: 2,
    name: "at most 100 sessions for a customer",
    run: |database| end_surplus_sessions(database).boxed(),
};

/// Removes the version of the terms, a text that a client chose, from erased customers.
pub const ERASED_TERMS: Migration = Migration {
    number: 3,
    name: "no version of the terms after an erasure",
    run: |database| erase_terms(database).boxed(),
};

/// Recomputes the keys by which addresses are compared (UNI-02).
pub const EMAIL_KEYS: Migration = Migration {
    number: 5,
    name: "customers' addresses as they are compared",
    run: |database| compare_addresses(database).boxed(),
};

async fn number_references(database: &Database) -> Result<()> {
    let customers = database.open::<Customer>(&HouseReach::everywhere());
    let unnumbered = doc! { "referenceNumber": { "$exists": false } };
    let number = doc! { "$arrayElemAt": [{ "$split": ["$reference", "--"] }, 1] };
    let numbered = doc! { "$set": { "referenceNumber": { "$toLong": number } } };
    customers.migrate(unnumbered, vec![numbered]).await?;
    Ok(())
}

/// A row of an aggregation, of which only the `_id` is used.
#[derive(Deserialize)]
struct IdRow<I> {
    #[serde(rename = "_id")]
    id: I,
}

async fn end_surplus_sessions(database: &Database) -> Result<()> {
    let sessions = database.open::<Session>(&HouseReach::everywhere());
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let holder = doc! { "storefrontId": "$storefrontId", "userId": "$userId" };
    let crowded: Vec<IdRow<Document>> = sessions
        .aggregate(vec![
            doc! { "$group": { "_id": holder, "sessions": { "$sum": 1_i64 } } },
            doc! { "$match": { "sessions": { "$gt": most } } },
        ])
        .await?;
    for IdRow { id: holder } in crowded {
        while end_some(database, &holder, most).await? == BATCH {}
    }
    Ok(())
}

/// Ends a limited number of the surplus sessions that this filter matches, those of one customer, and returns how many.
async fn end_some(database: &Database, holder: &Document, most: i64) -> Result<i64> {
    let sessions = database.open::<Session>(&HouseReach::everywhere());
    let surplus: Vec<IdRow<Bson>> = sessions
        .aggregate(vec![
            doc! { "$match": holder },
            doc! { "$sort": { "lastUsedAt": -1, "_id": -1 } },
            doc! { "$skip": most },
            doc! { "$limit": BATCH },
            doc! { "$project": { "_id": 1 } },
        ])
        .await?;
    let many = i64::try_from(surplus.len()).unwrap_or(i64::MAX);
    let ids = surplus.into_iter().map(|row| row.id).collect();
    database.run(&SurplusDeletion { sessions, ids }).await?;
    Ok(many)
}

/// The write that deletes sessions.
struct SurplusDeletion {
    sessions: Tenant<Session>,
    ids: Vec<Bson>,
}

impl Write for SurplusDeletion {
    type Output = u64;

    async fn write(&self, tx: &mut Tx) -> Result<u64> {
        let surplus = doc! { "_id": { "$in": &self.ids } };
        self.sessions.delete_many_in(tx, surplus).await
    }
}

async fn erase_terms(database: &Database) -> Result<()> {
    let customers = database.open::<Customer>(&HouseReach::everywhere());
    let erased =
        doc! { "anonymization.startedAt": { "$exists": true }, "terms.version": { "$exists": true } };
    let unset = doc! { "$unset": "terms.version" };
    customers.migrate(erased, vec![unset]).await?;
    Ok(())
}

/// Recomputes the keys of all addresses with non-ASCII characters or quotation marks; no others were compared
/// differently before. They are processed in the order of the customers' ids, which is the order of registration. If
/// two customers have the same address, the older one keeps it; the other one can be found by id only, until its
/// address is changed.
///
/// # Errors
/// Any database error; a repeated call does not repeat what was done.
async fn compare_addresses(database: &Database) -> Result<()> {
    let customers = database.open::<Customer>(&HouseReach::everywhere());
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
            compare_address(&customers, customer).await?;
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
