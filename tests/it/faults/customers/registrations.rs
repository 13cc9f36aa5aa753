//! Registrations, with and without an anonymous user's items.

use bson::doc;
use serde_json::{Value, json};

use super::workload::{CallOutcome, Workload};
use crate::customers::{PASSWORD, credentials, patched, signed_in, with_password};
use crate::faults::{done, photo};
use crate::kit::{Caller, Shop, item_ids};

const TAKEN: &str = "EMAIL_TAKEN email (400)";

/// A registration and what its caller learned.
pub(super) struct Registration {
    address: String,
    /// Has one item.
    guest: Option<Caller>,
    reported: CallOutcome,
}

/// Registers one customer after the other, every other one with an anonymous user.
pub(super) async fn register(shop: &Shop, workload: &Workload, lane: usize) -> Vec<Registration> {
    let mut seen = Vec::new();
    while !workload.is_stopped() {
        let number = seen.len();
        let guest = match number % 2 {
            0 => guest(shop, workload).await,
            _ => None,
        };
        let mut registration = Registration {
            address: format!("new{lane}-{number}@example.com"),
            guest,
            reported: CallOutcome::Unknown,
        };
        let one = || workload.mutate(&shop.browser, "customerRegister", registration.input());
        let mut reported = one().await;
        if matches!(reported, CallOutcome::Unknown) {
            // Retried at once, while the first attempt may still run.
            reported = one().await;
        }
        registration.reported = reported;
        seen.push(registration);
    }
    seen
}

/// Registers an anonymous user with an item; returns them if both were acknowledged.
async fn guest(shop: &Shop, workload: &Workload) -> Option<Caller> {
    let anonymous = json!({ "isAnonymous": true });
    let reported = workload
        .mutate(&shop.browser, "storefrontUserRegister", anonymous)
        .await;
    let guest = shop
        .unauthenticated()
        .with(reported.payload()?["token"]["accessToken"].as_str());
    let answer = guest.try_send_file(photo(1)).await?;
    let payload = &answer.body["data"]["storageItemUpload"];
    (payload.is_object() && done(Some(payload))).then_some(guest)
}

impl Registration {
    fn input(&self) -> Value {
        let token = self.guest.as_ref().and_then(|guest| guest.credential.as_deref());
        patched(
            with_password(&self.address),
            json!({ "anonymousUserToken": token }),
        )
    }

    /// Asserts that there is one customer, or none where that was not acknowledged, in which case registering still
    /// works; and that the customer owns the anonymous user's items.
    pub(super) async fn check(&self, shop: &Shop) {
        let known = doc! { "emailKey": &self.address };
        let found = shop.gateway.store.count("customers", known).await;
        match &self.reported {
            // Registered by the first of the two attempts, which has also merged the anonymous user, if there is one.
            CallOutcome::Refused(faults) if faults.iter().any(|fault| fault == TAKEN) => assert_eq!(found, 1),
            reported => reported.assert_allows(found),
        }
        let made_before = usize::from(self.guest.is_some());
        let payload = match self.reported.payload() {
            Some(payload) => payload.clone(),
            None if found == 0 => shop.browser.mutate_ok("customerRegister", self.input()).await,
            None => {
                let again = shop
                    .browser
                    .user_errors("customerRegister", with_password(&self.address))
                    .await;
                assert_eq!(again, [TAKEN]);
                let signing_in = credentials(&self.address, PASSWORD);
                shop.browser.mutate_ok("customerTokenCreate", signing_in).await
            }
        };
        let (customer, _) = signed_in(shop, &payload);
        assert_eq!(item_ids(&customer).await.len(), made_before, "{}", self.address);
    }
}
