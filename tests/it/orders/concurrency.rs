//! Concurrent changes: each order is recorded once, and each customer's count is right in the end.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{ada, by_default, guests, in_storefront, order_count_and_status, record};
use crate::addresses::{customer, home};
use crate::customers::patched;
use crate::kit::{self, Caller, Setup, Shop, faults};

/// Returns the input of an order of this customer.
fn of(shop: &Shop, customer: &Value, number: &str) -> Value {
    in_storefront(
        shop,
        patched(by_default(number), json!({ "customerId": customer })),
    )
}

// CLY-10
#[tokio::test]
async fn cly_10_the_count_is_correct_after_concurrent_recordings_and_cancellations() {
    // Many requests that wait for the same customer may take long.
    let shop = Setup::new().set("GATEWAY_REQUEST_TIMEOUT", "120s").start().await;
    let (id, ada) = ada(&shop).await;
    let mut placed = Vec::new();
    for number in 0..30 {
        placed.push(record(&shop, of(&shop, &id, &format!("old {number}"))).await);
    }
    assert_eq!(order_count_and_status(&ada).await, (30, "REPEAT".to_owned()));
    let node = shop.gateway.another_node().await;
    let there = shop.backend.at(&node);
    let recordings = (0..30).map(|number| {
        let caller = if number % 2 == 0 { &shop.backend } else { &there };
        caller.mutate("orderRecord", of(&shop, &id, &format!("new {number}")))
    });
    let cancellations = placed.iter().enumerate().map(|(number, order)| {
        let caller = if number % 2 == 0 { &shop.backend } else { &there };
        caller.mutate("orderCancel", json!({ "id": order["id"] }))
    });
    let (recorded, cancelled) = join(join_all(recordings), join_all(cancellations)).await;
    for payload in recorded.iter().chain(&cancelled) {
        assert_eq!(faults(payload), [""; 0]);
    }
    assert_eq!(order_count_and_status(&ada).await, (30, "REPEAT".to_owned()));
    let store = &shop.gateway.store;
    assert_eq!(store.count("orders", doc! { "status": "PLACED" }).await, 30);
    store.assert_consistent().await;
    // All orders are cancelled, each by two concurrent requests.
    let cancel = |order: &Value| shop.backend.mutate("orderCancel", json!({ "id": order["id"] }));
    let orders = recorded.iter().map(|payload| &payload["order"]);
    let payloads = join_all(orders.flat_map(|order| [cancel(order), cancel(order)])).await;
    assert!(payloads.iter().all(|payload| faults(payload).is_empty()));
    assert_eq!(order_count_and_status(&ada).await, (0, "PROSPECT".to_owned()));
    store.assert_consistent().await;
}

// ORD-01, CLY-10
#[tokio::test]
async fn ord_01_concurrent_identical_orders_all_succeed_and_count_once() {
    let shop = kit::shop().await;
    let node = shop.gateway.another_node().await;
    let there = shop.backend.at(&node);
    let (id, ada) = ada(&shop).await;
    for round in 0..10 {
        let (customers, guest) = (
            of(&shop, &id, &format!("ada's {round}")),
            in_storefront(&shop, guests(&format!("guest's {round}"))),
        );
        for input in [customers, guest] {
            let send = |turn: usize| {
                let caller = if turn.is_multiple_of(2) {
                    &shop.backend
                } else {
                    &there
                };
                caller.mutate("orderRecord", input.clone())
            };
            let payloads = join_all((0..6).map(send)).await;
            let id = &payloads[0]["order"]["id"];
            for payload in &payloads {
                assert_eq!(faults(payload), [""; 0]);
                assert!(id.is_string() && payload["order"]["id"] == *id, "{payload}");
            }
        }
        assert_eq!(order_count_and_status(&ada).await.0, round + 1);
    }
    assert_eq!(shop.gateway.store.count("orders", doc! {}).await, 20);
    shop.gateway.store.assert_consistent().await;
}

// ORD-01
#[tokio::test]
async fn ord_01_one_of_several_concurrent_orders_with_one_number_succeeds() {
    let shop = kit::shop().await;
    for round in 0..10 {
        let number = format!("{round}");
        let send = |turn: i32| {
            let mut input = in_storefront(&shop, guests(&number));
            input["lines"][0]["quantity"] = json!(1 + turn % 2);
            shop.backend.mutate("orderRecord", input)
        };
        let payloads = join_all((0..6).map(send)).await;
        let stored = shop
            .gateway
            .store
            .documents("orders", doc! { "number": &number })
            .await;
        assert_eq!(stored.len(), 1);
        let won = payloads.iter().filter(|payload| faults(payload).is_empty());
        assert_eq!(won.count(), 3, "all who sent the winner's: {payloads:#?}");
        let lost = payloads.iter().map(faults).filter(|faults| !faults.is_empty());
        assert!(
            lost.into_iter()
                .all(|faults| faults == ["ORDER_NUMBER_TAKEN number"])
        );
    }
    shop.gateway.store.assert_consistent().await;
}

/// A pseudo-random number generator with the same sequence in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Records, repeats and cancels orders at random.
async fn change_at_random(shop: &Shop, by: &Caller, customers: &[Value], lane: u64) {
    let mut dice = Dice(lane);
    let mut orders: Vec<(Value, Value)> = Vec::new();
    for turn in 0..12 {
        let known = usize::try_from(dice.below(1 + u64::try_from(orders.len()).expect("few"))).expect("few");
        match orders.get(known) {
            Some((order, _)) if dice.below(2) == 0 => {
                by.mutate_ok("orderCancel", json!({ "id": order["id"] })).await;
            }
            Some((order, input)) => {
                let again = by.mutate_ok("orderRecord", input.clone()).await;
                assert_eq!(again["order"]["id"], order["id"]);
            }
            None => {
                let whose = &customers[usize::try_from(dice.below(2)).expect("few")];
                let input = of(shop, whose, &format!("{lane} {turn}"));
                let mut payload = by.mutate_ok("orderRecord", input.clone()).await;
                orders.push((payload["order"].take(), input));
            }
        }
    }
}

// CLY-10
#[tokio::test]
async fn cly_10_the_counts_are_correct_after_random_concurrent_changes() {
    let shop = Setup::new().set("GATEWAY_REQUEST_TIMEOUT", "120s").start().await;
    let (ada, _) = ada(&shop).await;
    let (bob, address) = customer(&shop, "bob@example.com").await;
    address.mutate_ok("customerAddressCreate", home()).await;
    let node = shop.gateway.another_node().await;
    let there = shop.backend.at(&node);
    let customers = [ada, bob];
    let lanes = (0..6).map(|lane| {
        let by = if lane % 2 == 0 { &shop.backend } else { &there };
        change_at_random(&shop, by, &customers, lane)
    });
    join_all(lanes).await;
    shop.gateway.store.assert_consistent().await;
}

// SPR-64, CLY-10
#[tokio::test]
async fn an_order_concurrent_with_address_changes_has_a_consistent_address() {
    let shop = kit::shop().await;
    for round in 0..10 {
        let (id, ada) = customer(&shop, &format!("ada{round}@example.com")).await;
        ada.mutate_ok("customerAddressCreate", home()).await;
        let other = patched(home(), json!({ "address1": "Second", "city": "Leipzig" }));
        let second = ada.mutate_ok("customerAddressCreate", other).await["address"]["id"].take();
        let (payload, _) = join(
            shop.backend
                .mutate("orderRecord", of(&shop, &id, &format!("{round}"))),
            ada.mutate_ok("customerAddressDelete", json!({ "id": second })),
        )
        .await;
        assert_eq!(faults(&payload), [""; 0], "there is a default all the time");
        let address = &payload["order"]["shippingAddress"];
        let known = [("Second", "Leipzig"), ("Main Street 1", "Dresden")];
        assert!(
            known
                .iter()
                .any(|(street, city)| address["address1"] == *street && address["city"] == *city),
            "{address}"
        );
    }
    shop.gateway.store.assert_consistent().await;
}
