//! An anonymous user's token at registration or sign-in: the user's items are taken over, or a warning states the
//! reason why not; the customer is registered or signed in either way (CST-02, ERR-04).

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{
    OTHER_PASSWORD, PASSWORD, ada, credentials, is_signed_in, patched, setup, signed_in, with_password,
};
use crate::kit::{Caller, Setup, Shop, Upload, faults, item_ids, png, warnings};

const INVALID: &str = "ANONYMOUS_TOKEN_INVALID anonymousUserToken";
const MERGED: &str = "STOREFRONT_USER_ALREADY_MERGED anonymousUserToken (409)";
const EXPIRED: &str = "STOREFRONT_USER_EXPIRED anonymousUserToken";

const HOUR: Duration = Duration::from_secs(3600);
/// The start of an invalid token, which no response may contain.
const MARK: &str = "hunter2";

fn token(caller: &Caller) -> String {
    caller.credential.clone().expect("a credential")
}

fn with_guest_token(input: Value, token: &str) -> Value {
    patched(input, json!({ "anonymousUserToken": token }))
}

/// An anonymous user with an item.
async fn guest(shop: &Shop, id: &str) -> Caller {
    let guest = shop.guest(id).await;
    guest.upload("cat.png", &png(1)).await;
    guest
}

/// Signs in at the shop; the sign-in must succeed.
async fn signs_in(shop: &Shop, email: &str, token: &str) -> Value {
    let input = with_guest_token(credentials(email, PASSWORD), token);
    let payload = shop.browser.mutate_ok("customerTokenCreate", input).await;
    assert!(is_signed_in(&signed_in(shop, &payload).0).await);
    payload
}

/// Tokens with which nothing can be taken over, and the warning for each.
async fn useless(shop: &Shop) -> Vec<(&'static str, String, &'static str)> {
    let expired = guest(shop, "expired").await;
    shop.gateway.advance(2 * HOUR);
    let rival = shop.rival().await;
    let elsewhere = shop.add_storefront("Prints AT", "AT").await;
    let anonymous = json!({
        "storefrontId": elsewhere.id.to_string(), "storefrontUserId": "guest", "isAnonymous": true,
    });
    let elsewhere = shop.backend.mutate_ok("storefrontUserRegister", anonymous).await;
    let elsewhere = elsewhere["token"]["accessToken"].as_str().expect("a token");
    let (customer, _) = ada(shop, "grace@example.com").await;
    let regular = shop.ann("ann").await;
    let merged = guest(shop, "merged").await;
    shop.merge("merged", "ann").await;
    let promoted = guest(shop, "promoted").await;
    let promotion = shop.pair("promoted", "bob");
    shop.backend.mutate_ok("storefrontUserPromote", promotion).await;
    let removed = guest(shop, "removed").await;
    shop.backend
        .mutate_ok("storefrontUserDelete", shop.named("removed"))
        .await;
    let (head, signature) = token(&removed)
        .rsplit_once('.')
        .map(|(head, signature)| (head.to_owned(), signature.to_owned()))
        .expect("a JWT");
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    vec![
        ("empty", String::new(), INVALID),
        ("blank", " \t".to_owned(), INVALID),
        ("no token", MARK.to_owned(), INVALID),
        ("a control character", format!("{MARK}\u{0}"), INVALID),
        ("long", format!("{MARK}.").repeat(2000), INVALID),
        ("forged", forged, INVALID),
        (
            "of another organization",
            token(&rival.guest("guest").await),
            INVALID,
        ),
        ("of another storefront", elsewhere.to_owned(), INVALID),
        ("a regular user's", token(&regular), INVALID),
        ("a promoted user's", token(&promoted), INVALID),
        ("a customer's", token(&customer), INVALID),
        ("a publishable key", token(&shop.browser), INVALID),
        ("a backend's secret", token(&shop.backend), INVALID),
        ("a merged user's", token(&merged), MERGED),
        ("a removed user's", token(&removed), EXPIRED),
        ("an expired user's", token(&expired), EXPIRED),
    ]
}

// CST-02, ERR-04, ERR-02
#[tokio::test]
async fn cst_02_an_unusable_token_is_a_warning_only() {
    let shop = setup()
        .set("GATEWAY_ANONYMOUS_TTL", "1h")
        .manual_clock()
        .start()
        .await;
    let useless = useless(&shop).await;
    ada(&shop, "ada@example.com").await;
    let items = shop.gateway.store.documents("storageItems", doc! {}).await;
    let storages = shop.gateway.store.documents("privateStorages", doc! {}).await;
    for (number, (what, token, expected)) in useless.iter().enumerate() {
        let email = format!("new{number}@example.com");
        let input = with_guest_token(with_password(&email), token);
        let registered = shop.browser.mutate_ok("customerRegister", input).await;
        assert!(
            is_signed_in(&signed_in(&shop, &registered).0).await,
            "{what}: {registered}"
        );
        for payload in [registered, signs_in(&shop, "ada@example.com", token).await] {
            assert_eq!(warnings(&payload), [*expected], "{what}");
            assert_eq!(payload["mergedItemCount"], 0, "{what}");
            assert!(!payload.to_string().contains(MARK), "{what}: {payload}");
        }
    }
    let left = shop.gateway.store.documents("storageItems", doc! {}).await;
    assert_eq!(left, items, "nothing came over");
    for storage in storages {
        let same = shop.gateway.store.count("privateStorages", storage).await;
        assert_eq!(same, 1, "nothing came over");
    }
    shop.gateway.store.assert_consistent().await;
}

// CST-02
#[tokio::test]
async fn cst_02_without_a_token_there_is_no_warning() {
    let shop = super::shop().await;
    for none in [json!({}), json!({ "anonymousUserToken": null })] {
        let email = format!(
            "ada{}@example.com",
            none.as_object().map_or(0, serde_json::Map::len)
        );
        let input = patched(with_password(&email), none.clone());
        let registered = shop.browser.mutate_ok("customerRegister", input).await;
        let sign_in = patched(credentials(&email, PASSWORD), none);
        let payload = shop.browser.mutate_ok("customerTokenCreate", sign_in).await;
        for payload in [registered, payload] {
            assert_eq!(warnings(&payload), [""; 0], "{payload}");
        }
    }
}

// ERR-04
#[tokio::test]
async fn err_04_a_refused_mutation_has_no_warnings() {
    let shop = super::shop().await;
    ada(&shop, "ada@example.com").await;
    for (field, input) in [
        ("customerRegister", with_password("ada@example.com")),
        (
            "customerTokenCreate",
            credentials("ada@example.com", OTHER_PASSWORD),
        ),
    ] {
        let payload = shop.browser.mutate(field, with_guest_token(input, MARK)).await;
        assert_eq!(faults(&payload).len(), 1, "{payload}");
        assert_eq!(warnings(&payload), [""; 0], "{payload}");
        assert!(!payload.to_string().contains(MARK), "{payload}");
    }
}

async fn rotate_keys(shop: &Shop) {
    let app = Arc::clone(&shop.gateway.app);
    let rotating = async move { app.access.tokens.keys.rotate().await };
    shop.gateway.inside(rotating).await.expect("rotated");
}

async fn clean_up_keys(shop: &Shop) {
    let app = Arc::clone(&shop.gateway.app);
    let tidying = async move {
        app.access.tokens.keys.refresh().await?;
        app.access.tokens.keys.tidy().await
    };
    shop.gateway.inside(tidying).await.expect("tidied");
}

// CST-02, SFU-39
#[tokio::test]
async fn cst_02_an_expired_token_merges_like_a_valid_one() {
    let shop = setup().manual_clock().start().await;
    // With a key that still signs, with one that has been replaced, and with one whose private half is deleted.
    for (number, rotates) in [false, true].into_iter().enumerate() {
        let [at_registration, at_sign_in] = ["a", "b"].map(|name| format!("{name} {rotates}"));
        let guests = [
            guest(&shop, &at_registration).await,
            guest(&shop, &at_sign_in).await,
        ];
        if rotates {
            rotate_keys(&shop).await;
        }
        shop.gateway.advance(27 * HOUR);
        clean_up_keys(&shop).await;
        let public = doc! { "sealedPublic": { "$exists": true } };
        let old = shop.gateway.store.count("signingKeys", public).await;
        assert_eq!(old, u64::from(rotates), "the first key's private half");
        for guest in &guests {
            let answer = guest.send("{ viewer { kind } }", json!({})).await;
            assert_eq!(answer.status, 401, "it is no credential any more");
        }
        let email = format!("ada{number}@example.com");
        let input = with_guest_token(with_password(&email), &token(&guests[0]));
        let registered = shop.browser.mutate_ok("customerRegister", input).await;
        let signed_in = signs_in(&shop, &email, &token(&guests[1])).await;
        for payload in [registered, signed_in] {
            assert_eq!(warnings(&payload), [""; 0]);
            assert_eq!(payload["mergedItemCount"], 1);
        }
    }
    shop.gateway.store.assert_consistent().await;
}

// CST-02, DEF-09
#[tokio::test]
async fn cst_02_a_token_of_a_revoked_signing_key_is_invalid() {
    let shop = setup().manual_clock().start().await;
    let guest = guest(&shop, "guest").await;
    ada(&shop, "ada@example.com").await;
    let app = Arc::clone(&shop.gateway.app);
    let replacing = async move { app.access.tokens.keys.replace_all().await };
    shop.gateway.inside(replacing).await.expect("replaced");
    let payload = signs_in(&shop, "ada@example.com", &token(&guest)).await;
    assert_eq!(warnings(&payload), [INVALID]);
}

/// Revokes a token through OAuth, as the client that it was issued to.
async fn revoke(shop: &Shop, token: &str) {
    let form = [("client_id", token_of_browser(shop)), ("token", token)];
    let url = format!("{}/oauth/revoke", shop.gateway.url);
    let answer = shop.gateway.http.post(url).form(&form).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
}

fn token_of_browser(shop: &Shop) -> &str {
    shop.browser.credential.as_deref().expect("a key")
}

// CST-02, RFC 7009
#[tokio::test]
async fn cst_02_a_revoked_token_merges_nothing_also_after_it_has_expired() {
    let shop = setup().manual_clock().start().await;
    ada(&shop, "ada@example.com").await;
    let register = || {
        shop.browser
            .mutate_ok("storefrontUserRegister", json!({ "isAnonymous": true }))
    };
    let [live, run_out] = [register().await, register().await].map(|mut payload| {
        let token = payload["token"]["accessToken"].take();
        let id = payload["storefrontUser"]["storefrontUserId"].take();
        [token, id].map(|text| text.as_str().expect("a text").to_owned())
    });
    revoke(&shop, &live[0]).await;
    let payload = signs_in(&shop, "ada@example.com", &live[0]).await;
    assert_eq!(warnings(&payload), [INVALID]);
    shop.gateway.advance(25 * HOUR);
    revoke(&shop, &run_out[0]).await;
    for [token, _] in [&live, &run_out] {
        let payload = signs_in(&shop, "ada@example.com", token).await;
        assert_eq!(warnings(&payload), [INVALID]);
    }
    // The revocation is kept as long as the user exists, in a document without an expiry.
    let remembered = doc! { "userId": { "$exists": true }, "expiresAt": { "$exists": false } };
    let count = async || {
        shop.gateway
            .store
            .count("revokedTokens", remembered.clone())
            .await
    };
    assert_eq!(count().await, 2);
    for [_, id] in [&live, &run_out] {
        shop.backend
            .mutate_ok("storefrontUserDelete", shop.named(id))
            .await;
    }
    assert_eq!(count().await, 0);
}

// CST-02, SFU-32, SFU-35
#[tokio::test]
async fn cst_02_one_of_two_customers_merges_the_same_guest() {
    let shop = super::shop().await;
    let node = shop.gateway.another_node().await;
    let emails = ["ada@example.com", "bob@example.com"];
    let mut customers = Vec::new();
    for email in emails {
        customers.push(ada(&shop, email).await.0);
    }
    for round in 0..8 {
        let token = token(&guest(&shop, &format!("guest {round}")).await);
        let there = shop.browser.at(&node);
        let sign_in = async |by: &Caller, email: &str| {
            by.mutate_ok(
                "customerTokenCreate",
                with_guest_token(credentials(email, PASSWORD), &token),
            )
            .await
        };
        // One of the tokens twice, as by a retry.
        let payloads = join_all([
            sign_in(&shop.browser, emails[0]),
            sign_in(&there, emails[1]),
            sign_in(&there, emails[0]),
        ])
        .await;
        let moved = payloads
            .iter()
            .filter_map(|payload| payload["mergedItemCount"].as_i64());
        assert_eq!(moved.sum::<i64>(), 1, "{payloads:#?}");
        let reported: Vec<Vec<String>> = payloads.iter().map(warnings).collect();
        assert_eq!(
            reported[0], reported[2],
            "both are the same customer's: {payloads:#?}"
        );
        let (winner, loser) = match reported[0].is_empty() {
            true => (&reported[0], &reported[1]),
            false => (&reported[1], &reported[0]),
        };
        assert_eq!((winner.len(), loser.as_slice()), (0, &[MERGED.to_owned()][..]));
    }
    let mut items = 0;
    for customer in &customers {
        items += item_ids(customer).await.len();
    }
    assert_eq!(items, 8);
    shop.gateway.store.assert_consistent().await;
}

// CST-02, CST-01
#[tokio::test]
async fn cst_02_concurrent_registrations_with_the_same_guest_all_succeed() {
    let shop = super::shop().await;
    let token = token(&guest(&shop, "guest").await);
    let register = |number: u32| {
        let input = with_guest_token(with_password(&format!("ada{number}@example.com")), &token);
        shop.browser.mutate_ok("customerRegister", input)
    };
    let payloads = join_all((0..8).map(register)).await;
    let mut reported: Vec<Vec<String>> = payloads.iter().map(warnings).collect();
    reported.sort();
    assert_eq!(reported[0], [""; 0], "one of them has it");
    assert!(
        reported[1..].iter().all(|reported| *reported == [MERGED]),
        "{reported:?}"
    );
    for payload in &payloads {
        let (customer, _) = signed_in(&shop, payload);
        let items = item_ids(&customer).await.len();
        assert_eq!(payload["mergedItemCount"], json!(items));
    }
    shop.gateway.store.assert_consistent().await;
}

// CST-02, SFU-36, SFU-38
#[tokio::test]
async fn cst_02_concurrent_promotion_or_deletion_of_the_guest_does_not_block_sign_in() {
    let shop = super::shop().await;
    ada(&shop, "ada@example.com").await;
    for round in 0..10 {
        let id = format!("guest {round}");
        let token = token(&guest(&shop, &id).await);
        let (field, input, reported) = match round % 2 {
            0 => ("storefrontUserDelete", shop.named(&id), EXPIRED),
            _ => (
                "storefrontUserPromote",
                shop.pair(&id, &format!("new {round}")),
                INVALID,
            ),
        };
        let sign_in = signs_in(&shop, "ada@example.com", &token);
        let (payload, other) = join(sign_in, shop.backend.mutate(field, input)).await;
        match payload["mergedItemCount"] == 1 {
            true => assert_eq!(warnings(&payload), [""; 0]),
            false => assert_eq!(warnings(&payload), [reported], "{other}"),
        }
    }
    shop.gateway.run_jobs().await;
    shop.gateway.store.assert_consistent().await;
}

// CST-02, SFU-35
#[tokio::test]
async fn cst_02_concurrent_uploads_of_the_guest_do_not_block_sign_in() {
    let shop = super::shop().await;
    let (customer, _) = ada(&shop, "ada@example.com").await;
    let mut kept = 0_u64;
    for round in 0..5 {
        let guest = shop.guest(&format!("guest {round}")).await;
        let device = async |number: u32| {
            let mut taken = 0_u64;
            // Until an upload is refused because the guest was merged.
            loop {
                let upload = Upload {
                    file_name: "cat.png",
                    bytes: png(number),
                    ..Upload::default()
                };
                let answer = guest.send_file(upload).await;
                let payload = &answer.body["data"]["storageItemUpload"];
                if payload["userErrors"] != json!([]) {
                    return (taken, answer.body);
                }
                taken += 1;
            }
        };
        let uploads = join_all((0..4).map(device));
        let sign_in = signs_in(
            &shop,
            "ada@example.com",
            guest.credential.as_deref().expect("a token"),
        );
        let (uploads, payload) = join(uploads, sign_in).await;
        assert_eq!(warnings(&payload), [""; 0]);
        for (taken, last) in uploads {
            assert!(
                last.to_string().contains("STOREFRONT_USER_ALREADY_MERGED"),
                "{last}"
            );
            kept += taken;
        }
    }
    let seen = customer
        .query("{ viewer { storefrontUser { privateStorage { itemCount } } } }")
        .await;
    let items = &seen["viewer"]["storefrontUser"]["privateStorage"]["itemCount"];
    assert_eq!(*items, kept, "no item is lost");
    shop.gateway.run_jobs().await;
    shop.gateway.store.assert_consistent().await;
}

/// The default limits, with a manual clock for the waits.
fn limited() -> Setup {
    setup().set("GATEWAY_RATE_LIMITS", "on").manual_clock()
}

// CST-02, TOK-03
#[tokio::test]
async fn tok_03_an_unusable_token_does_not_change_how_an_attempt_counts() {
    let shop = limited().start().await;
    ada(&shop, "ada@example.com").await;
    let wrong = || with_guest_token(credentials("ada@example.com", OTHER_PASSWORD), MARK);
    let fail = async |times: usize| {
        for _ in 0..times {
            let reported = shop.browser.user_errors("customerTokenCreate", wrong()).await;
            assert_eq!(reported, ["CREDENTIALS_INVALID"]);
        }
    };
    // A sign-in whose token is useless still succeeds and clears the earlier failures.
    fail(4).await;
    signs_in(&shop, "ada@example.com", MARK).await;
    fail(5).await;
    // An attempt with a useless token counts like any other.
    let reported = shop.browser.user_errors("customerTokenCreate", wrong()).await;
    assert_eq!(reported, ["RATE_LIMITED"]);
    // A refused attempt does not look up the token.
    let guest = token(&shop.guest("guest").await);
    let input = with_guest_token(credentials("ada@example.com", OTHER_PASSWORD), &guest);
    let refused = shop.browser.user_errors("customerTokenCreate", input);
    let (reported, commands) = shop.gateway.commands.during(refused).await;
    assert_eq!(reported, ["RATE_LIMITED"]);
    let looked_up = format!("{commands:?}");
    assert!(!looked_up.contains("storefrontUsers"), "{looked_up}");
}
