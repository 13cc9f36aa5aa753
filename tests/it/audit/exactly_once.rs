//! A change is recorded exactly once, however often it is retried; a call without effect is not recorded.

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{entries_written_during, formatted_entries};
use crate::addresses::home;
use crate::customers::{PASSWORD, ada, credentials, id_of, patched, person, setup, shop, with_password};
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
    let grace = |changes: Value| patched(json!({ "firstName": "Grace" }), changes);
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
async fn dependent_object_refusals(shop: &Shop, ada: &Caller, id: &Value) -> Vec<Refusal> {
    let backend = &shop.backend;
    let order = patched(in_storefront(shop, by_default("1")), json!({ "customerId": id }));
    backend.mutate_ok("orderRecord", order.clone()).await;
    let friends = group(shop, "Friends").await;
    let members = json!({ "id": friends, "customerIds": [id, unknown("cus")] });
    [
        (ada, "customerAddressDelete", json!({ "id": unknown("adr") })),
        (
            ada,
            "customerAddressCreate",
            patched(home(), json!({ "city": " " })),
        ),
        (
            backend,
            "orderRecord",
            patched(order, json!({ "email": "other@example.com" })),
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
    ada.mutate_ok("customerAddressCreate", home()).await;
    let mut refusals = account_refusals(&shop, &ada, &id);
    refusals.extend(dependent_object_refusals(&shop, &ada, &id).await);
    for (by, field, input) in refusals {
        let asked = by.mutate(field, input.clone());
        let (payload, entries) = entries_written_during(&shop, asked).await;
        assert_ne!(faults(&payload), [""; 0], "{field}: {input}");
        assert_eq!(formatted_entries(&entries), [""; 0], "{field}: {input}");
    }
}

// ORD-01, SFU-32
#[tokio::test]
async fn a_repeated_mutation_writes_no_second_entry() {
    let shop = shop().await;
    let (ada, token) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    let bob = shop
        .browser
        .mutate_ok("customerRegister", person("bob@example.com"))
        .await;
    let bob = &bob["customer"]["id"];
    let reference =
        ada.query("{ viewer { customer { reference } } }").await["viewer"]["customer"]["reference"].take();
    shop.guest("guest").await;
    let (friends, backend) = (group(&shop, "Friends").await, &shop.backend);
    let order = patched(in_storefront(&shop, by_default("1")), json!({ "customerId": id }));
    let recorded = backend.mutate_ok("orderRecord", order.clone());
    let (recorded, entries) = entries_written_during(&shop, recorded).await;
    assert_eq!(formatted_entries(&entries), ["ORDER_RECORDED by CLIENT"]);
    let cancel = json!({ "id": recorded["order"]["id"] });
    backend.mutate_ok("orderCancel", cancel.clone()).await;
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
        let (_, entries) = entries_written_during(&shop, by.mutate_ok(field, input)).await;
        assert_eq!(formatted_entries(&entries), [""; 0], "{field}");
    }
    // Of several customers, only those whose membership changes are recorded.
    let ((), entries) = entries_written_during(&shop, join_group(&shop, &friends, &[&id, bob])).await;
    assert_eq!(formatted_entries(&entries), ["GROUP_JOINED by CLIENT"]);
    assert_eq!(entries[0].get_str("customerId").ok(), bob.as_str());
    let left = json!({ "id": friends, "customerIds": [bob, id] });
    let (_, entries) =
        entries_written_during(&shop, backend.mutate_ok("customerGroupRemoveCustomers", left)).await;
    assert_eq!(formatted_entries(&entries), ["GROUP_LEFT by CLIENT"; 2]);
    let unauthenticated = shop.unauthenticated();
    for many in [1, 0] {
        let revoked = unauthenticated.mutate_ok("customerTokenRevoke", json!({ "refreshToken": token }));
        let (_, entries) = entries_written_during(&shop, revoked).await;
        assert_eq!(entries.len(), many);
    }
    shop.gateway.store.assert_consistent().await;
}

#[tokio::test]
async fn concurrent_mutations_write_one_entry_per_effect() {
    let shop = setup().start().await;
    let (ada, token) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    // Concurrent updates conflict with each other and are retried.
    let versions = join_all((0..10).map(async |number| {
        let name = json!({ "firstName": format!("Ada {number}"), "expectedVersion": 2 });
        let mine = json!({ "lastName": format!("Lovelace {number}") });
        let (claimed, changed) = join(
            ada.mutate("customerUpdate", name),
            ada.mutate_ok("customerUpdate", mine),
        )
        .await;
        ada.mutate_ok("customerAddressCreate", home()).await;
        drop(changed);
        faults(&claimed).is_empty()
    }));
    let order = patched(in_storefront(&shop, by_default("1")), json!({ "customerId": id }));
    let orders = join_all((0..5).map(|_| shop.backend.mutate_ok("orderRecord", order.clone())));
    let (claimed, _) = join(versions, orders).await;
    let claims = claimed.iter().filter(|claimed| **claimed).count();
    assert!(claims <= 1, "one version is changed once: {claims}");
    let leave = json!({ "refreshToken": token });
    let unauthenticated = shop.unauthenticated();
    join_all((0..5).map(|_| unauthenticated.mutate_ok("customerTokenRevoke", leave.clone()))).await;
    let reported = async |action: &str| {
        let named = doc! { "action": action };
        usize::try_from(shop.gateway.store.count("audit", named).await).expect("few")
    };
    assert_eq!(reported("UPDATED").await, 10 + claims);
    assert_eq!(reported("ADDRESS_CREATED").await, 11);
    assert_eq!(reported("ORDER_RECORDED").await, 1);
    assert_eq!(reported("SESSION_ENDED").await, 1);
    let customer = &shop.gateway.store.documents("customers", doc! {}).await[0];
    let version = crate::kit::number(customer, "version");
    // The registration, then each change except the end of the session.
    let changes = 1 + 10 + claims + 11 + 1;
    assert_eq!(usize::try_from(version), Ok(changes), "{}", text(customer, "_id"));
    shop.gateway.store.assert_consistent().await;
}
