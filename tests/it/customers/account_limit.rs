//! The limit of password attempts per account, over all client addresses and all mutations, and the exceptions from it
//! (TOK-03).

use std::time::Duration;

use bson::doc;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{OTHER_PASSWORD, PASSWORD, ada, credentials};
use crate::kit::{Caller, Setup, Shop, faults};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const INVALID: &str = "CREDENTIALS_INVALID";
const LIMITED: &str = "RATE_LIMITED";
/// The address of the account's owner.
const HOME: &str = "198.51.100.7";
const ADA: &str = "ada@example.com";

/// A shop behind a proxy, with rate limits and a manual clock.
fn setup() -> Setup {
    super::setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .set("GATEWAY_TRUSTED_PROXIES", "127.0.0.1")
        .set("GATEWAY_ACCESS_TOKEN_TTL", "3h")
        .manual_clock()
}

/// The same caller at this address, as reported by the proxy.
fn at(caller: &Caller, address: &str) -> Caller {
    caller.with_header("X-Forwarded-For", address)
}

/// The `number`th of many addresses, each of which counts as a separate client.
fn bot(number: usize) -> String {
    format!("10.1.{}.{}", number / 250, number % 250 + 1)
}

/// The user errors of a sign-in; none if it succeeds.
async fn signs_in(caller: &Caller, email: &str, password: &str) -> Vec<String> {
    faults(
        &caller
            .mutate("customerTokenCreate", credentials(email, password))
            .await,
    )
}

/// Guesses concurrently from these addresses; returns how many guesses were checked.
async fn looked_at(shop: &Shop, email: &str, addresses: impl Iterator<Item = String>) -> usize {
    let mut looked_at = 0;
    let addresses: Vec<String> = addresses.collect();
    for some in addresses.chunks(25) {
        let guesses = some.iter().map(|address| async {
            let caller = at(&shop.browser, address);
            signs_in(&caller, email, OTHER_PASSWORD).await
        });
        for outcome in join_all(guesses).await {
            match outcome[..] {
                [ref fault] if fault == INVALID => looked_at += 1,
                [ref fault] if fault == LIMITED => {}
                _ => panic!("{outcome:?}"),
            }
        }
    }
    looked_at
}

/// The `retryAfterSeconds` of a refusal.
fn wait(payload: &Value) -> u64 {
    assert_eq!(faults(payload), [LIMITED]);
    payload["userErrors"][0]["retryAfterSeconds"]
        .as_u64()
        .expect("a wait")
}

// TOK-03
#[tokio::test]
async fn tok_03_an_account_has_100_checked_guesses_an_hour_whether_or_not_it_exists() {
    let shop = setup().start().await;
    ada(&shop, ADA).await;
    for email in [ADA, "nobody@example.com"] {
        assert_eq!(looked_at(&shop, email, (0..509).map(bot)).await, 100, "{email}");
    }
    // The correct password is refused too, with the time to wait.
    let unauthenticated_client = at(&shop.browser, "203.0.113.1");
    let refused = unauthenticated_client
        .mutate("customerTokenCreate", credentials(ADA, PASSWORD))
        .await;
    assert_eq!(wait(&refused), 3600);
    assert!(refused["token"].is_null());
    // Another account is not affected.
    assert_eq!(
        signs_in(&unauthenticated_client, "else@example.com", PASSWORD).await,
        [INVALID]
    );
    shop.gateway.advance(HOUR - Duration::from_secs(1));
    let refused = unauthenticated_client
        .mutate("customerTokenCreate", credentials(ADA, PASSWORD))
        .await;
    assert_eq!(wait(&refused), 1);
    shop.gateway.advance(Duration::from_secs(1));
    assert_eq!(signs_in(&unauthenticated_client, ADA, PASSWORD).await, [""; 0]);
}

// TOK-03
#[tokio::test]
async fn tok_03_two_nodes_count_the_failures_of_an_account_together() {
    let shop = setup().start().await;
    ada(&shop, ADA).await;
    let node = shop.gateway.another_node().await;
    let guesses = (0..150).map(|number| {
        let browser = shop
            .browser
            .at(if number % 2 == 0 { &shop.gateway } else { &node });
        async move { signs_in(&at(&browser, &bot(number)), ADA, OTHER_PASSWORD).await }
    });
    let outcomes = join_all(guesses).await;
    let looked_at = outcomes.iter().filter(|outcome| outcome[0] == INVALID);
    assert_eq!(looked_at.count(), 100);
}

// TOK-03
#[tokio::test]
async fn tok_03_the_owner_can_sign_in_from_a_known_client_address() {
    let shop = setup().start().await;
    ada(&shop, ADA).await;
    let home = at(&shop.browser, HOME);
    assert_eq!(signs_in(&home, ADA, PASSWORD).await, [""; 0]);
    assert_eq!(looked_at(&shop, ADA, (0..150).map(bot)).await, 100);
    assert_eq!(signs_in(&home, ADA, PASSWORD).await, [""; 0]);
    // For a known client its own waits apply as usual, and its failures do not count against the account's limit.
    for _ in 0..5 {
        assert_eq!(signs_in(&home, ADA, OTHER_PASSWORD).await, [INVALID]);
    }
    let refused = home
        .mutate("customerTokenCreate", credentials(ADA, PASSWORD))
        .await;
    assert_eq!(wait(&refused), 4);
    shop.gateway.advance(Duration::from_secs(4));
    assert_eq!(signs_in(&home, ADA, PASSWORD).await, [""; 0]);
    assert_eq!(
        signs_in(&at(&shop.browser, "203.0.113.1"), ADA, PASSWORD).await,
        [LIMITED]
    );
    // A client known to one account is unknown to another.
    ada(&shop, "bob@example.com").await;
    assert_eq!(looked_at(&shop, "bob@example.com", (0..100).map(bot)).await, 100);
    assert_eq!(signs_in(&home, "bob@example.com", PASSWORD).await, [LIMITED]);
}

// TOK-03
#[tokio::test]
async fn tok_03_ten_client_addresses_are_remembered_for_ninety_days() {
    let shop = setup().start().await;
    ada(&shop, ADA).await;
    let place = |number: usize| at(&shop.browser, &format!("198.51.100.{number}"));
    for number in 1..=11 {
        assert_eq!(signs_in(&place(number), ADA, PASSWORD).await, [""; 0]);
    }
    assert_eq!(looked_at(&shop, ADA, (0..110).map(bot)).await, 100);
    assert_eq!(
        signs_in(&place(1), ADA, PASSWORD).await,
        [LIMITED],
        "eleven sign-ins ago"
    );
    assert_eq!(signs_in(&place(2), ADA, PASSWORD).await, [""; 0]);
    shop.gateway.advance(89 * DAY);
    // Is known for another ninety days.
    assert_eq!(signs_in(&place(3), ADA, PASSWORD).await, [""; 0]);
    shop.gateway.advance(DAY);
    assert_eq!(looked_at(&shop, ADA, (0..110).map(bot)).await, 100);
    assert_eq!(signs_in(&place(4), ADA, PASSWORD).await, [LIMITED]);
    assert_eq!(signs_in(&place(3), ADA, PASSWORD).await, [""; 0]);
    let accounts = shop
        .gateway
        .store
        .documents("throttle", doc! { "known.0": { "$exists": true } })
        .await;
    assert_eq!(accounts.len(), 1);
    let text = accounts[0].to_string();
    assert!(!text.contains("198.51.100") && !text.contains(ADA), "{text}");
}

// TOK-03
#[tokio::test]
async fn tok_03_successful_sign_ins_do_not_count() {
    let shop = setup().start().await;
    ada(&shop, ADA).await;
    for number in 0..120 {
        let somewhere = at(&shop.browser, &bot(number));
        assert_eq!(signs_in(&somewhere, ADA, PASSWORD).await, [""; 0], "{number}");
    }
    assert_eq!(looked_at(&shop, ADA, (200..310).map(bot)).await, 100);
}

// TOK-03
#[tokio::test]
async fn tok_03_an_ipv6_site_has_sixty_failures_an_hour_per_account() {
    let shop = setup().start().await;
    ada(&shop, ADA).await;
    let home = at(&shop.browser, "2001:db8:1:ffff::1");
    assert_eq!(signs_in(&home, ADA, PASSWORD).await, [""; 0]);
    let of_site = |site: usize| (0..70).map(move |network| format!("2001:db8:{site}:{network:x}::1"));
    for email in [ADA, "nobody@example.com"] {
        assert_eq!(looked_at(&shop, email, of_site(1)).await, 60, "{email}");
        // Another site, up to the account's own limit; the attempts refused for the first site did not count.
        assert_eq!(looked_at(&shop, email, of_site(2)).await, 40, "{email}");
    }
    assert_eq!(
        signs_in(&home, ADA, PASSWORD).await,
        [""; 0],
        "signed in there before"
    );
    shop.gateway.advance(HOUR);
    assert_eq!(looked_at(&shop, ADA, of_site(1)).await, 60);
}

// TOK-03, SPR-04
#[tokio::test]
async fn tok_03_every_mutation_that_checks_a_password_shares_one_limit() {
    let shop = setup().start().await;
    let (ada, _) = ada(&shop, ADA).await;
    let key = shop.browser.credential.clone().expect("a key");
    let http = reqwest::Client::new();
    let mut number = 0;
    let mut somewhere = || {
        number += 1;
        bot(number)
    };
    let new = json!("new password");
    let ways = [
        (
            "customerPasswordChange",
            json!({ "password": OTHER_PASSWORD, "newPassword": new, "confirmPassword": new }),
        ),
        (
            "customerEmailChangeRequest",
            json!({ "newEmail": "ada@new.example", "password": OTHER_PASSWORD }),
        ),
        ("customerAnonymize", json!({ "password": OTHER_PASSWORD })),
        ("customerDelete", json!({ "password": OTHER_PASSWORD })),
    ];
    for _ in 0..20 {
        let form = [
            ("grant_type", "password"),
            ("client_id", &key),
            ("username", ADA),
            ("password", OTHER_PASSWORD),
        ];
        let sent = http
            .post(format!("{}/oauth/token", shop.gateway.url))
            .header("X-Forwarded-For", somewhere())
            .form(&form)
            .send();
        assert_eq!(sent.await.expect("an answer").status(), 400, "invalid_grant");
        for (way, input) in &ways {
            let refused = at(&ada, &somewhere()).user_errors(way, input.clone()).await;
            assert_eq!(refused, ["PASSWORD_INVALID password (408)"], "{way}");
        }
    }
    // With these, a hundred attempts have failed.
    for (way, input) in &ways {
        let refused = at(&ada, &somewhere()).mutate(way, input.clone()).await;
        assert_eq!(wait(&refused), 3600, "{way}");
    }
    assert_eq!(
        signs_in(&at(&shop.browser, &somewhere()), ADA, PASSWORD).await,
        [LIMITED]
    );
    let right = json!({ "password": PASSWORD, "newPassword": new, "confirmPassword": new });
    let refused = at(&ada, &somewhere())
        .user_errors("customerPasswordChange", right.clone())
        .await;
    assert_eq!(refused, [LIMITED]);
    // The owner is known at the address where the account was registered.
    shop.gateway.expect_jobs();
    ada.mutate_ok("customerPasswordChange", right).await;
}

// TOK-03
#[tokio::test]
async fn tok_03_waits_count_by_client_for_every_password_mutation() {
    let shop = setup().start().await;
    let (ada, _) = ada(&shop, ADA).await;
    let (there, elsewhere) = ("203.0.113.9", "203.0.113.10");
    let confirm = json!({ "password": OTHER_PASSWORD });
    for _ in 0..3 {
        assert_eq!(
            signs_in(&at(&shop.browser, there), ADA, OTHER_PASSWORD).await,
            [INVALID]
        );
    }
    for _ in 0..2 {
        let refused = at(&ada, there)
            .user_errors("customerAnonymize", confirm.clone())
            .await;
        assert_eq!(refused, ["PASSWORD_INVALID password (408)"]);
    }
    assert_eq!(
        wait(&at(&ada, there).mutate("customerAnonymize", confirm.clone()).await),
        4
    );
    assert_eq!(
        signs_in(&at(&shop.browser, there), ADA, PASSWORD).await,
        [LIMITED]
    );
    let refused = at(&ada, elsewhere)
        .user_errors("customerAnonymize", confirm)
        .await;
    assert_eq!(refused, ["PASSWORD_INVALID password (408)"]);
}

/// The backend, which sends the address of its shopper.
fn for_shopper(shop: &Shop, address: &str) -> Caller {
    shop.backend.with_header("Storefront-Buyer-IP", address)
}

fn in_storefront(shop: &Shop, email: &str, password: &str) -> Value {
    let mut input = credentials(email, password);
    input["storefrontId"] = json!(shop.storefront.id.to_string());
    input
}

// TOK-03
#[tokio::test]
async fn tok_03_failures_of_a_backends_shoppers_count_separately() {
    let shop = setup().start().await;
    ada(&shop, ADA).await;
    let tries = async |caller: &Caller, password: &str| {
        caller
            .mutate("customerTokenCreate", in_storefront(&shop, ADA, password))
            .await
    };
    let (thief, owner) = (for_shopper(&shop, "203.0.113.9"), for_shopper(&shop, HOME));
    for _ in 0..5 {
        assert_eq!(faults(&tries(&thief, OTHER_PASSWORD).await), [INVALID]);
    }
    assert_eq!(wait(&tries(&thief, PASSWORD).await), 4);
    assert_eq!(faults(&tries(&owner, PASSWORD).await), [""; 0]);
    // The address counts as the same client as a browser at that address, and an IPv6 address as its network.
    assert_eq!(
        signs_in(&at(&shop.browser, "203.0.113.9"), ADA, PASSWORD).await,
        [LIMITED]
    );
    for host in 1..=5 {
        let shopper = for_shopper(&shop, &format!("2001:db8:1:2::{host}"));
        assert_eq!(faults(&tries(&shopper, OTHER_PASSWORD).await), [INVALID]);
    }
    assert_eq!(
        wait(&tries(&for_shopper(&shop, "2001:db8:1:2::6"), PASSWORD).await),
        4
    );
    // The owner, who has signed in from home through the backend, is not affected by the account's limit.
    assert_eq!(looked_at(&shop, ADA, (0..100).map(bot)).await, 90);
    assert_eq!(faults(&tries(&owner, PASSWORD).await), [""; 0]);
    // The limits per address apply as well.
    let many = for_shopper(&shop, "203.0.113.77");
    for number in 0..100 {
        let input = in_storefront(&shop, &format!("nobody{number}@example.com"), PASSWORD);
        assert_eq!(many.user_errors("customerTokenCreate", input).await, [INVALID]);
    }
    assert_eq!(faults(&tries(&many, PASSWORD).await), [LIMITED]);
}

// TOK-03
#[tokio::test]
async fn tok_03_a_backend_without_buyer_addresses_is_limited_only_per_account() {
    let shop = setup().start().await;
    ada(&shop, ADA).await;
    let tries = async |password: &str| {
        let input = in_storefront(&shop, ADA, password);
        faults(&shop.backend.mutate("customerTokenCreate", input).await)
    };
    for _ in 0..60 {
        assert_eq!(tries(OTHER_PASSWORD).await, [INVALID]);
    }
    assert_eq!(tries(PASSWORD).await, [""; 0]);
    for _ in 0..40 {
        assert_eq!(tries(OTHER_PASSWORD).await, [INVALID]);
    }
    // The account's own limit applies to the backend too, but not to known clients.
    assert_eq!(tries(PASSWORD).await, [LIMITED]);
    assert_eq!(
        signs_in(&at(&shop.browser, "203.0.113.9"), ADA, PASSWORD).await,
        [LIMITED]
    );
    assert_eq!(
        signs_in(&shop.browser, ADA, PASSWORD).await,
        [""; 0],
        "registered there"
    );
}

// TOK-03
#[tokio::test]
async fn tok_03_an_invalid_buyer_address_is_refused_from_a_backend_only() {
    let shop = setup().start().await;
    let (ada, _) = ada(&shop, ADA).await;
    let viewer = "{ viewer { organization { id } } }";
    for value in ["shopper", "", "203.0.113.9, 10.0.0.1", "203.0.113.9:4711"] {
        let answer = for_shopper(&shop, value).send(viewer, json!({})).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (400, vec!["BAD_USER_INPUT"]),
            "{value}"
        );
        let message = answer.body["errors"][0]["message"].as_str().expect("a message");
        assert!(message.contains("Storefront-Buyer-IP"), "{message}");
        // From other callers the header is ignored.
        for caller in [&shop.browser, &ada, &shop.unauthenticated()] {
            let answer = caller
                .with_header("Storefront-Buyer-IP", value)
                .send("{ __typename }", json!({}))
                .await;
            assert_eq!(answer.status, 200, "{value}");
        }
    }
    let twice = for_shopper(&shop, HOME).with_header("Storefront-Buyer-IP", HOME);
    assert_eq!(twice.send(viewer, json!({})).await.status, 400);
    assert_eq!(for_shopper(&shop, HOME).send(viewer, json!({})).await.status, 200);
    // A browser that sends another address with each attempt has to wait all the same.
    for number in 0..5 {
        let claims = shop.browser.with_header("Storefront-Buyer-IP", &bot(number));
        assert_eq!(signs_in(&claims, ADA, OTHER_PASSWORD).await, [INVALID]);
    }
    let claims = shop.browser.with_header("Storefront-Buyer-IP", "203.0.113.200");
    assert_eq!(signs_in(&claims, ADA, PASSWORD).await, [LIMITED]);
}

// TOK-03
#[tokio::test]
async fn tok_03_disabled_limits_count_nothing_and_remember_no_client() {
    let shop = setup().set("GATEWAY_RATE_LIMITS", "off").start().await;
    ada(&shop, ADA).await;
    assert_eq!(looked_at(&shop, ADA, (0..110).map(bot)).await, 110);
    assert_eq!(signs_in(&shop.browser, ADA, PASSWORD).await, [""; 0]);
    assert_eq!(shop.gateway.store.count("throttle", doc! {}).await, 0);
}
