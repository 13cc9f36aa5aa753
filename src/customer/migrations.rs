//! Changes of how customers are stored.

use bson::doc;
use futures_util::FutureExt;

use super::Customer;
use crate::access::reach::SystemReach;
use crate::error::Result;
use crate::platform::{database::Database, migration::Migration};

/// Stores the number in each reference beside it, because texts of numbers are not in the order of the numbers.
pub const REFERENCE_NUMBERS: Migration = Migration {
    number: 1,
    name: "numbers of customers' references",
    run: |database| number_references(database).boxed(),
};

async fn number_references(database: &Database) -> Result<()> {
    let number = doc! { "$arrayElemAt": [{ "$split": ["$reference", "--"] }, 1] };
    database
        .open::<Customer>(&SystemReach::for_background_work())
        .migrate(
            doc! { "referenceNumber": { "$exists": false } },
            vec![doc! { "$set": { "referenceNumber": { "$toLong": number } } }],
        )
        .await?;
    Ok(())
}
