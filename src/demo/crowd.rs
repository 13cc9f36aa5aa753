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
use super::customers;
use crate::address::{Address, AddressContent};
use crate::app::App;
use crate::customer::{Customer, CustomerStatus, email, register::account::NewAccount, store};
use crate::error::{Error, Result};
use crate::order::{
    Line, Money, Order, PersonalData,
    record::{address::AddressSource, new_order::NewOrder},
};
use crate::platform::{
    clock::Timestamp,
    database::{Tx, Write},
    id::{AddressId, OrderId},
    progress::{Progress, Unit},
};
use crate::reach::{StorefrontReach, tenant::TenantDocument};
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
        let existing = customers
            .find(doc! { "emailKey": { "$in": &emails } }, doc! {}, 0)
            .await?;
        let existing = existing.into_iter().filter_map(|customer| customer.email_key);
        let existing: HashSet<String> = existing.collect();
        let missing: Vec<u64> = numbers
            .filter(|number| !existing.contains(&email_of(*number)))
            .collect();
        let many = i64::try_from(missing.len()).map_err(Error::internal)?;
        if missing.is_empty() {
            return Ok(());
        }
        let first = store::next_numbers(&app.database, place.id(), many).await?;
        let mut documents = CrowdDocuments::default();
        for (number, reference_number) in missing.into_iter().zip(first..) {
            self.generate(number, code, reference_number, now, &mut documents)?;
        }
        let addition = CrowdAddition {
            crowd: self,
            documents,
        };
        app.database.run(&addition).await
    }

    /// Generates the customer whose data is derived from `number`, with the user, storage, address and orders. The
    /// storefront's code and the second number make the customer's reference.
    fn generate(
        &self,
        number: u64,
        code: &str,
        reference_number: i64,
        now: Timestamp,
        into: &mut CrowdDocuments,
    ) -> Result<()> {
        let mut draws = Draws(number);
        let email = email::parse(&email_of(number)).ok_or_else(fault)?;
        let first_name = common(&FIRST_NAMES, &mut draws);
        let last_name = common(&LAST_NAMES, &mut draws);
        let new = customers::new_customer(email, first_name, last_name);
        let registered = now.before(PAST.mul_f64(draws.share()));
        let mut account = NewAccount::new(self.app, self.place, registered, &new, None);
        account.set_number(code, reference_number);
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
            content: content(first_name, last_name, &mut draws),
            created_at: registered,
            updated_at: registered,
            version: 1,
        };
        customer.default_shipping_address_id = Some(address.id.clone());
        customer.default_billing_address_id = Some(address.id.clone());
        for order in 0..orders(&mut draws) {
            let placed_at = registered.after(now.since(registered).mul_f64(draws.share()));
            let order_number = format!("CROWD-{}-{}", number + 1, order + 1);
            let order = self.order(&customer, &address.content, order_number, placed_at, &mut draws)?;
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
        number: String,
        placed_at: Timestamp,
        draws: &mut Draws,
    ) -> Result<Order> {
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
    super::orders::euros(&format!("{}.{:02}", cents / 100, cents % 100)).ok_or_else(fault)
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
    crowd: &'a Crowd<'a>,
    documents: CrowdDocuments,
}

impl Write for CrowdAddition<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let documents = &self.documents;
        self.insert_in(tx, &documents.users).await?;
        self.insert_in(tx, &documents.storages).await?;
        self.insert_in(tx, &documents.customers).await?;
        self.insert_in(tx, &documents.addresses).await?;
        self.insert_in(tx, &documents.orders).await
    }
}

impl CrowdAddition<'_> {
    async fn insert_in<T: TenantDocument>(&self, tx: &mut Tx, documents: &[T]) -> Result<()> {
        let Crowd { app, place } = self.crowd;
        let collection = app.database.open::<T>(place.reach());
        collection.insert_many_in(tx, place.reach(), documents).await
    }
}

/// Returns the e-mail address of the customer of this number, already in the form that is compared.
fn email_of(number: u64) -> String {
    format!("crowd{:07}@demo-prints.example", number + 1)
}

fn content(first_name: &str, last_name: &str, draws: &mut Draws) -> AddressContent {
    let (zip_code, city) = CITIES[draws.below(CITIES.len())];
    let street = STREETS[draws.below(STREETS.len())];
    let street = format!("{street} {}", draws.below(200) + 1);
    customers::german_address(first_name, last_name, street, zip_code, city)
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
