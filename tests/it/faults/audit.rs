//! The gateway is killed during a change that the audit trail records: both the change and its record exist, or
//! neither. The changes are checked after each death (see `kit/audit.rs`).

use bson::doc;
use serde_json::json;

use super::assert_recovered;
use super::steps::killed_at_each_step;
use crate::customers::{PASSWORD, person, setup, with_password};
use crate::kit::text;

#[tokio::test]
async fn a_crash_at_each_step_of_an_update_keeps_both_change_and_entry_or_neither() {
    let shop = setup().manual_clock().start().await;
    let steps = killed_at_each_step(&shop, "customerUpdate", async |step| {
        let ada = person(&format!("ada{step}@example.com"));
        let payload = shop.browser.mutate_ok("customerRegister", ada).await;
        let input = json!({ "customerId": payload["customer"]["id"], "firstName": "Grace" });
        (shop.backend.clone(), input)
    })
    .await;
    assert!((4..10).contains(&steps), "an update has {steps} steps");
    let store = &shop.gateway.store;
    for customer in store.documents("customers", doc! {}).await {
        let reported = doc! { "customerId": &customer["_id"], "action": "UPDATED" };
        let reported = store.count("audit", reported).await == 1;
        assert_eq!(text(&customer, "firstName") == "Grace", reported, "{customer}");
    }
    assert_eq!(
        store.count("audit", doc! { "action": "UPDATED" }).await,
        1,
        "the acknowledged one"
    );
    assert_recovered(&shop).await;
}

#[tokio::test]
async fn a_crash_at_each_step_of_a_first_password_keeps_both_change_and_entry_or_neither() {
    let shop = setup().manual_clock().start().await;
    let steps = killed_at_each_step(&shop, "customerPasswordSet", async |step| {
        let ada = person(&format!("ada{step}@example.com"));
        let payload = shop.browser.mutate_ok("customerRegister", ada).await;
        let id = &payload["customer"]["id"];
        let input = json!({ "customerId": id, "newPassword": PASSWORD, "confirmPassword": PASSWORD });
        (shop.backend.clone(), input)
    })
    .await;
    assert!((4..10).contains(&steps), "it has {steps} steps");
    let store = &shop.gateway.store;
    for customer in store.documents("customers", doc! {}).await {
        let reported = doc! { "customerId": &customer["_id"], "action": "PASSWORD_SET" };
        let reported = store.count("audit", reported).await == 1;
        assert_eq!(customer.contains_key("passwordHash"), reported, "{customer}");
    }
    assert_recovered(&shop).await;
}

// TOK-02
#[tokio::test]
async fn tok_02_a_crash_at_each_step_of_a_sign_out_keeps_both_change_and_entry_or_neither() {
    let shop = setup().manual_clock().start().await;
    let steps = killed_at_each_step(&shop, "customerTokenRevoke", async |step| {
        let ada = with_password(&format!("ada{step}@example.com"));
        let payload = shop.browser.mutate_ok("customerRegister", ada).await;
        (
            shop.unauthenticated(),
            json!({ "refreshToken": payload["token"]["refreshToken"] }),
        )
    })
    .await;
    assert!((4..10).contains(&steps), "signing out has {steps} steps");
    let store = &shop.gateway.store;
    let (sessions, reported) = (
        store.count("sessions", doc! {}).await,
        store.count("audit", doc! { "action": "SESSION_ENDED" }).await,
    );
    assert_eq!(
        (sessions, reported),
        (u64::from(steps) - 1, 1),
        "the acknowledged one has ended"
    );
    assert_recovered(&shop).await;
}
