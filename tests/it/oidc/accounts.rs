//! Which account an identity belongs to: a new, a linked or a known one.

use std::sync::Arc;

use bson::doc;
use futures_util::FutureExt;
use serde_json::json;
use storefront_gateway::customer::identity::forget_in;
use storefront_gateway::platform::id::{Id, StorefrontId, StorefrontUserId};
use storefront_gateway::reach::HouseReach;

use super::test_provider::USERINFO;
use super::{
    NOT_LINKED, Reply, WITH_OIDC, add, callback_input, counts, provider, shop_and_provider, signed_in_id,
};
use crate::customers::{OTHER_PASSWORD, credentials, is_signed_in, person, signed_in, with_password};
use crate::erasure;
use crate::kit::{Shop, text};

const SHOWN: &str = "{ viewer { customer { id reference email isEmailVerified firstName lastName hasPassword \
                     termsAcceptance { version } status lastLoginAt createdAt version \
                     storefrontUser { storefrontUserId isAnonymous } sessions { id } } } }";

/// Sets fields of the only customer with this email address.
async fn set(shop: &Shop, email: &str, fields: bson::Document) {
    let customers = shop.gateway.store.collection("customers");
    let updated = customers
        .update_one(doc! { "emailKey": email }, doc! { "$set": fields })
        .await
        .expect("updated");
    assert_eq!(updated.matched_count, 1);
}

// EPC-09, CST-01
#[tokio::test]
async fn epc_09_the_first_sign_in_creates_the_customer_and_the_next_reuses_it() {
    let (shop, op) = shop_and_provider().await;
    let payload = shop.browser.mutate_ok(WITH_OIDC, callback_input("ada")).await;
    let (ada, _) = signed_in(&shop, &payload);
    let seen = ada.query(SHOWN).await;
    let customer = &seen["viewer"]["customer"];
    assert_eq!(customer["id"], payload["customer"]["id"]);
    let reference = customer["reference"].as_str().expect("a reference");
    let expected = json!({
        "email": "ada@example.com", "isEmailVerified": true, "firstName": "Ada", "lastName": "Lovelace",
        "hasPassword": false, "termsAcceptance": null, "status": "PROSPECT", "version": 1,
        "storefrontUser": { "storefrontUserId": reference, "isAnonymous": false },
    });
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&customer[field], value, "{field}");
    }
    assert_eq!(reference, "DE--1");
    assert_eq!(customer["lastLoginAt"], customer["createdAt"]);
    assert_eq!(customer["sessions"].as_array().map(Vec::len), Some(1));

    // Claims that change later do not change the account.
    let again = "ada {\"email\": \"other@example.com\", \"given_name\": \"Augusta\"}";
    assert_eq!(signed_in_id(&shop, again).await, customer["id"]);
    let seen = ada.query(SHOWN).await;
    assert_eq!(seen["viewer"]["customer"]["email"], "ada@example.com");
    assert_eq!(seen["viewer"]["customer"]["firstName"], "Ada");
    assert_eq!(counts(&shop).await, (1, 1));
    assert_eq!(op.asked(USERINFO), 0, "the id token was sufficient");
    shop.gateway.store.assert_consistent().await;
}

// EPC-09, EPC-08
#[tokio::test]
async fn epc_09_an_account_is_linked_only_if_both_sides_verified_its_address() {
    for (here, there, is_linked) in [
        (true, true, true),
        (true, false, false),
        (false, true, false),
        (false, false, false),
    ] {
        let (shop, _op) = shop_and_provider().await;
        let registered = shop
            .browser
            .mutate_ok("customerRegister", with_password("Ada@Example.com"))
            .await;
        let (before, _) = signed_in(&shop, &registered);
        set(&shop, "ada@example.com", doc! { "isEmailVerified": here }).await;
        let code = format!("ada {{\"email_verified\": {there}}}");
        let what = format!("verified here {here}, there {there}");
        if is_linked {
            assert_eq!(
                signed_in_id(&shop, &code).await,
                registered["customer"]["id"],
                "{what}"
            );
            assert_eq!(
                signed_in_id(&shop, &code).await,
                registered["customer"]["id"],
                "{what}"
            );
            assert_eq!(counts(&shop).await, (1, 1), "{what}");
        } else {
            let stored = shop.gateway.store.dump().await;
            assert_eq!(
                shop.browser.user_errors(WITH_OIDC, callback_input(&code)).await,
                NOT_LINKED,
                "{what}"
            );
            assert_eq!(shop.gateway.store.dump().await, stored, "{what}: nothing changed");
        }
        assert!(is_signed_in(&before).await, "{what}");
        // The password of the account is unchanged.
        let wrong = credentials("ada@example.com", OTHER_PASSWORD);
        assert_eq!(
            shop.browser.user_errors("customerTokenCreate", wrong).await,
            ["CREDENTIALS_INVALID"]
        );
        shop.gateway.store.assert_consistent().await;
    }
}

// EPC-09
#[tokio::test]
async fn epc_09_an_account_with_an_unverified_address_yields_to_the_owner_of_the_address() {
    let (shop, _op) = shop_and_provider().await;
    // A person who claims to have Ada's e-mail address.
    let squatter = "mallory {\"email\": \"ada@example.com\", \"email_verified\": false}";
    let id = signed_in_id(&shop, squatter).await;
    let seen = shop
        .backend
        .query(&format!(
            "{{ customer(by: {{ id: {id} }}) {{ isEmailVerified }} }}"
        ))
        .await;
    assert_eq!(seen["customer"]["isEmailVerified"], false);
    assert_eq!(
        signed_in_id(&shop, squatter).await,
        id,
        "the account belongs to its creator until the address is verified"
    );
    // Ada verifies the address by a mailed link.
    set(&shop, "ada@example.com", doc! { "isEmailVerified": true }).await;
    assert_eq!(
        shop.browser
            .user_errors(WITH_OIDC, callback_input(squatter))
            .await,
        NOT_LINKED
    );
    assert_eq!(signed_in_id(&shop, "ada").await, id, "her own identity is linked");
    // If it was the same person all along, the provider may verify the address later.
    let proven = squatter.replace("false", "true");
    assert_eq!(signed_in_id(&shop, &proven).await, id);
    assert_eq!(signed_in_id(&shop, squatter).await, id, "and that is kept");
    assert_eq!(counts(&shop).await, (1, 2));
}

// EPC-09, SPR-10
#[tokio::test]
async fn epc_09_an_identity_without_an_address_gets_no_account() {
    let (shop, op) = shop_and_provider().await;
    for code in [
        "ada {\"email\": \"no address\"}",
        "ada {\"email\": \"\"}",
        "ada {\"email\": 5}",
    ] {
        assert_eq!(
            shop.browser.user_errors(WITH_OIDC, callback_input(code)).await,
            NOT_LINKED,
            "{code}"
        );
    }
    op.reply(USERINFO, Reply::Json(200, json!({ "sub": "sub-ada" })));
    let without = callback_input("ada {\"email\": null}");
    assert_eq!(shop.browser.user_errors(WITH_OIDC, without).await, NOT_LINKED);
    assert_eq!(counts(&shop).await, (0, 0));
    // The names are optional.
    let nameless = callback_input("ada {\"given_name\": null, \"family_name\": null}");
    let payload = shop.browser.mutate_ok(WITH_OIDC, nameless).await;
    let (ada, _) = signed_in(&shop, &payload);
    let seen = ada.query("{ viewer { customer { firstName lastName } } }").await;
    assert_eq!(
        seen["viewer"]["customer"],
        json!({ "firstName": null, "lastName": null })
    );
}

// EPC-08, EPC-09, ERA-02
#[tokio::test]
async fn era_02_sign_in_is_refused_once_the_erasure_has_begun() {
    let (shop, _op) = shop_and_provider().await;
    let id = signed_in_id(&shop, "ada").await;
    for status in ["IN_PROGRESS", "FAILED", "COMPLETED"] {
        set(
            &shop,
            "ada@example.com",
            doc! { "anonymization": erasure::stored(status) },
        )
        .await;
        let before = shop.gateway.store.dump().await;
        let refused = shop.browser.user_errors(WITH_OIDC, callback_input("ada")).await;
        assert_eq!(refused, ["CREDENTIALS_INVALID"], "{status}");
        // Another identity is not linked to the account either.
        let another = callback_input("eve {\"email\": \"ada@example.com\"}");
        assert_eq!(
            shop.browser.user_errors(WITH_OIDC, another).await,
            NOT_LINKED,
            "{status}"
        );
        assert_eq!(shop.gateway.store.dump().await, before, "{status}");
    }
    for status in ["REQUESTED", "CANCELLED"] {
        set(
            &shop,
            "ada@example.com",
            doc! { "anonymization": erasure::stored(status) },
        )
        .await;
        assert_eq!(signed_in_id(&shop, "ada").await, id, "{status}");
    }
}

/// Deletes a person's links to identity providers, as the eraser does.
async fn forget(shop: &Shop, user: &str) -> u64 {
    let app = Arc::clone(&shop.gateway.app);
    let storefront = StorefrontId::parse(shop.id()).expect("an id");
    let user = StorefrontUserId::parse(user).expect("an id");
    let forgetting = async move {
        let context = (&app.database, &storefront, &user);
        let forgotten = app
            .database
            .transaction(context, |tx, (database, storefront, user)| {
                async move {
                    let system = HouseReach::everywhere();
                    forget_in(database, &system, tx, storefront, user).await
                }
                .boxed()
            });
        forgotten.await.expect("forgotten")
    };
    shop.gateway.inside(forgetting).await
}

// ERA-01
#[tokio::test]
async fn era_01_an_erasure_deletes_only_the_customers_identities() {
    let (shop, op) = shop_and_provider().await;
    add(&shop, provider(&shop.storefront.id, "second", &op.issuer)).await;
    let ada = signed_in_id(&shop, "ada").await;
    let mut second = callback_input("ada");
    second["provider"] = json!("second");
    assert_eq!(
        shop.browser.mutate_ok(WITH_OIDC, second).await["customer"]["id"],
        ada
    );
    let bob = signed_in_id(&shop, "bob").await;
    assert_eq!(counts(&shop).await, (2, 3));
    let stored = shop
        .gateway
        .store
        .documents("customers", doc! { "_id": ada.as_str() })
        .await;
    assert_eq!(forget(&shop, text(&stored[0], "userId")).await, 2);
    assert_eq!(forget(&shop, text(&stored[0], "userId")).await, 0);
    assert_eq!(counts(&shop).await, (2, 1));
    assert_eq!(signed_in_id(&shop, "bob").await, bob);
    assert_eq!(
        signed_in_id(&shop, "ada").await,
        ada,
        "linked again: both sides have verified the address"
    );
}

// SFR-02, EPC-09
#[tokio::test]
async fn sfr_02_storefronts_share_neither_providers_nor_identities() {
    let (shop, op) = shop_and_provider().await;
    let austria = shop.add_storefront("Prints AT", "AT").await;
    let at = |code: &str| super::callback_input_in(austria.id.as_str(), code);
    let unknown = ["IDENTITY_PROVIDER_NOT_FOUND provider"];
    assert_eq!(shop.backend.user_errors(WITH_OIDC, at("ada")).await, unknown);
    add(&shop, provider(&austria.id, "op", &op.issuer)).await;
    let there = shop.backend.mutate_ok(WITH_OIDC, at("ada")).await;
    let here = signed_in_id(&shop, "ada").await;
    assert_ne!(there["customer"]["id"], here);
    assert_eq!(counts(&shop).await, (2, 2));
    shop.gateway.store.assert_consistent().await;
}

// EPC-30: required fields bind only callers that can set a value.
#[tokio::test]
async fn epc_30_required_fields_do_not_prevent_sign_in() {
    let (shop, _op) = shop_and_provider().await;
    let required = json!({ "isRequired": true, "isPublic": true, "isCustomerWritable": true });
    crate::custom_fields::define(&shop, "size", "STRING", required).await;
    assert_eq!(
        shop.browser
            .user_errors("customerRegister", person("bob@example.com"))
            .await
            .len(),
        1
    );
    signed_in_id(&shop, "ada").await;
}
