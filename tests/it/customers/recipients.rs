//! The limit of mails per recipient, regardless of who causes them (DEF-05).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{OTHER_PASSWORD, PASSWORD, ada, redeem, signed_in, with_password};
use crate::kit::{self, Caller, Setup, Shop, faults};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const VICTIM: &str = "victim@example.com";

/// A shop with rate limits, jobs and a manual clock.
fn setup() -> Setup {
    super::setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .set("GATEWAY_JOBS", "on")
        .set("GATEWAY_ACCESS_TOKEN_TTL", "3h")
        .manual_clock()
}

/// The number of mails to an address, after all are sent.
async fn mails_to(shop: &Shop, address: &str) -> usize {
    let is_settled = async || shop.gateway.store.open_jobs().await.is_empty();
    kit::eventually("the mails are sent", is_settled).await;
    let mails = shop.gateway.mails().all();
    mails.iter().filter(|mail| mail.to == address).count()
}

fn to(address: &str) -> Value {
    json!({ "email": address })
}

fn change_to(address: &str) -> Value {
    json!({ "newEmail": address, "password": PASSWORD })
}

/// Registers `many` customers with different addresses.
async fn accounts(shop: &Shop, many: usize) -> Vec<Caller> {
    let register =
        (0..many).map(|number| async move { ada(shop, &format!("ada{number}@example.com")).await });
    let accounts = join_all(register).await;
    accounts.into_iter().map(|(account, _)| account).collect()
}

// DEF-05
#[tokio::test]
async fn def_05_fifteen_accounts_cause_five_mails_to_one_address() {
    let shop = setup().start().await;
    let accounts = accounts(&shop, 15).await;
    let asked = accounts
        .iter()
        .map(|account| account.mutate("customerEmailChangeRequest", change_to(VICTIM)));
    for payload in join_all(asked).await {
        // The response does not reveal that other mails to the address were limited.
        assert_eq!(faults(&payload), [""; 0]);
    }
    assert_eq!(mails_to(&shop, VICTIM).await, 5);
    // Each of the old addresses got its notice.
    for number in 0..15 {
        assert_eq!(mails_to(&shop, &format!("ada{number}@example.com")).await, 1);
    }
    // An hour later the limit admits mails again.
    shop.gateway.advance(HOUR);
    accounts[0]
        .mutate_ok("customerEmailChangeRequest", change_to(VICTIM))
        .await;
    assert_eq!(mails_to(&shop, VICTIM).await, 6);
}

// DEF-05
#[tokio::test]
async fn def_05_mails_caused_by_strangers_share_one_limit() {
    let shop = setup().start().await;
    shop.open_account_page().await;
    ada(&shop, VICTIM).await;
    shop.conceal_emails().await;
    for turn in 0..3 {
        shop.browser
            .mutate_ok("customerEmailVerificationRequest", to("Victim@Example.com"))
            .await;
        shop.browser
            .mutate_ok("customerRegister", with_password(VICTIM))
            .await;
        shop.gateway.advance(MINUTE);
        assert_eq!(mails_to(&shop, VICTIM).await, (2 * turn + 2).min(5), "{turn}");
    }
    // Strangers have used up the limit; the owner's reset and notice are sent nevertheless.
    shop.browser
        .mutate_ok("customerPasswordResetRequest", to(VICTIM))
        .await;
    assert_eq!(mails_to(&shop, VICTIM).await, 6);
    let mails = shop.gateway.mails().all();
    let reset = mails
        .iter()
        .find(|mail| mail.to == VICTIM && mail.text.contains("/reset?key="));
    let key = reset.expect("a reset mail").parameter("key");
    shop.unauthenticated()
        .mutate_ok("customerPasswordReset", redeem(&key, OTHER_PASSWORD))
        .await;
    assert_eq!(mails_to(&shop, VICTIM).await, 7);
}

// DEF-05
#[tokio::test]
async fn def_05_each_kind_of_notice_has_its_own_limit_of_five_an_hour() {
    let shop = setup().start().await;
    let (mut ada, _) = ada(&shop, VICTIM).await;
    let mut passwords = [PASSWORD, OTHER_PASSWORD].into_iter().cycle();
    let mut present = passwords.next().expect("endless");
    for _ in 0..8 {
        let new = passwords.next().expect("endless");
        let change = json!({ "password": present, "newPassword": new, "confirmPassword": new });
        let payload = ada.mutate_ok("customerPasswordChange", change).await;
        ada = signed_in(&shop, &payload).0;
        present = new;
    }
    assert_eq!(mails_to(&shop, VICTIM).await, 5);
    assert_eq!(present, PASSWORD);
    ada.mutate_ok("customerEmailChangeRequest", change_to("ada@new.example"))
        .await;
    assert_eq!(mails_to(&shop, VICTIM).await, 6);
    assert_eq!(mails_to(&shop, "ada@new.example").await, 1);
}

// DEF-05
#[tokio::test]
async fn def_05_nodes_share_the_limit_and_storefronts_do_not() {
    let shop = setup().start().await;
    let node = shop.gateway.another_node().await;
    let accounts = accounts(&shop, 14).await;
    let asked = accounts.iter().enumerate().map(|(number, account)| {
        let account = account.at(if number % 2 == 0 { &shop.gateway } else { &node });
        async move {
            account
                .mutate("customerEmailChangeRequest", change_to(VICTIM))
                .await
        }
    });
    for payload in join_all(asked).await {
        assert_eq!(faults(&payload), [""; 0]);
    }
    let other = shop.add_storefront("Prints FR", "FR").await;
    let there = json!({ "storefrontId": other.id.to_string(), "email": VICTIM, "acceptedTerms": true,
                        "firstName": "Vic", "lastName": "Tim" });
    shop.backend.mutate_ok("customerRegister", there).await;
    let ask = json!({ "storefrontId": other.id.to_string(), "email": VICTIM });
    shop.backend
        .mutate_ok("customerEmailVerificationRequest", ask)
        .await;
    let waits_for_no_job = async || shop.gateway.store.open_jobs().await.is_empty();
    kit::eventually("the mails are sent", waits_for_no_job).await;
    let mut sent = shop.gateway.mails().all();
    sent.extend(node.mails().all());
    sent.sort_by(|a, b| a.message_id.cmp(&b.message_id));
    sent.dedup_by(|a, b| a.message_id == b.message_id);
    assert_eq!(sent.iter().filter(|mail| mail.to == VICTIM).count(), 5 + 1);
}

// DEF-05
#[tokio::test]
async fn def_05_disabled_limits_send_all_mails() {
    let shop = setup().set("GATEWAY_RATE_LIMITS", "off").start().await;
    for account in accounts(&shop, 8).await {
        account
            .mutate_ok("customerEmailChangeRequest", change_to(VICTIM))
            .await;
    }
    assert_eq!(mails_to(&shop, VICTIM).await, 8);
}
