//! Single sign-on: with a certified provider and with one that lies.

mod accounts;
mod anonymous;
mod at_once;
mod bad_input;
mod certified;
mod liar;
mod op;
mod providers;
mod silence;

use std::sync::Arc;

use bson::doc;
use serde_json::{Value, json};
use storefront_gateway::access::reach::SystemReach;
use storefront_gateway::platform::id::StorefrontId;
use storefront_gateway::sign_on::store::{self, NewProvider};

pub(crate) use op::{Op, Reply};

use crate::customers::{but, setup};
use crate::kit::Shop;

/// The mutation.
pub(crate) const SIGN_ON: &str = "customerTokenCreateWithOidc";
/// Where browsers come back to.
pub(crate) const REDIRECT_URI: &str = "https://shop.example/signed-in";
/// What a browser made up.
pub(crate) const NONCE: &str = "n-0S6_WzA2Mj-Kanarie";
/// The example of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// What the provider calls the gateway, and the secret between the two.
const CLIENT_ID: &str = "gateway";
const CLIENT_SECRET: &str = "geheimer:Kanarien%Vogel";

/// A provider as an operator adds it.
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

/// Adds a provider; its id.
pub(crate) async fn add(shop: &Shop, new: NewProvider) -> String {
    let app = Arc::clone(&shop.gateway.app);
    let adding = async move {
        let system = SystemReach::for_background_work();
        store::add(&app, &system, new).await
    };
    let added = shop.gateway.inside(adding).await.expect("added");
    added.expect("the key is free").id.to_string()
}

/// Lets the shop's customers sign in at a provider of the test, with the key `op`.
pub(crate) async fn open(shop: &Shop) -> Op {
    let op = Op::start().await;
    op.follow(&shop.gateway.app.clock);
    add(shop, provider(&shop.storefront.id, "op", &op.issuer)).await;
    op
}

/// A shop with such a provider.
async fn shop_and_op() -> (Shop, Op) {
    let shop = setup().manual_clock().start().await;
    // Each link is told by mail.
    shop.gateway.expect_jobs();
    let op = open(&shop).await;
    (shop, op)
}

/// The input of a browser that comes back with this code.
pub(crate) fn back_with(code: &str) -> Value {
    json!({
        "provider": "op", "code": code, "redirectUri": REDIRECT_URI, "codeVerifier": VERIFIER, "nonce": NONCE,
    })
}

/// The same in a storefront that is named.
pub(crate) fn back_in(storefront: &str, code: &str) -> Value {
    but(back_with(code), json!({ "storefrontId": storefront }))
}

/// How many customers and identities there are.
async fn counts(shop: &Shop) -> (u64, u64) {
    let store = &shop.gateway.store;
    (
        store.count("customers", doc! {}).await,
        store.count("identities", doc! {}).await,
    )
}

/// Signs in, which must work; the customer's id.
async fn arrives(shop: &Shop, code: &str) -> Value {
    shop.browser.done(SIGN_ON, back_with(code)).await["customer"]["id"].take()
}

const NOT_LINKED: [&str; 1] = ["IDENTITY_NOT_LINKED"];
