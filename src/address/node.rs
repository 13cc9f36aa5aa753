//! The GraphQL node of addresses, and a customer's address book.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::country::CountryCode;
use super::defaults::Defaults;
use super::{Address, AddressContent, store};
use crate::context::{GlobalNode, RequestContext, behind::Behind};
use crate::customer::{
    Customer, Salutation,
    node::{CustomerNode, READ},
};
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    id::AddressId,
    page::{Connection, PageArgs},
    scalar::wire_count,
};
use crate::reach::{Reach, seen::Seen};

/// A postal address of a customer.
/// Requires an integration token or client secret with the scope `customers:read`, or the token of this customer or of
/// its storefront user.
#[derive(Clone, Description)]
pub struct AddressNode {
    address: Seen<Address>,
    /// The customer, if it is already loaded.
    customer: Option<Arc<Customer>>,
}

impl AddressNode {
    /// The node of an address whose customer is loaded.
    #[must_use]
    pub fn of(address: Seen<Address>, customer: Arc<Customer>) -> Self {
        Self {
            address,
            customer: Some(customer),
        }
    }

    async fn holder(&self, ctx: &Context<'_>) -> Result<Arc<Customer>> {
        if let Some(customer) = &self.customer {
            return Ok(Arc::clone(customer));
        }
        let context = RequestContext::of(ctx)?;
        let reach = self.address.sight().reach(&context.principal, &READ)?;
        let found = context.by_id::<Customer>(&reach, &self.address.customer_id);
        let removed = || Error::Forbidden("The address's customer is being removed.".to_owned());
        found.await?.ok_or_else(removed)
    }
}

#[Object(name = "Address", use_type_description)]
impl AddressNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.address.id)
    }

    /// Customer that the address belongs to.
    async fn customer(&self, ctx: &Context<'_>) -> Result<CustomerNode> {
        Ok(CustomerNode::seen(self.address.beside(self.holder(ctx).await?)))
    }

    /// Label that the customer chose, such as `home` or `office`; null if not set.
    async fn label(&self) -> Option<&str> {
        self.address.content.label.as_deref()
    }

    #[graphql(flatten)]
    async fn content(&self) -> &AddressContent {
        &self.address.content
    }

    /// Whether this is the customer's default shipping address.
    async fn is_default_shipping(&self, ctx: &Context<'_>) -> Result<bool> {
        let defaults = Defaults::of(&*self.holder(ctx).await?);
        Ok(defaults.shipping.as_ref() == Some(&self.address.id))
    }

    /// Whether this is the customer's default billing address.
    async fn is_default_billing(&self, ctx: &Context<'_>) -> Result<bool> {
        let defaults = Defaults::of(&*self.holder(ctx).await?);
        Ok(defaults.billing.as_ref() == Some(&self.address.id))
    }

    /// Time at which the address was added.
    async fn created_at(&self) -> Timestamp {
        self.address.created_at
    }

    /// Time of the last update of this address; equal to `createdAt` before the first update.
    async fn updated_at(&self) -> Timestamp {
        self.address.updated_at
    }

    /// Version number, which increases with each update of this address, but not when another address becomes a
    /// default. Pass it as `expectedVersion` to detect concurrent changes.
    async fn version(&self) -> i32 {
        wire_count(self.address.version)
    }
}

// `Address` contains these fields too.
/// A postal address, as an order keeps it.
#[Object(name = "OrderAddress")]
impl AddressContent {
    /// Salutation; null if not set.
    async fn salutation(&self) -> Option<Salutation> {
        self.salutation
    }

    /// First name.
    async fn first_name(&self) -> &str {
        &self.first_name
    }

    /// Last name.
    async fn last_name(&self) -> &str {
        &self.last_name
    }

    /// Company; null if not set.
    async fn company(&self) -> Option<&str> {
        self.company.as_deref()
    }

    /// First address line: street and number.
    async fn address1(&self) -> &str {
        &self.address1
    }

    /// Second address line; null if not set.
    async fn address2(&self) -> Option<&str> {
        self.address2.as_deref()
    }

    /// Third address line; null if not set.
    async fn address3(&self) -> Option<&str> {
        self.address3.as_deref()
    }

    /// Postal code, with leading zeros; null if not set.
    async fn zip_code(&self) -> Option<&str> {
        self.zip_code.as_deref()
    }

    /// City.
    async fn city(&self) -> &str {
        &self.city
    }

    /// State, province or similar region; null if not set.
    async fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Country code.
    async fn iso2_code(&self) -> CountryCode {
        self.iso2_code
    }

    /// Display name of the country: the one that was sent, or the English name for `iso2Code`.
    async fn country(&self) -> &str {
        self.country.as_deref().unwrap_or(self.iso2_code.name())
    }

    /// Phone number; null if not set.
    async fn phone(&self) -> Option<&str> {
        self.phone.as_deref()
    }
}

/// An address and its customer, as a write has stored them.
pub struct AddressOfCustomer {
    /// The address.
    pub address: Address,
    /// The customer.
    pub customer: Customer,
}

impl AddressOfCustomer {
    /// Returns the nodes for a payload.
    #[must_use]
    pub fn shown(self, reach: &Reach) -> (AddressNode, CustomerNode) {
        let Self { address, customer } = self;
        let shown_with = reach.showing_customer(&customer.user_id);
        let customer = Seen::in_payload(customer, shown_with);
        let address = customer.beside(Arc::new(address));
        let address = AddressNode::of(address, Arc::clone(customer.document()));
        (address, CustomerNode::seen(customer))
    }
}

/// The addresses of one customer, within `reach`.
pub struct AddressBook<'a> {
    /// The request.
    pub context: &'a Arc<RequestContext>,
    /// The reach for the addresses.
    pub reach: Reach,
    /// The customer.
    pub customer: &'a Seen<Customer>,
}

impl AddressBook<'_> {
    fn node(&self, address: Arc<Address>) -> AddressNode {
        AddressNode::of(
            self.customer.beside(address),
            Arc::clone(self.customer.document()),
        )
    }

    fn behind(&self) -> Behind<'_, Customer> {
        Behind {
            context: self.context,
            parent: &**self.customer,
        }
    }

    /// The address with this id; `None` when the customer has none.
    pub async fn find(&self, id: &AddressId) -> Result<Option<AddressNode>> {
        let found = self.context.by_id::<Address>(&self.reach, id).await?;
        let own = found.filter(|address| address.customer_id == self.customer.id);
        Ok(own.map(|address| self.node(address)))
    }

    /// The default address for shipping; `None` if the customer has no addresses. Both defaults are read together with
    /// the pages.
    pub async fn default_shipping(&self) -> Result<Option<AddressNode>> {
        self.default(Defaults::of(self.customer).shipping, store::DEFAULT_SHIPPING)
            .await
    }

    /// The default address for billing; `None` if the customer has no addresses.
    pub async fn default_billing(&self) -> Result<Option<AddressNode>> {
        self.default(Defaults::of(self.customer).billing, store::DEFAULT_BILLING)
            .await
    }

    async fn default(&self, known: Option<AddressId>, field: &'static str) -> Result<Option<AddressNode>> {
        if known.is_none() {
            return Ok(None);
        }
        let found = self.behind().named::<Address>(&self.reach, field).await?;
        Ok(found.map(|address| self.node(Arc::new(address))))
    }

    /// A page, oldest first; one command reads the pages and defaults of all customers of a level.
    pub async fn page(&self, args: &PageArgs) -> Result<Connection<AddressNode>> {
        let node = |address: Arc<Address>| self.node(address);
        self.behind().list(&self.reach, &self.reach, args, node).await
    }
}

impl GlobalNode for AddressNode {
    type Id = AddressId;

    async fn find(context: &RequestContext, id: &AddressId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        let found = context.by_id::<Address>(&reach, id).await?;
        Ok(found.map(|address| AddressNode {
            address: Seen::by_policy(address),
            customer: None,
        }))
    }
}
