//! Registering.

use bson::doc;
use serde_json::json;

use super::{PASSWORD, ada, credentials, patched, person, shop, signed_in, with_password};
use crate::kit::{item_ids, png, redact};

const CUSTOMER: &str = "reference email isEmailVerified hasPassword firstName lastName salutation gender dateOfBirth \
                        status orderCount termsAcceptance { version } version";

// CST-01, SPR-07, SPR-17, SPR-20, CLY-03, CLY-06
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the snapshot")]
async fn cst_01_a_customer_is_created_with_its_own_user_and_storage() {
    let shop = shop().await;
    let input = patched(
        with_password("Ada@Example.com"),
        json!({ "termsVersion": "2026-01", "salutation": "MS", "gender": "FEMALE", "dateOfBirth": "1990-02-28" }),
    );
    let payload = shop.browser.mutate_ok("customerRegister", input).await;
    let (ada, _) = signed_in(&shop, &payload);
    let query = format!(
        "{{ viewer {{ kind customer {{ {CUSTOMER} createdAt updatedAt shopperReference
            storefrontUser {{ storefrontUserId isAnonymous customer {{ reference }} privateStorage {{ itemCount }} }}
            storefront {{ code }} sessions {{ isCurrent userAgent }} }} }} }}"
    );
    let seen = ada.query(&query).await;
    let own = &seen["viewer"]["customer"];
    assert_eq!(own["createdAt"], own["updatedAt"]);
    insta::assert_json_snapshot!(redact(seen), @r#"
    {
      "viewer": {
        "customer": {
          "createdAt": "[moment 1]",
          "dateOfBirth": "1990-02-28",
          "email": "Ada@Example.com",
          "firstName": "Ada",
          "gender": "FEMALE",
          "hasPassword": true,
          "isEmailVerified": false,
          "lastName": "Lovelace",
          "orderCount": 0,
          "reference": "DE--1",
          "salutation": "MS",
          "sessions": [
            {
              "isCurrent": true,
              "userAgent": null
            }
          ],
          "shopperReference": null,
          "status": "PROSPECT",
          "storefront": {
            "code": "DE"
          },
          "storefrontUser": {
            "customer": {
              "reference": "DE--1"
            },
            "isAnonymous": false,
            "privateStorage": {
              "itemCount": 0
            },
            "storefrontUserId": "DE--1"
          },
          "termsAcceptance": {
            "version": "2026-01"
          },
          "updatedAt": "[moment 1]",
          "version": 1
        },
        "kind": "CUSTOMER"
      }
    }
    "#);
    let by_backend = format!(
        "{{ customer(by: {{ reference: {{ reference: \"DE--1\" }} }}) {{ {CUSTOMER} shopperReference }} }}"
    );
    let seen = shop.backend.query(&by_backend).await;
    let reference = seen["customer"]["shopperReference"].as_str().expect("generated");
    assert!((3..=128).contains(&reference.len()));
    // Only a hash of the password is stored.
    let dump = shop.gateway.store.dump().await;
    assert!(!format!("{dump:?}").contains(PASSWORD));
}

// SPR-10
#[tokio::test]
async fn spr_10_an_address_is_unique_regardless_of_case() {
    let shop = shop().await;
    ada(&shop, "ada@example.com").await;
    let refused = shop
        .browser
        .user_errors("customerRegister", person(" ADA@example.COM "))
        .await;
    assert_eq!(refused, ["EMAIL_TAKEN email (400)"]);
    let other = shop.add_storefront("Prints FR", "FR").await;
    let elsewhere = patched(
        person("ada@example.com"),
        json!({ "storefrontId": other.id.to_string() }),
    );
    let payload = shop.backend.mutate_ok("customerRegister", elsewhere).await;
    assert_eq!(payload["customer"]["reference"], "FR--1");
    let by = "{ customer(by: { email: { storefrontId: $id, email: \"Ada@Example.com\" } }) { reference } }";
    let seen = shop
        .backend
        .query(&by.replace("$id", &json!(shop.id()).to_string()))
        .await;
    assert_eq!(seen["customer"]["reference"], "DE--1");
}

// ERR-01, SPR-07, SPR-09, SPR-11, SPR-13
#[tokio::test]
async fn err_01_all_errors_of_a_registration_are_returned_together() {
    let shop = shop().await;
    let before = shop.gateway.store.dump().await;
    let input = json!({
        "email": "no address", "password": "short", "confirmPassword": "other", "acceptedTerms": false,
        "firstName": " ", "lastName": "x".repeat(101), "dateOfBirth": "1899-12-31", "shopperReference": "mine",
        "termsVersion": "",
        // No error: an otherwise valid registration would return a warning.
        "anonymousUserToken": "none",
    });
    let mut refused = shop.browser.user_errors("customerRegister", input).await;
    refused.sort_unstable();
    assert_eq!(
        refused,
        [
            "DATE_OF_BIRTH_INVALID dateOfBirth",
            "EMAIL_INVALID email",
            "FORBIDDEN shopperReference",
            "PASSWORDS_DO_NOT_MATCH confirmPassword (406)",
            "PASSWORD_TOO_SHORT password",
            "REQUIRED firstName",
            "REQUIRED termsVersion",
            "TERMS_NOT_ACCEPTED acceptedTerms (422)",
            "TOO_LONG lastName",
        ]
    );
    let unconfirmed = patched(person("a@b.co"), json!({ "password": PASSWORD }));
    let refused = shop.browser.user_errors("customerRegister", unconfirmed).await;
    assert_eq!(refused, ["PASSWORDS_DO_NOT_MATCH confirmPassword (406)"]);
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}

// CLY-03
#[tokio::test]
async fn cly_03_a_registration_without_a_password_issues_no_token() {
    let shop = shop().await;
    let payload = shop
        .browser
        .mutate_ok("customerRegister", person("ada@example.com"))
        .await;
    assert!(payload["token"].is_null());
    assert_eq!(payload["customer"]["reference"], "DE--1");
    let refused = shop
        .browser
        .user_errors("customerTokenCreate", credentials("ada@example.com", PASSWORD))
        .await;
    assert_eq!(refused, ["CREDENTIALS_INVALID"]);
}

// CST-02, SFU-22
#[tokio::test]
async fn cst_02_a_registration_merges_the_guests_items() {
    let shop = shop().await;
    let guest = shop.guest("guest").await;
    let item = guest.upload("cat.png", &png(1)).await["id"].take();
    let token = guest.credential.clone().expect("a token");
    let input = patched(
        with_password("ada@example.com"),
        json!({ "anonymousUserToken": token }),
    );
    let payload = shop.browser.mutate_ok("customerRegister", input).await;
    assert_eq!(payload["mergedItemCount"], 1);
    let (ada, _) = signed_in(&shop, &payload);
    assert_eq!(item_ids(&ada).await, [item.as_str().expect("an id")]);

    // At the next sign-in another guest; the first guest's token has no effect any more.
    let guest = shop.guest("second guest").await;
    guest.upload("dog.png", &png(2)).await;
    for (token, items) in [(guest.credential.clone(), 1), (Some(token), 0)] {
        let input = patched(
            credentials("ada@example.com", PASSWORD),
            json!({ "anonymousUserToken": token }),
        );
        let payload = shop.browser.mutate_ok("customerTokenCreate", input).await;
        assert_eq!(payload["mergedItemCount"], items);
        assert_eq!(payload["warnings"], json!([]));
    }
    assert_eq!(item_ids(&ada).await.len(), 2);
}

// SFU-38
#[tokio::test]
async fn sfu_38_a_customers_user_cannot_be_deleted_separately() {
    let shop = shop().await;
    ada(&shop, "ada@example.com").await;
    let refused = shop
        .backend
        .user_errors("storefrontUserDelete", shop.named("DE--1"))
        .await;
    assert_eq!(refused, ["FORBIDDEN storefrontUserId"]);
}

// CST-01, SPR-10
#[tokio::test]
async fn cst_01_one_of_several_concurrent_registrations_succeeds_completely() {
    let shop = shop().await;
    let tries = (0..20).map(|_| {
        shop.browser
            .mutate("customerRegister", with_password("ada@example.com"))
    });
    let payloads = futures_util::future::join_all(tries).await;
    let won = payloads
        .iter()
        .filter(|payload| payload["customer"]["id"].is_string());
    assert_eq!(won.count(), 1);
    for (collection, count) in [
        ("customers", 1),
        ("storefrontUsers", 1),
        ("privateStorages", 1),
        ("sessions", 1),
    ] {
        assert_eq!(
            shop.gateway.store.count(collection, doc! {}).await,
            count,
            "{collection}"
        );
    }
}
