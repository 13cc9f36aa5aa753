//! The GraphQL node of addresses, and a customer's address book.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};
use bson::RawDocument;

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
use crate::read::direct::{DirectObject, ObjectShape, fields, parsed, write_text};

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

fields! {
    /// The fields of an address that its document contains, without its content.
    AddressFields of Address {
        /// Label that the customer chose, such as `home` or `office`; null if not set.
        label: Option<&str> = "label" => |address| address.content.label.as_deref();

        /// Time at which the address was added.
        created_at: Timestamp = "createdAt" => |address| address.created_at;

        /// Time of the last update of this address; equal to `createdAt` before the first update.
        updated_at: Timestamp = "updatedAt" => |address| address.updated_at;

        /// Version number, which increases with each update of this address, but not when another address becomes a
        /// default. Pass it as `expectedVersion` to detect concurrent changes.
        version: i32 = "version" => |address| wire_count(address.version);
    }
}

fields! {
    /// A postal address, as an order keeps it.
    AddressContentNode of AddressContent as "OrderAddress" {
        /// Salutation; null if not set.
        salutation: Option<Salutation> = "salutation" => |address| address.salutation;

        /// First name.
        first_name: &str = "firstName" => |address| &address.first_name;

        /// Last name.
        last_name: &str = "lastName" => |address| &address.last_name;

        /// Company; null if not set.
        company: Option<&str> = "company" => |address| address.company.as_deref();

        /// First address line: street and number.
        address1: &str = "address1" => |address| &address.address1;

        /// Second address line; null if not set.
        address2: Option<&str> = "address2" => |address| address.address2.as_deref();

        /// Third address line; null if not set.
        address3: Option<&str> = "address3" => |address| address.address3.as_deref();

        /// Postal code, with leading zeros; null if not set.
        zip_code: Option<&str> = "zipCode" => |address| address.zip_code.as_deref();

        /// City.
        city: &str = "city" => |address| &address.city;

        /// State, province or similar region; null if not set.
        region: Option<&str> = "region" => |address| address.region.as_deref();

        /// Country code.
        iso2_code: CountryCode = "iso2Code" => |address| address.iso2_code;

        /// Display name of the country: the one that was sent, or the English name for `iso2Code`.
        country: &str = ["country", "iso2Code"] country => |address| address.country.as_deref().unwrap_or(address.iso2_code.name());

        /// Phone number; null if not set.
        phone: Option<&str> = "phone" => |address| address.phone.as_deref();
    }
}

impl DirectObject for AddressNode {
    const OBJECT: ObjectShape = ObjectShape {
        name: "Address",
        fields: &[AddressFields::stored, AddressContentNode::stored],
        lists: &[],
    };
}

/// Writes the name of the country: the one that was sent, or that of the code.
fn country(address: &RawDocument, out: &mut Vec<u8>) -> bool {
    if let Ok(name) = address.get_str("country") {
        return write_text(name, out);
    }
    let code = address
        .get("iso2Code")
        .ok()
        .flatten()
        .and_then(parsed::<CountryCode>);
    code.is_some_and(|code| write_text(code.name(), out))
}

#[Object(name = "Address", use_type_description)]
impl AddressNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.address.id)
    }

    #[graphql(flatten)]
    async fn stored(&self) -> AddressFields<'_> {
        AddressFields(&self.address)
    }

    #[graphql(flatten)]
    async fn content(&self) -> AddressContentNode<'_> {
        AddressContentNode(&self.address.content)
    }

    /// Customer that the address belongs to.
    async fn customer(&self, ctx: &Context<'_>) -> Result<CustomerNode> {
        Ok(CustomerNode::seen(self.address.beside(self.holder(ctx).await?)))
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

    /// The default address for shipping; `None` if the customer has no addresses. One command reads both defaults
    /// of all customers of a level.
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
        Ok(found.map(|address| self.node(address)))
    }

    /// A page, oldest first; at most two commands read the pages of all customers of a
    /// level.
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
