//! Single sign-on, with a certified provider and with one that sends invalid responses.

mod accounts;
mod anonymous;
mod bad_input;
mod certified;
mod concurrency;
mod invalid_responses;
mod logging;
mod providers;
mod test_provider;

use std::sync::Arc;

use bson::doc;
use serde_json::{Value, json};
use storefront_gateway::oidc::store::{self, NewProvider};
use storefront_gateway::platform::id::StorefrontId;
use storefront_gateway::reach::HouseReach;

pub(crate) use test_provider::{Reply, TestProvider};

use crate::customers::{patched, setup};
use crate::kit::Shop;

/// The name of the sign-on mutation.
pub(crate) const WITH_OIDC: &str = "customerTokenCreateWithOidc";
/// The redirect URI that browsers return to.
pub(crate) const REDIRECT_URI: &str = "https://shop.example/signed-in";
/// The nonce that a browser has generated.
pub(crate) const NONCE: &str = "n-0S6_WzA2Mj-Kanarie";
/// The code verifier of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The client id and the client secret of the gateway at the provider.
const CLIENT_ID: &str = "gateway";
const CLIENT_SECRET: &str = "geheimer:Kanarien%Vogel";

/// Returns a provider as an operator would add it.
pub(crate) fn provider(storefront: &StorefrontId, key: &str, issuer: &str) -> NewProvider {
    NewProvider {
        storefront: storefront.clone(),
        key: key.to_owned(),
        name: format!("The provider {key}"),
        issuer: issuer.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(CLIENT_SECRET.into()),
        redirect_uris: vec![REDIRECT_URI.to_owned()],
    }
}

/// Adds a provider and returns its id.
pub(crate) async fn add(shop: &Shop, new: NewProvider) -> String {
    let app = Arc::clone(&shop.gateway.app);
    let adding = async move {
        let system = HouseReach::everywhere();
        store::add(&app, &system, new).await
    };
    let added = shop.gateway.inside(adding).await.expect("added");
    added.expect("the key is free").id.to_string()
}

/// Adds a test provider with the key `op` to the shop's storefront.
pub(crate) async fn open(shop: &Shop) -> TestProvider {
    let op = TestProvider::start().await;
    op.follow(&shop.gateway.app.clock);
    add(shop, provider(&shop.storefront.id, "op", &op.issuer)).await;
    op
}

/// Starts a shop with such a provider.
async fn shop_and_provider() -> (Shop, TestProvider) {
    let shop = setup().manual_clock().start().await;
    // Each link of an identity sends a mail.
    shop.gateway.expect_jobs();
    let op = open(&shop).await;
    (shop, op)
}

/// Returns the input of a browser that returns with this code.
pub(crate) fn callback_input(code: &str) -> Value {
    json!({
        "provider": "op", "code": code, "redirectUri": REDIRECT_URI, "codeVerifier": VERIFIER, "nonce": NONCE,
    })
}

/// Like [`callback_input`], for the storefront named.
pub(crate) fn callback_input_in(storefront: &str, code: &str) -> Value {
    patched(callback_input(code), json!({ "storefrontId": storefront }))
}

/// Returns the numbers of customers and identities.
async fn counts(shop: &Shop) -> (u64, u64) {
    let store = &shop.gateway.store;
    (
        store.count("customers", doc! {}).await,
        store.count("identities", doc! {}).await,
    )
}

/// Signs in, which must succeed, and returns the customer's id.
async fn signed_in_id(shop: &Shop, code: &str) -> Value {
    shop.browser.mutate_ok(WITH_OIDC, callback_input(code)).await["customer"]["id"].take()
}

const NOT_LINKED: [&str; 1] = ["IDENTITY_NOT_LINKED"];
