//! Accounts that an attacker created with another person's address, and what remains of the preparation once the
//! address's holder proves ownership (CST-06, CST-08).

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{
    OTHER_PASSWORD, PASSWORD, ada, credentials, id_of, is_signed_in, redeem, signed_in, wait_for_mails,
};
use crate::kit::{Caller, MailFolder, Setup, Shop, text};
use crate::oidc::{WITH_OIDC, callback_input, open};

const VERIFY: &str = "customerEmailVerify";
const CONFIRM: &str = "customerEmailChangeConfirm";
const VERIFICATION: &str = "Confirm your e-mail address";
const CHANGE: &str = "Confirm your new e-mail address";

fn setup() -> Setup {
    super::setup().set("GATEWAY_JOBS", "on")
}

async fn shop() -> (Shop, MailFolder) {
    let shop = setup().start().await;
    shop.open_account_page().await;
    let mails = shop.gateway.mails();
    (shop, mails)
}

/// The parameter of the link in the next mail with this subject.
pub(super) async fn next(mails: &mut MailFolder, about: &str, parameter: &str) -> String {
    loop {
        let mail = mails.next().await;
        if mail.subject.starts_with(about) {
            return mail.parameter(parameter);
        }
    }
}

/// A key that verifies an address.
async fn verification(shop: &Shop, mails: &mut MailFolder, address: &str) -> String {
    let input = json!({ "email": address });
    shop.browser
        .mutate_ok("customerEmailVerificationRequest", input)
        .await;
    next(mails, VERIFICATION, "token").await
}

/// A key that changes a customer's address to this one.
async fn change(customer: &Caller, mails: &mut MailFolder, address: &str) -> String {
    let input = json!({ "newEmail": address, "password": PASSWORD });
    customer.mutate_ok("customerEmailChangeRequest", input).await;
    next(mails, CHANGE, "token").await
}

async fn signs_in(shop: &Shop, email: &str, password: &str) -> bool {
    let payload = shop
        .browser
        .mutate("customerTokenCreate", credentials(email, password))
        .await;
    payload["token"]["accessToken"].is_string()
}

async fn can_refresh(shop: &Shop, refresh: &str) -> bool {
    let input = json!({ "refreshToken": refresh });
    let payload = shop.browser.mutate("customerTokenRefresh", input).await;
    payload["token"]["accessToken"].is_string()
}

/// The number of keys that can still be redeemed.
async fn keys(shop: &Shop) -> u64 {
    let prepared = doc! { "hash": { "$exists": true } };
    shop.gateway.store.count("oneTimeKeys", prepared).await
}

async fn audit_actions(shop: &Shop) -> Vec<String> {
    let mut entries = shop.gateway.store.documents("audit", doc! {}).await;
    entries.sort_by_key(|entry| text(entry, "_id").to_owned());
    entries
        .iter()
        .map(|entry| text(entry, "action").to_owned())
        .collect()
}

// CST-06
#[tokio::test]
async fn cst_06_a_verification_without_credentials_revokes_all_earlier_access() {
    let (shop, mut mails) = shop().await;
    let (mallory, refresh) = ada(&shop, "victim@example.com").await;
    let (elsewhere, _) = {
        let input = credentials("victim@example.com", PASSWORD);
        signed_in(&shop, &shop.browser.mutate_ok("customerTokenCreate", input).await)
    };
    let pending = change(&mallory, &mut mails, "mallory@example.com").await;
    let reset = json!({ "email": "victim@example.com" });
    shop.browser
        .mutate_ok("customerPasswordResetRequest", reset)
        .await;
    let reset = next(&mut mails, "Choose a new password", "key").await;
    let token = verification(&shop, &mut mails, "victim@example.com").await;

    let payload = shop.browser.mutate_ok(VERIFY, json!({ "token": token })).await;
    let expected = json!({
        "id": payload["customer"]["id"], "email": "victim@example.com", "isEmailVerified": true, "hasPassword": false,
    });
    assert_eq!(payload["customer"], expected);
    assert!(!is_signed_in(&mallory).await && !is_signed_in(&elsewhere).await);
    assert!(!can_refresh(&shop, &refresh).await);
    assert!(!signs_in(&shop, "victim@example.com", PASSWORD).await);
    let refused = shop
        .unauthenticated()
        .user_errors(CONFIRM, json!({ "token": pending }))
        .await;
    assert_eq!(refused, ["EMAIL_TOKEN_INVALID token"]);
    let refused = shop
        .unauthenticated()
        .user_errors("customerPasswordReset", redeem(&reset, PASSWORD))
        .await;
    assert_eq!(refused, ["RESET_KEY_INVALID restorePasswordKey (415)"]);
    assert_eq!(keys(&shop).await, 0);
    let audit_actions = audit_actions(&shop).await;
    let last: Vec<&str> = audit_actions
        .iter()
        .rev()
        .take(3)
        .rev()
        .map(String::as_str)
        .collect();
    assert_eq!(last, ["EMAIL_VERIFIED", "PASSWORD_REMOVED", "ALL_SESSIONS_ENDED"]);

    // The owner sets a password and has the account.
    let ask = json!({ "email": "victim@example.com" });
    shop.browser.mutate_ok("customerPasswordResetRequest", ask).await;
    let key = next(&mut mails, "Choose a new password", "key").await;
    let payload = shop
        .browser
        .mutate_ok("customerPasswordReset", redeem(&key, OTHER_PASSWORD))
        .await;
    let (owner, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&owner).await);
    assert!(signs_in(&shop, "victim@example.com", OTHER_PASSWORD).await);
    assert!(!signs_in(&shop, "victim@example.com", PASSWORD).await);
    wait_for_mails(&shop).await;
    shop.gateway.store.assert_consistent().await;
}

/// The proof that the redeemer of a key owns the account.
#[derive(Clone, Copy, Debug)]
enum By {
    Session,
    Password,
    SessionOfAnother,
}

async fn redeems(shop: &Shop, customer: &Caller, field: &str, token: &str, by: By) -> Value {
    let input = json!({ "token": token });
    match by {
        By::Session => customer.mutate_ok(field, input).await,
        By::Password => {
            let input = json!({ "token": token, "password": PASSWORD });
            shop.unauthenticated().mutate_ok(field, input).await
        }
        By::SessionOfAnother => {
            let (other, _) = ada(shop, "other@example.com").await;
            other.mutate_ok(field, input).await
        }
    }
}

// CST-06
#[tokio::test]
async fn cst_06_a_verification_with_a_session_or_password_keeps_sessions_and_password() {
    for (field, by, kept) in [
        (VERIFY, By::Session, true),
        (VERIFY, By::Password, true),
        (VERIFY, By::SessionOfAnother, false),
        (CONFIRM, By::Session, true),
        (CONFIRM, By::Password, true),
        (CONFIRM, By::SessionOfAnother, false),
    ] {
        let (shop, mut mails) = shop().await;
        let (customer, refresh) = ada(&shop, "ada@example.com").await;
        let (token, address) = match field {
            VERIFY => {
                let token = verification(&shop, &mut mails, "ada@example.com").await;
                (token, "ada@example.com")
            }
            _ => {
                let token = change(&customer, &mut mails, "ada@new.example").await;
                (token, "ada@new.example")
            }
        };
        let payload = redeems(&shop, &customer, field, &token, by).await;
        let what = format!("{field} {by:?}");
        assert_eq!(payload["customer"]["email"], address, "{what}");
        assert_eq!(payload["customer"]["isEmailVerified"], true, "{what}");
        assert_eq!(payload["customer"]["hasPassword"], kept, "{what}");
        assert_eq!(is_signed_in(&customer).await, kept, "{what}");
        assert_eq!(can_refresh(&shop, &refresh).await, kept, "{what}");
        assert_eq!(signs_in(&shop, address, PASSWORD).await, kept, "{what}");
        wait_for_mails(&shop).await;
    }
}

// CST-06
#[tokio::test]
async fn cst_06_a_wrong_password_consumes_no_token_and_counts_as_a_failure() {
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .manual_clock()
        .start()
        .await;
    shop.open_account_page().await;
    let mut mails = shop.gateway.mails();
    let (customer, _) = ada(&shop, "ada@example.com").await;
    let token = verification(&shop, &mut mails, "ada@example.com").await;
    let with = |password: &str| json!({ "token": token, "password": password });
    for password in [OTHER_PASSWORD, "", "x", OTHER_PASSWORD, OTHER_PASSWORD] {
        let refused = shop.unauthenticated().user_errors(VERIFY, with(password)).await;
        assert_eq!(refused, ["PASSWORD_INVALID password (408)"]);
    }
    // On every path.
    let change = json!({ "newEmail": "ada@new.example", "password": PASSWORD });
    for refused in [
        shop.unauthenticated().user_errors(VERIFY, with(PASSWORD)).await,
        customer.user_errors("customerEmailChangeRequest", change).await,
    ] {
        assert_eq!(refused, ["RATE_LIMITED"]);
    }
    shop.gateway.advance(std::time::Duration::from_secs(5));
    let payload = shop.unauthenticated().mutate_ok(VERIFY, with(PASSWORD)).await;
    assert_eq!(payload["customer"]["hasPassword"], true);
    assert!(is_signed_in(&customer).await);
    let refused = shop
        .unauthenticated()
        .user_errors(VERIFY, with(OTHER_PASSWORD))
        .await;
    assert_eq!(
        refused,
        ["EMAIL_TOKEN_INVALID token"],
        "no password is tried without a token"
    );
    wait_for_mails(&shop).await;
}

// CST-06
#[tokio::test]
async fn cst_06_only_the_first_verification_revokes_access() {
    let (shop, mut mails) = shop().await;
    let (customer, _) = ada(&shop, "ada@example.com").await;
    let token = verification(&shop, &mut mails, "ada@example.com").await;
    customer.mutate_ok(VERIFY, json!({ "token": token })).await;
    let token = verification(&shop, &mut mails, "ada@example.com").await;
    let payload = shop
        .unauthenticated()
        .mutate_ok(VERIFY, json!({ "token": token }))
        .await;
    assert_eq!(payload["customer"]["hasPassword"], true);
    assert!(is_signed_in(&customer).await);
    wait_for_mails(&shop).await;
}

// CST-06: an account with a verified address requests a change to a foreign one, whose holder follows the link.
#[tokio::test]
async fn cst_06_confirming_an_address_change_revokes_the_former_holders_access() {
    let (shop, mut mails) = shop().await;
    let _op = open(&shop).await;
    let arrived = shop.browser.mutate_ok(WITH_OIDC, callback_input("mallory")).await;
    let (mallory, _) = signed_in(&shop, &arrived);
    let input = json!({ "newEmail": "victim@example.com" });
    mallory.mutate_ok("customerEmailChangeRequest", input).await;
    let token = next(&mut mails, CHANGE, "token").await;
    let payload = shop
        .unauthenticated()
        .mutate_ok(CONFIRM, json!({ "token": token }))
        .await;
    assert_eq!(payload["customer"]["email"], "victim@example.com");
    assert!(!is_signed_in(&mallory).await);
    assert_eq!(shop.gateway.store.count("identities", doc! {}).await, 0);
    // Mallory's identity now opens a new account of Mallory's own.
    let again = shop.browser.mutate_ok(WITH_OIDC, callback_input("mallory")).await;
    assert_ne!(again["customer"]["id"], arrived["customer"]["id"]);
    wait_for_mails(&shop).await;
    shop.gateway.store.assert_consistent().await;
}

// CST-06, EPC-09
#[tokio::test]
async fn cst_06_an_earlier_identity_cannot_sign_in_after_the_first_verification() {
    for by_reset in [true, false] {
        let (shop, mut mails) = shop().await;
        let _op = open(&shop).await;
        let squatter = "mallory {\"email\": \"victim@example.com\", \"email_verified\": false}";
        let arrived = shop.browser.mutate_ok(WITH_OIDC, callback_input(squatter)).await;
        let (mallory, _) = signed_in(&shop, &arrived);
        let ask = json!({ "email": "victim@example.com" });
        if by_reset {
            shop.browser.mutate_ok("customerPasswordResetRequest", ask).await;
            let key = next(&mut mails, "Choose a new password", "key").await;
            shop.browser
                .mutate_ok("customerPasswordReset", redeem(&key, PASSWORD))
                .await;
        } else {
            let token = verification(&shop, &mut mails, "victim@example.com").await;
            shop.unauthenticated()
                .mutate_ok(VERIFY, json!({ "token": token }))
                .await;
        }
        assert!(!is_signed_in(&mallory).await);
        let refused = shop
            .browser
            .user_errors(WITH_OIDC, callback_input(squatter))
            .await;
        assert_eq!(refused, ["IDENTITY_NOT_LINKED"]);
        assert_eq!(shop.gateway.store.count("identities", doc! {}).await, 0);
        assert!(
            audit_actions(&shop)
                .await
                .contains(&"IDENTITY_UNLINKED".to_owned())
        );
        // The owner's identity is linked, and a notice is sent to the address.
        let owner = "owner {\"email\": \"victim@example.com\"}";
        let linked = shop.browser.mutate_ok(WITH_OIDC, callback_input(owner)).await;
        assert_eq!(linked["customer"]["id"], arrived["customer"]["id"]);
        wait_for_mails(&shop).await;
        let notice = shop.gateway.mails().all();
        let notice = notice
            .iter()
            .find(|mail| mail.subject.starts_with("A new way to sign in"));
        let notice = notice.expect("a notice");
        assert_eq!(notice.to, "victim@example.com");
        assert!(notice.text.contains("The provider op"), "{}", notice.text);
    }
}

// CST-06, EPC-09: the provider later reports the address as verified, for the identity that created the account.
#[tokio::test]
async fn cst_06_an_address_verified_by_a_provider_is_a_first_verification() {
    let (shop, _mails) = shop().await;
    let _op = open(&shop).await;
    let unproven = "ada {\"email_verified\": false}";
    let arrived = shop.browser.mutate_ok(WITH_OIDC, callback_input(unproven)).await;
    let (before, _) = signed_in(&shop, &arrived);
    let id = &arrived["customer"]["id"];
    let set = json!({ "customerId": id, "newPassword": PASSWORD, "confirmPassword": PASSWORD });
    shop.backend.mutate_ok("customerPasswordSet", set).await;
    let payload = shop.browser.mutate_ok(WITH_OIDC, callback_input("ada")).await;
    assert_eq!(payload["customer"]["id"], *id);
    let (ada, _) = signed_in(&shop, &payload);
    let seen = ada
        .query("{ viewer { customer { isEmailVerified hasPassword sessions { id } } } }")
        .await;
    let seen = &seen["viewer"]["customer"];
    assert_eq!(seen["isEmailVerified"], true);
    assert_eq!(seen["hasPassword"], false);
    assert_eq!(seen["sessions"].as_array().map(Vec::len), Some(1));
    assert!(!is_signed_in(&before).await && !signs_in(&shop, "ada@example.com", PASSWORD).await);
    // Later sign-ins have no further effect.
    shop.browser.mutate_ok(WITH_OIDC, callback_input("ada")).await;
    assert!(is_signed_in(&ada).await);
    wait_for_mails(&shop).await;
}

// CST-06
#[tokio::test]
async fn cst_06_a_concurrent_verification_revokes_the_earlier_holders_access() {
    let (shop, mut mails) = shop().await;
    for turn in 0..6 {
        let email = format!("victim{turn}@example.com");
        let (mallory, refresh) = ada(&shop, &email).await;
        let id = id_of(&mallory).await;
        let token = verification(&shop, &mut mails, &email).await;
        let verifies = shop.unauthenticated();
        let verifies = verifies.mutate_ok(VERIFY, json!({ "token": token }));
        let logins = join_all((0..4).map(|_| {
            let input = credentials(&email, PASSWORD);
            shop.browser.mutate("customerTokenCreate", input)
        }));
        let query_row = json!({ "newEmail": format!("mallory{turn}@example.com"), "password": PASSWORD });
        let query_row = mallory.send(
            "mutation ($input: CustomerEmailChangeRequestInput!) \
             { customerEmailChangeRequest(input: $input) { userErrors { code } } }",
            json!({ "input": query_row }),
        );
        let refreshes = can_refresh(&shop, &refresh);
        let ((payload, logins), _) = join(join(verifies, logins), join(query_row, refreshes)).await;
        assert_eq!(payload["customer"]["hasPassword"], false);
        let customer = id.as_str().expect("an id");
        let left = shop
            .gateway
            .store
            .count("sessions", doc! { "customerId": customer })
            .await;
        assert_eq!(left, 0, "no session remains");
        for payload in logins.iter().filter(|payload| payload["token"].is_object()) {
            let (came_in, _) = signed_in(&shop, payload);
            assert!(!is_signed_in(&came_in).await);
        }
        let pending = doc! { "_id": format!("{customer} EMAIL_CHANGE") };
        let pending = shop.gateway.store.count("oneTimeKeys", pending).await;
        assert_eq!(pending, 0, "nor waits a change of address");
        assert!(!signs_in(&shop, &email, PASSWORD).await);
    }
    wait_for_mails(&shop).await;
    shop.gateway.store.assert_consistent().await;
}

// CST-06
#[tokio::test]
async fn cst_06_a_customer_requests_verification_of_its_own_address_only() {
    let (shop, mut mails) = shop().await;
    let (customer, _) = ada(&shop, "ada@example.com").await;
    ada(&shop, "bob@example.com").await;
    let ask = |email: &str| json!({ "email": email });
    let before = shop.gateway.store.count("jobs", doc! {}).await;
    for other in ["bob@example.com", "nobody@example.com", "no address"] {
        customer
            .mutate_ok("customerEmailVerificationRequest", ask(other))
            .await;
    }
    assert_eq!(shop.gateway.store.count("jobs", doc! {}).await, before, "no mail");
    customer
        .mutate_ok("customerEmailVerificationRequest", ask("ADA@example.com"))
        .await;
    let token = next(&mut mails, VERIFICATION, "token").await;
    let payload = customer.mutate_ok(VERIFY, json!({ "token": token })).await;
    assert_eq!(payload["customer"]["isEmailVerified"], true);
    wait_for_mails(&shop).await;
}

// CST-08
#[tokio::test]
async fn cst_08_an_address_changed_by_a_backend_is_notified_and_its_keys_are_void() {
    let (shop, mut mails) = shop().await;
    let (customer, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&customer).await;
    let token = verification(&shop, &mut mails, "ada@example.com").await;
    customer.mutate_ok(VERIFY, json!({ "token": token })).await;
    let verify = verification(&shop, &mut mails, "ada@example.com").await;
    let pending = change(&customer, &mut mails, "ada@third.example").await;
    let ask = json!({ "email": "ada@example.com" });
    shop.browser.mutate_ok("customerPasswordResetRequest", ask).await;
    let reset = next(&mut mails, "Choose a new password", "key").await;

    // Another spelling is the same address.
    let same = json!({ "customerId": id, "email": "Ada@Example.com" });
    let payload = shop.backend.mutate_ok("customerUpdate", same).await;
    assert_eq!(payload["customer"]["isEmailVerified"], true);
    assert_eq!(keys(&shop).await, 3);
    for address in ["ada@second.example", "ada@last.example"] {
        let input = json!({ "customerId": id, "email": address });
        let payload = shop.backend.mutate_ok("customerUpdate", input).await;
        assert_eq!(payload["customer"]["isEmailVerified"], false);
        assert_eq!(payload["customer"]["hasPassword"], true);
    }
    assert!(is_signed_in(&customer).await, "sessions stay");
    for (field, input, fault) in [
        (VERIFY, json!({ "token": verify }), "EMAIL_TOKEN_INVALID token"),
        (CONFIRM, json!({ "token": pending }), "EMAIL_TOKEN_INVALID token"),
        (
            "customerPasswordReset",
            redeem(&reset, OTHER_PASSWORD),
            "RESET_KEY_INVALID restorePasswordKey (415)",
        ),
    ] {
        assert_eq!(shop.unauthenticated().user_errors(field, input).await, [fault]);
    }
    wait_for_mails(&shop).await;
    let notices = shop.gateway.mails().all();
    let notices = notices.iter().filter(|mail| {
        mail.subject.starts_with("Your e-mail address for") && mail.subject.ends_with("was changed")
    });
    let mut audit_actions: Vec<&str> = notices.map(|mail| mail.to.as_str()).collect();
    audit_actions.sort_unstable();
    assert_eq!(audit_actions, ["Ada@Example.com", "ada@second.example"]);
    // No part of an address is in a job.
    let jobs = format!("{:?}", shop.gateway.store.documents("jobs", doc! {}).await);
    assert!(!jobs.contains("example.com") && !jobs.contains("second.example"));
}
