//! What orders' mutations take and give, and what is checked of it.

use async_graphql::{ID, InputObject, SimpleObject};

use super::currency::CurrencyCode;
use super::graphql::Order;
use super::record::NewOrder;
use super::{Given, Line, MAX_LINES, MAX_TEXT, Money, Role, check_placed_at, refusal};
use crate::address::{Content, country::CountryCode, inputs::Check};
use crate::customer::{Salutation, email};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    decimal::Decimal,
    id::{AddressId, CustomerId, Id},
    text,
};

/// An amount of money.
#[derive(InputObject)]
pub struct MoneyInput {
    /// How much.
    amount: Decimal,
    /// Of which currency.
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

/// An address as an order keeps it. Each text has at most 255 characters, none of them a control character, and is kept
/// verbatim.
#[derive(InputObject)]
pub struct OrderAddressInput {
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
}

impl OrderAddressInput {
    /// What the address says; `None` where a fault was noted, with `field` before its path.
    fn checked(self, faults: &mut Faults, field: &str) -> Option<Content> {
        let mut inside = Faults::default();
        let mut check = Check(&mut inside);
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
        is_good.then_some(Content {
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

/// One line of an order.
#[derive(InputObject)]
pub struct OrderLineInput {
    /// The store's name for the article; not blank, at most 255 characters.
    sku: String,
    /// The article's name; not blank, at most 255 characters.
    name: String,
    /// How many; one or more.
    quantity: i32,
    /// What one of them costs. May be less than nothing, for a discount, and finer than the currency's smallest coin.
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

/// With customerId each address is given in full, by the id of one of the customer's addresses, or left out (their default).
/// Without it, a guest's order: both addresses in full, every time.
#[derive(InputObject)]
pub struct OrderRecordInput {
    /// Which storefront; needed where the credential covers several.
    pub(super) storefront_id: Option<ID>,
    /// The store's order number, unique in its storefront; not blank, at most 255 characters.
    number: String,
    /// Who ordered; left out for a guest.
    pub(super) customer_id: Option<ID>,
    /// The e-mail address that was given with the order.
    email: Option<String>,
    /// Where it goes, in full.
    shipping_address: Option<OrderAddressInput>,
    /// Where it goes, as one of the customer's addresses.
    shipping_address_id: Option<ID>,
    /// Where the invoice goes, in full.
    billing_address: Option<OrderAddressInput>,
    /// Where the invoice goes, as one of the customer's addresses.
    billing_address_id: Option<ID>,
    /// What was ordered: 1 to 1,000 lines.
    lines: Vec<OrderLineInput>,
    /// What is to be paid: the store's own figure, which is not checked against the lines. Not negative, and with at most as
    /// many decimals as its currency.
    total: MoneyInput,
    /// When it was ordered: since 1970, not in the future. Left out: now.
    placed_at: Option<Timestamp>,
}

/// What of an input was found good.
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
    /// What is to be recorded, checked but for what the addresses' ids stand for; what is wrong is noted.
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
    /// The order, where everything was found good.
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

/// How the input gives one of the two addresses; `None` where a fault was noted.
fn given(
    faults: &mut Faults,
    role: Role,
    (full, id): (Option<OrderAddressInput>, Option<ID>),
    is_guest: bool,
) -> Option<Given> {
    let is_full = full.is_some();
    // Looked at in any case, so that all faults are told.
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
    // Each is looked at, so that all faults are told.
    let checked: Vec<Option<Line>> = lines.map(|(index, line)| line.checked(faults, index)).collect();
    checked.into_iter().collect()
}

/// What recording an order came to.
#[derive(SimpleObject)]
pub struct OrderRecordPayload {
    /// The order as it is stored now; null when there are user errors.
    pub(super) order: Option<Order>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Which order to cancel.
#[derive(InputObject)]
pub struct OrderCancelInput {
    /// Which order.
    pub(super) id: ID,
}

/// What cancelling an order came to.
#[derive(SimpleObject)]
pub struct OrderCancelPayload {
    /// The order as it is stored now; null when there are user errors.
    pub(super) order: Option<Order>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}
