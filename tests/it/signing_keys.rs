//! Keys that sign tokens: published before they sign, rotated without a failed request, revoked immediately.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use reqwest::Response;
use reqwest::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;
use tokio::time::Instant;

use crate::kit::{self, Client, Gateway, Setup, Shop};
use crate::oauth::{access_token, integration};

const VIEWER: &str = "{ viewer { kind } }";
const JWKS: &str = "/.well-known/jwks.json";

async fn get(gateway: &Gateway, path: &str, known: &str) -> Response {
    let request = gateway.http.get(format!("{}{path}", gateway.url));
    let answer = request.header(IF_NONE_MATCH, known).send().await;
    answer.expect("an answer")
}

async fn published(gateway: &Gateway) -> Vec<String> {
    let keys: Value = get(gateway, JWKS, "\"\"").await.json().await.expect("JSON");
    let keys = keys["keys"].as_array().expect("keys").iter();
    keys.map(|key| {
        // RFC 7517, without the private key.
        assert_eq!(
            (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
            (&json!("EC"), &json!("P-256"), &json!("ES256"), &json!("sig"))
        );
        assert!(key.get("d").is_none(), "{key}");
        key["kid"].as_str().expect("a kid").to_owned()
    })
    .collect()
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token)
        .expect("a JWT")
        .kid
        .expect("a kid")
}

async fn rotate(gateway: &Gateway) -> String {
    let app = Arc::clone(&gateway.app);
    let rotating = async move { app.access.tokens.keys.rotate().await.expect("rotated") };
    gateway.inside(rotating).await
}

async fn replace_all(gateway: &Gateway) -> String {
    let app = Arc::clone(&gateway.app);
    let replacing = async move { app.access.tokens.keys.replace_all().await.expect("replaced") };
    gateway.inside(replacing).await
}

/// A shop with two nodes and a backend's client.
struct Cluster {
    shop: Shop,
    node: Arc<Gateway>,
    client: Client,
}

impl Cluster {
    async fn of(setup: Setup) -> Self {
        let shop = setup.start().await;
        let node = shop.gateway.another_node().await;
        let client = integration(&shop, Scope::ALL).await;
        Self { shop, node, client }
    }

    fn nodes(&self) -> [&Gateway; 2] {
        [&self.shop.gateway, &self.node]
    }

    async fn works_everywhere(&self, token: &str) {
        let caller = self.shop.unauthenticated().with(Some(token));
        caller.query(VIEWER).await;
        caller.at(&self.node).query(VIEWER).await;
    }

    async fn is_refused_everywhere(&self, token: &str) {
        let caller = self.shop.unauthenticated().with(Some(token));
        for caller in [caller.at(&self.shop.gateway), caller.at(&self.node)] {
            kit::eventually("the token is refused", || async {
                caller.send(VIEWER, json!({})).await.status == 401
            })
            .await;
        }
    }
}

#[tokio::test]
async fn keys_rotate_without_a_failed_request() {
    let cluster = Cluster::of(Setup::new().manual_clock()).await;
    let (shop, client) = (&cluster.shop, &cluster.client);
    let old = access_token(&shop.gateway, client).await;
    let first = kid(&old);
    assert_eq!(published(&shop.gateway).await, [&*first]);

    let second = rotate(&shop.gateway).await;
    // Published before it signs, so that verifiers already have it when they see the first token.
    assert_eq!(published(&shop.gateway).await, [first.clone(), second.clone()]);
    shop.gateway.advance(Duration::from_secs(119));
    assert_eq!(kid(&access_token(&shop.gateway, client).await), first);
    cluster.works_everywhere(&old).await;

    shop.gateway.advance(Duration::from_secs(1));
    let new = access_token(&shop.gateway, client).await;
    assert_eq!(kid(&new), second, "in use after two minutes");
    cluster.works_everywhere(&new).await;
    cluster.works_everywhere(&old).await;

    // When its last token has expired, the key is no longer published and its private half is deleted.
    let halves = |field: &str| doc! { "_id": &first, field: { "$exists": true } };
    let stored = async |filter| shop.gateway.store.count("signingKeys", filter).await;
    assert_eq!(stored(halves("sealed")).await, 1);
    shop.gateway.advance(Duration::from_secs(26 * 3600));
    assert_eq!(published(&shop.gateway).await, [&*second]);
    kit::eventually("the private half is deleted", || async {
        stored(halves("sealedPublic")).await == 1 && stored(halves("sealed")).await == 0
    })
    .await;
    // A node that starts now loads only the public half.
    let later = shop.gateway.another_node().await;
    assert_eq!(published(&later).await, [&*second]);
    // SFU-39: the public half is kept as long as a token can be renewed.
    shop.gateway.advance(Duration::from_secs(31 * 24 * 3600));
    kit::eventually("the key is deleted", || async {
        stored(doc! { "_id": &first }).await == 0
    })
    .await;

    // No private key is stored unencrypted: a PKCS #8 key contains the OID of its curve.
    let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    for key in shop.gateway.store.documents("signingKeys", doc! {}).await {
        let bytes = bson::serialize_to_vec(&key).expect("bytes");
        assert!(!bytes.windows(curve.len()).any(|window| window == curve));
    }
}

/// Verifies tokens with a copy of the JWKS that is cached for exactly as long as permitted.
struct Verifier<'a> {
    source: &'a Gateway,
    keys: JwkSet,
    /// The expiry of the copy, on the gateways' clock.
    fresh_until: i64,
}

impl<'a> Verifier<'a> {
    async fn of(source: &'a Gateway) -> Self {
        let mut verifier = Self {
            source,
            keys: JwkSet { keys: Vec::new() },
            fresh_until: 0,
        };
        verifier.load().await;
        verifier
    }

    fn now(&self) -> i64 {
        self.source.app.clock.now().millis()
    }

    async fn load(&mut self) {
        let asked = self.now();
        let answer = get(self.source, JWKS, "\"\"").await;
        let cache = answer.headers()[CACHE_CONTROL]
            .to_str()
            .expect("ASCII")
            .to_owned();
        let seconds = cache.split_once("max-age=").map_or("0", |(_, seconds)| seconds);
        self.fresh_until = asked + 1000 * seconds.parse::<i64>().expect("a number");
        self.keys = answer.json().await.expect("a key set");
    }

    async fn verify(&mut self, token: &str) {
        if self.now() > self.fresh_until {
            self.load().await;
        }
        let key = self.keys.find(&kid(token)).expect("a key of the token's kid");
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["storefront-gateway"]);
        validation.validate_exp = false;
        let key = DecodingKey::from_jwk(key).expect("a key");
        decode::<Value>(token, &key, &validation).expect("a good signature");
    }
}

// DEF-10
#[tokio::test]
async fn a_verifier_that_honours_cache_control_accepts_every_token() {
    let cluster = Cluster::of(Setup::new().manual_clock()).await;
    let [here, there] = cluster.nodes();
    // One copy is as old as possible when the new key is published; the others are younger.
    let mut verifiers = Vec::new();
    for source in [here, there, here, there] {
        verifiers.push(Verifier::of(source).await);
        here.advance(Duration::from_secs(17));
    }
    let mut kids = Vec::new();
    for step in 0..45 {
        if step == 1 {
            rotate(here).await;
        }
        for node in cluster.nodes() {
            let token = access_token(node, &cluster.client).await;
            for verifier in &mut verifiers {
                verifier.verify(&token).await;
            }
            kids.push(kid(&token));
        }
        here.advance(Duration::from_secs(4));
    }
    kids.dedup();
    assert_eq!(kids.len(), 2, "the new key came into use once for all: {kids:?}");
}

// DEF-10
#[tokio::test]
async fn the_key_set_has_an_entity_tag_and_a_cache_lifetime() {
    let setup = Setup::new();
    let gateway = setup.gateway().await;
    for path in [JWKS, "/.well-known/oauth-authorization-server", "/schema.graphql"] {
        let first = get(&gateway, path, "\"other\"").await;
        let tag = first.headers()[ETAG].to_str().expect("ASCII").to_owned();
        let cache = first.headers()[CACHE_CONTROL].clone();
        let expected = if path == "/schema.graphql" {
            "no-cache"
        } else {
            "public, max-age=60"
        };
        assert_eq!(
            (first.status().as_u16(), cache.to_str().expect("ASCII")),
            (200, expected)
        );
        let again = get(&gateway, path, &format!("\"other\", W/{tag}")).await;
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(again.headers()[ETAG], tag);
        assert_eq!(again.headers()[CACHE_CONTROL], cache);
        assert!(again.bytes().await.expect("a body").is_empty());
        if path == JWKS {
            rotate(&gateway).await;
            assert_eq!(get(&gateway, path, &tag).await.status(), 200);
        }
    }
}

// DEF-09
#[tokio::test]
async fn revoked_keys_are_refused_by_every_node_within_seconds() {
    let cluster = Cluster::of(Setup::new()).await;
    let (shop, client) = (&cluster.shop, &cluster.client);
    let guest = shop.guest("guest@example.com").await;
    let old = [
        access_token(&shop.gateway, client).await,
        guest.credential.clone().expect("a token"),
    ];
    // At this time there are a key that signs and one that is published but does not sign yet.
    let waiting = rotate(&cluster.node).await;
    for token in &old {
        // Ensures that both nodes have verified (and cached) the token.
        cluster.works_everywhere(token).await;
    }
    let since = Instant::now();
    let new = replace_all(&shop.gateway).await;
    assert_eq!(published(&shop.gateway).await, [&*new]);
    let token = access_token(&shop.gateway, client).await;
    assert_eq!(kid(&token), new, "it signs at once");
    cluster.works_everywhere(&token).await;
    for token in &old {
        cluster.is_refused_everywhere(token).await;
    }
    assert_eq!(published(&cluster.node).await, [&*new]);
    // As for clients above: twice the promised time, to allow for slow machines.
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert_ne!(waiting, new);
    let stored = shop.gateway.store.documents("signingKeys", doc! {}).await;
    assert_eq!(stored.len(), 1, "not even the public halves are left");
    cluster
        .works_everywhere(&access_token(&cluster.node, client).await)
        .await;
}

#[tokio::test]
async fn concurrent_rotations_and_starts_agree_on_the_keys() {
    let cluster = Cluster::of(Setup::new()).await;
    let [here, there] = cluster.nodes();
    let old = access_token(here, &cluster.client).await;
    let (a, b, c, d, third) = tokio::join!(
        rotate(here),
        rotate(there),
        rotate(here),
        rotate(there),
        here.another_node(),
    );
    let stored = here.store.documents("signingKeys", doc! {}).await;
    let ids: Vec<&str> = stored.iter().map(|key| kit::text(key, "_id")).collect();
    for made in [&a, &b, &c, &d] {
        assert!(ids.contains(&made.as_str()), "{made} of {ids:?}");
    }
    cluster.works_everywhere(&old).await;
    cluster
        .shop
        .unauthenticated()
        .with(Some(&old))
        .at(&third)
        .query(VIEWER)
        .await;

    // Two concurrent replacements of all keys, while other calls rotate them.
    let (e, f, g, h) = tokio::join!(replace_all(here), replace_all(there), rotate(here), rotate(there));
    let stored = here.store.documents("signingKeys", doc! {}).await;
    let left: Vec<&str> = stored.iter().map(|key| kit::text(key, "_id")).collect();
    assert!(left.iter().all(|id| !ids.contains(id)), "{ids:?} and {left:?}");
    assert!(
        left.iter()
            .all(|id| [&e, &f, &g, &h].contains(&&(*id).to_owned())),
        "{left:?}"
    );
    cluster.is_refused_everywhere(&old).await;
    cluster
        .works_everywhere(&access_token(here, &cluster.client).await)
        .await;
}

#[tokio::test]
async fn concurrent_starts_on_an_empty_database_create_one_active_key() {
    let cluster = Cluster::of(Setup::new()).await;
    let [here, there] = cluster.nodes();
    here.store
        .collection("signingKeys")
        .delete_many(doc! {})
        .await
        .expect("emptied");
    let (third, fourth) = tokio::join!(here.another_node(), here.another_node());
    let keys = published(&third).await;
    assert_eq!(keys.len(), 1);
    for node in [here, there, &*third, &*fourth] {
        kit::eventually("the node has the one key", || async {
            published(node).await == keys
        })
        .await;
        let token = access_token(node, &cluster.client).await;
        assert_eq!(kid(&token), keys[0]);
        cluster.works_everywhere(&token).await;
    }
}
