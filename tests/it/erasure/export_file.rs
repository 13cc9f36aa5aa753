//! The export's file: readable with the same rights as the exported data, by no other caller, for a week.

use std::time::Duration;

use bson::doc;
use serde_json::{Value, json};
use storefront_gateway::platform::migration::migrate;
use storefront_gateway::reach::scope::Scope;
use storefront_gateway::schema;

use super::of;
use crate::addresses;
use crate::customers::{PASSWORD, setup};
use crate::kit::{Caller, Shop, item_ids, png};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// A customer with one item and one export.
struct Exported {
    shop: Shop,
    id: Value,
    ada: Caller,
    user: String,
    item: String,
    file: String,
}

impl Exported {
    async fn in_shop(shop: Shop) -> Self {
        let (id, ada) = addresses::customer(&shop, "ada@example.com").await;
        let item = ada.upload("cat.png", &png(1)).await["id"].take();
        let file = ada.mutate_ok("customerDataExport", json!({})).await["storageItem"]["id"].take();
        let seen = ada
            .query("{ viewer { storefrontUser { storefrontUserId } } }")
            .await;
        let user = seen["viewer"]["storefrontUser"]["storefrontUserId"].as_str();
        Self {
            user: user.expect("an id").to_owned(),
            item: item.as_str().expect("an id").to_owned(),
            file: file.as_str().expect("an id").to_owned(),
            shop,
            id,
            ada,
        }
    }

    async fn create() -> Self {
        Self::in_shop(setup().manual_clock().start().await).await
    }

    /// Whether the caller can read the file by its id and in a list.
    async fn finds(&self, by: &Caller) -> bool {
        let one = format!(
            "{{ node(id: \"{}\") {{ ... on StorageItem {{ id url }} }} }}",
            self.file
        );
        let one = by.query(&one).await["node"]["url"].is_string();
        let Self { file, item, .. } = self;
        let several = format!("{{ nodes(ids: [\"{item}\", \"{file}\", \"{file}\"]) {{ id }} }}");
        let several = by.query(&several).await["nodes"].take();
        assert_eq!(
            (several[1]["id"].is_string(), several[2]["id"].is_string()),
            (one, one)
        );
        one
    }

    /// Asserts that no scope allows changes of the file.
    async fn assert_refuses_changes(&self, by: &Caller, who: &str) {
        for (field, kind, input) in [
            (
                "storageItemUpdate",
                "StorageItemUpdateInput",
                json!({ "id": self.file, "name": "mine" }),
            ),
            (
                "storageItemDelete",
                "StorageItemDeleteInput",
                json!({ "id": self.file }),
            ),
        ] {
            let document = format!(
                "mutation ($input: {kind}!) {{ {field}(input: $input) {{ userErrors {{ code }} }} }}"
            );
            let answer = by.send(&document, json!({ "input": input })).await;
            let code = match answer.codes().first() {
                Some(code) => (*code).to_owned(),
                None => answer.data()[field]["userErrors"][0]["code"]
                    .as_str()
                    .unwrap_or("done")
                    .to_owned(),
            };
            let is_refused = ["STORAGE_ITEM_NOT_FOUND", "FORBIDDEN", "UNAUTHENTICATED"];
            assert!(is_refused.contains(&code.as_str()), "{field} by {who}: {code}");
        }
    }

    async fn link(&self) -> (String, Value) {
        let query = format!(
            "{{ node(id: \"{}\") {{ ... on StorageItem {{ url urlExpiresAt }} }} }}",
            self.file
        );
        let mut seen = self.ada.query(&query).await["node"].take();
        let link = seen["url"].as_str().expect("a link").to_owned();
        let app = &self.shop.gateway.app;
        (
            link.replace(&app.public_url, &self.shop.gateway.url),
            seen["urlExpiresAt"].take(),
        )
    }

    async fn download(&self, link: &str) -> u16 {
        let asked = self.shop.gateway.http.get(link).send().await;
        asked.expect("answered").status().as_u16()
    }
}

// EXP-02
#[tokio::test]
async fn exp_02_the_file_is_visible_to_callers_that_may_read_the_data() {
    let exported = Exported::create().await;
    let shop = &exported.shop;
    let (_, bob) = addresses::customer(shop, "bob@example.com").await;
    let everything_else: Vec<Scope> = (Scope::ALL.iter().copied())
        .filter(|scope| *scope != Scope::CustomersRead)
        .collect();
    let cases = [
        ("the customer", exported.ada.clone(), true),
        (
            "customers:read",
            shop.backend_with(&[Scope::CustomersRead]).await,
            true,
        ),
        ("every scope", shop.backend.clone(), true),
        (
            "the customer's storefront user",
            shop.token(&exported.user).await,
            false,
        ),
        ("another customer", bob, false),
        (
            "storage:read",
            shop.backend_with(&[Scope::StorageRead]).await,
            false,
        ),
        (
            "every other scope",
            shop.backend_with(&everything_else).await,
            false,
        ),
        (
            "customers:write",
            shop.backend_with(&[Scope::CustomersWrite]).await,
            false,
        ),
        ("a guest", shop.guest("guest").await, false),
        ("a browser", shop.browser.clone(), false),
        ("nobody", shop.unauthenticated(), false),
        ("another organization", shop.rival().await.backend, false),
    ];
    for (who, caller, finds) in &cases {
        assert_eq!(exported.finds(caller).await, *finds, "{who}");
        exported.assert_refuses_changes(caller, who).await;
    }
    let (link, _) = exported.link().await;
    assert_eq!(exported.download(&link).await, 200, "it is as it was");
}

// EXP-02
#[tokio::test]
async fn exp_02_lists_counts_and_quotas_omit_the_file() {
    let exported = Exported::create().await;
    let shop = &exported.shop;
    let storage = "privateStorage { itemCount totalBytes items(first: 10) { totalCount nodes { id } } }";
    let own = format!("{{ viewer {{ storefrontUser {{ {storage} }} }} }}");
    let expected = json!({
        "itemCount": 1, "totalBytes": 20.0,
        "items": { "totalCount": 1, "nodes": [{ "id": exported.item }] },
    });
    for person in [&exported.ada, &shop.token(&exported.user).await] {
        let seen = person.query(&own).await;
        assert_eq!(seen["viewer"]["storefrontUser"]["privateStorage"], expected);
        assert_eq!(item_ids(person).await, [exported.item.as_str()]);
    }
    let users = format!("{{ storefront {{ users(first: 10) {{ nodes {{ {storage} }} }} }} }}");
    let seen = shop.backend.query(&users).await;
    assert_eq!(
        seen["storefront"]["users"]["nodes"][0]["privateStorage"],
        expected
    );
    // A merge moves the guest's items and does not move the file.
    shop.guest("guest").await.upload("dog.png", &png(2)).await;
    assert_eq!(shop.merge("guest", &exported.user).await["movedItemCount"], 1);
    assert!(exported.finds(&exported.ada).await);
    // A backend sees it in the payload without the scope to read storage.
    let reader = shop.backend_with(&[Scope::CustomersRead]).await;
    let again = reader.mutate_ok("customerDataExport", of(&exported.id)).await;
    assert!(again["storageItem"]["url"].is_string());
    assert_eq!(item_ids(&exported.ada).await.len(), 2);
    shop.gateway.store.assert_consistent().await;
}

// EXP-02
#[tokio::test]
async fn exp_02_the_file_expires_after_a_week() {
    let exported = Exported::create().await;
    let gateway = &exported.shop.gateway;
    let signs_in = async || {
        let issued = exported
            .shop
            .backend
            .mutate_ok("customerTokenIssue", of(&exported.id))
            .await;
        crate::customers::signed_in(&exported.shop, &issued).0
    };
    gateway.advance(WEEK - Duration::from_secs(60));
    let late = Exported {
        ada: signs_in().await,
        shop: exported.shop.clone(),
        id: exported.id.clone(),
        user: exported.user.clone(),
        item: exported.item.clone(),
        file: exported.file.clone(),
    };
    assert!(late.finds(&late.ada).await);
    let (link, until) = late.link().await;
    assert_eq!(late.download(&link).await, 200);
    let written = gateway.store.documents("dataExports", doc! {}).await;
    let expires = written[0].get_datetime("expiresAt").expect("a time");
    let expires = expires.try_to_rfc3339_string().expect("a time");
    let seconds = |text: &str| text.get(..19).map(str::to_owned);
    assert_eq!(
        until.as_str().and_then(seconds),
        seconds(&expires),
        "no longer than the file"
    );
    gateway.advance(Duration::from_secs(61));
    assert!(!late.finds(&late.ada).await && !late.finds(&exported.shop.backend).await);
    assert!([403, 404].contains(&late.download(&link).await));
    gateway.run_jobs().await;
    assert_eq!(gateway.store.count("dataExports", doc! {}).await, 0);
    assert_eq!(
        gateway.store.count("content.files", doc! {}).await,
        1,
        "the photo"
    );
    gateway.store.assert_consistent().await;
}

// EXP-02, ERA-01
#[tokio::test]
async fn exp_02_an_erasure_deletes_the_file() {
    let exported = Exported::create().await;
    let gateway = &exported.shop.gateway;
    let (link, _) = exported.link().await;
    let receipt = exported
        .ada
        .mutate_ok("customerAnonymize", json!({ "password": PASSWORD }))
        .await["receipt"]
        .take();
    assert_eq!(receipt["storageItems"], 1, "the file is no item");
    assert_eq!(exported.download(&link).await, 404);
    assert!(!exported.finds(&exported.shop.backend).await);
    for collection in ["dataExports", "storageItems", "content.files", "content.chunks"] {
        assert_eq!(gateway.store.count(collection, doc! {}).await, 0, "{collection}");
    }
    gateway.store.assert_consistent().await;
}

// EXP-02
#[tokio::test]
async fn exp_02_an_export_of_an_earlier_version_is_no_longer_an_item() {
    let exported = Exported::create().await;
    let gateway = &exported.shop.gateway;
    // A migration scans a whole collection, once.
    gateway.expect_scans();
    let store = &gateway.store;
    let before = store.dump().await;
    let export = store.documents("dataExports", doc! {}).await.remove(0);
    let mut item = export.clone();
    for field in ["userId", "customerId", "expiresAt"] {
        item.remove(field);
    }
    item.extend(doc! {
        "folder": "", "kind": "OTHER", "contentType": "application/json", "updatedAt": export["createdAt"].clone(),
    });
    let counted = doc! { "$inc": { "itemCount": 1_i64, "totalBytes": export["byteSize"].clone() } };
    store
        .collection("storageItems")
        .insert_one(item)
        .await
        .expect("inserted");
    store
        .collection("dataExports")
        .delete_one(doc! {})
        .await
        .expect("deleted");
    let storages = store.collection("privateStorages");
    let storage = doc! { "_id": export["storageId"].clone() };
    storages.update_one(storage, counted).await.expect("counted");
    store.assert_consistent().await;
    let migrations = store.collection("migrations");
    migrations
        .delete_one(doc! { "name": "data exports are no items" })
        .await
        .expect("deleted");
    let app = gateway.app.clone();
    let migrating = async move { migrate(&app.database, &app.clock, "a", schema::migrations()).await };
    gateway.inside(migrating).await.expect("migrated");
    let mut after = store.dump().await;
    after.insert("migrations".to_owned(), before["migrations"].clone());
    assert_eq!(after, before);
    assert!(exported.finds(&exported.ada).await);
}
