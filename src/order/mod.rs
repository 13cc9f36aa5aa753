//! Orders that the online store recorded. Each keeps its own copy of what was sent with it, which later changes
//! elsewhere do not affect.

pub mod cancel;
pub mod currency;
pub mod list;
pub mod lookup;
pub mod node;
pub mod record;
pub mod refusal;
pub mod store;

use std::fmt;

use async_graphql::{Enum, MergedObject};
use serde::{Deserialize, Serialize};

use crate::address::AddressContent;
use crate::app::Domain;
use crate::domain::personal::{Erasure, PersonalKind};
use crate::error::{UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    decimal::Decimal,
    id::{CustomerId, OrderId, StorefrontId, StorefrontUserId},
};
use crate::reach::{Holder, principal::Policy, scope::Scope, tenant::TenantDocument};
use currency::CurrencyCode;

/// The declaration of orders.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    personal: &[PersonalKind::of::<Order>(Erasure::Empty { counted: "orders" })],
    ..Domain::EMPTY
};

/// The queries of orders.
pub type Query = lookup::OrderQuery;

/// The mutations of orders.
#[derive(MergedObject, Default)]
#[graphql(name = "OrderMutation")]
pub struct Mutation(record::OrderRecord, cancel::OrderCancel);

/// Who may record and cancel orders.
const WRITE: Policy = Policy::backend(Scope::OrdersWrite);

/// Maximum length of a text of an order, in characters: its number, a line's SKU and name.
pub const MAX_TEXT: usize = 255;
/// Maximum number of lines of an order.
pub const MAX_LINES: usize = 1_000;

/// Status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Placed and not cancelled; counts for its customer.
    Placed,
    /// Cancelled; does not count for its customer.
    Cancelled,
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    /// Amount, such as `"5.25"`, with as many decimals as it was sent with.
    pub amount: Decimal,
    /// Currency of the amount.
    pub currency_code: CurrencyCode,
}

impl Money {
    /// Checks that this can be an order's total: neither negative nor with fractions of the currency's smallest unit.
    ///
    /// # Errors
    /// INVALID on its amount.
    pub fn as_total(self) -> Result<Self, UserError> {
        let refuse = |message: &str| {
            Err(UserError::new(
                UserErrorCode::Invalid,
                ["total", "amount"],
                message,
            ))
        };
        if self.amount.is_negative() {
            return refuse("The total must be 0 or more.");
        }
        if self.amount.decimals() > self.currency_code.decimals() {
            return refuse("The total must not have more decimals than its currency.");
        }
        Ok(self)
    }
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Article number of the online store (SKU).
    pub sku: String,
    /// Name of the article at the time of the order.
    pub name: String,
    /// Quantity of the article.
    pub quantity: i32,
    /// Price of one article; negative for a discount.
    pub unit_price: Money,
}

/// An order.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Id.
    #[serde(rename = "_id")]
    pub id: OrderId,
    /// Storefront of the order.
    pub storefront_id: StorefrontId,
    /// The store's number, unique in the storefront.
    pub number: String,
    /// The customer; missing for a guest's order.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer_id: Option<CustomerId>,
    /// That customer's storefront user.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_id: Option<StorefrontUserId>,
    /// Status of the order.
    pub status: OrderStatus,
    /// The total that the store sent; it need not be the sum of the lines.
    pub total: Money,
    /// Lines of the order; never empty.
    pub lines: Vec<Line>,
    /// Personal data; missing after it was erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub personal: Option<PersonalData>,
    /// Time at which the customer placed the order, as the store reported it.
    pub placed_at: Timestamp,
    /// Time of the cancellation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled_at: Option<Timestamp>,
    /// Time at which the order was recorded.
    pub created_at: Timestamp,
}

/// The personal data of an order, in one field, so that it can be removed as a whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonalData {
    /// The e-mail address that was sent with the order, as it was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    /// The shipping address: the order's own copy.
    pub shipping_address: AddressContent,
    /// The billing address: the order's own copy.
    pub billing_address: AddressContent,
    /// Keyed hash of what was sent ([`record::new_order::NewOrder::sent`]). It identifies a repetition even if the
    /// address that was sent by id has changed since.
    pub sent: String,
}

impl Order {
    /// Whether a repetition with this time of placing can mean this order; a repetition may omit the time.
    #[must_use]
    pub fn may_be_placed_at(&self, sent: Option<Timestamp>) -> bool {
        sent.is_none_or(|sent| sent == self.placed_at)
    }

    /// Whether this order was sent with the same content ([`record::new_order::NewOrder::sent`]), so that the request
    /// is a repetition.
    #[must_use]
    pub fn is_repeated_by(&self, placed_at: Option<Timestamp>, sent: &str) -> bool {
        let is_same = |personal: &PersonalData| personal.sent == sent;
        self.may_be_placed_at(placed_at) && self.personal.as_ref().is_some_and(is_same)
    }
}

// Keeps personal data out of logs.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({})", self.id)
    }
}

impl TenantDocument for Order {
    type Id = OrderId;
    const COLLECTION: &'static str = "orders";
    const HOLDER: Holder = Holder::StorefrontUser("userId");

    fn id(&self) -> &OrderId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

crate::read::direct::stored_enums!(OrderStatus);

#[cfg(test)]
mod tests {
    use super::*;

    fn euros(amount: &str, code: &str) -> Money {
        Money {
            amount: Decimal::parse_text(amount).expect("a decimal"),
            currency_code: CurrencyCode::parse_text(code).expect("a currency"),
        }
    }

    #[test]
    fn a_total_can_be_paid() {
        for (amount, code) in [
            ("0", "EUR"),
            ("10.50", "EUR"),
            ("10.500", "EUR"),
            ("1500", "JPY"),
            ("1500.0", "JPY"),
            ("1.234", "KWD"),
        ] {
            assert!(euros(amount, code).as_total().is_ok(), "{amount} {code}");
        }
        for (amount, code) in [
            ("-0.01", "EUR"),
            ("0.005", "EUR"),
            ("1.5", "JPY"),
            ("1.2345", "KWD"),
        ] {
            let refused = euros(amount, code).as_total();
            let refused = refused.map_err(|fault| (fault.code, fault.field));
            let field = ["total", "amount"].map(str::to_owned).to_vec();
            assert_eq!(
                refused,
                Err((UserErrorCode::Invalid, Some(field))),
                "{amount} {code}"
            );
        }
    }
}
