//! Changes to addresses and to which of them are the defaults.

use std::collections::BTreeSet;

use bson::doc;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::workload::{Shift, Told};
use crate::addresses::home;
use crate::customers::{ada, but};
use crate::kit::{Caller, Shop, number, text};

/// The addresses that a customer expects to have, by their labels, which are unique.
pub(super) struct Book {
    customer: Caller,
    id: String,
    /// Ids and labels of the addresses that were added and not deleted.
    there: Vec<(String, String)>,
    /// Labels of addresses for which an addition or a deletion was not acknowledged.
    unsure: BTreeSet<String>,
    made: usize,
    /// The numbers of acknowledged changes and of changes whose outcome is unknown.
    done: i64,
    unknown: i64,
}

pub(super) async fn prepare(shop: &Shop) -> Vec<Book> {
    join_all((0..4).map(async |number| {
        let (customer, _) = ada(shop, &format!("moves{number}@example.com")).await;
        let mut seen = customer.ask("{ viewer { customer { id } } }").await;
        let id = seen["viewer"]["customer"]["id"].take();
        Book {
            customer,
            id: id.as_str().expect("an id").to_owned(),
            there: Vec::new(),
            unsure: BTreeSet::new(),
            made: 0,
            done: 0,
            unknown: 0,
        }
    }))
    .await
}

impl Book {
    /// Repeatedly adds two addresses, makes an old one a default and deletes a default.
    pub(super) async fn change(mut self, shift: &Shift) -> Self {
        while !shift.is_over() {
            self.add(shift, json!({})).await;
            self.add(shift, json!({ "isDefaultShipping": false })).await;
            if let Some((oldest, _)) = self.there.first() {
                let input = json!({ "id": oldest, "company": "Prints", "isDefaultBilling": true });
                let told = shift.change(&self.customer, "customerAddressUpdate", input).await;
                self.note(&told);
            }
            // The default for shipping is the last but one, the default for billing the oldest.
            let place = if self.made.is_multiple_of(4) {
                0
            } else {
                self.there.len().saturating_sub(2)
            };
            if place < self.there.len() {
                let (id, label) = self.there.remove(place);
                let told = shift
                    .change(&self.customer, "customerAddressDelete", json!({ "id": id }))
                    .await;
                self.note(&told);
                match told {
                    Told::Nothing => drop(self.unsure.insert(label)),
                    Told::NotSaved => self.there.insert(place, (id, label)),
                    Told::Done(_) | Told::Refused(_) => {}
                }
            }
        }
        self
    }

    async fn add(&mut self, shift: &Shift, flags: Value) {
        self.made += 1;
        let label = format!("address {}", self.made);
        let input = but(but(home(), json!({ "label": label })), flags);
        let told = shift.change(&self.customer, "customerAddressCreate", input).await;
        self.note(&told);
        match told {
            Told::Done(payload) => {
                let id = payload["address"]["id"].as_str().expect("an id").to_owned();
                self.there.push((id, label));
            }
            Told::Nothing => drop(self.unsure.insert(label)),
            Told::NotSaved | Told::Refused(_) => {}
        }
    }

    fn note(&mut self, told: &Told) {
        match told {
            Told::Done(_) => self.done += 1,
            Told::Nothing => self.unknown += 1,
            Told::NotSaved => {}
            Told::Refused(faults) => panic!("{}: {faults:?}", self.id),
        }
    }

    /// Asserts that each added address exists once, that deleted ones do not, and that the customer's version counts
    /// each change once.
    pub(super) async fn check(&self, shop: &Shop) {
        assert!(self.done > 5, "{} changes", self.done);
        let store = &shop.gateway.store;
        let addresses = store
            .documents("addresses", doc! { "customerId": &self.id })
            .await;
        let mut unsure = self.unsure.clone();
        let mut sure: BTreeSet<(&str, &str)> = BTreeSet::new();
        for address in &addresses {
            let label = text(address, "label");
            if !unsure.remove(label) {
                sure.insert((text(address, "_id"), label));
            }
        }
        let there = self.there.iter().map(|(id, label)| (id.as_str(), label.as_str()));
        assert_eq!(sure, there.collect(), "{} and {:?}", self.id, self.unsure);
        let customers = store.documents("customers", doc! { "_id": &self.id }).await;
        let version = number(&customers[0], "version");
        let counted = 1 + self.done..=1 + self.done + self.unknown;
        assert!(counted.contains(&version), "{version} is not in {counted:?}");
    }
}
