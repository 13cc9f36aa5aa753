//! A new order, and the form of it by which repetitions are identified (ORD-01).

use serde::Serialize;

use super::address::AddressSource;
use crate::customer::Customer;
use crate::error::{Error, Result};
use crate::order::{Line, Money, Order, OrderStatus, PersonalData};
use crate::platform::{
    clock::Timestamp,
    crypto::Vault,
    id::{CustomerId, OrderId},
};
use crate::reach::StorefrontReach;

/// A new order, checked except for the addresses that it refers to by id.
pub struct NewOrder {
    /// The store's number.
    pub number: String,
    /// The customer; `None` for a guest, whose addresses are both sent in full.
    pub customer_id: Option<CustomerId>,
    /// The e-mail address as it was written.
    pub email: Option<String>,
    /// The shipping address.
    pub shipping: AddressSource,
    /// The billing address.
    pub billing: AddressSource,
    /// The lines.
    pub lines: Vec<Line>,
    /// The total that the store sent.
    pub total: Money,
    /// Time at which the order was placed. `None` is the current time or, in a repetition, any time.
    pub placed_at: Option<Timestamp>,
}

/// What was sent, in the form by which repetitions are identified. The form must not change between versions; a new
/// field may appear in it only if it is sent.
#[derive(Serialize)]
struct Sent<'a> {
    number: &'a str,
    customer: Option<&'a CustomerId>,
    email: Option<&'a str>,
    shipping: &'a AddressSource,
    billing: &'a AddressSource,
    lines: Vec<(&'a str, &'a str, i32, String)>,
    total: String,
}

impl Sent<'_> {
    fn of(new: &NewOrder) -> Sent<'_> {
        // 10.50 and 10.5 are the same price.
        let money = |money: &Money| format!("{} {}", money.amount.shortest(), money.currency_code.code());
        Sent {
            number: &new.number,
            customer: new.customer_id.as_ref(),
            email: new.email.as_deref(),
            shipping: &new.shipping,
            billing: &new.billing,
            lines: new
                .lines
                .iter()
                .map(|line| (&*line.sku, &*line.name, line.quantity, money(&line.unit_price)))
                .collect(),
            total: money(&new.total),
        }
    }
}

impl NewOrder {
    /// Returns a keyed hash of what was sent: without the master key, nobody can test whose address it was or which
    /// orders have the same address. It omits the time, which a repetition may leave out.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if the order cannot be serialized to JSON.
    pub fn sent(&self, vault: &Vault) -> Result<String> {
        let sent = serde_json::to_vec(&Sent::of(self)).map_err(Error::internal)?;
        Ok(vault.blind(&sent))
    }

    /// Returns the order as it is stored when it is recorded, with its own copies of the addresses.
    #[must_use]
    pub fn as_recorded(
        &self,
        id: OrderId,
        place: &StorefrontReach,
        customer: Option<&Customer>,
        personal: PersonalData,
        now: Timestamp,
    ) -> Order {
        Order {
            id,
            storefront_id: place.id().clone(),
            number: self.number.clone(),
            customer_id: self.customer_id.clone(),
            user_id: customer.map(|customer| customer.user_id.clone()),
            status: OrderStatus::Placed,
            total: self.total,
            lines: self.lines.clone(),
            personal: Some(personal),
            placed_at: self.placed_at.unwrap_or(now),
            cancelled_at: None,
            created_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::currency::CurrencyCode;
    use crate::platform::{decimal::Decimal, id::Id};

    fn euros(amount: &str) -> Money {
        Money {
            amount: Decimal::parse_text(amount).expect("a decimal"),
            currency_code: CurrencyCode::parse_text("EUR").expect("a currency"),
        }
    }

    fn order() -> NewOrder {
        let address = serde_json::json!({
            "firstName": "Ada", "lastName": "Lovelace", "address1": "Main Street 1", "zipCode": "01067",
            "city": "Dresden", "iso2Code": "DE",
        });
        let address = serde_json::from_value(address).expect("an address");
        NewOrder {
            number: "1001".to_owned(),
            customer_id: CustomerId::parse("cus_01h00000000000000000000000"),
            email: Some("ada@example.com".to_owned()),
            shipping: AddressSource::Full(Box::new(address)),
            billing: AddressSource::Default,
            lines: vec![Line {
                sku: "MUG".to_owned(),
                name: "Mug".to_owned(),
                quantity: 2,
                unit_price: euros("5.2500"),
            }],
            total: euros("10.50"),
            placed_at: None,
        }
    }

    // ORD-01: orders of earlier versions are still identified by this form.
    #[test]
    fn what_was_sent_keeps_its_form() {
        let form = serde_json::to_string(&Sent::of(&order())).expect("JSON");
        insta::assert_snapshot!(form, @r#"{"number":"1001","customer":"cus_01h00000000000000000000000","email":"ada@example.com","shipping":{"full":{"firstName":"Ada","lastName":"Lovelace","address1":"Main Street 1","zipCode":"01067","city":"Dresden","iso2Code":"DE"}},"billing":"default","lines":[["MUG","Mug",2,"5.25 EUR"]],"total":"10.5 EUR"}"#);
    }

    // ORD-01
    #[test]
    fn every_sent_part_distinguishes_orders_but_not_the_notation_of_a_price() {
        let form = |change: fn(&mut NewOrder)| {
            let mut order = order();
            change(&mut order);
            serde_json::to_string(&Sent::of(&order)).expect("JSON")
        };
        let same: [fn(&mut NewOrder); 4] = [
            |_| {},
            |order| order.total = euros("10.5"),
            |order| order.lines[0].unit_price = euros("5.25"),
            |order| order.placed_at = Some(Timestamp::from_millis(1)),
        ];
        for change in same {
            assert_eq!(form(change), form(|_| {}));
        }
        let other: [fn(&mut NewOrder); 9] = [
            |order| order.customer_id = None,
            |order| order.email = None,
            |order| order.shipping = AddressSource::Default,
            |order| order.billing = order.shipping.clone(),
            |order| order.total = euros("10.51"),
            |order| order.lines[0].quantity = 3,
            |order| order.lines[0].sku.push('x'),
            |order| order.lines[0].name.push('x'),
            |order| order.lines.push(order.lines[0].clone()),
        ];
        for change in other {
            assert_ne!(form(change), form(|_| {}));
        }
    }
}
