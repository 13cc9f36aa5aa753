//! Changes to addresses and to which of them are the defaults.

use std::collections::BTreeSet;

use bson::doc;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::workload::{CallOutcome, Workload};
use crate::addresses::home;
use crate::customers::{ada, patched};
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
        let mut seen = customer.query("{ viewer { customer { id } } }").await;
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
    pub(super) async fn mutate(mut self, workload: &Workload) -> Self {
        while !workload.is_stopped() {
            self.add(workload, json!({})).await;
            self.add(workload, json!({ "isDefaultShipping": false })).await;
            if let Some((oldest, _)) = self.there.first() {
                let input = json!({ "id": oldest, "company": "Prints", "isDefaultBilling": true });
                let reported = workload
                    .mutate(&self.customer, "customerAddressUpdate", input)
                    .await;
                self.note(&reported);
            }
            // The default for shipping is the last but one, the default for billing the oldest.
            let place = if self.made.is_multiple_of(4) {
                0
            } else {
                self.there.len().saturating_sub(2)
            };
            if place < self.there.len() {
                let (id, label) = self.there.remove(place);
                let reported = workload
                    .mutate(&self.customer, "customerAddressDelete", json!({ "id": id }))
                    .await;
                self.note(&reported);
                match reported {
                    CallOutcome::Unknown => drop(self.unsure.insert(label)),
                    CallOutcome::NotSaved => self.there.insert(place, (id, label)),
                    CallOutcome::Done(_) | CallOutcome::Refused(_) => {}
                }
            }
        }
        self
    }

    async fn add(&mut self, workload: &Workload, flags: Value) {
        self.made += 1;
        let label = format!("address {}", self.made);
        let input = patched(patched(home(), json!({ "label": label })), flags);
        let reported = workload
            .mutate(&self.customer, "customerAddressCreate", input)
            .await;
        self.note(&reported);
        match reported {
            CallOutcome::Done(payload) => {
                let id = payload["address"]["id"].as_str().expect("an id").to_owned();
                self.there.push((id, label));
            }
            CallOutcome::Unknown => drop(self.unsure.insert(label)),
            CallOutcome::NotSaved | CallOutcome::Refused(_) => {}
        }
    }

    fn note(&mut self, reported: &CallOutcome) {
        match reported {
            CallOutcome::Done(_) => self.done += 1,
            CallOutcome::Unknown => self.unknown += 1,
            CallOutcome::NotSaved => {}
            CallOutcome::Refused(faults) => panic!("{}: {faults:?}", self.id),
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
