//! Sessions: a chain of refresh tokens for each customer.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::json;

use super::workload::{Shift, Told};
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
    pub(super) async fn refresh(mut self, shop: &Shop, shift: &Shift) -> Self {
        let nobody = shop.nobody();
        while !shift.is_over() {
            let one = || {
                let input = json!({ "refreshToken": self.token });
                shift.change(&nobody, "customerTokenRefresh", input)
            };
            let (one, other) = join(one(), one()).await;
            let mut told = Vec::new();
            for answer in [one, other] {
                match answer {
                    Told::Done(payload) => told.push(signed_in(shop, &payload).1),
                    Told::Refused(faults) => panic!("signed out: {faults:?}"),
                    // Retried with the same token.
                    Told::NotSaved | Told::Nothing => {}
                }
            }
            told.dedup();
            assert!(told.len() <= 1, "both windows are told the same");
            if let Some(token) = told.pop() {
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
        let payload = shop.nobody().done("customerTokenRefresh", input).await;
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
