//! An identity provider whose answers, correct or not, a test chooses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use storefront_gateway::platform::clock::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::form_urlencoded;

use super::{CLIENT_ID, NONCE};

/// What the provider answers at a path.
#[derive(Clone)]
pub(crate) enum Reply {
    Json(u16, Value),
    Text(u16, String),
    /// Redirects to this URL.
    To(String),
    /// Accepts the request and never answers.
    Silence,
    /// At the token endpoint: returns a valid id token for the user that the code names. The code is `login`, or `login
    /// claims`, where claims are JSON that overrides the default claims.
    ByCode,
}

/// A recorded request.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) form: BTreeMap<String, String>,
}

/// A key that signs id tokens.
#[derive(Clone)]
pub(crate) struct Key {
    id: String,
    pub(crate) encoding: EncodingKey,
}

impl Key {
    pub(crate) fn new(id: &str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self {
            id: id.to_owned(),
            encoding: EncodingKey::from_ec_der(pkcs8.expect("a key").as_ref()),
        }
    }

    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.encoding, Algorithm::ES256).expect("a JWK");
        jwk.common.key_id = Some(self.id.clone());
        serde_json::to_value(&jwk).expect("JSON")
    }

    /// Returns an id token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.clone());
        encode(&header, claims, &self.encoding).expect("signed")
    }
}

struct Behavior {
    replies: BTreeMap<String, Reply>,
    asked: Vec<Asked>,
    key: Key,
    clock: Clock,
}

/// A provider on a loopback address. It outlives its handle and ends with the test.
#[derive(Clone)]
pub(crate) struct TestProvider {
    pub(crate) issuer: String,
    behavior: Arc<Mutex<Behavior>>,
    running: Arc<JoinHandle<()>>,
}

pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const JWKS: &str = "/jwks";
pub(crate) const TOKEN: &str = "/token";
pub(crate) const USERINFO: &str = "/userinfo";

impl TestProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let key = Key::new("first");
        let jwks = json!({ "keys": [key.public()] });
        let replies = [
            (DISCOVERY, Reply::Json(200, published(&issuer))),
            (JWKS, Reply::Json(200, jwks)),
            (TOKEN, Reply::ByCode),
        ];
        let behavior = Behavior {
            replies: replies
                .into_iter()
                .map(|(path, reply)| (path.to_owned(), reply))
                .collect(),
            asked: Vec::new(),
            key,
            clock: Clock::system(),
        };
        let behavior = Arc::new(Mutex::new(behavior));
        let state = (issuer.clone(), Arc::clone(&behavior));
        let router = Router::new().fallback(answer).with_state(state);
        let running = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self {
            issuer,
            behavior,
            running: Arc::new(running),
        }
    }

    fn behavior(&self) -> MutexGuard<'_, Behavior> {
        self.behavior.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Issues id tokens by this clock from now on.
    pub(crate) fn follow(&self, clock: &Clock) {
        self.behavior().clock = clock.clone();
    }

    /// Sets the answer at a path.
    pub(crate) fn reply(&self, path: &str, reply: Reply) {
        self.behavior().replies.insert(path.to_owned(), reply);
    }

    /// Signs with another key from now on, and publishes only that key.
    pub(crate) fn rotate(&self, key: &Key) {
        self.reply(JWKS, Reply::Json(200, json!({ "keys": [key.public()] })));
        self.behavior().key = key.clone();
    }

    /// Returns the current signing key.
    pub(crate) fn key(&self) -> Key {
        self.behavior().key.clone()
    }

    /// Returns the claims of a valid token with these changes.
    pub(crate) fn claims(&self, changes: &Value) -> Value {
        let mut claims = valid_claims(&self.issuer, &self.behavior().clock, "ada");
        overlay(&mut claims, changes);
        claims
    }

    /// Answers every code with this id token from now on.
    pub(crate) fn give(&self, id_token: &str) {
        self.reply(TOKEN, Reply::Json(200, token_response(id_token)));
    }

    /// Returns the number of requests to a path.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.behavior()
            .asked
            .iter()
            .filter(|asked| asked.path == path)
            .count()
    }

    /// Returns the last request to a path.
    pub(crate) fn last(&self, path: &str) -> Asked {
        let behavior = self.behavior();
        let last = behavior.asked.iter().rev().find(|asked| asked.path == path);
        last.expect("it was asked").clone()
    }

    /// Stops the provider.
    pub(crate) async fn stop(&self) {
        self.running.abort();
        while !self.running.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

/// Returns the provider's discovery document.
pub(crate) fn published(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize?tenant=a%20b"),
        "token_endpoint": format!("{issuer}{TOKEN}"),
        "jwks_uri": format!("{issuer}{JWKS}"),
        "userinfo_endpoint": format!("{issuer}{USERINFO}"),
    })
}

fn token_response(id_token: &str) -> Value {
    json!({ "access_token": "an access token", "token_type": "Bearer", "id_token": id_token })
}

fn valid_claims(issuer: &str, clock: &Clock, login: &str) -> Value {
    let now = clock.now().seconds();
    json!({
        "iss": issuer, "aud": CLIENT_ID, "sub": format!("sub-{login}"), "nonce": NONCE, "iat": now, "exp": now + 300,
        "email": format!("{login}@example.com"), "email_verified": true,
        "given_name": "Ada", "family_name": "Lovelace",
    })
}

/// Overrides claims; null removes one.
fn overlay(claims: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().into_iter().flatten() {
        match value {
            Value::Null => _ = claims.as_object_mut().and_then(|claims| claims.remove(name)),
            value => claims[name] = value.clone(),
        }
    }
}

async fn answer(
    State((issuer, behavior)): State<(String, Arc<Mutex<Behavior>>)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let reply = {
        let mut behavior = behavior.lock().unwrap_or_else(PoisonError::into_inner);
        let path = uri.path().to_owned();
        let reply = behavior.replies.get(&path).cloned();
        let reply = match reply {
            Some(Reply::ByCode) => by_code(&issuer, &behavior, &form),
            other => other,
        };
        behavior.asked.push(Asked { path, headers, form });
        reply
    };
    match reply {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Reply::Json(status, body)) => text(status, body.to_string()),
        Some(Reply::Text(status, body)) => text(status, body),
        Some(Reply::To(location)) => (StatusCode::FOUND, [("location", location)], "{}").into_response(),
        Some(Reply::Silence) => std::future::pending().await,
        Some(Reply::ByCode) => unreachable!("it was looked at"),
    }
}

fn by_code(issuer: &str, behavior: &Behavior, form: &BTreeMap<String, String>) -> Option<Reply> {
    let code = form.get("code").map(String::as_str).unwrap_or_default();
    let (login, changes) = code.split_once(' ').unwrap_or((code, "{}"));
    let mut claims = valid_claims(issuer, &behavior.clock, login);
    overlay(&mut claims, &serde_json::from_str(changes).expect("claims"));
    Some(Reply::Json(200, token_response(&behavior.key.sign(&claims))))
}

fn text(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Body::from(body)).into_response()
}
