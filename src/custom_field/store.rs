//! Database access for custom fields.

use std::collections::HashMap;
use std::sync::Arc;

use bson::{Bson, Document, doc};

use super::assignment::Assignment;
use super::{Definition, Definitions, DefinitionsGuard, GUARDS, MAX_DEFINITIONS, VALUES};
use crate::app::App;
use crate::customer::Customer;
use crate::error::{Error, Faults, Result};
use crate::platform::{
    clock::Timestamp,
    crypto::digest,
    database::{Database, Index, IndexKind, Tx},
    id::{CustomFieldGuardId, CustomFieldId, Id, StorefrontId},
    loader::Batch,
    stored::{Stored, all_free},
};
use crate::reach::{
    Confine, Reach, StorefrontReach,
    tenant::{Tenant, TenantDocument},
};
use crate::storefront::Storefront;

/// The index that makes a key unique in its storefront.
pub const UNIQUE_KEY: &str = "storefront_key";

/// Indexes of the definitions and their guards.
pub const INDEXES: &[Index] = &[
    Index::new(
        Definition::COLLECTION,
        UNIQUE_KEY,
        &[("storefrontId", 1), ("key", 1)],
        IndexKind::Unique,
    ),
    Index::new(
        DefinitionsGuard::COLLECTION,
        "storefront_number",
        &[("storefrontId", 1), ("number", 1)],
        IndexKind::Unique,
    ),
];

/// Stored fields.
pub const STORED: &[Stored] = &[
    Stored {
        collection: "customFields",
        fields: &all_free([
            "_id",
            "storefrontId",
            "key",
            "name",
            "description",
            "type",
            "isRequired",
            "options",
            "isPublic",
            "isCustomerWritable",
            "createdAt",
        ]),
    },
    Stored {
        collection: "customFieldGuards",
        fields: &all_free(["_id", "storefrontId", "number", "touched"]),
    },
];

/// The custom fields of a storefront.
pub async fn of_storefront(
    database: &Database,
    reach: &impl Confine,
    storefront: &StorefrontId,
) -> Result<Definitions> {
    let definitions = database.open::<Definition>(reach);
    let found = definitions
        .find(doc! { "storefrontId": storefront }, doc! {}, 0)
        .await?;
    Ok(Definitions::new(found.into_iter().map(Arc::new).collect()))
}

/// Reads the custom fields of several storefronts in one command.
pub struct DefinitionsOf {
    /// The database to read from.
    pub database: Database,
    /// The reach to read with.
    pub reach: Reach,
}

impl Batch for DefinitionsOf {
    type Key = StorefrontId;
    type Value = Definitions;

    async fn load(&self, storefronts: &[StorefrontId]) -> Result<HashMap<StorefrontId, Definitions>> {
        let ids: Vec<Bson> = storefronts.iter().map(Bson::from).collect();
        let definitions = self.database.open::<Definition>(&self.reach);
        let found = definitions
            .find(doc! { "storefrontId": { "$in": ids } }, doc! {}, 0)
            .await?;
        let mut by_storefront: HashMap<StorefrontId, Vec<Arc<Definition>>> = HashMap::new();
        for definition in found {
            let storefront = definition.storefront_id.clone();
            by_storefront
                .entry(storefront)
                .or_default()
                .push(Arc::new(definition));
        }
        let sorted = by_storefront
            .into_iter()
            .map(|(id, definitions)| (id, Definitions::new(definitions)));
        Ok(sorted.collect())
    }
}

/// The filter for customers with a value of the field.
#[must_use]
pub fn has_value(field: &CustomFieldId) -> Document {
    doc! { VALUES: { "$elemMatch": { "f": field } } }
}

/// The filter for customers without a value of the field.
#[must_use]
pub fn has_no_value(field: &CustomFieldId) -> Document {
    doc! { format!("{VALUES}.f"): { "$ne": field } }
}

/// The filter for customers with one of these values of the field.
#[must_use]
pub fn has_one_of(field: &CustomFieldId, values: Vec<Bson>) -> Document {
    doc! { VALUES: { "$elemMatch": { "f": field, "v": { "$in": values } } } }
}

/// Checks, within the transaction that writes these values of a customer, that their fields still exist and still
/// accept them, and locks the fields until the end of the transaction. Must be called last, so that other transactions
/// wait only briefly.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID if a field or an option was deleted after the first check.
pub async fn hold(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    customer: &Customer,
    assignments: &[Assignment],
) -> Result<()> {
    let ids: Vec<Bson> = assignments.iter().map(|new| (&new.field).into()).collect();
    let definitions = database.open::<Definition>(reach);
    let found = definitions.find_in(tx, doc! { "_id": { "$in": ids } }).await?;
    let found = Definitions::new(found.into_iter().map(Arc::new).collect());
    let mut faults = Faults::default();
    for new in assignments {
        let now = found.with_id(&new.field).map(Arc::as_ref);
        _ = faults.take(new.check_again(now));
    }
    faults.check()?;
    // The number is derived from the customer's id, so that different customers usually use different guards.
    let number = i32::from(digest(customer.id.as_str().as_bytes())[0]) % GUARDS;
    let guard = doc! { "storefrontId": &customer.storefront_id, "number": number };
    let guards = database.open::<DefinitionsGuard>(reach);
    let touched = guards.update_in(tx, guard, touch()).await?;
    touched.ok_or_else(|| Error::internal("guard of a storefront's custom fields not found"))?;
    Ok(())
}

/// The custom fields of one storefront.
pub struct CustomFields<'a> {
    app: &'a App,
    place: &'a StorefrontReach,
}

impl<'a> CustomFields<'a> {
    /// Returns the custom fields of the storefront that `place` reaches.
    #[must_use]
    pub fn of(app: &'a App, place: &'a StorefrontReach) -> Self {
        Self { app, place }
    }

    /// Opens a collection within the reach.
    #[must_use]
    pub fn open<T: TenantDocument>(&self) -> Tenant<T> {
        self.app.database.open(self.place.reach())
    }

    /// Returns all definitions.
    ///
    /// # Errors
    /// Any database error.
    pub async fn all(&self) -> Result<Definitions> {
        of_storefront(&self.app.database, self.place.reach(), self.place.id()).await
    }

    /// Whether the values of any customer match the condition.
    ///
    /// # Errors
    /// Any database error.
    pub async fn have_values_in(&self, tx: &mut Tx, condition: Document) -> Result<bool> {
        let found = self.open::<Customer>().find_one_in(tx, condition).await?;
        Ok(found.is_some())
    }

    /// Locks all fields of the storefront until the end of the transaction, so that no values are written meanwhile.
    /// Must be called before customers with values are searched.
    ///
    /// # Errors
    /// Any database error.
    pub async fn hold_all_in(&self, tx: &mut Tx) -> Result<()> {
        let all = doc! { "storefrontId": self.place.id() };
        let guards = self.open::<DefinitionsGuard>();
        guards.update_many_in(tx, all, touch()).await?;
        Ok(())
    }

    /// Increases the storefront's number of fields; returns false if it has the maximum. Of two concurrent transactions
    /// one is retried.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_one_more_in(&self, tx: &mut Tx) -> Result<bool> {
        // A storefront that was created before custom fields existed has no count.
        let with_room = doc! {
            "_id": self.place.id(), "customFieldCount": { "$not": { "$gte": MAX_DEFINITIONS } },
        };
        let counted = self
            .open::<Storefront>()
            .update_in(tx, with_room, count(1))
            .await?;
        Ok(counted.is_some())
    }

    /// Decreases the storefront's number of fields.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_one_less_in(&self, tx: &mut Tx) -> Result<()> {
        let this = doc! { "_id": self.place.id() };
        self.open::<Storefront>().update_in(tx, this, count(-1)).await?;
        Ok(())
    }

    /// Creates the storefront's guards if it has none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn ensure_guards_in(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let guards = self.open::<DefinitionsGuard>();
        let any = doc! { "storefrontId": self.place.id(), "number": 0 };
        if guards.find_one_in(tx, any).await?.is_some() {
            return Ok(());
        }
        for number in 0..GUARDS {
            let guard = DefinitionsGuard {
                id: CustomFieldGuardId::fresh(now, &self.app.random),
                storefront_id: self.place.id().clone(),
                number,
                touched: 0,
            };
            guards.insert_in(tx, self.place.reach(), &guard).await?;
        }
        Ok(())
    }
}

fn touch() -> Document {
    doc! { "$inc": { "touched": 1_i64 } }
}

fn count(change: i64) -> Document {
    doc! { "$inc": { "customFieldCount": change } }
}
