//! Checks of the audit trail in the database: it contains everything that was done, only that, and each action once.

use std::collections::{BTreeMap, BTreeSet};

use bson::{Document, doc};

use super::mongo::{Store, text};

/// Actions that occur at most once per object, or per customer if they have no object.
const ONCE: [&str; 14] = [
    "REGISTERED",
    "SIGNED_IN",
    "TOKEN_ISSUED",
    "SESSION_ENDED",
    "REFRESH_TOKEN_REUSED",
    "PASSWORD_SET",
    "ANONYMOUS_MERGED",
    "ADDRESS_CREATED",
    "ADDRESS_DELETED",
    "ORDER_RECORDED",
    "ORDER_CANCELLED",
    "ANONYMIZATION_STARTED",
    "ANONYMIZATION_COMPLETED",
    "DELETED",
];
/// Actions that remove a customer's objects without an entry for each.
const ERASED: [&str; 1] = ["ANONYMIZATION_STARTED"];

impl Store {
    /// Returns the whole audit trail, in the order of writing.
    pub(crate) async fn audit(&self) -> Vec<Document> {
        self.documents("audit", doc! {}).await
    }

    /// Checks that each session, address and order of a registered customer has an entry; that what an entry records
    /// has happened, and once; and that the customer of an entry existed.
    pub(super) async fn assert_audit_is_consistent(&self) {
        let entries = self.audit().await;
        let mut of: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for entry in &entries {
            let (customer, action) = (text(entry, "customerId"), text(entry, "action"));
            let object = entry.get_str("object").unwrap_or_default();
            let reported = of.entry(customer).or_default().entry(action).or_default();
            let is_new = reported.insert(object);
            assert!(is_new || !ONCE.contains(&action), "recorded twice: {entry}");
        }
        let is_expected = |customer: &str, actions: &[&str], object: &str| {
            let reported = of.get(customer);
            reported.is_some_and(|reported| {
                let named = |action: &&str| reported.get(action).is_some_and(|known| known.contains(object));
                actions.iter().any(named)
            })
        };
        for collection in ["sessions", "addresses", "orders"] {
            let begins: &[&str] = match collection {
                "sessions" => &["SIGNED_IN", "TOKEN_ISSUED"],
                "addresses" => &["ADDRESS_CREATED"],
                _ => &["ORDER_RECORDED"],
            };
            for document in self.documents(collection, doc! {}).await {
                let Ok(customer) = document.get_str("customerId") else {
                    continue;
                };
                // Some tests insert customers directly, and so does the demo.
                let is_registered = is_expected(customer, &["REGISTERED"], "");
                let is_known = is_expected(customer, begins, text(&document, "_id"));
                assert!(is_known || !is_registered, "not recorded: {document}");
            }
        }
        let (customers, sessions, addresses, orders) = (
            self.known("customers").await,
            self.known("sessions").await,
            self.known("addresses").await,
            self.known("orders").await,
        );
        for entry in &entries {
            let customer = text(entry, "customerId");
            let object = entry.get_str("object").unwrap_or_default();
            let is_erased = ERASED.iter().any(|action| is_expected(customer, &[action], ""));
            let happened = match text(entry, "action") {
                "REGISTERED" => customers.contains_key(customer) || is_expected(customer, &["DELETED"], ""),
                "SESSION_ENDED" | "REFRESH_TOKEN_REUSED" => !sessions.contains_key(object),
                "ADDRESS_CREATED" => {
                    addresses.contains_key(object)
                        || is_erased
                        || is_expected(customer, &["ADDRESS_DELETED"], object)
                }
                "ADDRESS_DELETED" => !addresses.contains_key(object),
                "ORDER_RECORDED" => orders.contains_key(object),
                "ORDER_CANCELLED" => {
                    (orders.get(object)).is_some_and(|order| text(order, "status") == "CANCELLED")
                }
                _ => true,
            };
            assert!(happened, "recorded although it did not happen: {entry}");
        }
    }
}
