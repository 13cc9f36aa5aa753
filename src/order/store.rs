//! Database access for orders.

use bson::{Bson, doc};

use super::{Order, OrderStatus};
use crate::app::App;
use crate::customer::{Customer, CustomerStatus};
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::{Error, Result};
use crate::platform::{
    change::Change,
    clock::Timestamp,
    database::{Database, Index, IndexKind, Tx},
    id::OrderId,
    stored::{Stored, StoredField},
};
use crate::reach::{
    Reach,
    tenant::{Tenant, TenantDocument},
};
use crate::read::leads::{Leads, Listed};

/// The index that keeps a number unique in its storefront.
pub const UNIQUE_NUMBER: &str = "storefront_number";

/// Indexes of the orders.
pub const INDEXES: &[Index] = &[
    Index::new(
        Order::COLLECTION,
        UNIQUE_NUMBER,
        &[("storefrontId", 1), ("number", 1)],
        IndexKind::Unique,
    ),
    // For lists, which are sorted by time of placing: of a storefront, of a customer, of a status.
    Index::new(
        Order::COLLECTION,
        "storefront_placedAt",
        &[("storefrontId", 1), ("placedAt", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
    Index::new(
        Order::COLLECTION,
        "storefront_user_placedAt",
        &[("storefrontId", 1), ("userId", 1), ("placedAt", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
    Index::new(
        Order::COLLECTION,
        "storefront_status_placedAt",
        &[("storefrontId", 1), ("status", 1), ("placedAt", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
];

impl Personal for Order {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("number", StoredField::Kept("number")),
            ("customerId", StoredField::Kept("customerId")),
            ("userId", StoredField::Kept("storefrontUserId")),
            ("status", StoredField::Kept("status")),
            ("total", StoredField::Kept("total")),
            ("lines", StoredField::Kept("lines")),
            ("personal.email", StoredField::Personal("email")),
            (
                "personal.shippingAddress",
                StoredField::Personal("shippingAddress"),
            ),
            ("personal.billingAddress", StoredField::Personal("billingAddress")),
            ("personal", StoredField::Hidden),
            ("placedAt", StoredField::Kept("placedAt")),
            ("cancelledAt", StoredField::Kept("cancelledAt")),
            ("createdAt", StoredField::Kept("createdAt")),
        ],
    };
    const NAME: &'static str = "orders";
    const LINK: SubjectLink = SubjectLink::User("userId");
}

impl Leads<Order> for Customer {
    // By the storefront user, which the reach of a customer's own token also filters by, so that one index serves both.
    const FIELD: &'static str = "userId";

    const KEY: Option<&'static str> = Some("userId");

    fn own_keys(&self) -> Vec<String> {
        vec![self.user_id.to_string()]
    }
}

impl Listed for Order {
    fn position(&self) -> (Bson, Bson) {
        (self.placed_at.into(), (&self.id).into())
    }
}

/// The orders within a reach.
pub struct Orders<'a> {
    database: &'a Database,
    reach: &'a Reach,
}

impl<'a> Orders<'a> {
    /// Returns the orders that `reach` covers.
    #[must_use]
    pub fn of(app: &'a App, reach: &'a Reach) -> Self {
        Self {
            database: &app.database,
            reach,
        }
    }

    /// Opens the collection within the reach.
    #[must_use]
    pub fn open(&self) -> Tenant<Order> {
        self.database.open(self.reach)
    }

    /// Returns the order with this number; the reach must cover one storefront only.
    ///
    /// # Errors
    /// Any database error.
    pub async fn by_number(&self, number: &str) -> Result<Option<Order>> {
        self.open().find_one(doc! { "number": number }).await
    }

    /// As [`Orders::by_number`], within a transaction.
    ///
    /// # Errors
    /// Any database error.
    pub async fn by_number_in(&self, tx: &mut Tx, number: &str) -> Result<Option<Order>> {
        self.open().find_one_in(tx, doc! { "number": number }).await
    }

    /// Marks an order as cancelled at `now` and returns it as stored.
    ///
    /// # Errors
    /// Any database error.
    pub async fn cancel_in(&self, tx: &mut Tx, id: &OrderId, now: Timestamp) -> Result<Order> {
        let cancelled = doc! { "$set": {
            "status": bson::serialize_to_bson(&OrderStatus::Cancelled)?, "cancelledAt": now,
        } };
        let changed = self.open().update_in(tx, doc! { "_id": id }, cancelled).await?;
        changed.ok_or_else(|| Error::internal("order not found during a transaction"))
    }

    /// Sets the customer's number of placed orders, and the status that follows from it (CLY-10). The customer must
    /// have been read in the same transaction: if two transactions read the same count concurrently, one is retried.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_count_in(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        count: i64,
        now: Timestamp,
    ) -> Result<()> {
        let mut change = Change::default();
        change.keep("orderCount", Some(count))?;
        change.keep("status", Some(CustomerStatus::of(count)))?;
        let customers = self.database.open::<Customer>(self.reach);
        let changed = customers.update_in(tx, doc! { "_id": &customer.id }, change.into_update(now));
        let changed = changed.await?;
        changed.ok_or_else(|| Error::internal("customer not found during a transaction"))?;
        Ok(())
    }
}
