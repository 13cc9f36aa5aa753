//! A change is recorded exactly once, however often it is retried; a call without effect is not recorded.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{all_said, told_during};
use crate::addresses::home;
use crate::customers::{PASSWORD, ada, but, credentials, id_of, person, setup, shop, with_password};
use crate::kit::{Caller, Shop, faults, text};
use crate::markets::{group, join as join_group};
use crate::orders::{by_default, in_storefront};

/// A mutation that is refused: the caller, the mutation, the input.
type Refusal = (Caller, &'static str, Value);

fn unknown(prefix: &str) -> String {
    format!("{prefix}_01h00000000000000000000000")
}

/// Refused mutations of the account.
fn account_refusals(shop: &Shop, ada: &Caller, id: &Value) -> Vec<Refusal> {
    let (browser, backend) = (&shop.browser, &shop.backend);
    let grace = |changes: Value| but(json!({ "firstName": "Grace" }), changes);
    let change = json!({
        "password": "wrong one", "newPassword": "new password", "confirmPassword": "new password",
    });
    let set = json!({ "customerId": id, "newPassword": PASSWORD, "confirmPassword": PASSWORD });
    let address = json!({ "newEmail": "b@example.com", "password": "wrong one" });
    [
        (browser, "customerRegister", with_password("ADA@example.com")),
        (
            browser,
            "customerTokenCreate",
            credentials("ada@example.com", "wrong one"),
        ),
        (
            browser,
            "customerTokenCreate",
            credentials("bob@example.com", PASSWORD),
        ),
        (ada, "customerUpdate", json!({})),
        (ada, "customerUpdate", grace(json!({ "expectedVersion": 99 }))),
        (ada, "customerUpdate", grace(json!({ "shopperReference": "abc" }))),
        (
            backend,
            "customerUpdate",
            grace(json!({ "customerId": unknown("cus") })),
        ),
        (ada, "customerPasswordChange", change),
        (backend, "customerPasswordSet", set),
        (ada, "customerEmailChangeRequest", address),
        (ada, "customerEmailVerify", json!({ "token": "nonsense" })),
        (
            backend,
            "customerTokenIssue",
            json!({ "customerId": unknown("cus") }),
        ),
    ]
    .map(|(by, field, input)| (by.clone(), field, input))
    .into()
}

/// Refused mutations of the objects that belong to the customer, who has an address.
async fn belonging_refusals(shop: &Shop, ada: &Caller, id: &Value) -> Vec<Refusal> {
    let backend = &shop.backend;
    let order = but(in_storefront(shop, by_default("1")), json!({ "customerId": id }));
    backend.done("orderRecord", order.clone()).await;
    let friends = group(shop, "Friends").await;
    let members = json!({ "id": friends, "customerIds": [id, unknown("cus")] });
    [
        (ada, "customerAddressDelete", json!({ "id": unknown("adr") })),
        (ada, "customerAddressCreate", but(home(), json!({ "city": " " }))),
        (
            backend,
            "orderRecord",
            but(order, json!({ "email": "other@example.com" })),
        ),
        (backend, "orderCancel", json!({ "id": unknown("ord") })),
        (backend, "customerGroupAddCustomers", members),
    ]
    .map(|(by, field, input)| (by.clone(), field, input))
    .into()
}

#[tokio::test]
async fn a_refused_mutation_writes_no_entry() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    ada.done("customerAddressCreate", home()).await;
    let mut refusals = account_refusals(&shop, &ada, &id);
    refusals.extend(belonging_refusals(&shop, &ada, &id).await);
    for (by, field, input) in refusals {
        let asked = by.change(field, input.clone());
        let (payload, entries) = told_during(&shop, asked).await;
        assert_ne!(faults(&payload), [""; 0], "{field}: {input}");
        assert_eq!(all_said(&entries), [""; 0], "{field}: {input}");
    }
}

// ORD-01, SFU-32
#[tokio::test]
async fn a_repeated_mutation_writes_no_second_entry() {
    let shop = shop().await;
    let (ada, token) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    ada.done("customerAddressCreate", home()).await;
    let bob = shop
        .browser
        .done("customerRegister", person("bob@example.com"))
        .await;
    let bob = &bob["customer"]["id"];
    let reference =
        ada.ask("{ viewer { customer { reference } } }").await["viewer"]["customer"]["reference"].take();
    shop.guest("guest").await;
    let (friends, backend) = (group(&shop, "Friends").await, &shop.backend);
    let order = but(in_storefront(&shop, by_default("1")), json!({ "customerId": id }));
    let recorded = backend.done("orderRecord", order.clone());
    let (recorded, entries) = told_during(&shop, recorded).await;
    assert_eq!(all_said(&entries), ["ORDER_RECORDED by CLIENT"]);
    let cancel = json!({ "id": recorded["order"]["id"] });
    backend.done("orderCancel", cancel.clone()).await;
    join_group(&shop, &friends, &[&id]).await;
    let reference = reference.as_str().expect("a reference");
    shop.merge("guest", reference).await;
    for (by, field, input) in [
        (backend, "orderRecord", order),
        (backend, "orderCancel", cancel),
        (
            backend,
            "customerGroupAddCustomers",
            json!({ "id": friends, "customerIds": [id, id] }),
        ),
        (
            backend,
            "customerGroupRemoveCustomers",
            json!({ "id": friends, "customerIds": [bob] }),
        ),
        (
            backend,
            "storefrontUserMergeAnonymous",
            shop.pair("guest", reference),
        ),
    ] {
        let (_, entries) = told_during(&shop, by.done(field, input)).await;
        assert_eq!(all_said(&entries), [""; 0], "{field}");
    }
    // Of several customers, only those whose membership changes are recorded.
    let ((), entries) = told_during(&shop, join_group(&shop, &friends, &[&id, bob])).await;
    assert_eq!(all_said(&entries), ["GROUP_JOINED by CLIENT"]);
    assert_eq!(entries[0].get_str("customerId").ok(), bob.as_str());
    let left = json!({ "id": friends, "customerIds": [bob, id] });
    let (_, entries) = told_during(&shop, backend.done("customerGroupRemoveCustomers", left)).await;
    assert_eq!(all_said(&entries), ["GROUP_LEFT by CLIENT"; 2]);
    let nobody = shop.nobody();
    for many in [1, 0] {
        let revoked = nobody.done("customerTokenRevoke", json!({ "refreshToken": token }));
        let (_, entries) = told_during(&shop, revoked).await;
        assert_eq!(entries.len(), many);
    }
    shop.gateway.store.assert_whole().await;
}

#[tokio::test]
async fn concurrent_mutations_write_one_entry_per_effect() {
    let shop = setup().start().await;
    let (ada, token) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    ada.done("customerAddressCreate", home()).await;
    // Concurrent updates conflict with each other and are retried.
    let versions = join_all((0..10).map(async |number| {
        let name = json!({ "firstName": format!("Ada {number}"), "expectedVersion": 2 });
        let mine = json!({ "lastName": format!("Lovelace {number}") });
        let (claimed, changed) = join(
            ada.change("customerUpdate", name),
            ada.done("customerUpdate", mine),
        )
        .await;
        ada.done("customerAddressCreate", home()).await;
        drop(changed);
        faults(&claimed).is_empty()
    }));
    let order = but(in_storefront(&shop, by_default("1")), json!({ "customerId": id }));
    let orders = join_all((0..5).map(|_| shop.backend.done("orderRecord", order.clone())));
    let (claimed, _) = join(versions, orders).await;
    let claims = claimed.iter().filter(|claimed| **claimed).count();
    assert!(claims <= 1, "one version is changed once: {claims}");
    let leave = json!({ "refreshToken": token });
    let nobody = shop.nobody();
    join_all((0..5).map(|_| nobody.done("customerTokenRevoke", leave.clone()))).await;
    let told = async |action: &str| {
        let named = doc! { "action": action };
        usize::try_from(shop.gateway.store.count("audit", named).await).expect("few")
    };
    assert_eq!(told("UPDATED").await, 10 + claims);
    assert_eq!(told("ADDRESS_CREATED").await, 11);
    assert_eq!(told("ORDER_RECORDED").await, 1);
    assert_eq!(told("SESSION_ENDED").await, 1);
    let customer = &shop.gateway.store.documents("customers", doc! {}).await[0];
    let version = crate::kit::number(customer, "version");
    // The registration, then each change except the end of the session.
    let changes = 1 + 10 + claims + 11 + 1;
    assert_eq!(usize::try_from(version), Ok(changes), "{}", text(customer, "_id"));
    shop.gateway.store.assert_whole().await;
}
