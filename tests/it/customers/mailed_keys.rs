//! Password reset, e-mail verification and change of address, with the keys from the mails.

use std::time::Duration;

use bson::doc;
use serde_json::{Value, json};

use super::{OTHER_PASSWORD, PASSWORD, ada, credentials, is_signed_in, redeem, signed_in, wait_for_mails};
use crate::kit::{Setup, Shop};

/// A shop that sends mails.
fn setup() -> Setup {
    super::setup().set("GATEWAY_JOBS", "on")
}

async fn shop() -> Shop {
    let shop = setup().start().await;
    shop.open_account_page().await;
    shop
}

fn to(email: &str) -> Value {
    json!({ "email": email })
}

/// The link's parameter in the next mail to this address.
async fn mailed(shop: &Shop, address: &str, name: &str) -> String {
    let mut mails = shop.gateway.mails();
    loop {
        let mail = mails.next().await;
        if mail.to == address {
            return mail.parameter(name);
        }
    }
}

// SPR-86, SPR-90, TOK-02, CST-04
#[tokio::test]
async fn spr_90_a_forgotten_password_is_replaced_with_a_mailed_key() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let unknown = shop
        .browser
        .mutate_ok("customerPasswordResetRequest", to("nobody@example.com"))
        .await;
    let known = shop
        .browser
        .mutate_ok("customerPasswordResetRequest", to("ADA@example.com"))
        .await;
    assert_eq!(unknown, known);
    let key = mailed(&shop, "ada@example.com", "key").await;
    // The key is in the mail and is not stored.
    let dump = format!("{:?}", shop.gateway.store.dump().await);
    assert!(!dump.contains(&key));

    let refused = shop
        .unauthenticated()
        .user_errors("customerPasswordReset", redeem(&key, "short"))
        .await;
    assert_eq!(refused, ["PASSWORD_TOO_SHORT password (408)"]);
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerPasswordReset", redeem(&key, OTHER_PASSWORD))
        .await;
    assert_eq!(payload["customer"]["isEmailVerified"], true);
    let (fresh, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&fresh).await && !is_signed_in(&ada).await);
    for input in [
        redeem(&key, PASSWORD),
        redeem("made up", PASSWORD),
        redeem("", PASSWORD),
    ] {
        let refused = shop
            .unauthenticated()
            .user_errors("customerPasswordReset", input)
            .await;
        assert_eq!(refused, ["RESET_KEY_INVALID restorePasswordKey (415)"]);
    }
    let input = credentials("ada@example.com", OTHER_PASSWORD);
    shop.browser.mutate_ok("customerTokenCreate", input).await;
    let mut mails = shop.gateway.mails();
    let subjects = [mails.next().await.subject, mails.next().await.subject];
    assert_ne!(subjects[0], subjects[1], "a notice went out");
}

// SPR-90
#[tokio::test]
async fn spr_90_only_the_newest_unexpired_key_is_accepted() {
    let shop = setup().manual_clock().start().await;
    shop.open_account_page().await;
    ada(&shop, "ada@example.com").await;
    let mut mails = shop.gateway.mails();
    let mut keys = Vec::new();
    for _ in 0..2 {
        shop.browser
            .mutate_ok("customerPasswordResetRequest", to("ada@example.com"))
            .await;
        keys.push(mails.next().await.parameter("key"));
        shop.gateway.advance(Duration::from_secs(2));
    }
    let refused = shop
        .unauthenticated()
        .user_errors("customerPasswordReset", redeem(&keys[0], OTHER_PASSWORD))
        .await;
    assert_eq!(refused, ["RESET_KEY_INVALID restorePasswordKey (415)"]);
    shop.gateway.advance(Duration::from_secs(61 * 60));
    let refused = shop
        .unauthenticated()
        .user_errors("customerPasswordReset", redeem(&keys[1], OTHER_PASSWORD))
        .await;
    assert_eq!(refused, ["RESET_KEY_EXPIRED restorePasswordKey (415)"]);
}

// SPR-90
#[tokio::test]
async fn spr_90_one_of_twenty_concurrent_redemptions_succeeds() {
    let shop = shop().await;
    ada(&shop, "ada@example.com").await;
    shop.browser
        .mutate_ok("customerPasswordResetRequest", to("ada@example.com"))
        .await;
    let key = mailed(&shop, "ada@example.com", "key").await;
    let unauthenticated = shop.unauthenticated();
    let tries = (0..20).map(|number| {
        let input = redeem(&key, &format!("new password {number}"));
        unauthenticated.mutate("customerPasswordReset", input)
    });
    let payloads = futures_util::future::join_all(tries).await;
    let won = payloads
        .iter()
        .filter(|payload| payload["token"]["accessToken"].is_string());
    assert_eq!(won.count(), 1);
    let reported = payloads
        .iter()
        .filter(|payload| payload["userErrors"][0]["code"] == "RESET_KEY_INVALID");
    assert_eq!(reported.count(), 19);
    assert_eq!(shop.gateway.store.count("sessions", doc! {}).await, 1);
    wait_for_mails(&shop).await;
}

// SPR-86
#[tokio::test]
async fn spr_86_a_recipient_gets_one_mail_a_minute_and_five_an_hour() {
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .manual_clock()
        .start()
        .await;
    ada(&shop, "ada@example.com").await;
    for _ in 0..10 {
        for _ in 0..3 {
            shop.browser
                .mutate_ok("customerPasswordResetRequest", to("ada@example.com"))
                .await;
        }
        shop.gateway.advance(Duration::from_secs(61));
    }
    wait_for_mails(&shop).await;
    assert_eq!(shop.gateway.mails().all().len(), 5);
}

// CST-04
#[tokio::test]
async fn cst_04_an_address_is_verified_by_its_mailed_token() {
    let shop = shop().await;
    ada(&shop, "ada@example.com").await;
    shop.browser
        .mutate_ok("customerEmailVerificationRequest", to("ada@example.com"))
        .await;
    let token = mailed(&shop, "ada@example.com", "token").await;
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerEmailVerify", json!({ "token": token }))
        .await;
    assert_eq!(payload["customer"]["isEmailVerified"], true);
    for token in [token.as_str(), "made up", ""] {
        let refused = shop
            .unauthenticated()
            .user_errors("customerEmailVerify", json!({ "token": token }))
            .await;
        assert_eq!(refused, ["EMAIL_TOKEN_INVALID token"]);
    }
}

// CST-04
#[tokio::test]
async fn cst_04_a_new_address_applies_once_its_owner_confirms_it() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    super::ada(&shop, "bob@example.com").await;
    let email_change = |email: &str, password: &str| json!({ "newEmail": email, "password": password });
    let wrong_password = "PASSWORD_INVALID password (408)";
    for (input, fault) in [
        (email_change("ada@new.example", OTHER_PASSWORD), wrong_password),
        (json!({ "newEmail": "ada@new.example" }), wrong_password),
        (
            email_change("BOB@example.com", PASSWORD),
            "EMAIL_TAKEN newEmail (400)",
        ),
        (email_change("ADA@example.com", PASSWORD), "NO_CHANGES newEmail"),
        (email_change("none", PASSWORD), "EMAIL_INVALID newEmail"),
    ] {
        assert_eq!(
            ada.user_errors("customerEmailChangeRequest", input).await,
            [fault]
        );
    }
    ada.mutate_ok(
        "customerEmailChangeRequest",
        email_change("Ada@New.example", PASSWORD),
    )
    .await;
    let token = mailed(&shop, "Ada@New.example", "token").await;
    let payload = shop
        .unauthenticated()
        .mutate_ok(
            "customerEmailChangeConfirm",
            json!({ "token": token, "password": PASSWORD }),
        )
        .await;
    assert_eq!(payload["customer"]["email"], "Ada@New.example");
    assert_eq!(payload["customer"]["isEmailVerified"], true);
    let reported = shop.gateway.mails().all();
    assert!(
        reported.iter().any(|mail| mail.to == "ada@example.com"),
        "a notice went to the old one"
    );
    shop.browser
        .mutate_ok("customerTokenCreate", credentials("ada@new.example", PASSWORD))
        .await;

    // A change of the password invalidates a pending change of address.
    ada.mutate_ok(
        "customerEmailChangeRequest",
        email_change("ada@third.example", PASSWORD),
    )
    .await;
    let token = mailed(&shop, "ada@third.example", "token").await;
    let change =
        json!({ "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD });
    ada.mutate_ok("customerPasswordChange", change).await;
    let refused = shop
        .unauthenticated()
        .user_errors("customerEmailChangeConfirm", json!({ "token": token }))
        .await;
    assert_eq!(refused, ["EMAIL_TOKEN_INVALID token"]);
    wait_for_mails(&shop).await;
}
