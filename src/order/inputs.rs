//! Inputs and payloads of the mutations of orders, and the checks of the inputs.

use async_graphql::{ID, InputObject, SimpleObject};

use super::currency::CurrencyCode;
use super::node::OrderNode;
use super::record::NewOrder;
use super::{Given, Line, MAX_LINES, MAX_TEXT, Money, Role, check_placed_at, refusal};
use crate::address::{self, AddressContent, country::CountryCode};
use crate::customer::{Salutation, email};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::text::TextChecks;
use crate::platform::{
    clock::Timestamp,
    decimal::Decimal,
    id::{AddressId, CustomerId, Id},
    text,
};

/// An amount of money.
#[derive(InputObject)]
pub struct MoneyInput {
    /// Amount, such as `"5.25"`.
    amount: Decimal,
    /// Currency of the amount.
    currency_code: CurrencyCode,
}

impl From<MoneyInput> for Money {
    fn from(
        MoneyInput {
            amount,
            currency_code,
        }: MoneyInput,
    ) -> Self {
        Self {
            amount,
            currency_code,
        }
    }
}

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
    /// Returns the content of the address; `None` if a fault was noted. Faults have `field` before their path.
    fn checked(self, faults: &mut Faults, field: &str) -> Option<AddressContent> {
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

/// A line of an order.
#[derive(InputObject)]
pub struct OrderLineInput {
    /// Article number of the online store (SKU): 1 to 255 characters, not blank.
    sku: String,
    /// Name of the article: 1 to 255 characters, not blank.
    name: String,
    /// Quantity of the article: 1 or more.
    quantity: i32,
    /// Price of one article. It may be negative, for a discount, and may have more decimals than the currency.
    unit_price: MoneyInput,
}

impl OrderLineInput {
    fn checked(self, faults: &mut Faults, index: usize) -> Option<Line> {
        let mut inside = Faults::default();
        let sku = inside.take(text::required(&self.sku, "sku", MAX_TEXT));
        let name = inside.take(text::required(&self.name, "name", MAX_TEXT));
        if self.quantity < 1 {
            let message = "A line's quantity must be 1 or more.";
            inside.push(UserError::new(UserErrorCode::Invalid, ["quantity"], message));
        }
        faults.push_within(&["lines", &index.to_string()], inside);
        Some(Line {
            sku: sku?,
            name: name?,
            quantity: self.quantity,
            unit_price: self.unit_price.into(),
        })
    }
}

/// Input of `orderRecord`: the order to record.
/// With `customerId`, each address is sent in full, sent as the id of one of the customer's addresses, or omitted,
/// which stands for the customer's default address. Without `customerId`, the order is that of a guest and needs both
/// addresses in full.
#[derive(InputObject)]
pub struct OrderRecordInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Order number of the online store: 1 to 255 characters, not blank, unique in the storefront.
    number: String,
    /// Id of the customer that placed the order. Omitted or null for the order of a guest.
    pub(super) customer_id: Option<ID>,
    /// E-mail address that was given with the order.
    email: Option<String>,
    /// Shipping address in full.
    shipping_address: Option<OrderAddressInput>,
    /// Shipping address as the id of one of the customer's addresses.
    shipping_address_id: Option<ID>,
    /// Billing address in full.
    billing_address: Option<OrderAddressInput>,
    /// Billing address as the id of one of the customer's addresses.
    billing_address_id: Option<ID>,
    /// Lines of the order: 1 to 1,000.
    lines: Vec<OrderLineInput>,
    /// Amount to pay, as the online store calculated it. It is not checked against the lines. It must be 0 or more and
    /// must not have more decimals than its currency.
    total: MoneyInput,
    /// Time at which the order was placed: since 1970, at most 5 minutes in the future. Default: the current time.
    placed_at: Option<Timestamp>,
}

/// The parts of an input that passed the checks.
pub(super) struct Checked {
    number: Option<String>,
    email: Option<String>,
    /// Shipping, billing.
    pub(super) addresses: [Option<Given>; 2],
    lines: Option<Vec<Line>>,
    total: Option<Money>,
    placed_at: Option<Timestamp>,
}

impl OrderRecordInput {
    /// Checks everything except the addresses that are given by id, and notes what is wrong.
    pub(super) fn checked(self, faults: &mut Faults, now: Timestamp) -> Checked {
        let number = faults.take(text::required(&self.number, "number", MAX_TEXT));
        let is_guest = self.customer_id.is_none();
        let email = self.email.as_deref();
        let email = email.and_then(|text| faults.take(email::check(text, "email")));
        let shipping = (self.shipping_address, self.shipping_address_id);
        let billing = (self.billing_address, self.billing_address_id);
        let addresses = [
            given(faults, Role::Shipping, shipping, is_guest),
            given(faults, Role::Billing, billing, is_guest),
        ];
        let lines = checked_lines(faults, self.lines);
        let total = faults.take(Money::from(self.total).as_total());
        let placed_at = self.placed_at;
        Checked {
            number,
            email: email.map(|email| email.written),
            addresses,
            lines,
            total,
            placed_at: placed_at.and_then(|sent| faults.take(check_placed_at(sent, now))),
        }
    }
}

impl Checked {
    /// Returns the order if every part passed the checks.
    pub(super) fn complete(self, customer_id: Option<CustomerId>) -> Option<NewOrder> {
        let [shipping, billing] = self.addresses;
        Some(NewOrder {
            number: self.number?,
            customer_id,
            email: self.email,
            shipping: shipping?,
            billing: billing?,
            lines: self.lines?,
            total: self.total?,
            placed_at: self.placed_at,
        })
    }
}

/// Returns how the input gives one of the two addresses; `None` if a fault was noted.
fn given(
    faults: &mut Faults,
    role: Role,
    (full, id): (Option<OrderAddressInput>, Option<ID>),
    is_guest: bool,
) -> Option<Given> {
    let is_full = full.is_some();
    // Checked in any case, so that all faults are reported.
    let full = full.and_then(|address| address.checked(faults, role.field()));
    let refused = match (is_full, id) {
        (true, None) => return full.map(Box::new).map(Given::Full),
        (true, Some(_)) if is_guest => refusal::id_without_customer(role),
        (true, Some(_)) => refusal::address_twice(role),
        (false, None) if is_guest => refusal::address_required(role),
        (false, Some(_)) if is_guest => {
            faults.push(refusal::id_without_customer(role));
            refusal::address_required(role)
        }
        (false, None) => return Some(Given::Default),
        (false, Some(id)) if id.trim().is_empty() => refusal::address_id_missing(role),
        (false, Some(id)) => match AddressId::parse(&id) {
            Some(id) => return Some(Given::Book(id)),
            None => refusal::address_not_found(role),
        },
    };
    faults.push(refused);
    None
}

fn checked_lines(faults: &mut Faults, lines: Vec<OrderLineInput>) -> Option<Vec<Line>> {
    if lines.is_empty() {
        let message = "An order needs at least one line.";
        faults.push(UserError::new(UserErrorCode::Required, ["lines"], message));
        return None;
    }
    if lines.len() > MAX_LINES {
        let message = format!("An order has at most {MAX_LINES} lines.");
        faults.push(UserError::new(UserErrorCode::TooLong, ["lines"], message));
        return None;
    }
    let lines = lines.into_iter().enumerate();
    // Every line is checked, so that all faults are reported.
    let checked: Vec<Option<Line>> = lines.map(|(index, line)| line.checked(faults, index)).collect();
    checked.into_iter().collect()
}

/// Payload of `orderRecord`.
#[derive(SimpleObject)]
pub struct OrderRecordPayload {
    /// The stored order; null when there are user errors.
    pub(super) order: Option<OrderNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `orderCancel`: the order to cancel.
#[derive(InputObject)]
pub struct OrderCancelInput {
    /// Id of the order.
    pub(super) id: ID,
}

/// Payload of `orderCancel`.
#[derive(SimpleObject)]
pub struct OrderCancelPayload {
    /// The order as stored after the cancellation; null when there are user errors.
    pub(super) order: Option<OrderNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}
