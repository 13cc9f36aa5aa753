//! Orders on the wire: the node and what it is made of.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object, SimpleObject};

use super::currency::CurrencyCode;
use super::{Line, Money as MoneyValue, Order as Document, OrderStatus};
use crate::access::{principal::Policy, reach::Reach, scope::Scope};
use crate::address::{Content, country::CountryCode};
use crate::context::RequestContext;
use crate::customer::{
    Salutation,
    graphql::{Customer, customer_behind},
};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    decimal::Decimal,
    id::{Id, OrderId},
};
use crate::storefront::graphql::{Storefront, storefront_of};

/// Who may read orders.
pub const READ: Policy = Policy::backend(Scope::OrdersRead).and_customer();

/// An order that the online store recorded. Keeps its own copy of both addresses. Backend (orders:read), or the customer that
/// placed it.
#[derive(Clone, Description)]
pub struct Order {
    document: Arc<Document>,
    /// In a mutation's payload: what the caller may see of this order without the scopes to ask for it.
    granted: Option<Reach>,
}

impl Order {
    /// The node of a document.
    #[must_use]
    pub fn new(document: Arc<Document>) -> Self {
        Self::granted(document, None)
    }

    /// The node in the payload of a mutation that `reach` was good for.
    #[must_use]
    pub fn in_payload(document: Document, reach: &Reach) -> Self {
        Self::granted(Arc::new(document), Some(reach.clone()))
    }

    /// The node behind another one. `granted` is what a payload shows without the scope.
    #[must_use]
    pub fn granted(document: Arc<Document>, granted: Option<Reach>) -> Self {
        Self { document, granted }
    }
}

#[Object(use_type_description)]
impl Order {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// The storefront that it was placed in. Backend (storefronts:read), or the customer itself; else FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<Storefront> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.granted.as_ref(), &self.document.storefront_id).await
    }

    /// The store's order number, unique in its storefront.
    async fn number(&self) -> &str {
        &self.document.number
    }

    /// Who ordered; null for a guest's order, once the customer's account is removed, and for a backend without
    /// customers:read.
    async fn customer(&self, ctx: &Context<'_>) -> Option<Result<Customer>> {
        let id = self.document.customer_id.as_ref()?;
        let load = async { customer_behind(RequestContext::of(ctx)?, self.granted.as_ref(), id).await };
        load.await.transpose()
    }

    /// What became of it.
    async fn status(&self) -> OrderStatus {
        self.document.status
    }

    /// What is to be paid: the store's own figure.
    async fn total(&self) -> Money {
        Money::from(self.document.total)
    }

    /// What was ordered, in the order in which it was sent.
    async fn lines(&self) -> Vec<OrderLine> {
        self.document.lines.iter().map(OrderLine::from).collect()
    }

    /// Where it goes: the order's own copy, which later edits do not change. Null once the customer's data is erased.
    async fn shipping_address(&self) -> Option<OrderAddress> {
        let personal = self.document.personal.as_ref()?;
        Some(OrderAddress(personal.shipping_address.clone()))
    }

    /// Where the invoice goes: the order's own copy, which later edits do not change. Null once the customer's data is erased.
    async fn billing_address(&self) -> Option<OrderAddress> {
        let personal = self.document.personal.as_ref()?;
        Some(OrderAddress(personal.billing_address.clone()))
    }

    /// The e-mail address that was given with the order; null when none was, and once the customer's data is erased.
    async fn email(&self) -> Option<&str> {
        self.document.personal.as_ref()?.email.as_deref()
    }

    /// When it was ordered, by the store's account.
    async fn placed_at(&self) -> Timestamp {
        self.document.placed_at
    }

    /// When it was cancelled; null as long as it is not.
    async fn cancelled_at(&self) -> Option<Timestamp> {
        self.document.cancelled_at
    }

    /// When it was recorded here.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }
}

/// An amount of money.
#[derive(SimpleObject)]
pub struct Money {
    /// How much, with as many decimals as it was sent with.
    amount: Decimal,
    /// Of which currency.
    currency_code: CurrencyCode,
}

impl From<MoneyValue> for Money {
    fn from(value: MoneyValue) -> Self {
        let MoneyValue {
            amount,
            currency_code,
        } = value;
        Self {
            amount,
            currency_code,
        }
    }
}

/// One line of an order.
#[derive(SimpleObject)]
pub struct OrderLine {
    /// The store's name for the article.
    sku: String,
    /// The article's name, as it was when it was ordered.
    name: String,
    /// How many.
    quantity: i32,
    /// What one of them cost; less than nothing for a discount.
    unit_price: Money,
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
            unit_price: Money::from(*unit_price),
        }
    }
}

/// An address as an order keeps it.
#[derive(Description)]
pub struct OrderAddress(Content);

#[Object(use_type_description)]
impl OrderAddress {
    /// How the person likes to be addressed.
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

    /// Company.
    async fn company(&self) -> Option<&str> {
        self.0.company.as_deref()
    }

    /// First line: street and number.
    async fn address1(&self) -> &str {
        &self.0.address1
    }

    /// Second line.
    async fn address2(&self) -> Option<&str> {
        self.0.address2.as_deref()
    }

    /// Third line.
    async fn address3(&self) -> Option<&str> {
        self.0.address3.as_deref()
    }

    /// Zip code, with its leading zeros.
    async fn zip_code(&self) -> Option<&str> {
        self.0.zip_code.as_deref()
    }

    /// City.
    async fn city(&self) -> &str {
        &self.0.city
    }

    /// State, province or the like.
    async fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// Country, by its code.
    async fn iso2_code(&self) -> CountryCode {
        self.0.iso2_code
    }

    /// Display name of the country: as sent, else from iso2Code.
    async fn country(&self) -> &str {
        self.0.country_name()
    }

    /// Phone number.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }
}

/// The order with this id, for `node`.
pub async fn node(context: &RequestContext, id: &str) -> Result<Option<Order>> {
    let (Some(id), Ok(reach)) = (OrderId::parse(id), context.reach(&READ)) else {
        return Ok(None);
    };
    Ok(context.by_id::<Document>(&reach, &id).await?.map(Order::new))
}
