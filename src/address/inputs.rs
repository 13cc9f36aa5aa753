//! Inputs and payloads of the addresses' mutations, and the checks of the inputs.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::country::CountryCode;
use super::node::AddressNode;
use super::update::AddressChanges;
use super::{AddressContent, Flags, MAX_TEXT};
use crate::customer::node::CustomerNode;
use crate::customer::{Salutation, mutations::sent, refusal};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::text;

/// Input of `customerAddressCreate`: the new address.
/// Each string has at most 255 characters, contains no control characters and is stored verbatim. An optional field
/// that is null counts as omitted. The first address of a customer becomes both defaults, whatever the flags say.
#[derive(InputObject)]
pub struct CustomerAddressCreateInput {
    /// Id of the customer; required with an integration token or client secret (CUSTOMER_REFERENCE_MISSING).
    pub(super) customer_id: Option<ID>,
    /// Label of the address, such as `home` or `office`.
    label: Option<String>,
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
    /// Whether the address becomes the default shipping address; true if omitted.
    #[graphql(default_with = "Some(true)")]
    is_default_shipping: Option<bool>,
    /// Whether the address becomes the default billing address; true if omitted.
    #[graphql(default_with = "Some(true)")]
    is_default_billing: Option<bool>,
}

impl CustomerAddressCreateInput {
    /// The content of the new address, and whether it becomes a default; `None` if errors were noted in `faults`.
    pub(super) fn checked(self, faults: &mut Faults) -> Option<(AddressContent, Flags)> {
        let mut check = Check(faults);
        let label = check.optional(self.label, "label");
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
        let content = AddressContent {
            label,
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
        };
        let flags = Flags {
            shipping: self.is_default_shipping,
            billing: self.is_default_billing,
        };
        Some((content, flags))
    }
}

/// Checks the texts of an address, and notes the errors.
pub struct Check<'f>(pub &'f mut Faults);

impl Check<'_> {
    /// A text that must not be blank.
    pub fn required(&mut self, value: &str, field: &str) -> Option<String> {
        self.0.take(text::required(value, field, MAX_TEXT))
    }

    /// A text that may be missing.
    pub fn optional(&mut self, value: Option<String>, field: &str) -> Option<String> {
        self.0.take(text::optional(&value?, field, MAX_TEXT))
    }

    /// A change of a text that must not be blank; null counts as blank.
    fn change(&mut self, value: MaybeUndefined<String>, field: &str) -> Option<String> {
        self.required(&sent(value)?.unwrap_or_default(), field)
    }

    /// A change of a text that can be removed.
    fn change_or_clear(&mut self, value: MaybeUndefined<String>, field: &str) -> Option<Option<String>> {
        Some(self.optional(sent(value)?, field))
    }
}

/// Payload of `customerAddressCreate`.
#[derive(SimpleObject)]
pub struct CustomerAddressCreatePayload {
    /// The new address; null when there are user errors.
    pub(super) address: Option<AddressNode>,
    /// The customer as stored after the change; null when there are user errors.
    pub(super) customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerAddressUpdate`: the address and its new values.
/// Omitted fields are unchanged. Null removes a value, and is rejected (REQUIRED) for a field that cannot be removed.
/// Each string has at most 255 characters, contains no control characters and is stored verbatim.
/// A customer with addresses always has both defaults: false on the current default makes the customer's oldest other
/// address the default, and is rejected (INVALID) if there is none.
#[derive(InputObject)]
pub struct CustomerAddressUpdateInput {
    /// Id of the address.
    pub(super) id: ID,
    /// Id of the customer; required with an integration token or client secret (CUSTOMER_REFERENCE_MISSING).
    pub(super) customer_id: Option<ID>,
    /// Expected `version` of the address; the update is rejected (VERSION_CONFLICT) if the stored version differs.
    pub(super) expected_version: Option<i32>,
    /// Label of the address, such as `home` or `office`; null removes it.
    label: MaybeUndefined<String>,
    /// Salutation; null removes it.
    salutation: MaybeUndefined<Salutation>,
    /// First name; cannot be removed.
    first_name: MaybeUndefined<String>,
    /// Last name; cannot be removed.
    last_name: MaybeUndefined<String>,
    /// Company; null removes it.
    company: MaybeUndefined<String>,
    /// First address line: street and number; cannot be removed.
    address1: MaybeUndefined<String>,
    /// Second address line; null removes it.
    address2: MaybeUndefined<String>,
    /// Third address line; null removes it.
    address3: MaybeUndefined<String>,
    /// Postal code, whose leading zeros are kept; null removes it.
    zip_code: MaybeUndefined<String>,
    /// City; cannot be removed.
    city: MaybeUndefined<String>,
    /// State, province or similar region; null removes it.
    region: MaybeUndefined<String>,
    /// Country code; cannot be removed. A `country` that was sent before stays until it is changed or removed.
    iso2_code: MaybeUndefined<CountryCode>,
    /// Display name of the country; must not be blank. Null restores the English name for `iso2Code`.
    country: MaybeUndefined<String>,
    /// Phone number; null removes it.
    phone: MaybeUndefined<String>,
    /// Whether the address is the default shipping address. If false for the present default, the customer's oldest
    /// other address becomes the default. Null changes nothing.
    is_default_shipping: Option<bool>,
    /// Whether the address is the default billing address. If false for the present default, the customer's oldest
    /// other address becomes the default. Null changes nothing.
    is_default_billing: Option<bool>,
}

impl CustomerAddressUpdateInput {
    fn names_nothing(&self) -> bool {
        let texts = [
            &self.label,
            &self.first_name,
            &self.last_name,
            &self.company,
            &self.address1,
            &self.address2,
            &self.address3,
            &self.zip_code,
            &self.city,
            &self.region,
            &self.country,
            &self.phone,
        ];
        texts.iter().all(|text| text.is_undefined())
            && self.salutation.is_undefined()
            && self.iso2_code.is_undefined()
            && self.flags().is_empty()
    }

    const fn flags(&self) -> Flags {
        Flags {
            shipping: self.is_default_shipping,
            billing: self.is_default_billing,
        }
    }

    /// The checked changes; not usable if errors were noted in `faults`.
    pub(super) fn checked(self, faults: &mut Faults) -> AddressChanges {
        if self.names_nothing() {
            faults.push(refusal::no_changes());
        }
        let flags = self.flags();
        let mut check = Check(faults);
        AddressChanges {
            label: check.change_or_clear(self.label, "label"),
            salutation: sent(self.salutation),
            first_name: check.change(self.first_name, "firstName"),
            last_name: check.change(self.last_name, "lastName"),
            company: check.change_or_clear(self.company, "company"),
            address1: check.change(self.address1, "address1"),
            address2: check.change_or_clear(self.address2, "address2"),
            address3: check.change_or_clear(self.address3, "address3"),
            zip_code: check.change_or_clear(self.zip_code, "zipCode"),
            city: check.change(self.city, "city"),
            region: check.change_or_clear(self.region, "region"),
            iso2_code: sent(self.iso2_code).and_then(|code| check.0.take(code.ok_or_else(country_required))),
            country: sent(self.country).map(|name| name.and_then(|name| check.required(&name, "country"))),
            phone: check.change_or_clear(self.phone, "phone"),
            flags,
        }
    }
}

fn country_required() -> UserError {
    let message = "An address is in some country: iso2Code cannot be cleared.";
    UserError::new(UserErrorCode::Required, ["iso2Code"], message)
}

/// Payload of `customerAddressUpdate`.
#[derive(SimpleObject)]
pub struct CustomerAddressUpdatePayload {
    /// The address as stored after the update; null when there are user errors.
    pub(super) address: Option<AddressNode>,
    /// The customer as stored after the change; null when there are user errors.
    pub(super) customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerAddressDelete`: the address to delete.
/// If it is a default, the customer's oldest remaining address becomes the default.
#[derive(InputObject)]
pub struct CustomerAddressDeleteInput {
    /// Id of the address.
    pub(super) id: ID,
    /// Id of the customer; required with an integration token or client secret (CUSTOMER_REFERENCE_MISSING).
    pub(super) customer_id: Option<ID>,
}

/// Payload of `customerAddressDelete`.
#[derive(SimpleObject)]
pub struct CustomerAddressDeletePayload {
    /// Id of the deleted address; null when there are user errors.
    pub(super) deleted_address_id: Option<ID>,
    /// The customer as stored after the change; null when there are user errors.
    pub(super) customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}
