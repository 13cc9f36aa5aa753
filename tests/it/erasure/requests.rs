//! Who may request an erasure, when it starts, and which mutations are refused from then on.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;

use super::{of, on_behalf, state, status};
use crate::addresses::{customer, home};
use crate::customers::{self, OTHER_PASSWORD, PASSWORD, ada, id_of, patched, setup};
use crate::kit::{self, Caller, Shop, faults, png};
use crate::markets::group;
use crate::orders::{by_default, in_storefront};

const HOUR: Duration = Duration::from_secs(3600);

async fn shop() -> Shop {
    setup().manual_clock().start().await
}

// CLY-17
#[tokio::test]
async fn cly_17_a_request_needs_the_scope_and_an_owner() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    assert_eq!(
        shop.backend
            .user_errors("customerAnonymizationRequest", of(&id))
            .await,
        ["OWNER_REQUIRED"]
    );
    assert_eq!(
        shop.backend
            .user_errors("customerAnonymizationCancel", of(&id))
            .await,
        ["OWNER_REQUIRED"]
    );
    let without = shop
        .backend_with(&[Scope::CustomersWrite, Scope::CustomersRead])
        .await;
    let answer = without
        .send(
            &kit::mutation("customerAnonymizationRequest"),
            json!({ "input": of(&id) }),
        )
        .await;
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
}

// CLY-17
#[tokio::test]
async fn cly_17_a_request_is_due_after_the_grace_period_and_is_not_replaced() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let (backend, member) = on_behalf(&shop).await;
    let unauthenticated = json!({ "customerId": "cus_01h00000000000000000000000" });
    assert_eq!(
        backend
            .user_errors("customerAnonymizationRequest", unauthenticated)
            .await,
        ["CUSTOMER_NOT_FOUND customerId (402)"]
    );
    backend.mutate_ok("customerAnonymizationRequest", of(&id)).await;
    let first = state(&backend, &id).await;
    let info = &first["anonymizationInfo"];
    let millis = |field: &str| {
        let text = info[field].as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(text)
            .expect("a time")
            .timestamp_millis()
    };
    assert_eq!(
        millis("scheduledFor") - millis("requestedAt"),
        24 * 3_600_000,
        "the grace period"
    );
    assert_eq!(info["requester"]["id"], json!(member));
    assert_eq!(
        (&first["isAnonymized"], &info["receipt"]),
        (&json!(false), &Value::Null)
    );
    // A repeated request: the first one remains.
    shop.gateway.advance(HOUR);
    let (backend, _) = on_behalf(&shop).await;
    let again = backend.user_errors("customerAnonymizationRequest", of(&id)).await;
    assert_eq!(again, ["ANONYMIZATION_ALREADY_REQUESTED customerId"]);
    assert_eq!(state(&backend, &id).await, first);
    // Nothing is erased and no mutation is refused yet.
    let update = patched(of(&id), json!({ "firstName": "Augusta" }));
    backend.mutate_ok("customerUpdate", update).await;
    shop.gateway.advance(22 * HOUR);
    shop.gateway.run_jobs().await;
    assert_eq!(status(&shop.backend, &id).await, "REQUESTED");
    shop.gateway.advance(HOUR);
    shop.gateway.run_jobs().await;
    assert_eq!(status(&shop.backend, &id).await, "COMPLETED");
    let (backend, _) = on_behalf(&shop).await;
    let again = backend.user_errors("customerAnonymizationRequest", of(&id)).await;
    assert_eq!(again, ["CUSTOMER_ANONYMIZED customerId"]);
}

// CLY-17
#[tokio::test]
async fn cly_17_the_requester_is_hidden_from_the_customer() {
    let shop = shop().await;
    let (backend, _) = on_behalf(&shop).await;
    // The erasures are never due in this test.
    shop.gateway.expect_jobs();
    let (bob, _) = ada(&shop, "bob@example.com").await;
    backend
        .mutate_ok("customerAnonymizationRequest", of(&id_of(&bob).await))
        .await;
    let seen = bob
        .query("{ viewer { customer { anonymizationInfo { status requester { id } } } } }")
        .await;
    assert_eq!(
        seen["viewer"]["customer"]["anonymizationInfo"],
        json!({ "status": "REQUESTED", "requester": null })
    );
}

// CLY-18
#[tokio::test]
async fn cly_18_a_request_can_be_cancelled_before_it_starts_and_repeated() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let (backend, member) = on_behalf(&shop).await;
    let cancel = async |backend: &Caller| backend.user_errors("customerAnonymizationCancel", of(&id)).await;
    assert_eq!(cancel(&backend).await, ["ANONYMIZATION_NOT_REQUESTED customerId"]);
    backend.mutate_ok("customerAnonymizationRequest", of(&id)).await;
    shop.gateway.advance(HOUR);
    let (backend, canceller) = on_behalf(&shop).await;
    backend.mutate_ok("customerAnonymizationCancel", of(&id)).await;
    assert_eq!(cancel(&backend).await, ["ANONYMIZATION_NOT_REQUESTED customerId"]);
    let cancelled = state(&backend, &id).await;
    let info = &cancelled["anonymizationInfo"];
    assert_eq!(info["status"], "CANCELLED");
    assert_eq!(
        (&info["requester"]["id"], &info["cancellationRequester"]["id"]),
        (&json!(member), &json!(canceller))
    );
    assert!(
        info["cancelledAt"].is_string() && info["startedAt"].is_null(),
        "{info}"
    );
    // A new request, due later than the first: the first one's job starts nothing.
    backend.mutate_ok("customerAnonymizationRequest", of(&id)).await;
    shop.gateway.advance(23 * HOUR);
    shop.gateway.run_jobs().await;
    assert_eq!(status(&shop.backend, &id).await, "REQUESTED");
    shop.gateway.advance(HOUR);
    shop.gateway.run_jobs().await;
    assert_eq!(status(&shop.backend, &id).await, "COMPLETED");
    let (backend, _) = on_behalf(&shop).await;
    assert_eq!(
        cancel(&backend).await,
        ["ANONYMIZATION_ALREADY_STARTED customerId"]
    );
    let info = state(&backend, &id).await["anonymizationInfo"].take();
    assert!(
        info["cancelledAt"].is_null() && info["completedAt"].is_string(),
        "{info}"
    );
}

// CLY-20
#[tokio::test]
async fn cly_20_erasures_are_found_by_their_status() {
    let shop = shop().await;
    let (backend, _) = on_behalf(&shop).await;
    shop.gateway.expect_jobs();
    let mut ids = Vec::new();
    for name in ["ada", "bob", "cid", "dan"] {
        let (person, _) = ada(&shop, &format!("{name}@example.com")).await;
        ids.push(id_of(&person).await);
    }
    for id in &ids[..2] {
        backend.mutate_ok("customerAnonymizationRequest", of(id)).await;
    }
    backend
        .mutate_ok("customerAnonymizationCancel", of(&ids[1]))
        .await;
    backend.mutate_ok("customerDelete", of(&ids[3])).await;
    let issued = shop.backend.mutate_ok("customerTokenIssue", of(&ids[2])).await;
    let cid = shop
        .unauthenticated()
        .with(issued["token"]["accessToken"].as_str());
    cid.mutate_ok("customerAnonymize", json!({ "password": PASSWORD }))
        .await;
    for (filter, expected) in [
        ("{ anonymizationStatus: REQUESTED }", &ids[..1]),
        ("{ anonymizationStatus: CANCELLED }", &ids[1..2]),
        ("{ anonymizationStatus: COMPLETED }", &ids[2..3]),
        ("{ anonymizationStatus: IN_PROGRESS }", &[]),
        ("{ isAnonymized: true }", &ids[2..3]),
        ("{ isAnonymized: false }", &ids[..2]),
    ] {
        let query = format!("{{ storefront {{ customers(filter: {filter}) {{ nodes {{ id }} }} }} }}");
        let found = shop.backend.query(&query).await["storefront"]["customers"]["nodes"].take();
        let found = found.as_array().into_iter().flatten();
        let found: BTreeSet<String> = found.map(|node| node["id"].to_string()).collect();
        let expected: BTreeSet<String> = expected.iter().map(Value::to_string).collect();
        assert_eq!(found, expected, "{filter}");
    }
}

/// The mutations that a backend may no longer call, each with the field of the error.
fn closed(
    shop: &Shop,
    id: &Value,
    address: &Value,
    user: &str,
    crowd: &Value,
) -> Vec<(&'static str, Value, &'static str)> {
    let passwords = json!({ "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD });
    vec![
        (
            "customerUpdate",
            patched(of(id), json!({ "firstName": "Ada" })),
            "customerId",
        ),
        ("customerPasswordSet", patched(of(id), passwords), "customerId"),
        ("customerTokenIssue", of(id), "customerId"),
        ("customerAddressCreate", patched(home(), of(id)), "customerId"),
        (
            "customerAddressUpdate",
            patched(of(id), json!({ "id": address, "city": "Rome" })),
            "customerId",
        ),
        (
            "customerAddressDelete",
            patched(of(id), json!({ "id": address })),
            "customerId",
        ),
        ("customerDataExport", of(id), "customerId"),
        (
            "orderRecord",
            in_storefront(shop, patched(by_default("A-1"), of(id))),
            "customerId",
        ),
        (
            "customerGroupAddCustomers",
            json!({ "id": crowd, "customerIds": [id] }),
            "customerIds.0",
        ),
        ("storefrontUserTokenIssue", shop.named(user), "storefrontUserId"),
        (
            "storefrontUserMergeAnonymous",
            shop.pair("guest", user),
            "regularStorefrontUserId",
        ),
    ]
}

// ERA-04
#[tokio::test]
async fn era_04_mutations_of_an_erased_customer_are_refused() {
    let shop = shop().await;
    let (id, ada) = customer(&shop, "ada@example.com").await;
    let address = ada.mutate_ok("customerAddressCreate", home()).await["address"]["id"].take();
    let user = ada
        .query("{ viewer { storefrontUser { storefrontUserId } } }")
        .await;
    let user = user["viewer"]["storefrontUser"]["storefrontUserId"]
        .as_str()
        .expect("an id")
        .to_owned();
    ada.mutate_ok("customerAnonymize", json!({})).await;
    shop.guest("guest").await;
    let crowd = group(&shop, "Crowd").await;
    let changes = closed(&shop, &id, &address, &user, &crowd);
    for (field, input, on) in changes {
        let refused = shop.backend.user_errors(field, input).await;
        assert_eq!(refused, [format!("CUSTOMER_ANONYMIZED {on}")], "{field}");
    }
    let upload = kit::Upload {
        input: json!({ "owner": { "external": { "storefrontUserId": user } } }),
        file_name: "cat.png",
        bytes: png(1),
    };
    let refused = faults(&shop.backend.send_upload(upload).await);
    assert_eq!(refused, ["CUSTOMER_ANONYMIZED owner"]);
    // Queries, leaving groups, signing out, and deletion are still allowed.
    let members = json!({ "id": crowd, "customerIds": [id] });
    shop.backend
        .mutate_ok("customerGroupRemoveCustomers", members)
        .await;
    shop.backend
        .mutate_ok("customerTokenRevoke", patched(of(&id), json!({ "all": true })))
        .await;
    assert_eq!(status(&shop.backend, &id).await, "COMPLETED");
    shop.backend.mutate_ok("customerDelete", of(&id)).await;
    assert_eq!(state(&shop.backend, &id).await, Value::Null);
    let refused = shop.backend.user_errors("customerDelete", of(&id)).await;
    assert_eq!(refused, ["CUSTOMER_NOT_FOUND customerId (402)"]);
    shop.gateway.store.assert_consistent().await;
}

// EPC-04
#[tokio::test]
async fn epc_04_a_customer_deletes_its_account_with_its_password() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    for input in [json!({}), json!({ "password": OTHER_PASSWORD })] {
        assert_eq!(
            ada.user_errors("customerDelete", input).await,
            ["PASSWORD_INVALID password (408)"]
        );
    }
    assert_eq!(
        shop.backend.user_errors("customerDelete", json!({})).await,
        ["CUSTOMER_REFERENCE_MISSING customerId (405)"]
    );
    let (bob, _) = customers::ada(&shop, "bob@example.com").await;
    let of_bob = of(&id_of(&bob).await);
    let refused = ada
        .user_errors("customerDelete", patched(of_bob, json!({ "password": PASSWORD })))
        .await;
    assert_eq!(refused, ["CUSTOMER_NOT_FOUND customerId (402)"]);
    ada.mutate_ok("customerDelete", json!({ "password": PASSWORD }))
        .await;
    // An erased customer may register again, as a new customer.
    let payload = shop
        .browser
        .mutate_ok("customerRegister", customers::with_password("ada@example.com"))
        .await;
    assert!(payload["customer"]["id"].is_string());
    shop.gateway.store.assert_consistent().await;
}

// ERA-03
#[tokio::test]
async fn era_03_an_unfinished_erasure_is_failed_and_retried() {
    let shop = setup()
        .set("GATEWAY_ANONYMIZATION_GRACE", "0s")
        .manual_clock()
        .start()
        .await;
    shop.gateway.expect_errors();
    let (id, ada) = customer(&shop, "ada@example.com").await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    let (backend, _) = on_behalf(&shop).await;
    // A file takes the place of the mail folder, so that reading the folder fails.
    let data = &shop.gateway.app.config.data_dir;
    std::fs::create_dir_all(data).expect("made");
    std::fs::write(data.join("mail"), "a file").expect("written");
    backend.mutate_ok("customerAnonymizationRequest", of(&id)).await;
    shop.gateway.run_jobs().await;
    let failed = state(&shop.backend, &id).await;
    let info = &failed["anonymizationInfo"];
    assert_eq!(
        (&failed["isAnonymized"], &info["status"]),
        (&json!(false), &json!("FAILED"))
    );
    assert!(
        info["failedAt"].is_string() && info["completedAt"].is_null(),
        "{info}"
    );
    assert_eq!(info["receipt"], Value::Null);
    let refused = backend.user_errors("customerAnonymizationCancel", of(&id)).await;
    assert_eq!(refused, ["ANONYMIZATION_ALREADY_STARTED customerId"]);
    shop.gateway.store.assert_consistent().await;

    std::fs::remove_file(data.join("mail")).expect("removed");
    shop.gateway.advance(Duration::from_secs(60));
    shop.gateway.run_jobs().await;
    let done = state(&shop.backend, &id).await["anonymizationInfo"].take();
    assert_eq!(
        (&done["status"], &done["receipt"]["addresses"]),
        (&json!("COMPLETED"), &json!(1))
    );
    assert_eq!(done["failedAt"], info["failedAt"]);
    shop.gateway.store.assert_consistent().await;
}
