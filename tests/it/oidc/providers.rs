//! A storefront's identity providers, and the authorization URL that a browser is sent to.

use std::collections::BTreeMap;
use std::sync::Arc;

use bson::doc;
use serde_json::{Value, json};
use storefront_gateway::oidc::store;
use storefront_gateway::platform::id::{Id, IdentityProviderId};
use storefront_gateway::reach::HouseReach;
use url::Url;

use super::test_provider::{DISCOVERY, TOKEN};
use super::{
    CHALLENGE, CLIENT_SECRET, REDIRECT_URI, Reply, TestProvider, VERIFIER, WITH_OIDC, add, callback_input,
    counts, provider, shop_and_provider, signed_in_id,
};
use crate::kit::{self, Answer, Shop};

async fn authorization_url(shop: &Shop, changes: Value) -> Answer {
    let mut arguments = json!({
        "redirectUri": REDIRECT_URI, "state": "af0ifjsldkj", "nonce": "n-0S6_WzA2Mj", "codeChallenge": CHALLENGE,
    });
    for (name, value) in changes.as_object().expect("an object") {
        arguments[name] = value.clone();
    }
    let query = "query ($redirectUri: String!, $state: String!, $nonce: String!, $codeChallenge: String!) { \
                 storefront { identityProviders { authorizationUrl(redirectUri: $redirectUri, state: $state, \
                 nonce: $nonce, codeChallenge: $codeChallenge) } } }";
    shop.browser.send(query, arguments).await
}

// EPC-09
#[tokio::test]
async fn epc_09_the_authorization_url_has_all_parameters_of_the_sign_in() {
    let (shop, op) = shop_and_provider().await;
    let seen = authorization_url(&shop, json!({ "state": "a&b=c d+e-123".replace(' ', "_") }))
        .await
        .data();
    let url = &seen["storefront"]["identityProviders"][0]["authorizationUrl"];
    let url = Url::parse(url.as_str().expect("a text")).expect("a URL");
    assert_eq!(url.path(), "/authorize");
    assert_eq!(
        format!(
            "http://{}:{}",
            url.host_str().expect("a host"),
            url.port().expect("a port")
        ),
        op.issuer
    );
    let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let expected = [
        ("tenant", "a b"),
        ("response_type", "code"),
        ("client_id", "gateway"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid email profile"),
        ("state", "a&b=c_d+e-123"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(query, BTreeMap::from(expected));
    assert_eq!(op.asked(TOKEN), 0);
}

// EPC-09, ERR-02
#[tokio::test]
async fn err_02_an_authorization_url_with_invalid_arguments_is_refused() {
    let (shop, op) = shop_and_provider().await;
    let long = "s".repeat(513);
    for (field, bad) in [
        ("redirectUri", "https://shop.example/signed-in/"),
        ("redirectUri", "https://SHOP.example/signed-in"),
        ("redirectUri", "https://evil.example/hunter2"),
        ("redirectUri", ""),
        ("state", ""),
        ("state", "hunter2"),
        ("state", "hunter2 hunter2"),
        ("state", &long),
        ("nonce", "hunter2"),
        ("nonce", "hunter2\u{0}\u{0}"),
        ("codeChallenge", "hunter2"),
        ("codeChallenge", VERIFIER.trim_end_matches('k')),
        ("codeChallenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c="),
    ] {
        let answer = authorization_url(&shop, json!({ field: bad })).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{field}: {bad}");
        let message = answer.body["errors"][0]["message"].as_str().expect("a message");
        assert!(message.starts_with(field), "{field}: {message}");
        assert!(!answer.body.to_string().contains("hunter2"), "{message}");
    }
    assert_eq!(op.asked(DISCOVERY), 0, "no request was sent");
    // The error names the provider as unavailable if its discovery document was never fetched.
    op.reply(DISCOVERY, Reply::Text(500, String::new()));
    let answer = authorization_url(&shop, json!({})).await;
    assert_eq!(answer.codes(), ["UNAVAILABLE"]);
    let message = answer.body["errors"][0]["message"].as_str().expect("a message");
    assert!(
        message.starts_with("The configuration of the identity provider"),
        "{message}"
    );
}

// EPC-09, SFR-02
#[tokio::test]
async fn epc_09_a_storefronts_providers_are_listed_in_order_with_one_command() {
    let shop = kit::shop().await;
    let op = TestProvider::start().await;
    let austria = shop.add_storefront("Prints AT", "AT").await;
    for (storefront, key) in [(&shop.storefront, "b"), (&shop.storefront, "a"), (&austria, "c")] {
        add(&shop, provider(&storefront.id, key, &op.issuer)).await;
    }
    let query = "{ storefronts { nodes { code identityProviders { key name } } } }";
    let (seen, commands) = shop.gateway.commands.during(shop.backend.query(query)).await;
    insta::assert_json_snapshot!(seen["storefronts"]["nodes"], @r#"
    [
      {
        "code": "DE",
        "identityProviders": [
          {
            "key": "b",
            "name": "The provider b"
          },
          {
            "key": "a",
            "name": "The provider a"
          }
        ]
      },
      {
        "code": "AT",
        "identityProviders": [
          {
            "key": "c",
            "name": "The provider c"
          }
        ]
      }
    ]
    "#);
    assert_eq!(
        commands
            .iter()
            .filter(|command| *command == "find identityProviders")
            .count(),
        1
    );
    assert_eq!(op.asked(DISCOVERY), 0, "a list needs no provider");
    let own = shop
        .browser
        .query("{ storefront { identityProviders { key } } }")
        .await;
    assert_eq!(
        own["storefront"]["identityProviders"],
        json!([{ "key": "b" }, { "key": "a" }])
    );
}

// EPC-09: as RFC 6749 and RFC 7636 have it.
#[tokio::test]
async fn epc_09_a_code_is_exchanged_with_its_verifier_and_the_client_secret() {
    let (shop, op) = shop_and_provider().await;
    signed_in_id(&shop, "ada").await;
    let asked = op.last(TOKEN);
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", "ada"),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(asked.form, BTreeMap::from(expected));
    let basic = data_encoding::BASE64.encode(b"gateway:geheimer%3AKanarien%25Vogel");
    assert_eq!(asked.headers["authorization"], format!("Basic {basic}"));
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");

    // A provider that supports `client_secret_post` only.
    let by_post = TestProvider::start().await;
    let mut published = super::test_provider::published(&by_post.issuer);
    published["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    by_post.reply(DISCOVERY, Reply::Json(200, published));
    add(&shop, provider(&shop.storefront.id, "post", &by_post.issuer)).await;
    let mut public = provider(&shop.storefront.id, "public", &op.issuer);
    public.client_secret = None;
    add(&shop, public).await;
    for (key, op, secret) in [("post", &by_post, Some(CLIENT_SECRET)), ("public", &op, None)] {
        let mut input = callback_input("ada");
        input["provider"] = json!(key);
        shop.browser.mutate_ok(WITH_OIDC, input).await;
        let asked = op.last(TOKEN);
        assert_eq!(
            asked.form.get("client_id").map(String::as_str),
            Some("gateway"),
            "{key}"
        );
        assert_eq!(
            asked.form.get("client_secret").map(String::as_str),
            secret,
            "{key}"
        );
        assert!(!asked.headers.contains_key("authorization"), "{key}");
    }
}

// EPC-09
#[tokio::test]
async fn epc_09_a_removed_provider_is_refused_and_its_identities_are_deleted() {
    let (shop, op) = shop_and_provider().await;
    let second = add(&shop, provider(&shop.storefront.id, "second", &op.issuer)).await;
    let ada = signed_in_id(&shop, "ada").await;
    let mut by_second = callback_input("ada");
    by_second["provider"] = json!("second");
    shop.browser.mutate_ok(WITH_OIDC, by_second.clone()).await;
    let remove = async || {
        let app = Arc::clone(&shop.gateway.app);
        let id = IdentityProviderId::parse(&second).expect("an id");
        let removing = async move {
            let system = HouseReach::everywhere();
            store::remove(&app.database, &system, &id).await.expect("removed")
        };
        shop.gateway.inside(removing).await
    };
    assert!(remove().await);
    assert!(!remove().await, "there is nothing of it any more");
    assert_eq!(
        shop.browser.user_errors(WITH_OIDC, by_second).await,
        ["IDENTITY_PROVIDER_NOT_FOUND provider"]
    );
    assert_eq!(counts(&shop).await, (1, 1));
    assert_eq!(signed_in_id(&shop, "ada").await, ada);
    // The secret is stored encrypted.
    let stored = shop.gateway.store.documents("identityProviders", doc! {}).await;
    assert!(!format!("{stored:?}").contains(CLIENT_SECRET));
    let sealed = stored[0].get_binary_generic("sealedSecret").expect("a secret");
    assert!(
        !sealed
            .windows(4)
            .any(|window| CLIENT_SECRET.as_bytes().starts_with(window))
    );
}

// EPC-09
#[tokio::test]
async fn epc_09_a_sign_in_reads_only_the_documents_it_needs() {
    let (shop, _op) = shop_and_provider().await;
    for number in 0..30 {
        signed_in_id(&shop, &format!("somebody{number}")).await;
    }
    // A new customer, then a known one.
    for code in ["ada", "ada"] {
        let (_, costs) = kit::examined(&shop, signed_in_id(&shop, code)).await;
        let collections: Vec<&str> = costs.iter().map(|(collection, ..)| collection.as_str()).collect();
        assert!(collections.contains(&"identities"), "{collections:?}");
        for cost in &costs {
            // The customer's existing sessions and their keys are counted against their limit.
            assert!(kit::is_within(cost, 3), "{code}: {cost:?}");
        }
    }
}
