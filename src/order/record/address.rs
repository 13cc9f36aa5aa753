//! The two addresses of an order: how `orderRecord` receives them, and the copies that the order keeps.

use async_graphql::{ID, InputObject};
use serde::Serialize;

use crate::address::{self, AddressContent, country::CountryCode, store::Addresses};
use crate::customer::{Customer, Salutation};
use crate::error::{Faults, Result, UserError};
use crate::order::address_role::AddressRole;
use crate::order::refusal;
use crate::platform::{
    database::Tx,
    id::{AddressId, Id},
    text::TextChecks,
};

/// A postal address of an order.
/// Each string has at most 255 characters, contains no control characters and is stored verbatim. An optional field
/// that is null counts as omitted.
#[derive(InputObject)]
pub struct OrderAddressInput {
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

impl OrderAddressInput {
    /// Returns the content of the address; `None` if an error was added. The paths of the errors begin with `field`.
    fn checked(self, field: &str, faults: &mut Faults) -> Option<AddressContent> {
        let mut inside = Faults::default();
        let mut check = TextChecks {
            faults: &mut inside,
            max: address::MAX_TEXT,
        };
        let first_name = check.required(&self.first_name, "firstName");
        let last_name = check.required(&self.last_name, "lastName");
        let company = check.optional(self.company, "company");
        let address1 = check.required(&self.address1, "address1");
        let address2 = check.optional(self.address2, "address2");
        let address3 = check.optional(self.address3, "address3");
        let zip_code = check.optional(self.zip_code, "zipCode");
        let city = check.required(&self.city, "city");
        let region = check.optional(self.region, "region");
        let country = self.country.map(|name| check.required(&name, "country"));
        let phone = check.optional(self.phone, "phone");
        let is_good = inside.is_empty();
        faults.push_within(&[field], inside);
        is_good.then_some(AddressContent {
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
            country: country.flatten(),
            phone,
        })
    }
}

/// What an input sends for one of the two addresses.
pub(super) struct SentAddress {
    /// Which address.
    pub role: AddressRole,
    /// The address in full.
    pub full: Option<OrderAddressInput>,
    /// The id of one of the customer's addresses.
    pub id: Option<ID>,
}

impl SentAddress {
    /// Returns where the order takes the address from; `None` if an error was added. The order of a guest needs the
    /// address in full.
    pub(super) fn checked(self, is_guest: bool, faults: &mut Faults) -> Option<AddressSource> {
        let Self { role, full, id } = self;
        let is_full = full.is_some();
        // Checked in any case, so that all errors are reported.
        let full = full.and_then(|address| address.checked(role.field(), faults));
        let refused = match (is_full, id) {
            (true, None) => return full.map(Box::new).map(AddressSource::Full),
            (true, Some(_)) if is_guest => refusal::id_without_customer(role),
            (true, Some(_)) => refusal::address_twice(role),
            (false, None) if is_guest => refusal::address_required(role),
            (false, Some(_)) if is_guest => {
                faults.push(refusal::id_without_customer(role));
                refusal::address_required(role)
            }
            (false, None) => return Some(AddressSource::Default),
            (false, Some(id)) if id.trim().is_empty() => refusal::address_id_missing(role),
            (false, Some(id)) => match AddressId::parse(&id) {
                Some(id) => return Some(AddressSource::Book(id)),
                None => refusal::address_not_found(role),
            },
        };
        faults.push(refused);
        None
    }
}

/// Where an order takes one of its addresses from. Its serialized form is part of the hash by which repetitions are
/// identified, and must not change.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AddressSource {
    /// The input, in full.
    Full(Box<AddressContent>),
    /// The customer's address with this id.
    Book(AddressId),
    /// The customer's default address.
    Default,
}

impl AddressSource {
    /// Returns which of the customer's addresses is meant; `None` if the address is sent in full.
    ///
    /// # Errors
    /// REQUIRED if the default address is meant and the customer has none.
    fn stored_id<'a>(
        &'a self,
        role: AddressRole,
        customer: &'a Customer,
    ) -> Result<Option<&'a AddressId>, UserError> {
        let default = match role {
            AddressRole::Shipping => &customer.default_shipping_address_id,
            AddressRole::Billing => &customer.default_billing_address_id,
        };
        match self {
            Self::Full(_) => Ok(None),
            Self::Book(id) => Ok(Some(id)),
            Self::Default => default
                .as_ref()
                .map(Some)
                .ok_or_else(|| refusal::no_default(role)),
        }
    }

    /// Checks that the customer has the address, before anything is written, so that the error is reported together
    /// with all others (ERR-01).
    ///
    /// # Errors
    /// REQUIRED if the customer has no default address, ADDRESS_NOT_FOUND (404).
    pub(super) async fn check_exists(
        &self,
        role: AddressRole,
        customer: &Customer,
        addresses: &Addresses<'_>,
    ) -> Result<()> {
        let Some(id) = self.stored_id(role, customer)? else {
            return Ok(());
        };
        match addresses.find(&customer.id, id).await? {
            Some(_) => Ok(()),
            None => Err(refusal::address_not_found(role).into()),
        }
    }

    /// Returns the order's own copy of the address. `customer` is `None` for a guest.
    ///
    /// # Errors
    /// REQUIRED if the address of a guest is not sent in full or the customer has no default address,
    /// ADDRESS_NOT_FOUND (404).
    pub(super) async fn copy_in(
        &self,
        tx: &mut Tx,
        role: AddressRole,
        customer: Option<&Customer>,
        addresses: &Addresses<'_>,
    ) -> Result<AddressContent> {
        let customer = match (self, customer) {
            (Self::Full(content), _) => return Ok(AddressContent::clone(content)),
            (_, Some(customer)) => customer,
            (_, None) => return Err(refusal::address_required(role).into()),
        };
        let address = match self.stored_id(role, customer)? {
            Some(id) => addresses.find_in(tx, &customer.id, id).await?,
            None => None,
        };
        let address = address.ok_or_else(|| refusal::address_not_found(role))?;
        Ok(AddressContent {
            // The customer's label for the address does not belong to the order.
            label: None,
            ..address.content
        })
    }
}
