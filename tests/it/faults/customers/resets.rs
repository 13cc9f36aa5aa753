//! Password resets: requesting keys and using them.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::json;

use super::workload::{CallOutcome, Workload};
use crate::customers::{OTHER_PASSWORD, PASSWORD, ada, credentials, is_signed_in, redeem, signed_in};
use crate::kit::{Caller, Shop, faults};

const LANES: usize = 3;
/// The number of customers in each lane.
const CUSTOMERS: usize = 7;

/// Customers who have forgotten their passwords.
pub(super) struct Forgetful {
    /// Customers with the key that was mailed to them.
    with_key: Vec<(Customer, String)>,
    /// Customers who have not requested a key yet.
    without: Vec<Customer>,
}

/// A customer with a device that is still signed in.
struct Customer {
    address: String,
    device: Caller,
}

pub(super) async fn prepare(shop: &Shop) -> Forgetful {
    let customer = async |kind: &str, number: usize| {
        let address = format!("{kind}{number}@example.com");
        let (device, _) = ada(shop, &address).await;
        Customer { address, device }
    };
    let numbers = || 0..LANES * CUSTOMERS;
    let asked = join_all(numbers().map(|number| customer("asked", number))).await;
    let without = join_all(numbers().map(|number| customer("forgets", number))).await;
    join_all(asked.iter().map(|customer| {
        let asked = json!({ "email": customer.address });
        shop.browser.mutate_ok("customerPasswordResetRequest", asked)
    }))
    .await;
    shop.gateway.run_jobs().await;
    let key = |customer: &Customer| key_for(shop, &customer.address).expect("a key");
    let keys: Vec<String> = asked.iter().map(key).collect();
    Forgetful {
        with_key: asked.into_iter().zip(keys).collect(),
        without,
    }
}

/// Returns the key in the only mail to this address that has a link.
fn key_for(shop: &Shop, address: &str) -> Option<String> {
    let mails = shop.gateway.mails().all();
    let mut keys = mails
        .iter()
        .filter(|mail| mail.to == address && mail.text.contains("key="))
        .map(|mail| mail.parameter("key"));
    let key = keys.next();
    assert_eq!(keys.next(), None, "{address} got two");
    key
}

/// What the callers learned, in the order of the customers.
pub(super) struct Resets {
    used: Vec<CallOutcome>,
    asked: Vec<CallOutcome>,
}

/// Uses the keys of some customers, and requests keys for the others.
pub(super) async fn use_keys_and_ask_for_keys(
    shop: &Shop,
    workload: &Workload,
    forgetful: &Forgetful,
) -> Resets {
    let unauthenticated = shop.unauthenticated();
    let using = forgetful.with_key.chunks(CUSTOMERS).map(async |lane| {
        let mut reported = Vec::new();
        for (_, key) in lane {
            reported.push(
                workload
                    .mutate(
                        &unauthenticated,
                        "customerPasswordReset",
                        redeem(key, OTHER_PASSWORD),
                    )
                    .await,
            );
        }
        reported
    });
    let asking = forgetful.without.chunks(CUSTOMERS).map(async |lane| {
        let mut reported = Vec::new();
        for Customer { address, .. } in lane {
            let asked = json!({ "email": address });
            reported.push(
                workload
                    .mutate(&shop.browser, "customerPasswordResetRequest", asked)
                    .await,
            );
        }
        reported
    });
    let (used, asked) = join(join_all(using), join_all(asking)).await;
    Resets {
        used: used.into_iter().flatten().collect(),
        asked: asked.into_iter().flatten().collect(),
    }
}

impl Resets {
    pub(super) async fn check(&self, shop: &Shop, forgetful: &Forgetful) {
        let used = self.used.iter().zip(&forgetful.with_key);
        join_all(used.map(|(reported, (customer, key))| check_use(shop, reported, customer, key))).await;
        for (reported, customer) in self.asked.iter().zip(&forgetful.without) {
            reported.assert_allows(mails_of(shop, customer, "PASSWORD_RESET").await);
        }
        shop.gateway.run_jobs().await;
        let asked = self.asked.iter().zip(&forgetful.without);
        join_all(asked.map(|(reported, customer)| check_key(shop, reported, customer))).await;
    }
}

/// Returns the number of mails of this kind to a customer that are queued or sent.
async fn mails_of(shop: &Shop, customer: &Customer, about: &str) -> u64 {
    let store = &shop.gateway.store;
    let known = store
        .documents("customers", doc! { "emailKey": &customer.address })
        .await;
    let mails = doc! { "payload.customerId": &known[0]["_id"], "payload.about": about };
    store.count("jobs", mails).await
}

async fn opens(shop: &Shop, address: &str, password: &str) -> bool {
    let tried = credentials(address, password);
    let payload = shop.browser.mutate("customerTokenCreate", tried).await;
    faults(&payload).is_empty()
}

/// Asserts that a reset took effect completely or not at all: one password is valid, and the key works once in total.
async fn check_use(shop: &Shop, reported: &CallOutcome, Customer { address, device }: &Customer, key: &str) {
    let (old, new) = (
        opens(shop, address, PASSWORD).await,
        opens(shop, address, OTHER_PASSWORD).await,
    );
    assert_ne!(old, new, "{address} has one password");
    reported.assert_allows(u64::from(new));
    if let Some(payload) = reported.payload() {
        assert!(is_signed_in(&signed_in(shop, payload).0).await, "by the reset");
    }
    let again = shop
        .unauthenticated()
        .mutate("customerPasswordReset", redeem(key, OTHER_PASSWORD))
        .await;
    if old {
        assert_eq!(faults(&again), [""; 0], "the key of {address} is not used up");
    } else {
        assert_eq!(faults(&again), ["RESET_KEY_INVALID restorePasswordKey (415)"]);
    }
    assert!(!is_signed_in(device).await, "all sessions end");
    assert!(opens(shop, address, OTHER_PASSWORD).await && !opens(shop, address, PASSWORD).await);
}

/// Asserts that each acknowledged request has sent a key that works.
async fn check_key(shop: &Shop, reported: &CallOutcome, customer: &Customer) {
    let key = key_for(shop, &customer.address);
    reported.assert_allows(u64::from(key.is_some()));
    if let Some(key) = key {
        shop.unauthenticated()
            .mutate_ok("customerPasswordReset", redeem(&key, OTHER_PASSWORD))
            .await;
        assert!(opens(shop, &customer.address, OTHER_PASSWORD).await);
    }
}
