//! The single sign-on mutation with an input that would succeed; invalid input is tested in [`crate::oidc`].

use serde_json::json;

use super::ValidInput;
use crate::customers::patched;
use crate::kit::Shop;
use crate::oidc::{WITH_OIDC, callback_input_in, open};

pub(super) async fn all(shop: &Shop) -> Vec<ValidInput> {
    // The provider ends with the test.
    open(shop).await;
    vec![ValidInput {
        field: WITH_OIDC,
        input: patched(
            callback_input_in(shop.id(), "heinz"),
            json!({ "anonymousUserToken": null }),
        ),
        optional: &["storefrontId", "anonymousUserToken"],
        caller: shop.backend.clone(),
    }]
}
