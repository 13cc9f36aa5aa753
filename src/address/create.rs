//! `customerAddressCreate`: adds an address to a customer.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::country::CountryCode;
use super::defaults::{Defaults, Flags};
use super::node::{AddressNode, AddressOfCustomer};
use super::store::Addresses;
use super::{Address, AddressContent, MAX_TEXT, WRITE};
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::{Salutation, named::customer_to_change, node::CustomerNode, refusal::save_failed};
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::{AddressId, CustomerId},
    text::TextChecks,
};
use crate::reach::Reach;

/// Input of `customerAddressCreate`: the new address.
/// Each string has at most 255 characters, contains no control characters and is stored verbatim. An optional field
/// that is null counts as omitted. The first address of a customer becomes both defaults, whatever the flags say.
#[derive(InputObject)]
pub struct CustomerAddressCreateInput {
    /// Id of the customer; required with an integration token or client secret (CUSTOMER_REFERENCE_MISSING).
    customer_id: Option<ID>,
    /// Label of the address, such as `home` or `office`.
    label: Option<String>,
    /// The address itself.
    #[graphql(flatten)]
    address: AddressContentInput,
    /// Whether the address becomes the default shipping address; true if omitted.
    #[graphql(default_with = "Some(true)")]
    is_default_shipping: Option<bool>,
    /// Whether the address becomes the default billing address; true if omitted.
    #[graphql(default_with = "Some(true)")]
    is_default_billing: Option<bool>,
}

// `CustomerAddressCreateInput` contains these fields too.
/// A postal address of an order.
/// Each string has at most 255 characters, contains no control characters and is stored verbatim. An optional field
/// that is null counts as omitted.
#[derive(InputObject)]
#[graphql(name = "OrderAddressInput")]
pub struct AddressContentInput {
    /// Salutation.
    salutation: Option<Salutation>,
    /// First name; must not be blank.
    first_name: String,
    /// Last name; must not be blank.
    last_name: String,
    /// Company.
    company: Option<String>,
    /// First address line: street and number; must not be blank.
    address1: String,
    /// Second address line.
    address2: Option<String>,
    /// Third address line.
    address3: Option<String>,
    /// Postal code, whose leading zeros are kept.
    zip_code: Option<String>,
    /// City; must not be blank.
    city: String,
    /// State, province or similar region.
    region: Option<String>,
    /// Country code.
    iso2_code: CountryCode,
    /// Display name of the country; must not be blank. Default: the English name for `iso2Code`.
    country: Option<String>,
    /// Phone number.
    phone: Option<String>,
}

mutation! {
    /// Adds an address to a customer.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, REQUIRED,
    /// TOO_LONG, INVALID, SAVE_FAILED (409).
    /// The address becomes the default for shipping and billing unless its flags say otherwise. The first address
    /// always becomes both.
    CustomerAddressCreate.customer_address_create = create(
        #[graphql(desc = "The address to add.")] input: CustomerAddressCreateInput,
    ) -> CustomerAddressCreatePayload;

    /// Payload of `customerAddressCreate`.
    payload {
        /// The new address; null when there are user errors.
        address: AddressNode,
        /// The customer as stored after the change; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn create(
    context: &Arc<RequestContext>,
    input: CustomerAddressCreateInput,
) -> Result<CustomerAddressCreatePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let customer = customer_to_change(context, &reach, input.customer_id.as_ref()).await;
    let customer = faults.absorb(customer)?;
    let flags = Flags {
        shipping: input.is_default_shipping,
        billing: input.is_default_billing,
    };
    let mut check = TextChecks {
        faults: &mut faults,
        max: MAX_TEXT,
    };
    let label = check.optional(input.label, "label");
    let content = input.address.checked(&mut check);
    let (customer, content) = faults.finish((customer, content))?;
    let addition = Addition {
        app: &context.app,
        reach: &reach,
        customer: customer.id,
        content: AddressContent { label, ..content },
        flags,
    };
    let (address, customer) = addition.run().await?.shown(&reach);
    Ok(CustomerAddressCreatePayload::of(address, customer))
}

impl AddressContentInput {
    /// Returns the content without a label; `None` if a required part is missing. Adds REQUIRED, TOO_LONG and INVALID.
    pub fn checked(self, check: &mut TextChecks<'_>) -> Option<AddressContent> {
        let first_name = check.required(&self.first_name, "firstName");
        let last_name = check.required(&self.last_name, "lastName");
        let company = check.optional(self.company, "company");
        let address1 = check.required(&self.address1, "address1");
        let address2 = check.optional(self.address2, "address2");
        let address3 = check.optional(self.address3, "address3");
        let zip_code = check.optional(self.zip_code, "zipCode");
        let city = check.required(&self.city, "city");
        let region = check.optional(self.region, "region");
        let country = self.country.and_then(|name| check.required(&name, "country"));
        let phone = check.optional(self.phone, "phone");
        Some(AddressContent {
            label: None,
            salutation: self.salutation,
            first_name: first_name?,
            last_name: last_name?,
            company,
            address1: address1?,
            address2,
            address3,
            zip_code,
            city: city?,
            region,
            iso2_code: self.iso2_code,
            country,
            phone,
        })
    }
}

/// The write that adds an address and chooses the customer's defaults.
pub struct Addition<'a> {
    /// The app.
    pub app: &'a App,
    /// The reach of the caller.
    pub reach: &'a Reach,
    /// The customer.
    pub customer: CustomerId,
    /// The checked content.
    pub content: AddressContent,
    /// Whether the address becomes a default.
    pub flags: Flags,
}

impl Addition<'_> {
    /// Adds the address.
    ///
    /// # Errors
    /// CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, SAVE_FAILED (409).
    pub async fn run(&self) -> Result<AddressOfCustomer> {
        let written = self.app.database.run(self).await;
        written.map_err(|error| save_failed(error, 409))
    }
}

impl Write for Addition<'_> {
    type Output = AddressOfCustomer;

    async fn write(&self, tx: &mut Tx) -> Result<AddressOfCustomer> {
        let addresses = Addresses::of(self.app, self.reach);
        let customer = addresses.customer_in(tx, &self.customer).await?;
        // Read after the customer's state, so that of two concurrent calls the later one creates the younger address.
        let now = self.app.clock.now();
        let address = Address {
            id: AddressId::fresh(now, &self.app.random),
            storefront_id: customer.storefront_id.clone(),
            user_id: customer.user_id.clone(),
            customer_id: customer.id.clone(),
            content: self.content.clone(),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let defaults = Defaults::of(&customer).with(&address.id, self.flags);
        let customer = addresses.change_customer_in(tx, &customer, defaults, now).await?;
        addresses.open().insert_in(tx, self.reach, &address).await?;
        let entry = customer.entry(Action::AddressCreated).on(&address.id);
        self.app.audit.note_in(tx, self.reach, [entry]).await?;
        Ok(AddressOfCustomer { address, customer })
    }
}
