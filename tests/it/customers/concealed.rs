//! A storefront that conceals which addresses are registered: no public call distinguishes a taken address from
//! a free one, as the registration itself does not (SPR-10).

use bson::doc;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::pre_hijacking::next;
use super::{
    OTHER_PASSWORD, PASSWORD, ada, credentials, is_signed_in, patched, person, redeem, signed_in,
    wait_for_mails, with_password,
};
use crate::kit::{Caller, Setup, Shop, item_ids, png, text};
use crate::oidc::{WITH_OIDC, callback_input, open};

const VERIFICATION: &str = "Confirm your e-mail address";
const NOTICE: &str = "You already have an account";

fn setup() -> Setup {
    super::setup().set("GATEWAY_JOBS", "on")
}

async fn shop() -> Shop {
    let shop = setup().start().await;
    shop.open_account_page().await;
    shop.conceal_emails().await;
    shop
}

/// Registers a customer with a password through the backend.
async fn owner(shop: &Shop, email: &str) {
    let input = patched(with_password(email), json!({ "storefrontId": shop.id() }));
    let payload = shop.backend.mutate_ok("customerRegister", input).await;
    assert_eq!(payload, nothing());
}

fn nothing() -> Value {
    json!({ "customer": null, "token": null, "mergedItemCount": 0, "warnings": [], "userErrors": [] })
}

/// An anonymous user with an item: the caller and its token.
async fn guest(shop: &Shop, id: &str) -> (Caller, String) {
    let guest = shop.guest(id).await;
    guest.upload("cat.png", &png(1)).await;
    let token = guest.credential.clone().expect("a token");
    (guest, token)
}

// SPR-10, CST-06
#[tokio::test]
async fn spr_10_a_new_account_can_sign_in_once_its_address_is_verified() {
    let shop = shop().await;
    let mut mails = shop.gateway.mails();
    let (guest, token) = guest(&shop, "guest").await;
    let with_guest = json!({ "anonymousUserToken": token });
    let input = patched(with_password("ada@example.com"), with_guest.clone());
    assert_eq!(shop.browser.mutate_ok("customerRegister", input).await, nothing());
    let login = || patched(credentials("ada@example.com", PASSWORD), with_guest.clone());
    let refused = shop.browser.user_errors("customerTokenCreate", login()).await;
    assert_eq!(refused, ["CREDENTIALS_INVALID"]);
    assert_eq!(item_ids(&guest).await.len(), 1, "the guest is unchanged");
    let stored = shop.gateway.store.documents("customers", doc! {}).await;
    assert!(!stored[0].contains_key("lastLoginAt"));

    let token = next(&mut mails, VERIFICATION, "token").await;
    let input = json!({ "token": token, "password": PASSWORD });
    let payload = shop.browser.mutate_ok("customerEmailVerify", input).await;
    assert_eq!(payload["customer"]["hasPassword"], true);
    let payload = shop.browser.mutate_ok("customerTokenCreate", login()).await;
    assert_eq!(payload["mergedItemCount"], 1);
    let (ada, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&ada).await);
    wait_for_mails(&shop).await;
    shop.gateway.store.assert_consistent().await;
}

// SPR-10, CST-06
#[tokio::test]
async fn spr_10_a_verification_without_the_password_removes_it() {
    let shop = shop().await;
    let mut mails = shop.gateway.mails();
    shop.browser
        .mutate_ok("customerRegister", with_password("victim@example.com"))
        .await;
    let token = next(&mut mails, VERIFICATION, "token").await;
    let payload = shop
        .browser
        .mutate_ok("customerEmailVerify", json!({ "token": token }))
        .await;
    assert_eq!(payload["customer"]["hasPassword"], false);
    let login = credentials("victim@example.com", PASSWORD);
    let refused = shop.browser.user_errors("customerTokenCreate", login).await;
    assert_eq!(refused, ["CREDENTIALS_INVALID"]);
    let ask = json!({ "email": "victim@example.com" });
    shop.browser.mutate_ok("customerPasswordResetRequest", ask).await;
    let key = next(&mut mails, "Choose a new password", "key").await;
    shop.browser
        .mutate_ok("customerPasswordReset", redeem(&key, OTHER_PASSWORD))
        .await;
    let login = credentials("victim@example.com", OTHER_PASSWORD);
    shop.browser.mutate_ok("customerTokenCreate", login).await;
    wait_for_mails(&shop).await;
}

// SPR-10: a password reset is an equivalent proof of the mailbox.
#[tokio::test]
async fn spr_10_a_password_reset_activates_a_new_account() {
    let shop = shop().await;
    let mut mails = shop.gateway.mails();
    shop.browser
        .mutate_ok("customerRegister", person("ada@example.com"))
        .await;
    let ask = json!({ "email": "ada@example.com" });
    shop.browser.mutate_ok("customerPasswordResetRequest", ask).await;
    let key = next(&mut mails, "Choose a new password", "key").await;
    shop.browser
        .mutate_ok("customerPasswordReset", redeem(&key, PASSWORD))
        .await;
    let login = credentials("ada@example.com", PASSWORD);
    shop.browser.mutate_ok("customerTokenCreate", login).await;
    wait_for_mails(&shop).await;
}

/// Runs every public mutation that takes an address; returns the responses.
async fn spies(shop: &Shop, address: &str, guest_id: &str) -> Vec<Value> {
    let (guest, token) = guest(shop, guest_id).await;
    let unauthenticated_client = &shop.browser;
    let with_guest = json!({ "anonymousUserToken": token });
    let register = patched(with_password(address), with_guest.clone());
    let no_token = json!({ "anonymousUserToken": "none" });
    let mut answers = Vec::new();
    for (field, input) in [
        ("customerRegister", register.clone()),
        (
            "customerTokenCreate",
            patched(credentials(address, "another one"), no_token.clone()),
        ),
        ("customerRegister", patched(with_password(address), no_token)),
        (
            "customerTokenCreate",
            patched(credentials(address, "another one"), with_guest.clone()),
        ),
        ("customerRegister", register),
        ("customerRegister", person(address)),
        (
            "customerRegister",
            patched(with_password(address), json!({ "lastName": " " })),
        ),
        ("customerEmailVerificationRequest", json!({ "email": address })),
        ("customerPasswordResetRequest", json!({ "email": address })),
        (
            "customerTokenCreate",
            patched(credentials(address, "another one"), with_guest),
        ),
    ] {
        answers.push(unauthenticated_client.mutate(field, input).await);
    }
    answers.push(json!(item_ids(&guest).await.len()));
    let renewed = guest
        .query("{ viewer { storefrontUser { storefrontUserId mergedInto { id } } } }")
        .await;
    answers.push(renewed["viewer"]["storefrontUser"]["mergedInto"].clone());
    // An address that the provider reports as unverified.
    let code = format!("{guest_id} {{\"email\": \"{address}\", \"email_verified\": false}}");
    answers.push(json!(
        unauthenticated_client
            .user_errors(WITH_OIDC, callback_input(&code))
            .await
    ));
    answers
}

// SPR-10
#[tokio::test]
async fn spr_10_public_operations_do_not_reveal_whether_an_address_is_taken() {
    let shop = shop().await;
    let op = open(&shop).await;
    owner(&shop, "taken@example.com").await;
    let before = shop.gateway.store.documents("customers", doc! {}).await;
    let taken = spies(&shop, "TAKEN@example.com", "guest 1").await;
    let free = spies(&shop, "free@example.com", "guest 2").await;
    assert_eq!(taken, free);
    assert_eq!(free[0], nothing());
    assert_eq!(free[2], nothing(), "the guest is unchanged");
    assert_eq!(free[1]["userErrors"][0]["code"], "CREDENTIALS_INVALID");
    // The password of the latest registration does not work for either address.
    let mut refusals = Vec::new();
    for address in ["taken@example.com", "free@example.com"] {
        let login = credentials(address, OTHER_PASSWORD);
        refusals.push(shop.browser.mutate("customerTokenCreate", login).await);
    }
    let login = credentials("free@example.com", PASSWORD);
    refusals.push(shop.browser.mutate("customerTokenCreate", login).await);
    assert!(
        refusals.iter().all(|refusal| *refusal == refusals[0]),
        "{refusals:?}"
    );
    // Both addresses were sent the same number of mails.
    wait_for_mails(&shop).await;
    let mails = shop.gateway.mails().all();
    let sent = |address: &str, subject: &str| {
        let about = |mail: &&crate::kit::Mail| {
            mail.to.eq_ignore_ascii_case(address) && mail.subject.starts_with(subject)
        };
        mails.iter().filter(about).count()
    };
    assert_eq!(sent("taken@example.com", NOTICE), 4);
    assert_eq!(sent("free@example.com", NOTICE), 0);
    assert_eq!(
        sent("free@example.com", VERIFICATION),
        1 + sent("taken@example.com", VERIFICATION) + 3,
        "the link once more for each registration"
    );
    // The owner's account is unchanged.
    let id = text(&before[0], "_id");
    let after = shop
        .gateway
        .store
        .documents("customers", doc! { "_id": id })
        .await;
    assert_eq!(after, before);
    shop.browser
        .mutate_ok("customerTokenCreate", credentials("taken@example.com", PASSWORD))
        .await;
    drop(op);
    shop.gateway.store.assert_consistent().await;
}

// SPR-10, SPR-17
#[tokio::test]
async fn spr_10_a_taken_address_uses_a_reference_number_like_a_free_one() {
    let shop = shop().await;
    owner(&shop, "taken@example.com").await;
    let number = async || {
        let counters = shop.gateway.store.documents("counters", doc! {}).await;
        format!("{counters:?}")
    };
    let mut seen = vec![number().await];
    for address in ["taken@example.com", "free@example.com"] {
        shop.browser.mutate_ok("customerRegister", person(address)).await;
        let now = number().await;
        assert!(!seen.contains(&now), "{address}");
        seen.push(now);
    }
    wait_for_mails(&shop).await;
}

// SPR-10
#[tokio::test]
async fn spr_10_an_account_registered_by_a_backend_can_sign_in_immediately() {
    let shop = shop().await;
    let (guest, token) = guest(&shop, "guest").await;
    let input = patched(
        with_password("ada@example.com"),
        json!({ "storefrontId": shop.id(), "anonymousUserToken": token }),
    );
    assert_eq!(
        shop.backend.mutate_ok("customerRegister", input.clone()).await,
        nothing()
    );
    let login = credentials("ada@example.com", PASSWORD);
    let payload = shop.browser.mutate_ok("customerTokenCreate", login).await;
    let (ada, _) = signed_in(&shop, &payload);
    assert_eq!(item_ids(&ada).await.len(), 1);
    drop(guest);
    let again = patched(input, json!({ "anonymousUserToken": null }));
    assert_eq!(shop.backend.mutate_ok("customerRegister", again).await, nothing());
    wait_for_mails(&shop).await;
    let mails = shop.gateway.mails().all();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.starts_with(NOTICE));
}

// SPR-10
#[tokio::test]
async fn spr_10_concurrent_registrations_of_one_address_create_one_account() {
    let shop = shop().await;
    let tries = (0..12).map(|_| {
        shop.browser
            .mutate_ok("customerRegister", with_password("ada@example.com"))
    });
    for payload in join_all(tries).await {
        assert_eq!(payload, nothing());
    }
    for (collection, count) in [
        ("customers", 1),
        ("storefrontUsers", 1),
        ("privateStorages", 1),
        ("sessions", 0),
    ] {
        let found = shop.gateway.store.count(collection, doc! {}).await;
        assert_eq!(found, count, "{collection}");
    }
    wait_for_mails(&shop).await;
    shop.gateway.store.assert_consistent().await;
}

// SPR-10: starting to conceal addresses does not close accounts that existed before.
#[tokio::test]
async fn spr_10_an_account_registered_before_concealment_can_still_sign_in() {
    let shop = setup().start().await;
    ada(&shop, "ada@example.com").await;
    shop.conceal_emails().await;
    let login = credentials("ada@example.com", PASSWORD);
    shop.browser.mutate_ok("customerTokenCreate", login).await;
}

// SPR-10
#[tokio::test]
async fn spr_10_an_email_change_responds_alike_for_taken_and_free_addresses() {
    let shop = shop().await;
    let mut mails = shop.gateway.mails();
    owner(&shop, "taken@example.com").await;
    owner(&shop, "mallory@example.com").await;
    let login = credentials("mallory@example.com", PASSWORD);
    let (mallory, _) = signed_in(&shop, &shop.browser.mutate_ok("customerTokenCreate", login).await);
    let mut answers = Vec::new();
    for address in ["taken@example.com", "free@example.com"] {
        let input = json!({ "newEmail": address, "password": PASSWORD });
        answers.push(mallory.mutate("customerEmailChangeRequest", input).await);
        // Only the reader of the mailbox gets the result.
        let token = next(&mut mails, "Confirm your new e-mail address", "token").await;
        let confirmed = mallory
            .mutate("customerEmailChangeConfirm", json!({ "token": token }))
            .await;
        assert_eq!(confirmed["customer"].is_null(), address.starts_with("taken"));
    }
    assert_eq!(answers[0], answers[1]);
    wait_for_mails(&shop).await;
}
