//! What an anonymous shopper made comes over (CST-02).

use serde_json::json;

use super::op::TOKEN;
use super::{SIGN_ON, back_with, counts, shop_and_op};
use crate::customers::{but, signed_in};
use crate::kit::{item_ids, png};

// CST-02
#[tokio::test]
async fn cst_02_what_a_guest_made_comes_over_at_the_first_sign_in_and_at_a_later_one() {
    let (shop, _op) = shop_and_op().await;
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
            .done(SIGN_ON, but(back_with("ada"), token.clone()))
            .await;
        assert_eq!(payload["mergedItemCount"], 1);
        let (ada, _) = signed_in(&shop, &payload);
        let mut own = item_ids(&ada).await;
        own.sort();
        items.sort();
        assert_eq!(own, items);
        assert_eq!(counts(&shop).await, (1, 1));
        // Somebody else cannot have it too.
        let bob = back_with("bob");
        let refused = shop.browser.refused(SIGN_ON, but(bob, token)).await;
        assert_eq!(
            refused,
            ["STOREFRONT_USER_ALREADY_MERGED anonymousUserToken (409)"]
        );
        assert_eq!(counts(&shop).await, (1, 1));
    }
    shop.gateway.store.assert_whole().await;
}

// CST-02
#[tokio::test]
async fn cst_02_a_bad_token_is_told_before_the_code_is_used_up() {
    let (shop, op) = shop_and_op().await;
    let (ann, rival) = (shop.ann("ann").await, shop.rival().await);
    let theirs = rival.guest("guest").await;
    let not_anonymous = "STOREFRONT_USER_NOT_ANONYMOUS anonymousUserToken (409)";
    let invalid = "ANONYMOUS_TOKEN_INVALID anonymousUserToken";
    for (token, expected) in [
        (json!(""), invalid),
        (json!("hunter2"), invalid),
        (json!(theirs.credential), invalid),
        (json!(ann.credential), not_anonymous),
    ] {
        let input = but(back_with("ada"), json!({ "anonymousUserToken": token }));
        assert_eq!(shop.browser.refused(SIGN_ON, input).await, [expected], "{token}");
    }
    assert_eq!(op.asked(TOKEN), 0);
    assert_eq!(counts(&shop).await, (0, 0));
}
