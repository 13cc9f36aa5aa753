//! Changing the profile.

use serde_json::json;

use super::{ada, patched, person, shop};

// SPR-33, SPR-37, SPR-20
#[tokio::test]
async fn spr_33_an_update_changes_only_the_fields_sent() {
    let shop = shop().await;
    shop.gateway.expect_jobs();
    let input = patched(
        person("ada@example.com"),
        json!({ "gender": "FEMALE", "salutation": "DR", "dateOfBirth": "1990-02-28" }),
    );
    let registered = shop.browser.mutate_ok("customerRegister", input).await;
    let id = &registered["customer"]["id"];
    let change = json!({ "customerId": id, "lastName": "King", "gender": null, "email": "Ada@King.example" });
    let payload = shop.backend.mutate_ok("customerUpdate", change).await;
    let customer = &payload["customer"];
    assert_eq!(customer["firstName"], "Ada");
    assert_eq!(customer["lastName"], "King");
    assert_eq!(customer["salutation"], "DR");
    assert_eq!(customer["gender"], json!(null));
    assert_eq!(customer["dateOfBirth"], "1990-02-28");
    assert_eq!(customer["email"], "Ada@King.example");
    assert_eq!(customer["version"], 2);
    assert!(customer["updatedAt"].as_str() > customer["createdAt"].as_str());
    let refused = shop
        .backend
        .user_errors("customerUpdate", json!({ "customerId": id }))
        .await;
    assert_eq!(refused, ["NO_CHANGES"]);
}

// SPR-33, CLY-06, ERR-03
#[tokio::test]
async fn spr_33_an_invalid_update_is_rejected_with_an_error_per_field() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let bob = patched(person("bob@example.com"), json!({ "shopperReference": "bob-1" }));
    let bob = shop
        .backend
        .mutate_ok(
            "customerRegister",
            patched(bob, json!({ "storefrontId": shop.id() })),
        )
        .await;
    let before = shop.gateway.store.dump().await;
    let refused = ada
        .user_errors(
            "customerUpdate",
            json!({ "firstName": null, "lastName": " ", "email": "new@example.com", "shopperReference": "mine" }),
        )
        .await;
    assert_eq!(
        refused,
        [
            "REQUIRED firstName",
            "REQUIRED lastName",
            "FORBIDDEN email",
            "FORBIDDEN shopperReference"
        ]
    );
    let id = ada.query("{ viewer { customer { id } } }").await["viewer"]["customer"]["id"].take();
    for (change, fault) in [
        (json!({ "email": "BOB@example.com" }), "EMAIL_TAKEN email (400)"),
        (json!({ "email": null }), "REQUIRED email"),
        (
            json!({ "shopperReference": "bob-1" }),
            "SHOPPER_REFERENCE_TAKEN shopperReference",
        ),
        (
            json!({ "shopperReference": "x" }),
            "SHOPPER_REFERENCE_INVALID shopperReference",
        ),
        (
            json!({ "shopperReference": null }),
            "SHOPPER_REFERENCE_INVALID shopperReference",
        ),
        (
            json!({ "dateOfBirth": "9999-01-01" }),
            "DATE_OF_BIRTH_INVALID dateOfBirth",
        ),
    ] {
        let input = patched(change, json!({ "customerId": id }));
        assert_eq!(shop.backend.user_errors("customerUpdate", input).await, [fault]);
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
    assert!(bob["customer"]["id"].is_string());
}

// CST-03
#[tokio::test]
async fn cst_03_one_of_two_updates_with_the_same_version_succeeds() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let mutation =
        "mutation ($name: String!) { customerUpdate(input: { expectedVersion: 1, firstName: $name }) {
        customer { version } userErrors { code field currentVersion } } }";
    let tries = (0..10).map(|number| ada.send(mutation, json!({ "name": format!("Ada {number}") })));
    let payloads: Vec<_> = futures_util::future::join_all(tries)
        .await
        .into_iter()
        .map(|answer| answer.data()["customerUpdate"].take())
        .collect();
    let won = payloads
        .iter()
        .filter(|payload| payload["customer"]["version"] == 2);
    assert_eq!(won.count(), 1);
    let lost = json!([{ "code": "VERSION_CONFLICT", "field": ["expectedVersion"], "currentVersion": 2 }]);
    let reported = payloads.iter().filter(|payload| payload["userErrors"] == lost);
    assert_eq!(reported.count(), 9);
}
