//! Documents that expire by themselves.

use std::time::Duration;

use bson::{DateTime, Document, doc};
use dev_mongod::{Managed, Options, Silent};
use futures_util::TryStreamExt;
use serde_json::json;
use storefront_gateway::platform::database::{Index, IndexKind};
use storefront_gateway::schema;

use crate::customers::{PASSWORD, ada, credentials, person, setup, with_password};
use crate::kit::{self, Setup, Shop};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The expiry indexes: the collection, the date, and the time after it.
fn expiries() -> Vec<(&'static str, &'static str, Duration)> {
    let expiry = |index: &&Index| match index.kind {
        IndexKind::Expiry(after) => Some((index.collection, index.keys[0].0, after)),
        _ => None,
    };
    let mut expiries: Vec<_> = schema::indexes().iter().filter_map(expiry).collect();
    expiries.sort_unstable();
    expiries
}

#[test]
fn collections_with_an_expiry_are_exactly_those_listed() {
    let minute = Duration::from_secs(60);
    let expected = [
        ("audit", "expiresAt", Duration::ZERO),
        ("decoys", "expiresAt", minute),
        // Kept for diagnosis.
        ("jobs", "finishedAt", DAY),
        // Kept to distinguish an expired key from one that never existed.
        ("oneTimeKeys", "expiresAt", 7 * DAY),
        ("revokedTokens", "expiresAt", Duration::ZERO),
        ("sessions", "expiresAt", Duration::ZERO),
        ("throttle", "expiresAt", minute),
    ];
    assert_eq!(expiries(), expected);
}

/// Creates a document of each kind.
async fn create_documents(shop: &Shop) {
    shop.open_account_page().await;
    let (ada, _) = ada(shop, "ada@example.com").await;
    let wrong = credentials("ada@example.com", "wrong one");
    shop.browser.user_errors("customerTokenCreate", wrong).await;
    let asked = json!({ "email": "ada@example.com" });
    shop.browser
        .mutate_ok("customerPasswordResetRequest", asked)
        .await;
    shop.conceal_emails().await;
    shop.browser
        .mutate_ok("customerRegister", person("ada@example.com"))
        .await;
    shop.gateway.run_jobs().await;
    let (token, key) = (ada.credential.expect("a token"), shop.browser.credential.clone());
    let form = [("client_id", key.expect("a key")), ("token", token)];
    let url = format!("{}/oauth/revoke", shop.gateway.url);
    let answer = shop.gateway.http.post(url).form(&form).send().await;
    let revoked = answer.expect("an answer").status();
    assert!(revoked.is_success(), "{revoked}");
}

#[tokio::test]
async fn expired_documents_are_removed_by_the_database() {
    let options = Options {
        explicit: Some(kit::find_server().await),
        cache_mb: 256,
        oplog_mb: 64,
        extra_parameters: vec![("ttlMonitorSleepSecs".to_owned(), "1".to_owned())],
        ..Options::new(kit::scratch("retention"))
    };
    let managed = Managed::start(&options, &Silent).await.expect("started");
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .on(managed.uri().expose(), "trial")
        .start()
        .await;
    create_documents(&shop).await;
    let store = shop.gateway.store.clone();
    for (collection, date, after) in expiries() {
        let all = store.collection(collection);
        // Recurring jobs never finish for good.
        let dated = doc! { date: { "$exists": true }, "$expr": { "$ne": ["$_id", "$kind"] } };
        let dated = if collection == "jobs" {
            dated
        } else {
            doc! { date: { "$exists": true } }
        };
        let before = store.count(collection, dated.clone()).await;
        assert!(before >= 1, "{collection} has something to lose");
        let back = i64::try_from(after.as_millis()).expect("days");
        let now = DateTime::now().timestamp_millis() - back;
        // One copy expires in an hour, one has expired a minute ago.
        let kept = store.documents(collection, dated.clone()).await.remove(0);
        for (id, at) in [("later", now + 3_600_000), ("over", now - 60_000)] {
            let mut copy = kept.clone();
            copy.extend(doc! { "_id": format!("job {id}"), date: DateTime::from_millis(at) });
            copy.remove("hash");
            all.insert_one(copy).await.expect("inserted");
        }
        let over = doc! { "_id": "job over" };
        kit::eventually(collection, async || {
            store.count(collection, over.clone()).await == 0
        })
        .await;
        let later = doc! { "_id": "job later" };
        assert_eq!(
            store.count(collection, later).await,
            1,
            "{collection}: its time has not come"
        );
    }
    drop(shop);
    managed.stop().await;
}

async fn retention_periods(shop: &Shop) -> Vec<Duration> {
    let entries = shop.gateway.store.audit().await;
    let kept = |entry: &Document| {
        let at = |field: &str| entry.get_datetime(field).expect("a date").timestamp_millis();
        Duration::from_millis(u64::try_from(at("expiresAt") - at("at")).expect("later"))
    };
    entries.iter().map(kept).collect()
}

#[tokio::test]
async fn an_entry_is_kept_for_the_period_configured_when_it_was_written() {
    let shop = setup().start().await;
    shop.browser
        .mutate_ok("customerRegister", with_password("ada@example.com"))
        .await;
    assert_eq!(retention_periods(&shop).await, [400 * DAY; 2]);
    // A node with another setting on the same database applies it to entries written from then on.
    let node = shop
        .gateway
        .another_node_with(&[("GATEWAY_AUDIT_TTL", "30d")])
        .await;
    let signing_in = credentials("ada@example.com", PASSWORD);
    shop.browser
        .at(&node)
        .mutate_ok("customerTokenCreate", signing_in)
        .await;
    assert_eq!(retention_periods(&shop).await, [400 * DAY, 400 * DAY, 30 * DAY]);
}

#[tokio::test]
async fn a_customers_entries_are_found_by_an_index() {
    let shop = Setup::new().start().await;
    let explained = shop.gateway.store.database().run_command(doc! { "explain": {
        "find": "audit", "filter": { "customerId": "cus_1" }, "sort": { "_id": -1 },
    } });
    let plan = format!("{}", explained.await.expect("explained"));
    assert!(
        plan.contains("\"customer\"") && !plan.contains("COLLSCAN"),
        "{plan}"
    );
    assert!(!plan.contains("\"SORT\""), "{plan}");
    let names = shop.gateway.store.collection("audit").list_indexes().await;
    let names: Vec<mongodb::IndexModel> = names.expect("listed").try_collect().await.expect("read");
    assert_eq!(names.len(), 3, "by id, by customer, and by expiry");
}
