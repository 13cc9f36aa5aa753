//! Sessions: a chain of refresh tokens for each customer.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::json;

use super::workload::{CallOutcome, Workload};
use crate::customers::{ada, is_signed_in, signed_in};
use crate::kit::{Caller, Shop, number};

/// A customer's session.
pub(super) struct Chain {
    /// Has the first access token.
    customer: Caller,
    /// The last refresh token that the customer received.
    token: String,
    /// The number of tokens that the customer received after the first.
    links: i64,
}

/// Signs in the customers.
pub(super) async fn prepare(shop: &Shop) -> Vec<Chain> {
    join_all((0..5).map(async |number| {
        let (customer, token) = ada(shop, &format!("stays{number}@example.com")).await;
        Chain {
            customer,
            token,
            links: 0,
        }
    }))
    .await
}

impl Chain {
    /// Refreshes repeatedly, with two concurrent requests as from two windows of one browser, and continues with the
    /// token received last.
    pub(super) async fn refresh(mut self, shop: &Shop, workload: &Workload) -> Self {
        let unauthenticated = shop.unauthenticated();
        while !workload.is_stopped() {
            let one = || {
                let input = json!({ "refreshToken": self.token });
                workload.mutate(&unauthenticated, "customerTokenRefresh", input)
            };
            let (one, other) = join(one(), one()).await;
            let mut reported = Vec::new();
            for answer in [one, other] {
                match answer {
                    CallOutcome::Done(payload) => reported.push(signed_in(shop, &payload).1),
                    CallOutcome::Refused(faults) => panic!("signed out: {faults:?}"),
                    // Retried with the same token.
                    CallOutcome::NotSaved | CallOutcome::Unknown => {}
                }
            }
            reported.dedup();
            assert!(reported.len() <= 1, "both devices get the same token");
            if let Some(token) = reported.pop() {
                self.token = token;
                self.links += 1;
            }
        }
        self
    }

    /// Asserts that the last token works and that each token was issued once.
    pub(super) async fn check(self, shop: &Shop) {
        assert!(self.links > 5, "{} refreshes", self.links);
        let input = json!({ "refreshToken": self.token });
        let payload = shop
            .unauthenticated()
            .mutate_ok("customerTokenRefresh", input)
            .await;
        let (refreshed, _) = signed_in(shop, &payload);
        assert!(is_signed_in(&refreshed).await && is_signed_in(&self.customer).await);
        let customer = payload["customer"]["id"].as_str().expect("an id");
        let sessions = doc! { "customerId": customer };
        let sessions = shop.gateway.store.documents("sessions", sessions).await;
        let rotations: Vec<i64> = sessions
            .iter()
            .map(|session| number(session, "rotations"))
            .collect();
        assert_eq!(rotations, [self.links + 1], "one session, each token once");
    }
}
