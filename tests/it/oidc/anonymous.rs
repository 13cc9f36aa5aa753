//! A sign-in takes over the items of an anonymous user (CST-02).

use serde_json::json;

use super::{WITH_OIDC, callback_input, counts, shop_and_provider};
use crate::customers::{is_signed_in, patched, signed_in};
use crate::kit::{faults, item_ids, png, warnings};

// CST-02
#[tokio::test]
async fn cst_02_a_guests_items_are_merged_at_the_first_and_at_a_later_sign_in() {
    let (shop, _op) = shop_and_provider().await;
    let mut items = Vec::new();
    for (number, guest) in ["first", "second"].into_iter().enumerate() {
        let guest = shop.guest(guest).await;
        let item = guest
            .upload("cat.png", &png(u32::try_from(number).expect("few")))
            .await;
        items.push(item["id"].as_str().expect("an id").to_owned());
        let token = json!({ "anonymousUserToken": guest.credential });
        let payload = shop
            .browser
            .mutate_ok(WITH_OIDC, patched(callback_input("ada"), token.clone()))
            .await;
        assert_eq!(payload["mergedItemCount"], 1);
        let (ada, _) = signed_in(&shop, &payload);
        let mut own = item_ids(&ada).await;
        own.sort();
        items.sort();
        assert_eq!(own, items);
        // A repetition merges nothing and returns no warning.
        let again = patched(callback_input("ada"), token.clone());
        let payload = shop.browser.mutate_ok(WITH_OIDC, again).await;
        assert_eq!(payload["mergedItemCount"], 0);
        assert_eq!(warnings(&payload), [""; 0]);
        // Another customer cannot merge the same user, but is signed in: first with a new account, then with the
        // existing one.
        let bob = patched(callback_input("bob"), token);
        let payload = shop.browser.mutate_ok(WITH_OIDC, bob).await;
        assert_eq!(
            warnings(&payload),
            ["STOREFRONT_USER_ALREADY_MERGED anonymousUserToken (409)"]
        );
        let (bob, _) = signed_in(&shop, &payload);
        assert_eq!(item_ids(&bob).await, [""; 0]);
        assert_eq!(counts(&shop).await, (2, 2));
    }
    shop.gateway.store.assert_consistent().await;
}

// CST-02, ERR-04
#[tokio::test]
async fn cst_02_an_unusable_token_does_not_prevent_single_sign_on() {
    let (shop, op) = shop_and_provider().await;
    let (ann, rival) = (shop.ann("ann").await, shop.rival().await);
    let theirs = rival.guest("guest").await;
    let removed = shop.guest("removed").await;
    shop.backend
        .mutate_ok("storefrontUserDelete", shop.named("removed"))
        .await;
    let invalid = "ANONYMOUS_TOKEN_INVALID anonymousUserToken";
    for (number, (token, expected)) in [
        (json!(""), invalid),
        (json!("hunter2"), invalid),
        (json!(theirs.credential), invalid),
        (json!(ann.credential), invalid),
        (
            json!(removed.credential),
            "STOREFRONT_USER_EXPIRED anonymousUserToken",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        // The first sign-in creates the account, the second one uses it.
        for _ in 0..2 {
            let input = patched(
                callback_input(&format!("somebody{number}")),
                json!({ "anonymousUserToken": token }),
            );
            let payload = shop.browser.mutate_ok(WITH_OIDC, input).await;
            assert_eq!(warnings(&payload), [expected], "{token}");
            assert_eq!(payload["mergedItemCount"], 0);
            assert!(is_signed_in(&signed_in(&shop, &payload).0).await);
            assert!(!payload.to_string().contains("hunter2"));
        }
    }
    assert_eq!(counts(&shop).await, (5, 5));
    // A refused sign-on has no warnings.
    let mut refused = patched(callback_input("ada"), json!({ "anonymousUserToken": "none" }));
    refused["codeVerifier"] = json!("x");
    let payload = shop.browser.mutate(WITH_OIDC, refused).await;
    assert_eq!(faults(&payload), ["TOO_SHORT codeVerifier"]);
    assert_eq!(warnings(&payload), [""; 0]);
    drop(op);
}
