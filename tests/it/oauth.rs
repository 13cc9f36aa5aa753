//! OAuth 2.0: access tokens for backends, their revocation, and the metadata and keys that the gateway publishes.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::reach::scope::Scope::{self, StorageRead, StorefrontUsersRead, StorefrontsRead};

use crate::kit::{self, Client, Gateway, Shop, redact};

async fn post(
    gateway: &Gateway,
    path: &str,
    client: Option<(&str, &str)>,
    form: &[(&str, &str)],
) -> Response {
    let request = gateway.http.post(format!("{}{path}", gateway.url)).form(form);
    let request = match client {
        Some((id, secret)) => request.basic_auth(id, Some(secret)),
        None => request,
    };
    request.send().await.expect("an answer")
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// The status and body of a token request with HTTP Basic authentication.
async fn ask(gateway: &Gateway, client: &Client, more: &[(&str, &str)]) -> (u16, Value) {
    let form: Vec<(&str, &str)> = [&[GRANT], more].concat();
    let id = client.id.to_string();
    let answer = post(gateway, "/oauth/token", Some((&id, client.secret())), &form).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

pub(crate) async fn integration(shop: &Shop, scopes: &[Scope]) -> Client {
    shop.client(ClientKind::Integration, None, scopes).await
}

pub(crate) async fn access_token(gateway: &Gateway, client: &Client) -> String {
    let (status, body) = ask(gateway, client, &[]).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().expect("a token").to_owned()
}

const VIEWER: &str = "{ viewer { kind scopes storefront { code } owner { name } apiClient { name } } }";

// RFC 6749 §4.4
#[tokio::test]
async fn a_backend_obtains_a_token_with_basic_or_form_credentials() {
    let shop = kit::shop().await;
    let client = integration(&shop, &[StorefrontsRead, StorageRead]).await;
    let (id, secret) = (client.id.to_string(), client.secret().to_owned());
    let by_form = [GRANT, ("client_id", &*id), ("client_secret", &*secret)];
    for answer in [
        post(&shop.gateway, "/oauth/token", Some((&id, &secret)), &[GRANT]).await,
        post(&shop.gateway, "/oauth/token", None, &by_form).await,
    ] {
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (200, &"no-store".parse().expect("ASCII"))
        );
        let body: Value = answer.json().await.expect("JSON");
        let backend = shop.unauthenticated().with(body["access_token"].as_str());
        assert_eq!(body["expires_in"], 900);
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["scope"], "storefronts:read storage:read");
        let viewer = &backend.query(VIEWER).await["viewer"];
        assert_eq!(viewer["scopes"], json!(["STOREFRONTS_READ", "STORAGE_READ"]));
        assert_eq!(
            (&viewer["kind"], &viewer["owner"]),
            (&json!("INTEGRATION"), &json!(null))
        );
    }
}

// RFC 6749 §3.3
#[tokio::test]
async fn a_token_can_have_fewer_scopes_than_its_client_but_not_more() {
    let shop = kit::shop().await;
    let client = integration(&shop, &[StorefrontsRead, StorefrontUsersRead]).await;
    let (status, body) = ask(&shop.gateway, &client, &[("scope", "storefronts:read")]).await;
    assert_eq!((status, &body["scope"]), (200, &json!("storefronts:read")));
    let backend = shop.unauthenticated().with(body["access_token"].as_str());
    backend.query("{ storefronts { nodes { id } } }").await;
    let users = backend
        .send("{ storefront { users { nodes { id } } } }", json!({}))
        .await;
    assert_eq!(users.codes(), ["FORBIDDEN"]);
    for scope in [
        "storage:read",
        "storefronts:read storage:read",
        "nonsense",
        "STOREFRONTS_READ",
    ] {
        let (status, body) = ask(&shop.gateway, &client, &[("scope", scope)]).await;
        assert_eq!(
            (status, &body["error"]),
            (400, &json!("invalid_scope")),
            "{scope}"
        );
    }
}

#[tokio::test]
async fn an_owner_is_a_member_of_the_same_organization() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let (ann, bob) = (
        shop.member("Ann").await.to_string(),
        rival.member("Bob").await.to_string(),
    );
    let client = integration(&shop, Scope::ALL).await;
    let (_, body) = ask(&shop.gateway, &client, &[("owner", &ann)]).await;
    let backend = shop.unauthenticated().with(body["access_token"].as_str());
    let viewer = backend.query(VIEWER).await;
    assert_eq!(viewer["viewer"]["owner"], json!({ "name": "Ann" }));
    let seen = backend
        .query(&format!("{{ node(id: {ann:?}) {{ ... on Member {{ name }} }} }}"))
        .await;
    assert_eq!(seen, json!({ "node": { "name": "Ann" } }));
    let seen = backend.query(&format!("{{ node(id: {bob:?}) {{ id }} }}")).await;
    assert_eq!(seen, json!({ "node": null }));
    for owner in [bob.as_str(), "mem_01h00000000000000000000000", "nonsense"] {
        let (status, body) = ask(&shop.gateway, &client, &[("owner", owner)]).await;
        assert_eq!(
            (status, &body["error"]),
            (400, &json!("invalid_request")),
            "{owner}"
        );
    }
}

// RFC 6749 §5.2
#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_get_the_same_answer() {
    let shop = kit::shop().await;
    let client = integration(&shop, Scope::ALL).await;
    let other = integration(&shop, Scope::ALL).await;
    let (id, secret) = (client.id.to_string(), client.secret());
    let mut answers = Vec::new();
    for (id, secret) in [
        (&*id, "sk_wrong"),
        ("cli_01h00000000000000000000000", secret),
        ("nonsense", "nonsense"),
        (&*id, other.secret()),
        (&*id, ""),
    ] {
        let answer = post(&shop.gateway, "/oauth/token", Some((id, secret)), &[GRANT]).await;
        let challenge = answer.headers()["www-authenticate"]
            .to_str()
            .expect("text")
            .to_owned();
        assert!(challenge.starts_with("Basic "), "{challenge}");
        let status = answer.status().as_u16();
        answers.push((status, answer.text().await.expect("a body")));
    }
    answers.dedup();
    insta::assert_debug_snapshot!(answers, @r#"
    [
        (
            401,
            "{\"error\":\"invalid_client\",\"error_description\":\"The client is unknown or its secret is wrong.\"}",
        ),
    ]
    "#);
}

// RFC 6749 §5.2
#[tokio::test]
async fn unsupported_requests_are_refused_with_the_errors_of_rfc_6749() {
    let shop = kit::shop().await;
    let client = integration(&shop, Scope::ALL).await;
    let (id, secret) = (client.id.to_string(), client.secret().to_owned());
    let basic = Some((&*id, &*secret));
    for (client, form, status, error) in [
        (basic, vec![], 400, "invalid_request"),
        (
            basic,
            vec![("grant_type", "implicit")],
            400,
            "unsupported_grant_type",
        ),
        (None, vec![GRANT], 401, "invalid_client"),
        (basic, vec![GRANT, GRANT], 400, "invalid_request"),
        (
            basic,
            vec![GRANT, ("scope", "x"), ("scope", "y")],
            400,
            "invalid_request",
        ),
    ] {
        let answer = post(&shop.gateway, "/oauth/token", client, &form).await;
        let got = answer.status().as_u16();
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!((got, &body["error"]), (status, &json!(error)), "{form:?}");
    }
    // A publishable key is not a backend's credential.
    let public = shop
        .client(ClientKind::Public, Some(&shop.storefront.id), &[])
        .await;
    let (status, body) = ask(&shop.gateway, &public, &[]).await;
    assert_eq!((status, &body["error"]), (400, &json!("unauthorized_client")));
}

// RFC 7009
#[tokio::test]
async fn a_revoked_token_is_refused_at_once_and_by_other_nodes_within_five_seconds() {
    let shop = kit::shop().await;
    let node = shop.gateway.another_node().await;
    let client = integration(&shop, Scope::ALL).await;
    let (id, secret) = (client.id.to_string(), client.secret().to_owned());
    let token = access_token(&shop.gateway, &client).await;
    let here = shop.unauthenticated().with(Some(&token));
    let there = here.at(&node);
    here.query(VIEWER).await;
    there.query(VIEWER).await;
    // Another client cannot revoke it.
    let other = integration(&shop, Scope::ALL).await;
    let theirs = Some((other.id.to_string(), other.secret().to_owned()));
    let theirs = theirs.as_ref().map(|(id, secret)| (&**id, &**secret));
    let answer = post(&shop.gateway, "/oauth/revoke", theirs, &[("token", &token)]).await;
    assert_eq!(answer.status().as_u16(), 400);
    here.query(VIEWER).await;

    for _ in 0..2 {
        let revoked = post(
            &shop.gateway,
            "/oauth/revoke",
            Some((&id, &secret)),
            &[("token", &token)],
        )
        .await;
        assert_eq!(revoked.status().as_u16(), 200);
    }
    assert_eq!(here.send(VIEWER, json!({})).await.status, 401);
    kit::eventually("the other node knows", || async {
        there.send(VIEWER, json!({})).await.status == 401
    })
    .await;
    // RFC 7009 §2.2: revoking an invalid token succeeds as well.
    let nonsense = post(
        &shop.gateway,
        "/oauth/revoke",
        Some((&id, &secret)),
        &[("token", "nonsense")],
    )
    .await;
    assert_eq!(nonsense.status().as_u16(), 200);
    let unauthenticated = post(&shop.gateway, "/oauth/revoke", None, &[("token", &token)]).await;
    assert_eq!(unauthenticated.status().as_u16(), 401);
}

#[tokio::test]
async fn a_revoked_client_is_refused_by_every_node_within_five_seconds() {
    let shop = kit::shop().await;
    let node = shop.gateway.another_node().await;
    let client = integration(&shop, Scope::ALL).await;
    let token = access_token(&shop.gateway, &client).await;
    let by_token = shop.unauthenticated().with(Some(&token));
    let callers = [
        client.caller.clone(),
        by_token.clone(),
        client.caller.at(&node),
        by_token.at(&node),
    ];
    for caller in &callers {
        caller.query(VIEWER).await;
    }
    let (app, id) = (shop.gateway.app.clone(), client.id.clone());
    let revoking = async move { app.access.clients.revoke(&id).await.expect("revoked") };
    assert!(shop.gateway.inside(revoking).await);
    let since = tokio::time::Instant::now();
    for caller in &callers {
        kit::eventually("the client is refused", || async {
            caller.send(VIEWER, json!({})).await.status == 401
        })
        .await;
    }
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    let (status, body) = ask(&shop.gateway, &client, &[]).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
}

/// Asserts that the endpoint handles form requests, if only with a client error.
async fn assert_is_there(gateway: &Gateway, endpoint: &Value) {
    let path = endpoint
        .as_str()
        .expect("a URL")
        .trim_start_matches("https://gateway");
    let status = post(gateway, path, None, &[]).await.status().as_u16();
    assert_eq!(status / 100, 4, "{endpoint}");
}

// RFC 8414
#[tokio::test]
async fn the_metadata_lists_the_supported_features() {
    let shop = kit::shop().await;
    let url = format!("{}/.well-known/oauth-authorization-server", shop.gateway.url);
    let answer = shop.gateway.http.get(url).send().await.expect("an answer");
    let text = answer
        .text()
        .await
        .expect("a body")
        .replace(&shop.gateway.url, "https://gateway");
    let metadata: Value = serde_json::from_str(&text).expect("JSON");
    for endpoint in ["token_endpoint", "revocation_endpoint"] {
        assert_is_there(&shop.gateway, &metadata[endpoint]).await;
    }
    insta::assert_json_snapshot!(redact(metadata), @r#"
    {
      "grant_types_supported": [
        "client_credentials",
        "password",
        "refresh_token"
      ],
      "issuer": "https://gateway",
      "jwks_uri": "https://gateway/.well-known/jwks.json",
      "response_types_supported": [],
      "revocation_endpoint": "https://gateway/oauth/revoke",
      "revocation_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "none"
      ],
      "scopes_supported": [
        "storefronts:read",
        "storefront_users:read",
        "storefront_users:write",
        "storefront_users:token",
        "storage:read",
        "storage:write",
        "customers:read",
        "customers:write",
        "customers:token",
        "customers:anonymize",
        "orders:read",
        "orders:write",
        "groups:read",
        "groups:write",
        "custom_fields:write"
      ],
      "token_endpoint": "https://gateway/oauth/token",
      "token_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "none"
      ]
    }
    "#);
}

// ERR-02
#[tokio::test]
async fn secrets_are_stored_only_as_hashes() {
    let shop = kit::shop().await;
    let client = integration(&shop, Scope::ALL).await;
    let token = access_token(&shop.gateway, &client).await;
    let dump = format!("{:?}", shop.gateway.store.dump().await);
    for secret in [
        client.secret(),
        client.secret().trim_start_matches("sk_"),
        shop.browser.credential.as_deref().expect("a key"),
        token.as_str(),
    ] {
        assert!(!dump.contains(secret));
    }
}
