//! GraphQL types of orders.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::{Line, Money, Order, OrderStatus};
use crate::address::AddressContent;
use crate::context::{GlobalNode, RequestContext};
use crate::customer::node::{CustomerNode, customer_behind};
use crate::error::Result;
use crate::platform::{clock::Timestamp, id::OrderId};
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
    async fn total(&self) -> Money {
        self.document.total
    }

    /// Lines of the order, in the order in which they were sent.
    async fn lines(&self) -> &[Line] {
        &self.document.lines
    }

    /// Shipping address: a copy that later changes to the customer's addresses do not affect.
    /// Null after the customer's data was erased.
    async fn shipping_address(&self) -> Option<&AddressContent> {
        Some(&self.document.personal.as_ref()?.shipping_address)
    }

    /// Billing address: a copy that later changes to the customer's addresses do not affect.
    /// Null after the customer's data was erased.
    async fn billing_address(&self) -> Option<&AddressContent> {
        Some(&self.document.personal.as_ref()?.billing_address)
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

impl GlobalNode for OrderNode {
    type Id = OrderId;

    async fn find(context: &RequestContext, id: &OrderId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        Ok(context.by_id::<Order>(&reach, id).await?.map(OrderNode::new))
    }
}
