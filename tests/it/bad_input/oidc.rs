//! The single sign-on mutation with an input that would succeed; invalid input is tested in [`crate::oidc`].

use serde_json::json;

use super::Good;
use crate::customers::but;
use crate::kit::Shop;
use crate::oidc::{WITH_OIDC, back_in, open};

pub(super) async fn all(shop: &Shop) -> Vec<Good> {
    // The provider ends with the test.
    open(shop).await;
    vec![Good {
        field: WITH_OIDC,
        input: but(back_in(shop.id(), "heinz"), json!({ "anonymousUserToken": null })),
        optional: &["storefrontId", "anonymousUserToken"],
        caller: shop.backend.clone(),
    }]
}
