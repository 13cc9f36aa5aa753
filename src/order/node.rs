//! GraphQL types of orders.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::currency::CurrencyCode;
use super::{Line, Money, Order, OrderStatus};
use crate::address::node::AddressContentNode;
use crate::context::{GlobalNode, RequestContext};
use crate::customer::node::{CustomerNode, customer_behind};
use crate::error::Result;
use crate::platform::{clock::Timestamp, decimal::Decimal, id::OrderId};
use crate::reach::{Reach, principal::Policy, scope::Scope, seen::Seen};
use crate::read::direct::{DirectObject, ObjectShape, fields};
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

fields! {
    /// The fields of an order that its document contains.
    OrderFields of Order {
        /// Order number of the online store, unique in the storefront.
        number: &str = "number" => |order| &order.number;

        /// Status of the order.
        status: OrderStatus = "status" => |order| order.status;

        /// Amount to pay, as the online store sent it.
        total: MoneyNode<'_> = "total" => |order| MoneyNode(&order.total);

        /// Lines of the order, in the order in which they were sent.
        lines: Vec<OrderLine<'_>> = "lines" => |order| order.lines.iter().map(OrderLine).collect();

        /// Shipping address: a copy that later changes to the customer's addresses do not affect.
        /// Null after the customer's data was erased.
        shipping_address: Option<AddressContentNode<'_>> = "personal.shippingAddress" => |order| Some(AddressContentNode(&order.personal.as_ref()?.shipping_address));

        /// Billing address: a copy that later changes to the customer's addresses do not affect.
        /// Null after the customer's data was erased.
        billing_address: Option<AddressContentNode<'_>> = "personal.billingAddress" => |order| Some(AddressContentNode(&order.personal.as_ref()?.billing_address));

        /// E-mail address that was sent with the order; null if none was sent or after the customer's data was erased.
        email: Option<&str> = "personal.email" => |order| order.personal.as_ref()?.email.as_deref();

        /// Time at which the order was placed in the online store.
        placed_at: Timestamp = "placedAt" => |order| order.placed_at;

        /// Time of the cancellation; null if the order is not cancelled.
        cancelled_at: Option<Timestamp> = "cancelledAt" => |order| order.cancelled_at;

        /// Time at which the order was recorded in the gateway.
        created_at: Timestamp = "createdAt" => |order| order.created_at;
    }
}

#[Object(name = "Order", use_type_description)]
impl OrderNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    #[graphql(flatten)]
    async fn stored(&self) -> OrderFields<'_> {
        OrderFields(&self.document)
    }

    /// Storefront in which the order was placed.
    /// Requires the scope `storefronts:read`, or the token of this customer; otherwise FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<StorefrontNode> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.document.sight(), &self.document.storefront_id)
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
}

fields! {
    /// An amount of money.
    MoneyNode of Money as "Money" {
        /// Amount, such as `"5.25"`, with as many decimals as it was sent with.
        amount: Decimal = "amount" => |money| money.amount;

        /// Currency of the amount.
        currency_code: CurrencyCode = "currencyCode" => |money| money.currency_code;
    }
}

fields! {
    /// A line of an order.
    OrderLine of Line as "OrderLine" {
        /// Article number of the online store (SKU).
        sku: &str = "sku" => |line| &line.sku;

        /// Name of the article at the time of the order.
        name: &str = "name" => |line| &line.name;

        /// Quantity of the article.
        quantity: i32 = "quantity" => |line| line.quantity;

        /// Price of one article; negative for a discount.
        unit_price: MoneyNode<'_> = "unitPrice" => |line| MoneyNode(&line.unit_price);
    }
}

impl DirectObject for OrderNode {
    const OBJECT: ObjectShape = ObjectShape {
        name: "Order",
        fields: &[OrderFields::stored],
        lists: &[],
    };
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
