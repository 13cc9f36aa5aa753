//! The gateway is killed at each step of an operation.

use std::time::Duration;

use bson::doc;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::crashing_gateway::CrashingGateway;
use super::{assert_recovered, done};
use crate::addresses::{customer, home};
use crate::custom_fields::{define, open, values};
use crate::customers::{
    OTHER_PASSWORD, PASSWORD, credentials, patched, person, redeem, setup, with_password,
};
use crate::kit::{Caller, Setup, Shop, faults, item_ids, png, text};
use crate::orders::{by_default, in_storefront};

/// More than the number of steps of any operation.
const STEPS: u32 = 40;

/// Kills a gateway at the first step of a mutation, the next gateway at the second, and so on until one completes;
/// after each crash the database must be consistent. `attempt` prepares the attempt with this number and returns its caller
/// and input. Returns the number of the attempt that was acknowledged.
pub(super) async fn killed_at_each_step(
    shop: &Shop,
    field: &str,
    attempt: impl AsyncFn(u32) -> (Caller, Value),
) -> u32 {
    for step in 1..=STEPS {
        let (by, input) = attempt(step).await;
        let mut child = CrashingGateway::start(shop).await;
        // Warms the caches, so that only the mutation's own commands are counted.
        by.at_url(&child.remote.url, &child.remote.http)
            .query("{ viewer { kind } }")
            .await;
        child.set_crash_point(step);
        let answer = child.remote.mutate(&by, field, input).await;
        child.end();
        shop.gateway.store.assert_consistent().await;
        if done(answer.as_ref()) {
            return step;
        }
        assert!(answer.is_none(), "it crashed or completed: {answer:?}");
    }
    panic!("{field} has more than {STEPS} steps")
}

// CST-06
#[tokio::test]
async fn cst_06_a_crash_at_each_step_of_a_first_verification_revokes_access_or_changes_nothing() {
    let shop = setup().manual_clock().start().await;
    shop.open_account_page().await;
    let email = |step: u32| format!("victim{step}@example.com");
    let steps = killed_at_each_step(&shop, "customerEmailVerify", async |step| {
        let address = email(step);
        shop.browser
            .mutate_ok("customerRegister", with_password(&address))
            .await;
        let ask = json!({ "email": address });
        shop.browser
            .mutate_ok("customerEmailVerificationRequest", ask)
            .await;
        shop.gateway.run_jobs().await;
        let mails = shop.gateway.mails().all();
        let mail = mails.iter().find(|mail| mail.to == address);
        let token = mail.expect("a mail").parameter("token");
        (shop.unauthenticated(), json!({ "token": token }))
    })
    .await;
    assert!(steps >= 5, "the verification has {steps} steps");
    for step in 1..=steps {
        let customer = doc! { "email": email(step) };
        let customer = shop.gateway.store.documents("customers", customer).await;
        let is_verified = customer[0].get_bool("isEmailVerified").expect("told");
        assert_eq!(
            customer[0].contains_key("passwordHash"),
            !is_verified,
            "step {step}"
        );
        let theirs = doc! { "userId": text(&customer[0], "userId") };
        let sessions = shop.gateway.store.count("sessions", theirs).await;
        assert_eq!(sessions, u64::from(!is_verified), "step {step}");
        assert!(is_verified || step < steps, "the last one was acknowledged");
    }
}

// SPR-10
#[tokio::test]
async fn spr_10_a_crash_at_each_step_of_a_concealed_registration_stays_consistent() {
    let shop = setup().manual_clock().start().await;
    shop.gateway.expect_jobs();
    shop.conceal_emails().await;
    let email = |step: u32| format!("new{step}@example.com");
    let steps = killed_at_each_step(&shop, "customerRegister", async |step| {
        (shop.browser.clone(), with_password(&email(step)))
    })
    .await;
    assert!(steps >= 8, "the registration has {steps} steps");
    for step in 1..=steps {
        let store = &shop.gateway.store;
        let made = store.documents("customers", doc! { "email": email(step) }).await;
        assert!(!made.is_empty() || step < steps, "the last one was acknowledged");
        for customer in &made {
            let mailed = doc! { "payload.customerId": text(customer, "_id") };
            assert_eq!(store.count("jobs", mailed).await, 1, "step {step}: with its mail");
        }
    }
}

// SFU-35
#[tokio::test]
async fn sfu_35_a_crash_at_each_step_of_a_merge_leaves_it_complete_or_undone() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let guest = |step: u32| format!("guest {step}");
    let steps = killed_at_each_step(&shop, "storefrontUserMergeAnonymous", async |step| {
        let id = guest(step);
        shop.guest(&id).await.upload("cat.png", &png(step)).await;
        (shop.backend.clone(), shop.pair(&id, "ann"))
    })
    .await;
    assert!(steps >= 5, "the merge has {steps} steps");
    // Mutations that were not acknowledged are retried.
    for step in 1..=steps {
        shop.merge(&guest(step), "ann").await;
    }
    assert_eq!(item_ids(&ann).await.len(), usize::try_from(steps).expect("few"));
    assert_recovered(&shop).await;
}

// STO-01
#[tokio::test]
async fn sto_01_a_crash_at_each_step_of_an_upload_leaves_no_partial_item() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let mut steps = 0;
    for step in 1..=STEPS {
        let before = item_ids(&ann).await.len();
        let mut child = CrashingGateway::start(&shop).await;
        ann.at_url(&child.remote.url, &child.remote.http)
            .query("{ viewer { kind } }")
            .await;
        child.set_crash_point(step);
        let answer = child.remote.upload(&ann, step).await;
        child.end();
        shop.gateway.store.assert_consistent().await;
        let after = item_ids(&ann).await.len();
        if done(answer.as_ref()) {
            assert_eq!(after, before + 1, "acknowledged");
            steps = step;
            break;
        }
        assert!(after - before <= 1, "there, or not there");
    }
    assert!((8..STEPS).contains(&steps), "the upload has {steps} steps");
    assert_recovered(&shop).await;
}

// CST-01, CST-02
#[tokio::test]
async fn cst_01_a_crash_at_each_step_of_a_registration_leaves_no_partial_customer() {
    let shop = setup().manual_clock().start().await;
    let address = |step: u32| format!("ada{step}@example.com");
    let input = async |step: u32| {
        let guest = shop.token(&format!("guest {step}")).await;
        patched(
            with_password(&address(step)),
            json!({ "anonymousUserToken": guest.credential }),
        )
    };
    let steps = killed_at_each_step(&shop, "customerRegister", async |step| {
        let guest = shop.guest(&format!("guest {step}")).await;
        guest.upload("cat.png", &png(step)).await;
        (shop.browser.clone(), input(step).await)
    })
    .await;
    assert!(steps >= 10, "a registration has {steps} steps");
    let customers = &shop.gateway.store;
    assert_eq!(
        customers.count("customers", doc! {}).await,
        1,
        "the acknowledged one"
    );
    // Mutations that were not acknowledged are retried.
    join_all((1..steps).map(async |step| {
        let payload = shop
            .browser
            .mutate_ok("customerRegister", input(step).await)
            .await;
        assert_eq!(payload["mergedItemCount"], 1, "step {step}");
    }))
    .await;
    let refused = shop
        .browser
        .user_errors("customerRegister", person(&address(steps)))
        .await;
    assert_eq!(refused, ["EMAIL_TAKEN email (400)"]);
    join_all((1..=steps).map(async |step| {
        let signing_in = credentials(&address(step), PASSWORD);
        let payload = shop.browser.mutate_ok("customerTokenCreate", signing_in).await;
        let ada = shop
            .unauthenticated()
            .with(payload["token"]["accessToken"].as_str());
        assert_eq!(item_ids(&ada).await.len(), 1, "step {step}");
    }))
    .await;
    assert_recovered(&shop).await;
}

// CST-02
#[tokio::test]
async fn cst_02_a_crash_at_each_step_of_a_sign_in_merges_the_guest_completely_or_not() {
    let shop = setup().manual_clock().start().await;
    let inputs = Mutex::new(Vec::new());
    // A new customer for each attempt: unfinished work of a crashed gateway would block the next attempt.
    let steps = killed_at_each_step(&shop, "customerTokenCreate", async |step| {
        let address = format!("ada{step}@example.com");
        shop.browser
            .mutate_ok("customerRegister", with_password(&address))
            .await;
        let guest = shop.guest(&format!("guest {step}")).await;
        guest.upload("cat.png", &png(step)).await;
        let brought = json!({ "anonymousUserToken": guest.credential });
        let input = patched(credentials(&address, PASSWORD), brought);
        inputs.lock().await.push(input.clone());
        (shop.browser.clone(), input)
    })
    .await;
    assert!((10..STEPS).contains(&steps), "a sign-in has {steps} steps");
    // Mutations that were not acknowledged are retried, and so may be the one that was.
    join_all(
        inputs
            .into_inner()
            .into_iter()
            .enumerate()
            .map(async |(number, input)| {
                let payload = shop.browser.mutate_ok("customerTokenCreate", input).await;
                assert_eq!(payload["warnings"], json!([]), "attempt {number}");
                let ada = shop
                    .unauthenticated()
                    .with(payload["token"]["accessToken"].as_str());
                assert_eq!(item_ids(&ada).await.len(), 1, "attempt {number}");
            }),
    )
    .await;
    assert_recovered(&shop).await;
}

// SPR-90
#[tokio::test]
async fn spr_90_a_crash_at_each_step_of_a_password_reset_leaves_one_valid_password() {
    let shop = setup().manual_clock().start().await;
    shop.open_account_page().await;
    let address = |step: u32| format!("ada{step}@example.com");
    let redemption = |step: u32| {
        let mails = shop.gateway.mails().all();
        let mail = mails.iter().find(|mail| mail.to == address(step));
        let key = mail.expect("a mail with a key").parameter("key");
        redeem(&key, OTHER_PASSWORD)
    };
    let steps = killed_at_each_step(&shop, "customerPasswordReset", async |step| {
        let ada = with_password(&address(step));
        shop.browser.mutate_ok("customerRegister", ada).await;
        let asked = json!({ "email": address(step) });
        shop.browser
            .mutate_ok("customerPasswordResetRequest", asked)
            .await;
        shop.gateway.run_jobs().await;
        (shop.unauthenticated(), redemption(step))
    })
    .await;
    assert!(steps >= 8, "a reset has {steps} steps");
    let opens = async |step: u32, password: &str| {
        let tried = credentials(&address(step), password);
        let payload = shop.browser.mutate("customerTokenCreate", tried).await;
        faults(&payload).is_empty()
    };
    join_all((1..=steps).map(async |step| {
        let old = opens(step, PASSWORD).await;
        assert_eq!(old, step < steps, "step {step}: the commit is the last of them");
        assert_ne!(
            old,
            opens(step, OTHER_PASSWORD).await,
            "step {step}: one password"
        );
        let again = shop
            .unauthenticated()
            .mutate("customerPasswordReset", redemption(step))
            .await;
        if old {
            assert_eq!(faults(&again), [""; 0], "step {step}: the key is not used up");
            assert!(opens(step, OTHER_PASSWORD).await && !opens(step, PASSWORD).await);
        } else {
            assert_eq!(faults(&again), ["RESET_KEY_INVALID restorePasswordKey (415)"]);
        }
    }))
    .await;
    assert_recovered(&shop).await;
    // Each customer got one notice of the new password.
    let mails = shop.gateway.mails().all();
    for step in 1..=steps {
        let reported = mails.iter().filter(|mail| mail.to == address(step));
        assert_eq!(reported.count(), 2, "step {step}: a key and a notice");
    }
}

// ADR-01
#[tokio::test]
async fn adr_01_a_crash_at_each_step_of_an_address_deletion_leaves_both_defaults() {
    let shop = setup().manual_clock().start().await;
    let steps = killed_at_each_step(&shop, "customerAddressDelete", async |step| {
        let ada = person(&format!("ada{step}@example.com"));
        let payload = shop.browser.mutate_ok("customerRegister", ada).await;
        let customer = &payload["customer"]["id"];
        let mut last = Value::Null;
        for label in ["first", "second", "both defaults"] {
            let input = patched(home(), json!({ "customerId": customer, "label": label }));
            let payload = shop.backend.mutate_ok("customerAddressCreate", input).await;
            last = payload["address"]["id"].clone();
            // The addresses are ordered by the clock's time of creation.
            shop.gateway.advance(Duration::from_millis(1));
        }
        (
            shop.backend.clone(),
            json!({ "customerId": customer, "id": last }),
        )
    })
    .await;
    assert!(steps >= 6, "a deletion has {steps} steps");
    let store = &shop.gateway.store;
    let mut untouched = 0;
    for customer in store.documents("customers", doc! {}).await {
        let addresses = store
            .documents("addresses", doc! { "customerId": &customer["_id"] })
            .await;
        let [first, last] = [addresses.first(), addresses.last()].map(|address| address.expect("an address"));
        let default = if addresses.len() == 3 { last } else { first };
        for pointer in ["defaultShippingAddressId", "defaultBillingAddressId"] {
            assert_eq!(customer[pointer], default["_id"], "{customer}");
        }
        if addresses.len() == 3 {
            // The deletion was not acknowledged and is retried.
            untouched += 1;
            let input = json!({ "customerId": customer["_id"].as_str(), "id": last["_id"].as_str() });
            let payload = shop.backend.mutate_ok("customerAddressDelete", input).await;
            for default in ["defaultShippingAddress", "defaultBillingAddress"] {
                assert_eq!(payload["customer"][default]["id"].as_str(), first["_id"].as_str());
            }
        }
        let left = store
            .count("addresses", doc! { "customerId": &customer["_id"] })
            .await;
        assert_eq!(left, 2, "one was deleted, and once");
    }
    assert!(untouched >= 5, "{untouched} of {steps} crashed before the commit");
    assert_recovered(&shop).await;
}

/// Returns input for an order of a new customer: unfinished work of a crashed gateway would block the next attempt.
async fn order_input(shop: &Shop, name: &str) -> Value {
    let (id, new_customer) = customer(shop, &format!("{name}@example.com")).await;
    new_customer.mutate_ok("customerAddressCreate", home()).await;
    patched(in_storefront(shop, by_default(name)), json!({ "customerId": id }))
}

// CLY-10, ORD-01
#[tokio::test]
async fn cly_10_a_crash_at_each_step_of_a_recording_keeps_order_and_count_equal() {
    let shop = setup().manual_clock().start().await;
    let inputs = Mutex::new(Vec::new());
    let steps = killed_at_each_step(&shop, "orderRecord", async |step| {
        let input = order_input(&shop, &format!("somebody{step}")).await;
        inputs.lock().await.push(input.clone());
        (shop.backend.clone(), input)
    })
    .await;
    assert!((8..STEPS).contains(&steps), "a recording has {steps} steps");
    // Orders that were not acknowledged are sent again.
    for input in inputs.into_inner() {
        let payload = shop.backend.mutate_ok("orderRecord", input).await;
        assert_eq!(payload["order"]["customer"]["status"], "ACQUIRED");
    }
    let orders = shop.gateway.store.count("orders", doc! {}).await;
    assert_eq!(orders, u64::from(steps), "each exists once");
    assert_recovered(&shop).await;
}

// CLY-10, ORD-01
#[tokio::test]
async fn cly_10_a_crash_at_each_step_of_a_cancellation_counts_it_at_most_once() {
    let shop = setup().manual_clock().start().await;
    let steps = killed_at_each_step(&shop, "orderCancel", async |step| {
        let input = order_input(&shop, &format!("somebody{step}")).await;
        let payload = shop.backend.mutate_ok("orderRecord", input).await;
        (shop.backend.clone(), json!({ "id": payload["order"]["id"] }))
    })
    .await;
    assert!((5..STEPS).contains(&steps), "a cancellation has {steps} steps");
    for order in shop.gateway.store.documents("orders", doc! {}).await {
        let input = json!({ "id": text(&order, "_id") });
        let payload = shop.backend.mutate_ok("orderCancel", input).await;
        assert_eq!(payload["order"]["customer"]["status"], "PROSPECT");
    }
    assert_recovered(&shop).await;
}

// EPC-30
#[tokio::test]
async fn epc_30_a_crash_at_each_step_of_a_value_update_or_field_deletion_stays_consistent() {
    let shop = setup().manual_clock().start().await;
    define(&shop, "score", "INTEGER", open()).await;
    let customer = async |step: u32| {
        let ada = person(&format!("ada{step}@example.com"));
        let mut payload = shop.browser.mutate_ok("customerRegister", ada).await;
        payload["customer"]["id"].take()
    };
    let steps = killed_at_each_step(&shop, "customerUpdate", async |step| {
        let named = json!({ "customerId": customer(step).await, "firstName": "Grace" });
        (
            shop.backend.clone(),
            patched(values(&[("score", json!(step))]), named),
        )
    })
    .await;
    assert!(steps >= 7, "an update with values has {steps} steps");
    for customer in shop.gateway.store.documents("customers", doc! {}).await {
        let is_done = text(&customer, "firstName") == "Grace";
        assert_eq!(is_done, customer.contains_key("customFields"), "{customer}");
    }
    let named = doc! { "customFields": { "$exists": true } };
    assert_eq!(
        shop.gateway.store.count("customers", named).await,
        1,
        "the acknowledged one"
    );
    let steps = killed_at_each_step(&shop, "customFieldDelete", async |step| {
        let field = define(&shop, &format!("field{step}"), "STRING", json!({})).await;
        (shop.backend.clone(), json!({ "id": field["id"] }))
    })
    .await;
    assert!(steps >= 6, "a deletion has {steps} steps");
    // Mutations that were not acknowledged are retried.
    for field in shop
        .gateway
        .store
        .documents("customFields", doc! { "type": "STRING" })
        .await
    {
        let id = field.get_str("_id").expect("an id");
        shop.backend
            .mutate_ok("customFieldDelete", json!({ "id": id }))
            .await;
    }
    assert_recovered(&shop).await;
}
