//! Migrations of stored customers.

use bson::{Bson, doc};
use futures_util::FutureExt;
use serde::Deserialize;

use super::{Customer, email_keys};
use crate::auth::session::{MOST, Session};
use crate::error::Result;
use crate::platform::{
    database::{Database, Tx, Write},
    id::{SessionId, StorefrontId, StorefrontUserId},
    migration::Migration,
};
use crate::reach::{HouseReach, tenant::Tenant};

/// Number of sessions that one transaction of a migration ends.
const BATCH: i64 = 1000;

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

async fn compare_addresses(database: &Database) -> Result<()> {
    let customers = database.open::<Customer>(&HouseReach::everywhere());
    email_keys::compare_all(&customers).await
}

async fn number_references(database: &Database) -> Result<()> {
    let number = doc! { "$arrayElemAt": [{ "$split": ["$reference", "--"] }, 1] };
    database
        .open::<Customer>(&HouseReach::everywhere())
        .migrate(
            doc! { "referenceNumber": { "$exists": false } },
            vec![doc! { "$set": { "referenceNumber": { "$toLong": number } } }],
        )
        .await?;
    Ok(())
}

/// The owner of sessions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionOwner {
    storefront_id: StorefrontId,
    user_id: StorefrontUserId,
}

/// A row of the customers with too many sessions.
#[derive(Deserialize)]
struct CrowdedRow {
    #[serde(rename = "_id")]
    holder: SessionOwner,
}

/// A row of the sessions that exceed the limit.
#[derive(Deserialize)]
struct SurplusRow {
    #[serde(rename = "_id")]
    id: SessionId,
}

async fn end_surplus_sessions(database: &Database) -> Result<()> {
    let sessions = database.open::<Session>(&HouseReach::everywhere());
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let holder = doc! { "storefrontId": "$storefrontId", "userId": "$userId" };
    let crowded: Vec<CrowdedRow> = sessions
        .aggregate(vec![
            doc! { "$group": { "_id": holder, "sessions": { "$sum": 1_i64 } } },
            doc! { "$match": { "sessions": { "$gt": most } } },
        ])
        .await?;
    for CrowdedRow { holder } in crowded {
        while end_some(database, &holder, most).await? == BATCH {}
    }
    Ok(())
}

/// Ends a limited number of a customer's surplus sessions, and returns how many.
async fn end_some(database: &Database, holder: &SessionOwner, most: i64) -> Result<i64> {
    let sessions = database.open::<Session>(&HouseReach::everywhere());
    let surplus: Vec<SurplusRow> = sessions
        .aggregate(vec![
            doc! { "$match": { "storefrontId": &holder.storefront_id, "userId": &holder.user_id } },
            doc! { "$sort": { "lastUsedAt": -1, "_id": -1 } },
            doc! { "$skip": most },
            doc! { "$limit": BATCH },
            doc! { "$project": { "_id": 1 } },
        ])
        .await?;
    let many = i64::try_from(surplus.len()).unwrap_or(i64::MAX);
    let ids = surplus.iter().map(|row| Bson::from(&row.id)).collect();
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
    let erased =
        doc! { "anonymization.startedAt": { "$exists": true }, "terms.version": { "$exists": true } };
    database
        .open::<Customer>(&HouseReach::everywhere())
        .migrate(erased, vec![doc! { "$unset": "terms.version" }])
        .await?;
    Ok(())
}
