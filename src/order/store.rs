//! Database access for orders.

use bson::{Bson, Document, doc};

use super::{Order, OrderStatus};
use crate::customer::{self, Customer, CustomerStatus};
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::{Error, Result};
use crate::platform::{
    change::Change,
    clock::Timestamp,
    database::{Database, Index, IndexKind, Tx},
    id::OrderId,
    page::{Page, Slice},
    stored::{Stored, StoredField},
};
use crate::reach::{Reach, tenant::TenantDocument};
use crate::read::related::{Leads, Listed};

/// The index that keeps a number unique in its storefront.
pub const UNIQUE_NUMBER: &str = "storefront_number";

/// Indexes of the orders.
pub const INDEXES: &[Index] = &[
    Index {
        collection: Order::COLLECTION,
        name: UNIQUE_NUMBER,
        keys: &[("storefrontId", 1), ("number", 1)],
        kind: IndexKind::Unique,
    },
    // For lists, which are sorted by time of placing: of a storefront, of a customer, of a status.
    Index {
        collection: Order::COLLECTION,
        name: "storefront_placedAt",
        keys: &[("storefrontId", 1), ("placedAt", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
    Index {
        collection: Order::COLLECTION,
        name: "storefront_user_placedAt",
        keys: &[("storefrontId", 1), ("userId", 1), ("placedAt", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
    Index {
        collection: Order::COLLECTION,
        name: "storefront_status_placedAt",
        keys: &[("storefrontId", 1), ("status", 1), ("placedAt", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
];

impl Personal for Order {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Told("id")),
            ("storefrontId", StoredField::Told("storefrontId")),
            ("number", StoredField::Told("number")),
            ("customerId", StoredField::Told("customerId")),
            ("userId", StoredField::Told("storefrontUserId")),
            ("status", StoredField::Told("status")),
            ("total", StoredField::Told("total")),
            ("lines", StoredField::Told("lines")),
            ("personal.email", StoredField::Personal("email")),
            (
                "personal.shippingAddress",
                StoredField::Personal("shippingAddress"),
            ),
            ("personal.billingAddress", StoredField::Personal("billingAddress")),
            ("personal", StoredField::Hidden),
            ("placedAt", StoredField::Told("placedAt")),
            ("cancelledAt", StoredField::Told("cancelledAt")),
            ("createdAt", StoredField::Told("createdAt")),
        ],
    };
    const NAME: &'static str = "orders";
    const LINK: SubjectLink = SubjectLink::User("userId");
}

impl Leads<Order> for Customer {
    // By the storefront user, which the reach of a customer's own token also filters by, so that one index serves both.
    const FIELD: &'static str = "userId";

    fn keys() -> Bson {
        "$userId".into()
    }
}

impl Listed for Order {
    fn position(&self) -> (Bson, Bson) {
        (self.placed_at.into(), (&self.id).into())
    }
}

/// Returns a page of the orders that match a condition.
pub async fn page(
    database: &Database,
    reach: &Reach,
    condition: Document,
    page: &Page,
) -> Result<Slice<Order>> {
    let orders = database.open::<Order>(reach);
    orders.page(condition, page, Order::position).await
}

/// Returns the number of orders that match a condition.
pub async fn count(database: &Database, reach: &Reach, condition: Document) -> Result<u64> {
    database.open::<Order>(reach).count(condition).await
}

/// Returns the order with this number.
pub async fn by_number(database: &Database, reach: &Reach, number: &str) -> Result<Option<Order>> {
    let known = doc! { "number": number };
    database.open::<Order>(reach).find_one(known).await
}

/// Returns the order with this number, within a transaction.
pub async fn by_number_in(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    number: &str,
) -> Result<Option<Order>> {
    let known = doc! { "number": number };
    database.open::<Order>(reach).find_one_in(tx, known).await
}

/// Returns the order with this id, within a transaction.
pub async fn find_in(database: &Database, reach: &Reach, tx: &mut Tx, id: &OrderId) -> Result<Option<Order>> {
    let known = doc! { "_id": id };
    database.open::<Order>(reach).find_one_in(tx, known).await
}

/// Adds an order.
pub async fn insert_in(database: &Database, reach: &Reach, tx: &mut Tx, order: &Order) -> Result<()> {
    database.open::<Order>(reach).insert_in(tx, reach, order).await
}

/// Marks an order as cancelled at `now` and returns it as stored.
pub async fn cancel_in(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    id: &OrderId,
    now: Timestamp,
) -> Result<Order> {
    let cancelled = doc! { "$set": {
        "status": bson::serialize_to_bson(&OrderStatus::Cancelled)?, "cancelledAt": now,
    } };
    let orders = database.open::<Order>(reach);
    let changed = orders.update_in(tx, doc! { "_id": id }, cancelled).await?;
    changed.ok_or_else(|| Error::internal("an order disappeared during a transaction"))
}

/// Sets the customer's number of placed orders, and the status that follows from it (CLY-10). The customer must have
/// been read in the same transaction: if two transactions read the same count concurrently, one is retried.
pub async fn count_orders_in(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    customer: &Customer,
    orders: i64,
    now: Timestamp,
) -> Result<()> {
    let mut change = Change::default();
    change.keep("orderCount", Some(orders))?;
    change.keep("status", Some(CustomerStatus::of(orders)))?;
    let named = doc! { "_id": &customer.id };
    let changed = customer::store::update_in(database, reach, tx, named, change.into_update(now)).await?;
    match changed {
        Some(_) => Ok(()),
        None => Err(Error::internal("a customer disappeared during a transaction")),
    }
}
