//! The complete flow with the certified npm package `oidc-provider`: a browser is sent to the provider, signs in,
//! consents and returns, and the gateway exchanges the code. Skipped with a message where Node.js is missing.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;
use url::Url;

use super::{
    CHALLENGE, CLIENT_ID, CLIENT_SECRET, NONCE, REDIRECT_URI, VERIFIER, WITH_OIDC, add, counts, provider,
};
use crate::customers::{patched, setup, signed_in};
use crate::kit::{LIMIT, Scripts, Shop};

const STATE: &str = "a-state-that-comes-back";

/// The provider process, which also drives the browsers that sign in.
struct Certified {
    issuer: String,
    _child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Certified {
    /// Returns None where Node.js is missing, and the current test is skipped.
    async fn start(changes: Value) -> Option<Self> {
        let configuration = patched(
            json!({
                "redirectUri": REDIRECT_URI,
                "accounts": {
                    "ada": { "email": "ada@example.com", "email_verified": true, "given_name": "Ada",
                             "family_name": "Lovelace" },
                    "bob": { "email": "bob@example.com", "email_verified": false, "name": "Bob Byron" },
                },
                "client": { "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET },
            }),
            changes,
        );
        let scripts = Scripts::ready().await?;
        let command = scripts.command("oidc.mjs", &[configuration.to_string()]);
        let mut command = tokio::process::Command::from(command);
        // The process ends with its standard input, so that it does not outlive a test that is killed.
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().expect("node starts");
        let lines = BufReader::new(child.stdout.take().expect("an output")).lines();
        let mut certified = Self {
            issuer: String::new(),
            input: child.stdin.take().expect("an input"),
            lines,
            _child: child,
        };
        let issuer = certified.line().await["issuer"].take();
        certified.issuer = issuer.as_str().expect("an issuer").to_owned();
        Some(certified)
    }

    async fn line(&mut self) -> Value {
        let line = timeout(LIMIT, self.lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("no output of the provider within {LIMIT:?}"));
        let line = line.expect("its output").expect("the provider has not ended");
        serde_json::from_str(&line).expect("JSON")
    }

    /// Signs in with a browser and returns the authorization code.
    async fn sign_in(&mut self, shop: &Shop, login: &str) -> String {
        let query = format!(
            "{{ storefront {{ identityProviders {{ authorizationUrl(redirectUri: {REDIRECT_URI:?}, state: {STATE:?}, \
             nonce: {NONCE:?}, codeChallenge: {CHALLENGE:?}) }} }} }}"
        );
        let mut seen = shop.browser.query(&query).await;
        let url = seen["storefront"]["identityProviders"][0]["authorizationUrl"].take();
        let line = format!("{}\n", json!({ "url": url, "login": login }));
        self.input.write_all(line.as_bytes()).await.expect("it listens");
        let answer = self.line().await;
        let returned = answer["returned"].as_str();
        let returned = returned.unwrap_or_else(|| panic!("the browser does not come back: {answer}"));
        let returned = Url::parse(returned).expect("a URL");
        let find = |name: &str| {
            let mut pairs = returned.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        assert_eq!(find("state").as_deref(), Some(STATE), "{returned}");
        find("code").unwrap_or_else(|| panic!("no code came back: {returned}"))
    }
}

async fn shop_at(certified: &Certified, secret: bool) -> Shop {
    let shop = setup().start().await;
    let mut new = provider(&shop.storefront.id, "op", &certified.issuer);
    if !secret {
        new.client_secret = None;
    }
    add(&shop, new).await;
    shop
}

fn input(code: &str, changes: Value) -> Value {
    patched(super::callback_input(code), changes)
}

async fn signs_in(certified: &mut Certified, shop: &Shop, login: &str) -> Value {
    let code = certified.sign_in(shop, login).await;
    shop.browser.mutate_ok(WITH_OIDC, input(&code, json!({}))).await
}

// EPC-09
#[tokio::test]
async fn epc_09_a_customer_signs_in_at_a_certified_provider() {
    // Claims in the id token or at the userinfo endpoint; with a client secret or none; signed by RSA or ECDSA.
    for (claims_in_id_token, secret, algorithm) in [
        (false, true, "RS256"),
        (true, false, "ES256"),
        (true, true, "PS256"),
    ] {
        let client = match secret {
            true => json!({ "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET }),
            false => json!({ "client_id": CLIENT_ID, "token_endpoint_auth_method": "none" }),
        };
        let changes =
            json!({ "claimsInIdToken": claims_in_id_token, "algorithm": algorithm, "client": client });
        let Some(mut certified) = Certified::start(changes).await else {
            return;
        };
        let shop = shop_at(&certified, secret).await;
        let payload = signs_in(&mut certified, &shop, "ada").await;
        let (ada, _) = signed_in(&shop, &payload);
        let seen = ada
            .query("{ viewer { customer { email isEmailVerified firstName lastName } } }")
            .await;
        assert_eq!(
            seen["viewer"]["customer"],
            json!({
                "email": "ada@example.com", "isEmailVerified": true, "firstName": "Ada", "lastName": "Lovelace",
            })
        );
        let again = signs_in(&mut certified, &shop, "ada").await;
        assert_eq!(again["customer"]["id"], payload["customer"]["id"]);
        let bob = signs_in(&mut certified, &shop, "bob").await;
        let (bob, _) = signed_in(&shop, &bob);
        let seen = bob
            .query("{ viewer { customer { isEmailVerified firstName lastName } } }")
            .await;
        let expected = json!({ "isEmailVerified": false, "firstName": "Bob", "lastName": "Byron" });
        assert_eq!(seen["viewer"]["customer"], expected);
        assert_eq!(counts(&shop).await, (2, 2));
        shop.gateway.store.assert_consistent().await;
    }
}

// EPC-09
#[tokio::test]
async fn epc_09_a_certified_provider_refuses_values_that_do_not_match_its_code() {
    let Some(mut certified) = Certified::start(json!({})).await else {
        return;
    };
    let shop = shop_at(&certified, true).await;
    let by_code = ["IDENTITY_PROVIDER_REJECTED code"];
    let other_verifier = VERIFIER.to_uppercase();
    for (what, changes, expected) in [
        (
            "another verifier",
            json!({ "codeVerifier": other_verifier }),
            by_code,
        ),
        ("another code", json!({ "code": "made-up" }), by_code),
        (
            "another nonce",
            json!({ "nonce": "n-another-one" }),
            ["IDENTITY_PROVIDER_REJECTED nonce"],
        ),
    ] {
        let code = certified.sign_in(&shop, "ada").await;
        let refused = shop.browser.user_errors(WITH_OIDC, input(&code, changes)).await;
        assert_eq!(refused, expected, "{what}");
        assert_eq!(counts(&shop).await, (0, 0), "{what}");
    }
    // The correct values work once.
    let code = certified.sign_in(&shop, "ada").await;
    shop.browser.mutate_ok(WITH_OIDC, input(&code, json!({}))).await;
    let replayed = shop.browser.user_errors(WITH_OIDC, input(&code, json!({}))).await;
    assert_eq!(replayed, by_code);
    // A wrong client secret is not reported as the browser's error.
    let wrong = provider(&shop.storefront.id, "wrong", &certified.issuer);
    add(
        &shop,
        storefront_gateway::oidc::store::NewProvider {
            client_secret: Some("another secret".into()),
            ..wrong
        },
    )
    .await;
    let code = certified.sign_in(&shop, "ada").await;
    let refused = shop
        .browser
        .user_errors(WITH_OIDC, input(&code, json!({ "provider": "wrong" })));
    assert_eq!(refused.await, ["IDENTITY_PROVIDER_REJECTED provider"]);
}
