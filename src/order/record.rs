//! Recording of an order: once, however often it is sent (ORD-01), and counted for its customer in the same transaction
//! (CLY-10).

use std::sync::Arc;

use futures_util::FutureExt;
use serde::Serialize;

use super::store::{self, UNIQUE_NUMBER};
use super::{Given, Line, Money, Order, OrderStatus, PersonalData, Role, refusal};
use crate::address::{AddressContent, store::Addresses};
use crate::app::App;
use crate::audit::Action;
use crate::customer::Customer;
use crate::error::{Error, Faults, Result};
use crate::platform::{
    clock::Timestamp,
    crypto::Vault,
    database::{Tx, violated_index},
    id::{CustomerId, OrderId},
};
use crate::reach::{Reach, StorefrontReach};

/// A new order, checked except for the addresses that it names by id.
pub struct NewOrder {
    /// The store's number.
    pub number: String,
    /// The customer; `None` for a guest, whose addresses are both given in full.
    pub customer_id: Option<CustomerId>,
    /// The e-mail address, verbatim.
    pub email: Option<String>,
    /// The shipping address.
    pub shipping: Given,
    /// The billing address.
    pub billing: Given,
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
    shipping: &'a Given,
    billing: &'a Given,
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

/// Records an order, or returns the order that is already recorded with the same content, which is compared as sent and
/// as stored (ORD-01).
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` (402); the faults of both addresses ([`look_up`]); `ORDER_NUMBER_TAKEN`.
pub async fn record(app: &Arc<App>, place: &StorefrontReach, new: &NewOrder) -> Result<Order> {
    let sent = new.sent(&app.vault)?;
    // A repetition needs no transaction. The read also reports an unavailable database at once, whereas a transaction
    // would be retried.
    let stored = store::by_number(&app.database, place.reach(), &new.number).await?;
    if let Some(order) = stored.filter(|order| order.is_repeated_by(new.placed_at, &sent)) {
        return Ok(order);
    }
    match attempt(app, place, new, &sent).await {
        // A concurrent request recorded this number after the transaction's snapshot was taken.
        Err(error) if violated_index(&error) == Some(UNIQUE_NUMBER) => attempt(app, place, new, &sent).await,
        done => done,
    }
}

async fn attempt(app: &Arc<App>, place: &StorefrontReach, new: &NewOrder, sent: &str) -> Result<Order> {
    let context = (&**app, place, new, sent);
    app.database
        .transaction(context, |tx, (app, place, new, sent)| {
            write(app, place, tx, new, sent).boxed()
        })
        .await
}

async fn write(app: &App, place: &StorefrontReach, tx: &mut Tx, new: &NewOrder, sent: &str) -> Result<Order> {
    let (database, reach) = (&app.database, place.reach());
    let stored = store::by_number_in(database, reach, tx, &new.number).await?;
    if let Some(order) = &stored
        && order.is_repeated_by(new.placed_at, sent)
    {
        return Ok(order.clone());
    }
    let customer = match &new.customer_id {
        Some(id) => Some(Addresses::of(app, reach).customer_in(tx, id).await?),
        None => None,
    };
    let personal = personal(app, (reach, &mut *tx), new, customer.as_ref(), sent).await?;
    // Read after the customer's state, so that of two concurrent orders the later one gets the later time.
    let now = app.clock.now();
    let id = OrderId::fresh(now, &app.random);
    let order = new.as_recorded(id, place, customer.as_ref(), personal, now);
    if let Some(stored) = stored {
        let repeats = stored.may_be_placed_at(new.placed_at) && says_the_same(&stored, &order);
        return if repeats {
            Ok(stored)
        } else {
            Err(refusal::number_taken().into())
        };
    }
    if let Some(customer) = customer {
        store::count_orders_in(database, reach, tx, &customer, customer.order_count + 1, now).await?;
        let entry = customer.entry(Action::OrderRecorded).on(&order.id);
        app.audit.note_in(tx, reach, [entry]).await?;
    }
    store::insert_in(database, reach, tx, &order).await?;
    Ok(order)
}

/// Whether two orders with the same number have the same content, regardless of how it was given.
fn says_the_same(stored: &Order, order: &Order) -> bool {
    let without_form = |order: &Order| {
        order.personal.clone().map(|personal| PersonalData {
            sent: String::new(),
            ..personal
        })
    };
    stored.customer_id == order.customer_id
        && stored.total == order.total
        && stored.lines == order.lines
        && without_form(stored) == without_form(order)
}

/// Returns the personal data that the order keeps, with its own copies of the addresses.
async fn personal(
    app: &App,
    (reach, tx): (&Reach, &mut Tx),
    new: &NewOrder,
    customer: Option<&Customer>,
    sent: &str,
) -> Result<PersonalData> {
    let mut faults = Faults::default();
    let shipping = copy(app, (reach, &mut *tx), (Role::Shipping, &new.shipping), customer).await;
    let shipping = faults.absorb(shipping)?;
    let billing = copy(app, (reach, tx), (Role::Billing, &new.billing), customer).await;
    let billing = faults.absorb(billing)?;
    let (Some(shipping_address), Some(billing_address)) = (shipping, billing) else {
        return Err(faults.into());
    };
    Ok(PersonalData {
        email: new.email.clone(),
        shipping_address,
        billing_address,
        sent: sent.to_owned(),
    })
}

/// Returns the order's own copy of one of its addresses.
async fn copy(
    app: &App,
    (reach, tx): (&Reach, &mut Tx),
    (role, given): (Role, &Given),
    customer: Option<&Customer>,
) -> Result<AddressContent> {
    let customer = match (given, customer) {
        (Given::Full(content), _) => return Ok(AddressContent::clone(content)),
        (_, Some(customer)) => customer,
        (_, None) => return Err(refusal::address_required(role).into()),
    };
    let id = role.meant(given, customer)?;
    let address = match id {
        Some(id) => Addresses::of(app, reach).find_in(tx, &customer.id, id).await?,
        None => None,
    };
    let address = address.ok_or_else(|| refusal::address_not_found(role))?;
    Ok(AddressContent {
        // The customer's label for the address does not belong to the order.
        label: None,
        ..address.content
    })
}

/// Looks up an address that an input names, before anything is written, so that its fault is reported together with all
/// others (ERR-01).
///
/// # Errors
/// REQUIRED if the customer has no default address, `ADDRESS_NOT_FOUND` (404).
pub async fn look_up(app: &App, reach: &Reach, customer: &Customer, role: Role, given: &Given) -> Result<()> {
    let Some(id) = role.meant(given, customer)? else {
        return Ok(());
    };
    match Addresses::of(app, reach).find(&customer.id, id).await? {
        Some(_) => Ok(()),
        None => Err(refusal::address_not_found(role).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::currency::CurrencyCode;
    use super::*;
    use crate::address::country::CountryCode;
    use crate::platform::{decimal::Decimal, id::Id};

    fn euros(amount: &str) -> Money {
        Money {
            amount: Decimal::parse_text(amount).expect("a decimal"),
            currency_code: CurrencyCode::parse_text("EUR").expect("a currency"),
        }
    }

    fn order() -> NewOrder {
        let address = AddressContent {
            label: None,
            salutation: None,
            first_name: "Ada".to_owned(),
            last_name: "Lovelace".to_owned(),
            company: None,
            address1: "Main Street 1".to_owned(),
            address2: None,
            address3: None,
            zip_code: Some("01067".to_owned()),
            city: "Dresden".to_owned(),
            region: None,
            iso2_code: CountryCode::DE,
            country: None,
            phone: None,
        };
        NewOrder {
            number: "1001".to_owned(),
            customer_id: CustomerId::parse("cus_01h00000000000000000000000"),
            email: Some("ada@example.com".to_owned()),
            shipping: Given::Full(Box::new(address)),
            billing: Given::Default,
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
    fn every_part_of_what_was_sent_tells_and_a_price_however_it_is_written() {
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
            |order| order.shipping = Given::Default,
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
