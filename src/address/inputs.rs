//! What addresses' mutations take and give, and what is checked of it.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::country::CountryCode;
use super::graphql::Address;
use super::update::Changes;
use super::{Content, Flags, MAX_TEXT};
use crate::customer::graphql::Customer;
use crate::customer::{Salutation, mutations::sent, refusal};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::text;

/// A new address. Default flags: true when absent; the first address is always both defaults. Each text has at most 255
/// characters, none of them a control character, and is kept verbatim.
#[derive(InputObject)]
pub struct CustomerAddressCreateInput {
    /// Which customer; needed by a backend.
    pub(super) customer_id: Option<ID>,
    /// What the customer calls it: home, office.
    label: Option<String>,
    /// How to address the person.
    salutation: Option<Salutation>,
    /// First name; not blank.
    first_name: String,
    /// Last name; not blank.
    last_name: String,
    /// Company.
    company: Option<String>,
    /// First line: street and number; not blank.
    address1: String,
    /// Second line.
    address2: Option<String>,
    /// Third line.
    address3: Option<String>,
    /// Zip code; leading zeros are kept.
    zip_code: Option<String>,
    /// City; not blank.
    city: String,
    /// State, province or the like.
    region: Option<String>,
    /// Country, by its code.
    iso2_code: CountryCode,
    /// The country's name as it is to be shown; not blank; else it follows from iso2Code.
    country: Option<String>,
    /// Phone number.
    phone: Option<String>,
    /// Whether orders go there from now on.
    #[graphql(default_with = "Some(true)")]
    is_default_shipping: Option<bool>,
    /// Whether invoices go there from now on.
    #[graphql(default_with = "Some(true)")]
    is_default_billing: Option<bool>,
}

impl CustomerAddressCreateInput {
    /// What the new address is to say, and whether it is to be a default; `None` where a fault was noted.
    pub(super) fn checked(self, faults: &mut Faults) -> Option<(Content, Flags)> {
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
        let content = Content {
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

/// The rules of an address's texts; what breaks one is noted.
pub struct Check<'f>(pub &'f mut Faults);

impl Check<'_> {
    /// A text that must say something.
    pub fn required(&mut self, value: &str, field: &str) -> Option<String> {
        self.0.take(text::required(value, field, MAX_TEXT))
    }

    /// A text that may be missing.
    pub fn optional(&mut self, value: Option<String>, field: &str) -> Option<String> {
        self.0.take(text::optional(&value?, field, MAX_TEXT))
    }

    /// A change of a text that must say something: null says nothing.
    fn change(&mut self, value: MaybeUndefined<String>, field: &str) -> Option<String> {
        self.required(&sent(value)?.unwrap_or_default(), field)
    }

    /// A change of a text that can be cleared.
    fn change_or_clear(&mut self, value: MaybeUndefined<String>, field: &str) -> Option<Option<String>> {
        Some(self.optional(sent(value)?, field))
    }
}

/// What adding an address came to.
#[derive(SimpleObject)]
pub struct CustomerAddressCreatePayload {
    /// The new address; null when there are user errors.
    pub(super) address: Option<Address>,
    /// Its customer as it is stored now.
    pub(super) customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// What to change. Absent fields stay as they are, the default flags too; null clears a clearable one. While a customer has
/// addresses it has both defaults: false on the current default moves it to the customer's oldest other address, and is
/// refused as INVALID where there is none.
#[derive(InputObject)]
pub struct CustomerAddressUpdateInput {
    /// Which address.
    pub(super) id: ID,
    /// Which customer; needed by a backend.
    pub(super) customer_id: Option<ID>,
    /// Refuse unless this is the address's stored version.
    pub(super) expected_version: Option<i32>,
    /// What the customer calls it: home, office.
    label: MaybeUndefined<String>,
    /// How to address the person.
    salutation: MaybeUndefined<Salutation>,
    /// First name; cannot be cleared.
    first_name: MaybeUndefined<String>,
    /// Last name; cannot be cleared.
    last_name: MaybeUndefined<String>,
    /// Company.
    company: MaybeUndefined<String>,
    /// First line: street and number; cannot be cleared.
    address1: MaybeUndefined<String>,
    /// Second line.
    address2: MaybeUndefined<String>,
    /// Third line.
    address3: MaybeUndefined<String>,
    /// Zip code; leading zeros are kept.
    zip_code: MaybeUndefined<String>,
    /// City; cannot be cleared.
    city: MaybeUndefined<String>,
    /// State, province or the like.
    region: MaybeUndefined<String>,
    /// Country, by its code; cannot be cleared. A name that was sent with another code stays until it is changed or
    /// cleared.
    iso2_code: MaybeUndefined<CountryCode>,
    /// The country's name as it is to be shown; null: from iso2Code again.
    country: MaybeUndefined<String>,
    /// Phone number.
    phone: MaybeUndefined<String>,
    /// true: orders go there from now on; false: to the oldest other address, where they went here.
    is_default_shipping: Option<bool>,
    /// true: invoices go there from now on; false: to the oldest other address, where they went here.
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

    /// What to change; worth nothing where a fault was noted.
    pub(super) fn checked(self, faults: &mut Faults) -> Changes {
        if self.names_nothing() {
            faults.push(refusal::no_changes());
        }
        let flags = self.flags();
        let mut check = Check(faults);
        Changes {
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

/// What changing an address came to.
#[derive(SimpleObject)]
pub struct CustomerAddressUpdatePayload {
    /// The address as it is stored now; null when there are user errors.
    pub(super) address: Option<Address>,
    /// Its customer as it is stored now.
    pub(super) customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Which address to remove. When a default goes, the customer's oldest remaining address takes its place.
#[derive(InputObject)]
pub struct CustomerAddressDeleteInput {
    /// Which address.
    pub(super) id: ID,
    /// Which customer; needed by a backend.
    pub(super) customer_id: Option<ID>,
}

/// What removing an address came to.
#[derive(SimpleObject)]
pub struct CustomerAddressDeletePayload {
    /// Id of the removed address; null when there are user errors.
    pub(super) deleted_address_id: Option<ID>,
    /// Its customer as it is stored now.
    pub(super) customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}
