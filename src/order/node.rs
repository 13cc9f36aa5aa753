//! GraphQL types of orders.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object, SimpleObject};

use super::currency::CurrencyCode;
use super::{Line, Money, Order, OrderStatus};
use crate::address::{AddressContent, country::CountryCode};
use crate::context::{GlobalNode, RequestContext};
use crate::customer::{
    Salutation,
    node::{CustomerNode, customer_behind},
};
use crate::error::Result;
use crate::platform::{clock::Timestamp, decimal::Decimal, id::OrderId};
use crate::reach::{Reach, principal::Policy, scope::Scope, seen::Seen};
use crate::storefront::node::{StorefrontNode, storefront_of};

/// Who may read orders.
pub const READ: Policy = Policy::backend(Scope::OrdersRead).and_customer();

/// An order that the online store recorded.
/// Requires an integration token or client secret with the scope `orders:read`, or the token of the customer that
/// placed it.
/// An order keeps its own copies of both addresses.
#[derive(Clone, Description)]
pub struct OrderNode {
    document: Seen<Order>,
}

impl OrderNode {
    /// Returns the node of an order behind which policies decide.
    #[must_use]
    pub fn new(document: Arc<Order>) -> Self {
        Self::seen(Seen::by_policy(document))
    }

    /// Returns the node in the payload of a mutation that `reach` permitted.
    #[must_use]
    pub fn in_payload(document: Order, reach: &Reach) -> Self {
        Self::seen(Seen::in_payload(document, reach.clone()))
    }

    /// Returns the node of an order that another object leads to.
    #[must_use]
    pub fn seen(document: Seen<Order>) -> Self {
        Self { document }
    }
}

#[Object(name = "Order", use_type_description)]
impl OrderNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// Storefront in which the order was placed.
    /// Requires the scope `storefronts:read`, or the token of this customer; otherwise FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<StorefrontNode> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.document.sight(), &self.document.storefront_id).await
    }

    /// Order number of the online store, unique in the storefront.
    async fn number(&self) -> &str {
        &self.document.number
    }

    /// Customer that placed the order.
    /// Requires an integration token or client secret with the scope `customers:read`, or the token of this customer.
    /// Null for the order of a guest, after the customer account was removed, and if the caller may not read the
    /// customer.
    async fn customer(&self, ctx: &Context<'_>) -> Option<Result<CustomerNode>> {
        let id = self.document.customer_id.as_ref()?;
        let load = async { customer_behind(RequestContext::of(ctx)?, self.document.sight(), id).await };
        load.await.transpose()
    }

    /// Status of the order.
    async fn status(&self) -> OrderStatus {
        self.document.status
    }

    /// Amount to pay, as the online store sent it.
    async fn total(&self) -> MoneyNode {
        MoneyNode::from(self.document.total)
    }

    /// Lines of the order, in the order in which they were sent.
    async fn lines(&self) -> Vec<OrderLine> {
        self.document.lines.iter().map(OrderLine::from).collect()
    }

    /// Shipping address: a copy that later changes to the customer's addresses do not affect.
    /// Null after the customer's data was erased.
    async fn shipping_address(&self) -> Option<OrderAddress> {
        let personal = self.document.personal.as_ref()?;
        Some(OrderAddress(personal.shipping_address.clone()))
    }

    /// Billing address: a copy that later changes to the customer's addresses do not affect.
    /// Null after the customer's data was erased.
    async fn billing_address(&self) -> Option<OrderAddress> {
        let personal = self.document.personal.as_ref()?;
        Some(OrderAddress(personal.billing_address.clone()))
    }

    /// E-mail address that was sent with the order; null if none was sent or after the customer's data was erased.
    async fn email(&self) -> Option<&str> {
        self.document.personal.as_ref()?.email.as_deref()
    }

    /// Time at which the order was placed in the online store.
    async fn placed_at(&self) -> Timestamp {
        self.document.placed_at
    }

    /// Time of the cancellation; null if the order is not cancelled.
    async fn cancelled_at(&self) -> Option<Timestamp> {
        self.document.cancelled_at
    }

    /// Time at which the order was recorded in the gateway.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

/// An amount of money.
#[derive(SimpleObject)]
#[graphql(name = "Money")]
pub struct MoneyNode {
    /// Amount, such as `"5.25"`, with as many decimals as it was sent with.
    amount: Decimal,
    /// Currency of the amount.
    currency_code: CurrencyCode,
}

impl From<Money> for MoneyNode {
    fn from(value: Money) -> Self {
        let Money {
            amount,
            currency_code,
        } = value;
        Self {
            amount,
            currency_code,
        }
    }
}

/// A line of an order.
#[derive(SimpleObject)]
pub struct OrderLine {
    /// Article number of the online store (SKU).
    sku: String,
    /// Name of the article at the time of the order.
    name: String,
    /// Quantity of the article.
    quantity: i32,
    /// Price of one article; negative for a discount.
    unit_price: MoneyNode,
}

impl From<&Line> for OrderLine {
    fn from(line: &Line) -> Self {
        let Line {
            sku,
            name,
            quantity,
            unit_price,
        } = line;
        Self {
            sku: sku.clone(),
            name: name.clone(),
            quantity: *quantity,
            unit_price: MoneyNode::from(*unit_price),
        }
    }
}

/// A postal address, as an order keeps it.
#[derive(Description)]
pub struct OrderAddress(AddressContent);

#[Object(use_type_description)]
impl OrderAddress {
    /// Salutation; null if not set.
    async fn salutation(&self) -> Option<Salutation> {
        self.0.salutation
    }

    /// First name.
    async fn first_name(&self) -> &str {
        &self.0.first_name
    }

    /// Last name.
    async fn last_name(&self) -> &str {
        &self.0.last_name
    }

    /// Company; null if not set.
    async fn company(&self) -> Option<&str> {
        self.0.company.as_deref()
    }

    /// First address line: street and number.
    async fn address1(&self) -> &str {
        &self.0.address1
    }

    /// Second address line; null if not set.
    async fn address2(&self) -> Option<&str> {
        self.0.address2.as_deref()
    }

    /// Third address line; null if not set.
    async fn address3(&self) -> Option<&str> {
        self.0.address3.as_deref()
    }

    /// Postal code, with leading zeros; null if not set.
    async fn zip_code(&self) -> Option<&str> {
        self.0.zip_code.as_deref()
    }

    /// City.
    async fn city(&self) -> &str {
        &self.0.city
    }

    /// State, province or similar region; null if not set.
    async fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// Country code.
    async fn iso2_code(&self) -> CountryCode {
        self.0.iso2_code
    }

    /// Display name of the country: the one that was sent, or the English name for `iso2Code`.
    async fn country(&self) -> &str {
        self.0.country_name()
    }

    /// Phone number; null if not set.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }
}

impl GlobalNode for OrderNode {
    type Id = OrderId;

    async fn find(context: &RequestContext, id: &OrderId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        Ok(context.by_id::<Order>(&reach, id).await?.map(OrderNode::new))
    }
}
