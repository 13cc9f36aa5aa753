//! Anonymous users that browsers register: limits on their number and on the storage of each (SFU-40).

use std::time::Duration;

use bson::doc;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::kit::{self, Caller, Setup, Shop, Upload, faults, png_of};

const REGISTER: &str = "storefrontUserRegister";
const LIMITED: &str = "RATE_LIMITED";
const FULL: &str = "STORAGE_QUOTA_EXCEEDED file";
const SECOND: Duration = Duration::from_secs(1);
const KIBIBYTE: usize = 1024;

/// A shop behind a proxy, with rate limits and a manual clock.
fn setup() -> Setup {
    Setup::new()
        .set("GATEWAY_TRUSTED_PROXIES", "127.0.0.1")
        .manual_clock()
}

fn at(caller: &Caller, address: &str) -> Caller {
    caller.with_header("X-Forwarded-For", address)
}

async fn register(caller: &Caller) -> Value {
    caller.mutate(REGISTER, json!({ "isAnonymous": true })).await
}

/// Registers one anonymous user per caller, up to 20 concurrently; returns how many succeeded.
async fn registered(callers: impl Iterator<Item = Caller>) -> usize {
    let callers: Vec<Caller> = callers.collect();
    let mut many = 0;
    for some in callers.chunks(20) {
        for payload in join_all(some.iter().map(register)).await {
            match faults(&payload)[..] {
                [] => many += 1,
                [ref fault] => assert_eq!(fault, LIMITED),
                _ => panic!("{payload}"),
            }
        }
    }
    many
}

/// The `retryAfterSeconds` of a refused registration; asserts that it returned neither a user nor a token.
fn wait(payload: &Value) -> u64 {
    assert_eq!(faults(payload), [LIMITED]);
    assert!(payload["storefrontUser"].is_null() && payload["token"].is_null());
    payload["userErrors"][0]["retryAfterSeconds"]
        .as_u64()
        .expect("a wait")
}

// SFU-40
#[tokio::test]
async fn sfu_40_a_client_address_registers_sixty_anonymous_users_a_minute() {
    let shop = setup().start().await;
    let node = shop.gateway.another_node().await;
    let crowd = at(&shop.browser, "203.0.113.9");
    let callers = (0..80).map(|number| crowd.at(if number % 2 == 0 { &shop.gateway } else { &node }));
    assert_eq!(registered(callers).await, 60);
    assert_eq!(shop.gateway.store.count("storefrontUsers", doc! {}).await, 60);
    assert_eq!(wait(&register(&crowd).await), 60);
    assert_eq!(
        registered(std::iter::once(at(&shop.browser, "203.0.113.10"))).await,
        1
    );
    shop.gateway.advance(60 * SECOND - SECOND / 2);
    assert_eq!(wait(&register(&crowd).await), 1);
    shop.gateway.advance(SECOND / 2);
    assert_eq!(registered(std::iter::once(crowd)).await, 1);
    // IPv6 addresses of one network share one limit.
    let hosts = (0..70).map(|host| at(&shop.browser, &format!("2001:db8:1:2::{host:x}")));
    assert_eq!(registered(hosts).await, 60);
    // A request that is rejected by validation does not count against the limit.
    let plain = at(&shop.browser, "203.0.113.11");
    for _ in 0..70 {
        let refused = plain.user_errors(REGISTER, json!({ "isAnonymous": false })).await;
        assert_eq!(refused, ["FORBIDDEN isAnonymous"]);
    }
    assert_eq!(registered(std::iter::once(plain)).await, 1);
    shop.gateway.store.assert_consistent().await;
}

// SFU-40
#[tokio::test]
async fn sfu_40_a_storefront_accepts_six_thousand_registrations_a_minute_from_browsers() {
    let shop = setup().start().await;
    for address in ["203.0.113.9", "203.0.113.10"] {
        assert_eq!(registered(std::iter::once(at(&shop.browser, address))).await, 1);
    }
    // The storefront's throttle document counts both registrations.
    let throttle = shop.gateway.store.collection("throttle");
    let both = doc! { "events.count": 2 };
    assert_eq!(shop.gateway.store.count("throttle", both.clone()).await, 1);
    let many = doc! { "$set": { "events.$[].count": 5_990_i64 } };
    throttle.update_one(both, many).await.expect("updated");
    let addresses = (0..30).map(|number| at(&shop.browser, &format!("10.0.0.{number}")));
    assert_eq!(registered(addresses).await, 10);
    let last = at(&shop.browser, "203.0.113.77");
    assert_eq!(wait(&register(&last).await), 60);
    // Registrations by a backend are not limited.
    shop.backend.mutate_ok(REGISTER, shop.user("guest", true)).await;
    shop.gateway.advance(60 * SECOND);
    assert_eq!(registered(std::iter::once(last)).await, 1);
}

// SFU-40
#[tokio::test]
async fn sfu_40_disabled_rate_limits_do_not_disable_the_quota() {
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "off")
        .set("GATEWAY_ANONYMOUS_QUOTA", "10KiB")
        .start()
        .await;
    assert_eq!(registered((0..70).map(|_| shop.browser.clone())).await, 70);
    let payload = register(&shop.browser).await;
    let guest = shop
        .unauthenticated()
        .with(payload["token"]["accessToken"].as_str());
    assert_eq!(uploads(&guest, 11 * KIBIBYTE).await, [FULL]);
}

// SFU-40
#[tokio::test]
async fn sfu_40_a_document_of_a_non_backend_registers_at_most_one_user() {
    let shop = setup().start().await;
    let twice = "mutation { a: storefrontUserRegister(input: {isAnonymous: true}) { userErrors { code } } \
                 b: storefrontUserRegister(input: {isAnonymous: true}) { userErrors { code } } }";
    let hidden = "mutation { ...A ...B } fragment A on Mutation { a: storefrontUserRegister(input: {isAnonymous: true}) { userErrors { code } } } \
                  fragment B on Mutation { b: storefrontUserRegister(input: {isAnonymous: true}) { userErrors { code } } }";
    // The second pass covers documents that are already in the cache of prepared documents.
    for _ in 0..2 {
        for document in [twice, hidden] {
            for caller in [&shop.browser, &shop.unauthenticated()] {
                let answer = caller.send(document, json!({})).await;
                assert_eq!(answer.codes(), ["LIMIT_EXCEEDED"]);
            }
        }
        let id = shop.id();
        let of_backend = "mutation($s: ID!, $a: String!, $b: String!) { \
            a: storefrontUserRegister(input: {storefrontId: $s, storefrontUserId: $a, isAnonymous: true}) { userErrors { code } } \
            b: storefrontUserRegister(input: {storefrontId: $s, storefrontUserId: $b, isAnonymous: true}) { userErrors { code } } }";
        let answer = shop
            .backend
            .send(of_backend, json!({ "s": id, "a": "a", "b": "b" }))
            .await;
        assert_eq!(answer.codes(), [""; 0]);
        let answer = shop
            .browser
            .send(of_backend, json!({ "s": id, "a": "c", "b": "d" }))
            .await;
        assert_eq!(answer.codes(), ["LIMIT_EXCEEDED"]);
    }
    assert_eq!(shop.gateway.store.count("storefrontUsers", doc! {}).await, 2);
}

/// Uploads a file of this size; returns the user errors.
async fn uploads(person: &Caller, size: usize) -> Vec<String> {
    let upload = Upload {
        file_name: "cat.png",
        bytes: png_of(size),
        ..Upload::default()
    };
    faults(&person.send_upload(upload).await)
}

async fn quota_of(person: &Caller) -> Value {
    let seen = person
        .query("{ viewer { storefrontUser { privateStorage { quotaBytes } } } }")
        .await;
    seen["viewer"]["storefrontUser"]["privateStorage"]["quotaBytes"].clone()
}

fn small() -> Setup {
    Setup::new().set("GATEWAY_ANONYMOUS_QUOTA", "100KiB")
}

// SFU-40, STO-01
#[tokio::test]
async fn sfu_40_an_anonymous_user_has_a_quota_of_its_own() {
    let shop = small().start().await;
    let (guest, ann) = (shop.guest("guest").await, shop.ann("ann").await);
    assert_eq!(quota_of(&guest).await, 102_400.0);
    assert_eq!(quota_of(&ann).await, 1_073_741_824.0);
    // Exactly at the quota, whether a browser or a backend registered the user, and for uploads by a backend.
    assert_eq!(uploads(&guest, 60 * KIBIBYTE).await, [""; 0]);
    assert_eq!(uploads(&guest, 40 * KIBIBYTE + 1).await, [FULL]);
    let upload = Upload {
        file_name: "cat.png",
        bytes: png_of(40 * KIBIBYTE + 1),
        input: json!({ "owner": { "external": { "storefrontId": shop.id(), "storefrontUserId": "guest" } } }),
    };
    assert_eq!(faults(&shop.backend.send_upload(upload).await), [FULL]);
    assert_eq!(uploads(&guest, 40 * KIBIBYTE).await, [""; 0]);
    assert_eq!(uploads(&guest, 100).await, [FULL]);
    assert_eq!(uploads(&ann, 150 * KIBIBYTE).await, [""; 0]);
    // A promoted user has the quota of a regular one.
    shop.backend
        .mutate_ok("storefrontUserPromote", shop.pair("guest", "bob"))
        .await;
    assert_eq!(uploads(&guest, 50 * KIBIBYTE).await, [""; 0]);
    // A merge is never refused for the quota; afterwards the regular quota applies.
    let guest = shop.guest("guest").await;
    assert_eq!(uploads(&guest, 90 * KIBIBYTE).await, [""; 0]);
    shop.merge("guest", "ann").await;
    assert_eq!(uploads(&ann, 90 * KIBIBYTE).await, [""; 0]);
    shop.gateway.store.assert_consistent().await;
}

// SFU-40
#[tokio::test]
async fn sfu_40_the_smaller_quota_applies() {
    let shop = Setup::new()
        .set("GATEWAY_STORAGE_QUOTA", "10KiB")
        .set("GATEWAY_STORAGE_MAX_FILE", "10KiB")
        .start()
        .await;
    let guest = shop.guest("guest").await;
    assert_eq!(quota_of(&guest).await, 10_240.0);
    assert_eq!(uploads(&guest, 8 * KIBIBYTE).await, [""; 0]);
    assert_eq!(uploads(&guest, 3 * KIBIBYTE).await, [FULL]);
}

// SFU-40, STO-01
#[tokio::test]
async fn sfu_40_concurrent_uploads_do_not_exceed_the_anonymous_quota() {
    let shop = small().start().await;
    let guest = shop.guest("guest").await;
    let node = shop.gateway.another_node().await;
    let outcomes = (0..12).map(|number| {
        let guest = guest.at(if number % 2 == 0 { &shop.gateway } else { &node });
        async move { uploads(&guest, 30 * KIBIBYTE).await }
    });
    let outcomes = join_all(outcomes).await;
    let taken = outcomes.iter().filter(|outcome| outcome.is_empty()).count();
    assert_eq!(taken, 3, "3 * 30 KiB fit into 100: {outcomes:?}");
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_empty()) {
        assert_eq!(*outcome, [FULL]);
    }
    shop.gateway.store.assert_consistent().await;
}

/// Begins an upload whose body is sent piece by piece through the returned sender.
fn begin_upload(
    person: &Caller,
) -> (
    mpsc::UnboundedSender<Vec<u8>>,
    impl Future<Output = Value> + use<>,
) {
    let (pieces, coming) = mpsc::unbounded_channel::<Vec<u8>>();
    let stream = futures_util::stream::unfold(coming, async |mut coming| {
        let piece = coming.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), coming))
    });
    let operations = json!({
        "query": kit::mutation("storageItemUpload"), "variables": { "input": { "file": null } },
    });
    let file = reqwest::multipart::Part::stream(reqwest::Body::wrap_stream(stream)).file_name("cat.png");
    let form = reqwest::multipart::Form::new()
        .text("operations", operations.to_string())
        .text("map", json!({ "0": ["variables.input.file"] }).to_string())
        .part("0", file);
    let sent = reqwest::Client::new()
        .post(format!("{}/graphql", person.gateway.url))
        .bearer_auth(person.credential.as_deref().unwrap_or_default())
        .header("GraphQL-Require-Preflight", "1")
        .multipart(form)
        .send();
    let answer = async move {
        let answer: Value = sent.await.expect("an answer").json().await.expect("JSON");
        answer["data"]["storageItemUpload"].clone()
    };
    (pieces, answer)
}

// SFU-40, SFU-35
#[tokio::test]
async fn sfu_40_an_upload_during_promotion_has_the_regular_quota() {
    let shop = small().start().await;
    let guests = ["promoted", "merged", "neither"];
    shop.ann("ann").await;
    let mut uploads = Vec::new();
    for id in guests {
        let (pieces, answer) = begin_upload(&shop.guest(id).await);
        pieces.send(png_of(80 * KIBIBYTE)).expect("sent");
        uploads.push((pieces, tokio::spawn(answer)));
    }
    let have_begun = async || shop.gateway.store.count("unclaimedContent", doc! {}).await > 0;
    kit::eventually("an upload has begun", have_begun).await;
    shop.backend
        .mutate_ok("storefrontUserPromote", shop.pair("promoted", "bob"))
        .await;
    shop.merge("merged", "ann").await;
    let mut outcomes = Vec::new();
    for (pieces, answer) in uploads {
        // An upload that was refused in the meantime no longer reads its body, so the send may fail.
        let _sent = pieces.send(vec![7; 400 * KIBIBYTE]);
        drop(pieces);
        outcomes.push(faults(&answer.await.expect("no panic")));
    }
    assert_eq!(outcomes, [vec![], vec![], vec![FULL.to_owned()]]);
    shop.gateway.store.assert_consistent().await;
}

// STO-01
#[tokio::test]
async fn sto_01_the_quota_limits_the_number_of_items() {
    let shop = Setup::new().set("GATEWAY_ANONYMOUS_QUOTA", "8MiB").start().await;
    let guest = shop.guest("guest").await;
    guest.upload("cat.png", &png_of(100)).await;
    let storages = shop.gateway.store.collection("privateStorages");
    let holds = async |items: i64| {
        let set = doc! { "$set": { "itemCount": items } };
        storages.update_one(doc! {}, set).await.expect("updated");
    };
    // The limit is one item per 4 KiB of quota.
    holds(2046).await;
    let three = (0..3).map(|_| uploads(&guest, 100));
    let outcomes = join_all(three).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_empty()).count(),
        2,
        "{outcomes:?}"
    );
    assert_eq!(uploads(&guest, 100).await, [FULL]);
    // The limit is never below 1000 items.
    let node = shop
        .gateway
        .another_node_with(&[("GATEWAY_ANONYMOUS_QUOTA", "16KiB")])
        .await;
    let there = guest.at(&node);
    holds(999).await;
    assert_eq!(uploads(&there, 100).await, [""; 0]);
    assert_eq!(uploads(&there, 100).await, [FULL]);
}

/// Mutations that check or issue a secret may appear only once in a document.
#[tokio::test]
async fn a_credential_mutation_is_allowed_once_per_document() {
    let shop: Shop = kit::shop().await;
    let revoke = |alias: &str| {
        format!("{alias}: customerTokenRevoke(input: {{refreshToken: \"rt_x\"}}) {{ userErrors {{ code }} }}")
    };
    let aliased: Vec<String> = (0..50).map(|number| revoke(&format!("a{number}"))).collect();
    let (answer, commands) = shop
        .gateway
        .commands
        .during(
            shop.unauthenticated()
                .send(&format!("mutation {{ {} }}", aliased.join(" ")), json!({})),
        )
        .await;
    assert_eq!(answer.codes(), ["LIMIT_EXCEEDED"]);
    assert!(commands.is_empty(), "{commands:?}");
    let once = shop
        .unauthenticated()
        .send(&format!("mutation {{ {} }}", revoke("a")), json!({}))
        .await;
    assert_eq!(once.codes(), [""; 0]);
}
