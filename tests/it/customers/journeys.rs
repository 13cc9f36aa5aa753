//! Customers' flows by mail: the mail arrives at a real mail server, and its link is followed.

use serde_json::json;

use super::{OTHER_PASSWORD, PASSWORD, ada, credentials, is_signed_in, setup, signed_in, with_password};
use crate::kit::{Mailbox, Shop};

/// A shop with an account page whose mails go to this server.
async fn shop(mailbox: &Mailbox) -> Shop {
    let shop = setup().set("GATEWAY_SMTP_URL", &mailbox.url()).start().await;
    shop.open_account_page().await;
    shop
}

/// The key in the link of the next mail; asserts that text and HTML have the same link and that the key is not stored.
async fn followed(
    shop: &Shop,
    mailbox: &mut Mailbox,
    address: &str,
    (page, parameter): (&str, &str),
) -> String {
    shop.gateway.run_jobs().await;
    let mail = mailbox.next().await;
    assert_eq!(mail.to, address);
    assert_eq!(mail.from, "no-reply@localhost");
    assert_eq!(mail.sender_name.as_deref(), Some("Prints DE"));
    let link = mail.link();
    assert_eq!(link, mail.html_link(), "one link in both");
    let place = format!("https://prints.example/account/{page}?{parameter}=");
    assert!(link.as_str().starts_with(&place), "{link}");
    let key = mail.parameter(parameter);
    for secret in [PASSWORD, OTHER_PASSWORD] {
        assert!(!mail.source.contains(secret));
    }
    let dump = format!("{:?}", shop.gateway.store.dump().await);
    assert!(!dump.contains(&key), "only the mail contains it");
    key
}

/// Receives the next mail, a notice without a link.
async fn notice(mailbox: &mut Mailbox, address: &str, subject: &str) {
    let mail = mailbox.next().await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (address, subject));
    for body in [&mail.text, &mail.html] {
        assert!(!body.contains("https://prints.example"), "{body}");
        assert!(body.contains("If it was not you"), "{body}");
    }
}

// CST-04, CST-05
#[tokio::test]
async fn cst_04_a_new_customer_verifies_the_address_by_the_mailed_link() {
    let Some(mut mailbox) = Mailbox::start().await else {
        return;
    };
    let shop = shop(&mailbox).await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    // Registering sends no mail; the store requests one.
    let ask = json!({ "email": "ADA@example.com" });
    shop.browser
        .mutate_ok("customerEmailVerificationRequest", ask)
        .await;
    let token = followed(&shop, &mut mailbox, "ada@example.com", ("verify", "token")).await;
    let verified = "{ viewer { customer { isEmailVerified } } }";
    assert_eq!(
        ada.query(verified).await["viewer"]["customer"]["isEmailVerified"],
        false
    );
    ada.mutate_ok("customerEmailVerify", json!({ "token": token }))
        .await;
    assert_eq!(
        ada.query(verified).await["viewer"]["customer"]["isEmailVerified"],
        true
    );
}

// SPR-86, SPR-90
#[tokio::test]
async fn spr_90_a_forgotten_password_is_reset_by_the_mailed_link() {
    let Some(mut mailbox) = Mailbox::start().await else {
        return;
    };
    let shop = shop(&mailbox).await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let ask = json!({ "email": "ada@example.com" });
    shop.browser.mutate_ok("customerPasswordResetRequest", ask).await;
    let key = followed(&shop, &mut mailbox, "ada@example.com", ("reset", "key")).await;
    let redeem = json!({
        "restorePasswordKey": key, "password": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD,
    });
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerPasswordReset", redeem)
        .await;
    let (fresh, _) = signed_in(&shop, &payload);
    assert!(is_signed_in(&fresh).await && !is_signed_in(&ada).await);
    shop.gateway.run_jobs().await;
    notice(
        &mut mailbox,
        "ada@example.com",
        "Your password for Prints DE was changed",
    )
    .await;
    let sign_in = credentials("ada@example.com", OTHER_PASSWORD);
    shop.browser.mutate_ok("customerTokenCreate", sign_in).await;
    let change = json!({ "password": OTHER_PASSWORD, "newPassword": PASSWORD, "confirmPassword": PASSWORD });
    fresh.mutate_ok("customerPasswordChange", change).await;
    shop.gateway.run_jobs().await;
    notice(
        &mut mailbox,
        "ada@example.com",
        "Your password for Prints DE was changed",
    )
    .await;
}

// CST-04
#[tokio::test]
async fn cst_04_a_new_address_is_confirmed_by_mail_and_the_old_one_is_notified() {
    let Some(mut mailbox) = Mailbox::start().await else {
        return;
    };
    let shop = shop(&mailbox).await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let email_change = json!({ "newEmail": "Ada@New.example", "password": PASSWORD });
    ada.mutate_ok("customerEmailChangeRequest", email_change).await;
    let token = followed(&shop, &mut mailbox, "Ada@New.example", ("email", "token")).await;
    notice(
        &mut mailbox,
        "ada@example.com",
        "Your e-mail address for Prints DE is about to change",
    )
    .await;
    // The address does not change before it is confirmed.
    let (before, after) = (
        credentials("ada@example.com", PASSWORD),
        credentials("ada@new.example", PASSWORD),
    );
    shop.browser
        .mutate_ok("customerTokenCreate", before.clone())
        .await;
    let confirm = json!({ "token": token, "password": PASSWORD });
    let payload = shop
        .unauthenticated()
        .mutate_ok("customerEmailChangeConfirm", confirm)
        .await;
    assert_eq!(payload["customer"]["email"], "Ada@New.example");
    shop.browser.mutate_ok("customerTokenCreate", after).await;
    let refused = shop.browser.user_errors("customerTokenCreate", before).await;
    assert_eq!(refused, ["CREDENTIALS_INVALID"]);
}

// SPR-10
#[tokio::test]
async fn spr_10_a_concealed_registration_is_reported_to_the_owner_only() {
    let Some(mut mailbox) = Mailbox::start().await else {
        return;
    };
    let shop = shop(&mailbox).await;
    ada(&shop, "Ada@Example.com").await;
    shop.conceal_emails().await;
    let query = crate::kit::mutation("customerRegister");
    let mut answers = Vec::new();
    for email in ["bob@example.com", "ADA@example.com"] {
        let input = json!({ "input": with_password(email) });
        let answer = shop.browser.send(&query, input).await;
        answers.push((answer.status, answer.body));
    }
    assert_eq!(answers[0], answers[1]);
    shop.gateway.run_jobs().await;
    let mut mails = [mailbox.next().await, mailbox.next().await];
    mails.sort_by(|one, other| one.to.cmp(&other.to));
    let [mail, link] = mails;
    // To the address as its owner wrote it.
    assert_eq!(mail.to, "Ada@Example.com");
    assert_eq!(mail.subject, "You already have an account with Prints DE");
    assert_eq!(mail.link().as_str(), "https://prints.example/account");
    assert_eq!(mail.link(), mail.html_link());
    insta::assert_snapshot!(mail.text.trim_end(), @"
    Hello, this is Prints DE. Somebody, probably you, tried to register with this e-mail address. You have an account with us already.

    Please sign in with your password. If you have forgotten it, ask for a new one where you sign in.

    https://prints.example/account

    If it was not you, you need not do anything: nothing was changed.

    Prints DE
    ");
    // Bob is new and is sent the link that opens his account.
    assert_eq!(link.to, "bob@example.com");
    let input = json!({ "token": link.parameter("token"), "password": PASSWORD });
    shop.unauthenticated()
        .mutate_ok("customerEmailVerify", input)
        .await;
    let login = credentials("bob@example.com", PASSWORD);
    shop.browser.mutate_ok("customerTokenCreate", login).await;
}
