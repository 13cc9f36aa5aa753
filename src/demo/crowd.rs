//! Thousands of generated customers, to test scale: each with an address, half of them without orders, as in a real
//! store.
//!
//! They are written to the database in large transactions, because registering so many would take hours. The data of
//! each customer is derived from its number, so that an interrupted run is completed by the next call.

mod words;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use futures_util::{StreamExt, TryStreamExt, stream};

use self::words::{ARTICLES, CITIES, FIRST_NAMES, LAST_NAMES, STREETS};
use crate::address::{Address, AddressContent, country::CountryCode};
use crate::app::App;
use crate::customer::{
    Customer, CustomerStatus, email,
    register::account::{NewAccount, NewCustomer, Terms},
    store,
};
use crate::error::{Error, Result};
use crate::order::{
    Line, Money, Order, PersonalData,
    currency::CurrencyCode,
    record::{address::AddressSource, new_order::NewOrder},
};
use crate::platform::{
    clock::Timestamp,
    database::{Database, Tx, Write},
    decimal::Decimal,
    id::{AddressId, OrderId},
    progress::{Progress, Unit},
};
use crate::reach::{Reach, StorefrontReach};
use crate::storefront::Storefront;
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage};

/// Customers per transaction.
const BATCH: u64 = 2_000;
/// Concurrent transactions: while the database writes some, the next are prepared.
const AT_ONCE: usize = 3;
/// How far in the past the customers' registrations are spread.
const PAST: Duration = Duration::from_secs(2 * 365 * 24 * 60 * 60);

/// A crowd of generated customers in a storefront.
pub struct Crowd<'a> {
    /// The application's shared state.
    pub app: &'a Arc<App>,
    /// A backend's reach into the storefront.
    pub place: &'a StorefrontReach,
}

/// The documents that one transaction writes.
#[derive(Default)]
struct CrowdDocuments {
    customers: Vec<Customer>,
    users: Vec<StorefrontUser>,
    storages: Vec<PrivateStorage>,
    addresses: Vec<Address>,
    orders: Vec<Order>,
}

/// A customer of the crowd that is missing.
#[derive(Clone, Copy)]
struct CrowdMember<'a> {
    /// The number that the customer's data is derived from.
    number: u64,
    /// The code of the storefront.
    storefront_code: &'a str,
    /// The number in the customer's reference.
    reference_number: i64,
}

/// What distinguishes a generated order from the customer's others.
struct OrderPlacement {
    /// The store's number of the order.
    number: String,
    /// When it was placed.
    placed_at: Timestamp,
}

impl Crowd<'_> {
    /// Adds customers until the storefront's crowd has `many`.
    ///
    /// # Errors
    /// Fails when the database does not answer; customers already added remain, and the next call adds the rest.
    pub async fn grow_to(&self, many: u64, progress: &Progress) -> Result<()> {
        let Self { app, place } = *self;
        let storefronts = app.database.open::<Storefront>(place.reach());
        let storefront = storefronts.get(place.id()).await?;
        let storefront =
            storefront.ok_or_else(|| Error::internal("storefront not found for the reach of the crowd"))?;
        let now = app.clock.now();
        let step = progress.bar("Adding customers", many, Unit::Items);
        let batches = (0..many).step_by(usize::try_from(BATCH).unwrap_or(usize::MAX));
        stream::iter(batches.map(|start| start..many.min(start + BATCH)))
            .map(|numbers| async {
                let added = numbers.end - numbers.start;
                self.add(&storefront.code, now, numbers).await?;
                step.advance(added);
                Ok::<_, Error>(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        step.finish();
        Ok(())
    }

    /// Adds the customers of these numbers that are missing.
    async fn add(&self, code: &str, now: Timestamp, numbers: std::ops::Range<u64>) -> Result<()> {
        let Self { app, place } = *self;
        let emails: Vec<String> = numbers.clone().map(email_of).collect();
        let customers = app.database.open::<Customer>(place.reach());
        let there = customers
            .find(doc! { "emailKey": { "$in": &emails } }, doc! {}, 0)
            .await?;
        let there: HashSet<String> = there
            .into_iter()
            .filter_map(|customer| customer.email_key)
            .collect();
        let missing: Vec<u64> = numbers
            .filter(|number| !there.contains(&email_of(*number)))
            .collect();
        let Ok(many) = i64::try_from(missing.len()) else {
            return Err(Error::internal(
                "a batch has more customers than a 64-bit integer holds",
            ));
        };
        if missing.is_empty() {
            return Ok(());
        }
        let first = store::next_numbers(&app.database, place.id(), many).await?;
        let mut documents = CrowdDocuments::default();
        for (number, reference_number) in missing.into_iter().zip(first..) {
            let member = CrowdMember {
                number,
                storefront_code: code,
                reference_number,
            };
            self.generate(member, now, &mut documents)?;
        }
        let addition = CrowdAddition {
            database: &app.database,
            reach: place.reach(),
            documents,
        };
        app.database.run(&addition).await
    }

    /// Generates a customer, with the user, storage, address and orders.
    fn generate(&self, member: CrowdMember<'_>, now: Timestamp, into: &mut CrowdDocuments) -> Result<()> {
        let CrowdMember {
            number,
            storefront_code,
            reference_number,
        } = member;
        let mut draws = Draws(number);
        let new = NewCustomer {
            email: email::parse(&email_of(number)).ok_or_else(fault)?,
            is_email_verified: false,
            password: None,
            first_name: Some(common(&FIRST_NAMES, &mut draws).to_owned()),
            last_name: Some(common(&LAST_NAMES, &mut draws).to_owned()),
            salutation: None,
            gender: None,
            date_of_birth: None,
            shopper_reference: None,
            terms: Some(Terms {
                version: Some("2026-01".to_owned()),
            }),
            custom_fields: Vec::new(),
        };
        let registered = now.before(PAST.mul_f64(draws.share()));
        let mut account = NewAccount::new(self.app, self.place, registered, &new, None);
        account.set_number(storefront_code, reference_number);
        let NewAccount {
            mut customer,
            user,
            storage,
        } = account;
        customer.is_email_verified = draws.share() < 0.8;
        let address = Address {
            id: AddressId::fresh(registered, &self.app.random),
            storefront_id: customer.storefront_id.clone(),
            user_id: user.id.clone(),
            customer_id: customer.id.clone(),
            content: content(new, &mut draws),
            created_at: registered,
            updated_at: registered,
            version: 1,
        };
        customer.default_shipping_address_id = Some(address.id.clone());
        customer.default_billing_address_id = Some(address.id.clone());
        for order in 0..orders(&mut draws) {
            let placed_at = registered.after(now.since(registered).mul_f64(draws.share()));
            let placement = OrderPlacement {
                number: format!("CROWD-{}-{}", number + 1, order + 1),
                placed_at,
            };
            let order = self.order(&customer, &address.content, placement, &mut draws)?;
            customer.order_count += 1;
            customer.status = CustomerStatus::of(customer.order_count);
            customer.updated_at = customer.updated_at.max(placed_at);
            customer.version += 1;
            into.orders.push(order);
        }
        into.customers.push(customer);
        into.users.push(user);
        into.storages.push(storage);
        into.addresses.push(address);
        Ok(())
    }

    /// Generates an order that is shipped to the customer's only address.
    fn order(
        &self,
        customer: &Customer,
        address: &AddressContent,
        placement: OrderPlacement,
        draws: &mut Draws,
    ) -> Result<Order> {
        let OrderPlacement { number, placed_at } = placement;
        let (sku, name, price) = ARTICLES[draws.below(ARTICLES.len())];
        let quantity = draws.below(3) + 1;
        let new = NewOrder {
            number,
            customer_id: Some(customer.id.clone()),
            email: customer.email.clone(),
            shipping: AddressSource::Default,
            billing: AddressSource::Default,
            lines: vec![Line {
                sku: sku.to_owned(),
                name: name.to_owned(),
                quantity: i32::try_from(quantity).map_err(Error::internal)?,
                unit_price: euros(price)?,
            }],
            total: euros(price * u32::try_from(quantity).map_err(Error::internal)?)?,
            placed_at: Some(placed_at),
        };
        let personal = PersonalData {
            email: new.email.clone(),
            shipping_address: address.clone(),
            billing_address: address.clone(),
            sent: new.sent(&self.app.vault)?,
        };
        let id = OrderId::fresh(placed_at, &self.app.random);
        Ok(new.as_recorded(id, self.place, Some(customer), personal, placed_at))
    }
}

fn fault() -> Error {
    Error::internal("a customer of the demo's crowd is not valid")
}

fn euros(cents: u32) -> Result<Money> {
    Ok(Money {
        amount: Decimal::parse_text(&format!("{}.{:02}", cents / 100, cents % 100)).ok_or_else(fault)?,
        currency_code: CurrencyCode::parse_text("EUR").ok_or_else(fault)?,
    })
}

/// Draws the number of a customer's orders: half of the customers have none, a fifth have more than one.
fn orders(draws: &mut Draws) -> usize {
    match draws.below(10) {
        0..5 => 0,
        5..8 => 1,
        8 => 2,
        _ => 3,
    }
}

/// The write that adds generated documents.
struct CrowdAddition<'a> {
    database: &'a Database,
    reach: &'a Reach,
    documents: CrowdDocuments,
}

impl Write for CrowdAddition<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self {
            database,
            reach,
            documents,
        } = self;
        let users = database.open::<StorefrontUser>(*reach);
        users.insert_many_in(tx, *reach, &documents.users).await?;
        let storages = database.open::<PrivateStorage>(*reach);
        storages.insert_many_in(tx, *reach, &documents.storages).await?;
        let customers = database.open::<Customer>(*reach);
        customers.insert_many_in(tx, *reach, &documents.customers).await?;
        let addresses = database.open::<Address>(*reach);
        addresses.insert_many_in(tx, *reach, &documents.addresses).await?;
        let orders = database.open::<Order>(*reach);
        orders.insert_many_in(tx, *reach, &documents.orders).await
    }
}

/// Returns the e-mail address of the customer of this number, already in the form that is compared.
fn email_of(number: u64) -> String {
    format!("crowd{:07}@demo-prints.example", number + 1)
}

fn content(person: NewCustomer, draws: &mut Draws) -> AddressContent {
    let (zip_code, city) = CITIES[draws.below(CITIES.len())];
    let street = STREETS[draws.below(STREETS.len())];
    AddressContent {
        label: None,
        salutation: None,
        first_name: person.first_name.unwrap_or_default(),
        last_name: person.last_name.unwrap_or_default(),
        company: None,
        address1: format!("{street} {}", draws.below(200) + 1),
        address2: None,
        address3: None,
        zip_code: Some(zip_code.to_owned()),
        city: city.to_owned(),
        region: None,
        iso2_code: CountryCode::DE,
        country: None,
        phone: None,
    }
}

/// Draws a name; earlier names are more likely than later ones.
fn common(names: &[&'static str], draws: &mut Draws) -> &'static str {
    let many = names.len();
    names[draws.below(many).min(draws.below(many)).min(draws.below(many))]
}

/// Pseudorandom values derived from a number (SplitMix64).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Draws an index into a list of `many` items.
    fn below(&mut self, many: usize) -> usize {
        let share = u128::from(self.next()) * many as u128;
        usize::try_from(share >> 64).unwrap_or(0)
    }

    /// Draws a number from 0 to 1.
    fn share(&mut self) -> f64 {
        let (drawn, all) = (u32::try_from(self.next() >> 32).unwrap_or(0), u32::MAX);
        f64::from(drawn) / f64::from(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_from_the_number_and_early_names_are_common() {
        let name = |number| common(&LAST_NAMES, &mut Draws(number));
        let names: Vec<&str> = (0..10_000).map(name).collect();
        assert_eq!(names, (0..10_000).map(name).collect::<Vec<_>>());
        let count = |wanted: &str| names.iter().filter(|name| **name == wanted).count();
        assert!(count(LAST_NAMES[0]) > 500, "{}", count(LAST_NAMES[0]));
        assert!(count(LAST_NAMES[0]) > 3 * count(LAST_NAMES[25]).max(1));
        assert!(
            (0..10_000)
                .map(|number| Draws(number).share())
                .all(|share| (0.0..=1.0).contains(&share))
        );
    }
}
