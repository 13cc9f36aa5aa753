//! Orders that the online store recorded. Each keeps its own copy of what was sent with it; nothing that is edited later
//! changes it.

pub mod cancel;
pub mod currency;
pub mod graphql;
pub mod inputs;
pub mod list;
pub mod lookup;
pub mod mutations;
pub mod record;
pub mod store;

use std::fmt;
use std::time::Duration;

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

use crate::access::{reach::Holder, tenant::TenantDocument};
use crate::address::Content;
use crate::customer::Customer;
use crate::error::{UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    decimal::Decimal,
    id::{AddressId, CustomerId, OrderId, StorefrontId, StorefrontUserId},
};
use currency::CurrencyCode;

/// Longest text of an order, in characters: its number, a line's SKU and name.
pub const MAX_TEXT: usize = 255;
/// Most lines of an order.
pub const MAX_LINES: usize = 1_000;
/// How far ahead of ours a store's clock may be.
pub const LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Placed and not cancelled; counts for its customer.
    Placed,
    /// Cancelled; does not count for its customer.
    Cancelled,
}

/// An amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    /// How much.
    pub amount: Decimal,
    /// Of what.
    pub currency_code: CurrencyCode,
}

impl Money {
    /// Whether this can be an order's total: what can be paid, so neither less than nothing nor in parts of the smallest coin.
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

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The store's name for the article.
    pub sku: String,
    /// The article's name, as it was then.
    pub name: String,
    /// How many; one or more.
    pub quantity: i32,
    /// What one of them cost.
    pub unit_price: Money,
}

/// An order.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Id.
    #[serde(rename = "_id")]
    pub id: OrderId,
    /// Where.
    pub storefront_id: StorefrontId,
    /// The store's number, unique in the storefront.
    pub number: String,
    /// Who ordered; a guest's order has nobody.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer_id: Option<CustomerId>,
    /// That customer's storefront user.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_id: Option<StorefrontUserId>,
    /// What became of it.
    pub status: OrderStatus,
    /// The store's own figure; it need not be the sum of the lines.
    pub total: Money,
    /// What was ordered; never nothing.
    pub lines: Vec<Line>,
    /// What of a person is in it; missing once that is erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub personal: Option<Personal>,
    /// When the customer ordered, by the store's account.
    pub placed_at: Timestamp,
    /// When it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled_at: Option<Timestamp>,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// What of a person is in an order, all in one place, so that it can be taken out of it as a whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Personal {
    /// The e-mail address that was given with the order, as it was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    /// Where it goes: the order's own copy.
    pub shipping_address: Content,
    /// Where the invoice goes: the order's own copy.
    pub billing_address: Content,
    /// What was sent, blinded ([`record::NewOrder::sent`]): by this a repetition is known, even when the address that was
    /// named then has changed since.
    pub sent: String,
}

impl Order {
    /// Whether a repetition with this time of placing may mean this order: one without says nothing of it.
    #[must_use]
    pub fn may_be_placed_at(&self, sent: Option<Timestamp>) -> bool {
        sent.is_none_or(|sent| sent == self.placed_at)
    }

    /// Whether this is the order that is sent again, with the content that it was sent with
    /// ([`record::NewOrder::sent`]).
    #[must_use]
    pub fn is_repeated_by(&self, placed_at: Option<Timestamp>, sent: &str) -> bool {
        let is_same = |personal: &Personal| personal.sent == sent;
        self.may_be_placed_at(placed_at) && self.personal.as_ref().is_some_and(is_same)
    }
}

// Nothing of a person reaches a log by way of its document.
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

/// Which of an order's two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Where it goes.
    Shipping,
    /// Where the invoice goes.
    Billing,
}

/// How an input gives an address.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Given {
    /// In full.
    Full(Box<Content>),
    /// As one of the customer's.
    Book(AddressId),
    /// Not at all: the customer's default is meant.
    Default,
}

impl Role {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Shipping, Self::Billing];

    /// The input's field for the address in full.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Shipping => "shippingAddress",
            Self::Billing => "billingAddress",
        }
    }

    /// The input's field for the id of one of the customer's addresses.
    #[must_use]
    pub const fn id_field(self) -> &'static str {
        match self {
            Self::Shipping => "shippingAddressId",
            Self::Billing => "billingAddressId",
        }
    }

    /// Which of the customer's addresses is meant; `None`: none, it is given in full.
    ///
    /// # Errors
    /// REQUIRED where the default is meant and there is none.
    pub fn meant<'a>(
        self,
        given: &'a Given,
        customer: &'a Customer,
    ) -> Result<Option<&'a AddressId>, UserError> {
        let default = match self {
            Self::Shipping => &customer.default_shipping_address_id,
            Self::Billing => &customer.default_billing_address_id,
        };
        match given {
            Given::Full(_) => Ok(None),
            Given::Book(id) => Ok(Some(id)),
            Given::Default => default
                .as_ref()
                .map(Some)
                .ok_or_else(|| refusal::no_default(self)),
        }
    }
}

/// Whether an order can have been placed then: since 1970, and not later than now, as far as clocks agree.
///
/// # Errors
/// INVALID.
pub fn check_placed_at(placed_at: Timestamp, now: Timestamp) -> Result<Timestamp, UserError> {
    if (Timestamp::from_millis(0)..=now.after(LEEWAY)).contains(&placed_at) {
        return Ok(placed_at);
    }
    let message = "An order was placed since 1970, and not in the future.";
    Err(UserError::new(UserErrorCode::Invalid, ["placedAt"], message))
}

/// What orders' operations refuse.
pub mod refusal {
    use super::{Role, UserError, UserErrorCode};

    /// No such order for this caller.
    #[must_use]
    pub fn not_found() -> UserError {
        let message =
            "No order with this id was found for this credential. Send an id as order.id returns it (ord_…).";
        UserError::new(UserErrorCode::OrderNotFound, ["id"], message)
    }

    /// The number is another order's (ORD-01).
    #[must_use]
    pub fn number_taken() -> UserError {
        let message = "Another order of this storefront has this number.";
        UserError::new(UserErrorCode::OrderNumberTaken, ["number"], message)
    }

    /// The customer has no such address (SPR-75).
    #[must_use]
    pub fn address_not_found(role: Role) -> UserError {
        let message =
            "The customer has no address with this id. Send one that customer.addresses lists (adr_…).";
        UserError::new(UserErrorCode::AddressNotFound, [role.id_field()], message).legacy(404)
    }

    /// An id that says nothing (SPR-79).
    #[must_use]
    pub fn address_id_missing(role: Role) -> UserError {
        let message = "Say which address by its id, or leave the field out.";
        UserError::new(UserErrorCode::AddressIdMissing, [role.id_field()], message).legacy(412)
    }

    /// The customer has no addresses, so no default either.
    #[must_use]
    pub fn no_default(role: Role) -> UserError {
        let message = "The customer has no default address: send one.";
        UserError::new(UserErrorCode::Required, [role.field()], message)
    }

    /// A guest has no addresses to choose from (EPC-28).
    #[must_use]
    pub fn address_required(role: Role) -> UserError {
        let message = "An order without a customer needs this address in full. Send it, or say in customerId whose order it is.";
        UserError::new(UserErrorCode::Required, [role.field()], message)
    }

    /// A guest has no addresses to choose from (EPC-28).
    #[must_use]
    pub fn id_without_customer(role: Role) -> UserError {
        let message = "An order without a customer needs its addresses in full, not by id. Send them, or say in customerId \
                       whose order it is.";
        UserError::new(UserErrorCode::Invalid, [role.id_field()], message)
    }

    /// One address twice over.
    #[must_use]
    pub fn address_twice(role: Role) -> UserError {
        let message = "Send the address in full or by id, not both.";
        UserError::new(UserErrorCode::Invalid, [role.id_field()], message)
    }
}

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

    #[test]
    fn an_order_was_placed_since_1970_and_not_in_the_future() {
        let now = Timestamp::from_millis(1_000_000);
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        for good in [Timestamp::from_millis(0), now, now.after(minutes(5))] {
            assert_eq!(check_placed_at(good, now), Ok(good));
        }
        let late = now.after(minutes(5)).after(Duration::from_millis(1));
        for bad in [Timestamp::from_millis(-1), late] {
            assert!(check_placed_at(bad, now).is_err(), "{bad:?}");
        }
    }
}
