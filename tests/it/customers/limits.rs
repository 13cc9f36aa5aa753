//! Rate limits as clients see them: the returned waits are exact, they count by account, client address and storefront,
//! and only a trusted proxy determines the client address (TOK-03).

use std::time::Duration;

use bson::doc;
use serde_json::{Value, json};

use super::{OTHER_PASSWORD, PASSWORD, ada, credentials};
use crate::kit::{Caller, Gateway, Setup, Shop, faults, number};

const SECOND: Duration = Duration::from_secs(1);
/// Addresses of two clients, from the ranges reserved for documentation.
const THIEF: &str = "203.0.113.9";
const VICTIM: &str = "198.51.100.7";
const INVALID: &str = "CREDENTIALS_INVALID";

/// A shop with rate limits and a manual clock.
fn setup() -> Setup {
    super::setup().set("GATEWAY_RATE_LIMITS", "on").manual_clock()
}

/// The same behind a proxy on this machine.
fn behind_a_proxy() -> Setup {
    setup().set("GATEWAY_TRUSTED_PROXIES", "127.0.0.1")
}

/// The browser, with a header that claims a client address.
fn claiming(shop: &Shop, gateway: &Gateway, header: &'static str, value: &str) -> Caller {
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert(header, value.parse().expect("a header"));
    let http = reqwest::Client::builder().default_headers(headers).build();
    shop.browser.at_url(&gateway.url, &http.expect("a client"))
}

/// The browser at this address, as reported by the proxy.
fn at(shop: &Shop, address: &str) -> Caller {
    claiming(shop, &shop.gateway, "X-Forwarded-For", address)
}

async fn sign_in(caller: &Caller, email: &str, password: &str) -> Value {
    caller
        .mutate("customerTokenCreate", credentials(email, password))
        .await
}

/// Sends a wrong password for Ada; returns the user errors.
async fn guess(caller: &Caller) -> Vec<String> {
    faults(&sign_in(caller, "ada@example.com", OTHER_PASSWORD).await)
}

async fn guess_five_times(caller: &Caller) {
    for _ in 0..5 {
        assert_eq!(guess(caller).await, [INVALID]);
    }
}

async fn signs_in(caller: &Caller) {
    let payload = sign_in(caller, "ada@example.com", PASSWORD).await;
    assert_eq!(faults(&payload), [""; 0]);
}

/// Asserts that Ada's correct password is refused; returns the seconds to wait.
async fn is_locked_out(caller: &Caller) -> u64 {
    let payload = sign_in(caller, "ada@example.com", PASSWORD).await;
    assert_eq!(faults(&payload), ["RATE_LIMITED"]);
    assert!(payload["token"].is_null() && payload["customer"].is_null());
    let wait = &payload["userErrors"][0]["retryAfterSeconds"];
    wait.as_u64().expect("a wait")
}

/// Asserts that the wait is exact: half a second before its end attempts are still refused.
async fn waits(shop: &Shop, caller: &Caller, wait: u64) {
    assert_eq!(is_locked_out(caller).await, wait);
    shop.gateway
        .advance(SECOND * u32::try_from(wait).expect("short") - SECOND / 2);
    assert_eq!(is_locked_out(caller).await, 1);
    shop.gateway.advance(SECOND / 2);
}

// TOK-03
#[tokio::test]
async fn tok_03_after_five_failures_an_attempt_has_to_wait_as_reported() {
    let shop = setup().start().await;
    ada(&shop, "ada@example.com").await;
    guess_five_times(&shop.browser).await;
    for wait in [4, 8, 16] {
        waits(&shop, &shop.browser, wait).await;
        assert_eq!(guess(&shop.browser).await, [INVALID]);
    }
    let sessions = shop.gateway.store.count("sessions", doc! {}).await;
    waits(&shop, &shop.browser, 32).await;
    signs_in(&shop.browser).await;
    assert_eq!(
        shop.gateway.store.count("sessions", doc! {}).await,
        sessions + 1,
        "no session of those that waited"
    );
    // The successful sign-in has reset the failures.
    guess_five_times(&shop.browser).await;
    assert_eq!(is_locked_out(&shop.browser).await, 4);
    // Another account is not affected.
    ada(&shop, "bob@example.com").await;
    let bob = sign_in(&shop.browser, "bob@example.com", PASSWORD).await;
    assert_eq!(faults(&bob), [""; 0]);
}

// TOK-03
#[tokio::test]
async fn tok_03_failures_do_not_lock_out_other_client_addresses() {
    let shop = behind_a_proxy().start().await;
    ada(&shop, "ada@example.com").await;
    let thief = at(&shop, THIEF);
    guess_five_times(&thief).await;
    assert_eq!(is_locked_out(&thief).await, 4);
    signs_in(&at(&shop, VICTIM)).await;
    assert_eq!(is_locked_out(&thief).await, 4, "another's success does not help");
    // The whole network of an IPv6 address counts as one client (RFC 6177).
    for (host, header) in [
        (1, "2001:db8:1:2::"),
        (2, "2001:db8:1:2::"),
        (3, "2001:db8:1:2:a::"),
        (4, "2001:db8:1:2:b::"),
    ] {
        let many = at(&shop, &format!("[{header}{host}]:4711"));
        assert_eq!(guess(&many).await, [INVALID]);
    }
    assert_eq!(guess(&at(&shop, "2001:db8:1:2::5")).await, [INVALID]);
    assert_eq!(is_locked_out(&at(&shop, "2001:db8:1:2::6")).await, 4);
    signs_in(&at(&shop, "2001:db8:1:3::1")).await;
}

// TOK-03
#[tokio::test]
async fn tok_03_a_spoofed_header_neither_evades_nor_shifts_the_limit() {
    let shop = setup().start().await;
    ada(&shop, "ada@example.com").await;
    // No proxy is trusted.
    for (turn, header) in [
        "X-Forwarded-For",
        "Forwarded",
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
    ]
    .into_iter()
    .enumerate()
    {
        let claim = if header == "Forwarded" {
            format!("for={VICTIM}")
        } else {
            format!("10.0.0.{turn}, {VICTIM}")
        };
        let unauthenticated_client = claiming(&shop, &shop.gateway, header, &claim);
        assert_eq!(guess(&unauthenticated_client).await, [INVALID]);
    }
    for claim in [VICTIM, THIEF, "192.0.2.77"] {
        assert_eq!(is_locked_out(&at(&shop, claim)).await, 4, "{claim}");
    }
    // A node behind a proxy: entries before the one that the proxy adds are claims by the client.
    let node = shop
        .gateway
        .another_node_with(&[("GATEWAY_TRUSTED_PROXIES", "127.0.0.1")])
        .await;
    let there = |chain: &str| claiming(&shop, &node, "X-Forwarded-For", chain);
    signs_in(&there(VICTIM)).await;
    for turn in 0..5 {
        let chain = format!("{VICTIM}, 192.0.2.{turn}, {THIEF}");
        assert_eq!(guess(&there(&chain)).await, [INVALID]);
    }
    assert_eq!(is_locked_out(&there(&format!("192.0.2.200, {THIEF}"))).await, 4);
    assert_eq!(is_locked_out(&there(THIEF)).await, 4);
    signs_in(&there(VICTIM)).await;
}

// TOK-03
#[tokio::test]
async fn tok_03_only_the_configured_header_is_trusted() {
    let shop = behind_a_proxy()
        .set("GATEWAY_CLIENT_ADDRESS_HEADER", "CF-Connecting-IP")
        .start()
        .await;
    ada(&shop, "ada@example.com").await;
    let claiming = |header, value: &str| claiming(&shop, &shop.gateway, header, value);
    signs_in(&claiming("CF-Connecting-IP", VICTIM)).await;
    // Without the header the client is the proxy's own address, regardless of other headers.
    for turn in 0..5 {
        let unauthenticated_client = match turn % 3 {
            0 => claiming("Forwarded", &format!("for=192.0.2.{turn}")),
            1 => claiming("X-Forwarded-For", &format!("192.0.2.{turn}")),
            _ => claiming("X-Real-IP", &format!("192.0.2.{turn}")),
        };
        assert_eq!(guess(&unauthenticated_client).await, [INVALID]);
    }
    assert_eq!(is_locked_out(&claiming("Forwarded", "for=192.0.2.99")).await, 4);
    // A header for one address that contains two is ignored.
    assert_eq!(
        is_locked_out(&claiming("CF-Connecting-IP", "192.0.2.1, 192.0.2.2")).await,
        4
    );
    signs_in(&claiming("CF-Connecting-IP", VICTIM)).await;
}

// TOK-03
#[tokio::test]
async fn tok_03_a_client_address_has_a_hundred_attempts_a_minute_over_all_accounts() {
    let shop = behind_a_proxy().start().await;
    ada(&shop, "ada@example.com").await;
    let (thief, victim) = (at(&shop, THIEF), at(&shop, VICTIM));
    for turn in 0..100 {
        let payload = sign_in(&thief, &format!("nobody{turn}@example.com"), PASSWORD).await;
        assert_eq!(faults(&payload), [INVALID], "{turn}");
        if turn == 49 {
            shop.gateway.advance(30 * SECOND);
        }
    }
    signs_in(&victim).await;
    // The first fifty leave the one-minute window.
    waits(&shop, &thief, 30).await;
    signs_in(&thief).await;
}

// TOK-03
#[tokio::test]
async fn tok_03_a_storefront_accepts_six_thousand_attempts_a_minute() {
    let shop = behind_a_proxy().start().await;
    ada(&shop, "ada@example.com").await;
    let other = shop.add_storefront("Prints FR", "FR").await;
    for address in [THIEF, VICTIM] {
        signs_in(&at(&shop, address)).await;
    }
    // The log of the storefront's attempts counts both.
    let logs = shop
        .gateway
        .store
        .documents("throttle", doc! { "events.count": 2 })
        .await;
    assert_eq!(logs.len(), 1, "{logs:#?}");
    let id = logs[0].get_str("_id").expect("an id");
    let events = logs[0].get_array("events").expect("events");
    assert_eq!(
        events
            .iter()
            .filter_map(bson::Bson::as_document)
            .map(|event| number(event, "count"))
            .sum::<i64>(),
        2
    );
    let many = doc! { "$set": { "events.$[].count": 5_999_i64 } };
    let throttle = shop.gateway.store.collection("throttle");
    throttle
        .update_one(doc! { "_id": id }, many)
        .await
        .expect("updated");
    signs_in(&at(&shop, "192.0.2.1")).await;
    let elsewhere =
        json!({ "storefrontId": other.id.to_string(), "email": "ada@example.com", "password": PASSWORD });
    for address in [THIEF, VICTIM, "192.0.2.2"] {
        assert_eq!(is_locked_out(&at(&shop, address)).await, 60, "{address}");
    }
    let there = shop.backend.user_errors("customerTokenCreate", elsewhere).await;
    assert_eq!(there, [INVALID], "another storefront is not meant");
    waits(&shop, &at(&shop, VICTIM), 60).await;
    signs_in(&at(&shop, VICTIM)).await;
}

// CST-04
#[tokio::test]
async fn cst_04_too_many_email_changes_return_the_exact_wait() {
    let shop = setup().set("GATEWAY_ACCESS_TOKEN_TTL", "2h").start().await;
    shop.gateway.expect_jobs();
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let ask = |turn: u64| json!({ "newEmail": format!("ada{turn}@new.example"), "password": PASSWORD });
    let refused = async |turn: u64| {
        let payload = ada.mutate("customerEmailChangeRequest", ask(turn)).await;
        assert_eq!(faults(&payload), ["RATE_LIMITED"]);
        payload["userErrors"][0]["retryAfterSeconds"]
            .as_u64()
            .expect("a wait")
    };
    for turn in 0..5 {
        ada.mutate_ok("customerEmailChangeRequest", ask(turn)).await;
        let wait = refused(turn).await;
        let expected = if turn < 4 { 60 } else { 3600 - 4 * 60 };
        assert_eq!(wait, expected, "{turn}");
        shop.gateway.advance(SECOND * u32::try_from(wait).expect("short"));
    }
    ada.mutate_ok("customerEmailChangeRequest", ask(5)).await;
}
