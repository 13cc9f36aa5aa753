//! Indexes: created at start, never silently different from the declaration, and used by every lookup by key.

use bson::{Document, doc};
use storefront_gateway::error::Error;
use storefront_gateway::platform::database::ensure_indexes;
use storefront_gateway::schema;

use crate::kit::{self, Shop};

async fn indexes(shop: &Shop, collection: &str) -> Vec<String> {
    let collection = shop.gateway.store.collection(collection);
    collection.list_index_names().await.expect("listed")
}

#[tokio::test]
async fn every_index_is_created_at_start() {
    let shop = kit::shop().await;
    for index in schema::indexes() {
        let made = indexes(&shop, index.collection).await;
        assert!(
            made.iter().any(|name| name == index.name),
            "{} {}",
            index.collection,
            index.name
        );
    }
}

#[tokio::test]
async fn every_tenant_collection_has_an_index_besides_the_id() {
    let shop = kit::shop().await;
    for collection in [
        "storefronts",
        "storefrontUsers",
        "privateStorages",
        "storageItems",
        "audit",
        "customers",
        "addresses",
        "orders",
        "customFields",
        "customFieldGuards",
        "customerGroups",
        "markets",
        "identityProviders",
        "identities",
    ] {
        assert!(indexes(&shop, collection).await.len() >= 2, "{collection}");
    }
}

#[tokio::test]
async fn a_different_index_is_refused_with_the_way_to_fix_it() {
    let shop = kit::shop().await;
    let users = shop.gateway.store.collection("storefrontUsers");
    users.drop_index("expiry").await.expect("dropped");
    let other = mongodb::IndexModel::builder().keys(doc! { "expiresAt": 1 });
    let options = mongodb::options::IndexOptions::builder()
        .name("expiry".to_owned())
        .sparse(true);
    let other = other.options(options.build()).build();
    users.create_index(other).await.expect("made otherwise");

    let app = shop.gateway.app.clone();
    let refused = shop
        .gateway
        .inside(async move { ensure_indexes(&app.database, &schema::indexes()).await })
        .await;
    let Err(Error::Internal(cause)) = refused else {
        panic!("must refuse")
    };
    insta::assert_snapshot!(cause, @r#"the collection storefrontUsers has indexes that differ from the definitions in this version: expiry. Drop them and start again: db.storefrontUsers.dropIndex("expiry")"#);
    users.drop_index("expiry").await.expect("mended");
    let app = shop.gateway.app.clone();
    let mended = async move { ensure_indexes(&app.database, &schema::indexes()).await };
    shop.gateway.inside(mended).await.expect("made");
}

/// The stages of the winning query plan, from the outermost.
async fn plan(shop: &Shop, command: Document) -> String {
    let explained = shop
        .gateway
        .store
        .database()
        .run_command(doc! { "explain": command });
    let explained = explained.await.expect("explained");
    let plan = explained.get_document("queryPlanner").expect("a plan");
    format!("{:?}", plan.get_document("winningPlan").expect("a winner"))
}

/// Asserts that each command uses the index named with it.
async fn assert_indexed(shop: &Shop, lookups: &[(&str, Document)]) {
    for (index, command) in lookups {
        let plan = plan(shop, command.clone()).await;
        assert!(!plan.contains("COLLSCAN"), "{index}: {plan}");
        assert!(plan.contains(&format!("\"{index}\"")), "{index}: {plan}");
    }
}

#[tokio::test]
async fn lookups_by_key_in_a_storefront_use_indexes() {
    let shop = kit::shop().await;
    let storefront = shop.id();
    for number in 0..20 {
        shop.ann(&format!("user {number}")).await;
    }
    let lookups = [
        (
            "storefront_storefrontUserId",
            doc! { "find": "storefrontUsers", "filter": { "storefrontId": storefront, "storefrontUserId": "user 3" } },
        ),
        (
            "storefront_id",
            doc! { "find": "storefrontUsers", "filter": { "storefrontId": storefront }, "sort": { "_id": 1 }, "limit": 26 },
        ),
        (
            "storefront_storefrontUserId",
            doc! { "find": "storefrontUsers", "filter": {
                "storefrontId": storefront, "storefrontUserId": { "$regex": "^user 1" },
            } },
        ),
        (
            "storefront_owner",
            doc! { "find": "privateStorages", "filter": { "storefrontId": storefront, "ownerId": { "$in": ["sfu_1"] } } },
        ),
        (
            "storage_id",
            doc! { "find": "storageItems", "filter": { "storageId": "stg_1" }, "sort": { "_id": 1 } },
        ),
        (
            "storefront_market_name",
            doc! { "find": "markets", "filter": { "storefrontId": storefront, "name.key": "sale" } },
        ),
        (
            "storefront_group_name",
            doc! { "find": "customerGroups", "filter": { "storefrontId": storefront, "name.key": "vip" } },
        ),
        (
            "organization_name",
            doc! { "find": "storefronts", "filter": { "organizationId": "org_1", "name": "x" } },
        ),
    ];
    assert_indexed(&shop, &lookups).await;
}

#[tokio::test]
async fn lookups_in_all_storefronts_use_indexes() {
    let shop = kit::shop().await;
    let lookups = [
        (
            "provider_subject",
            doc! { "find": "identities", "filter": { "providerId": "idp_1" } },
        ),
        (
            "files_id_1_n_1",
            doc! { "find": "content.chunks", "filter": { "files_id": { "$in": ["1", "2"] } }, "sort": { "n": 1 } },
        ),
        (
            "fingerprint",
            doc! { "find": "apiClients", "filter": { "fingerprint": "x" } },
        ),
        (
            "expiry",
            doc! { "find": "storefrontUsers", "filter": { "expiresAt": { "$lte": bson::DateTime::from_millis(1) } } },
        ),
        (
            "due",
            doc! { "find": "jobs", "filter": { "due": { "$lte": bson::DateTime::from_millis(1) } } },
        ),
    ];
    assert_indexed(&shop, &lookups).await;
}
