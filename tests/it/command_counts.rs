//! Each level of a query takes one database command regardless of the number of parents; a merge takes a small constant
//! number of commands regardless of the number of items.

use bson::{Bson, Document, doc, oid::ObjectId};
use futures_util::future::join_all;

use crate::kit::{self, Shop, png, text};

const NESTED: &str =
    "{ storefront { users(first: 50) { nodes { privateStorage { items(first: 5) { nodes { name } } } } } } }";

async fn shop_of(users: u32) -> Shop {
    let shop = kit::shop().await;
    for number in 0..users {
        let ann = shop.ann(&format!("user {number}")).await;
        for photo in 0..3 {
            ann.upload("cat.png", &png(photo)).await;
        }
    }
    shop
}

#[tokio::test]
async fn a_nested_page_of_fifty_users_costs_as_many_commands_as_of_two() {
    let mut counts = Vec::new();
    for users in [2, 50] {
        let shop = shop_of(users).await;
        let (seen, commands) = shop.gateway.commands.during(shop.backend.query(NESTED)).await;
        let nodes = seen["storefront"]["users"]["nodes"].as_array().expect("nodes");
        assert_eq!(nodes.len(), usize::try_from(users).expect("few"));
        assert!(
            nodes
                .iter()
                .all(|user| user["privateStorage"]["items"]["nodes"][2]["name"] == "cat.png")
        );
        counts.push(commands);
    }
    assert_eq!(counts[0], counts[1]);
    insta::assert_json_snapshot!(counts[0], @r#"
    [
      "find storefrontUsers",
      "aggregate privateStorages"
    ]
    "#);
}

#[tokio::test]
async fn a_nested_page_costs_the_same_with_thirty_two_concurrent_callers() {
    let shop = shop_of(50).await;
    let (_, idle) = shop.gateway.commands.during(shop.backend.query(NESTED)).await;
    let (_, busy) = shop
        .gateway
        .commands
        .during(join_all((0..32).map(|_| shop.backend.query(NESTED))))
        .await;
    assert_eq!(busy.len(), 32 * idle.len());
}

#[tokio::test]
async fn a_page_with_all_fields_costs_one_command_per_level() {
    let shop = shop_of(10).await;
    let query = "{ storefront { users(first: 10) { totalCount nodes { storefront { name } mergedInto { id } privateStorage { \
                 itemCount totalBytes items(first: 5) { totalCount nodes { name url owner { storefront { id } } } } } } } } }";
    let (_, commands) = shop.gateway.commands.during(shop.backend.query(query)).await;
    insta::assert_json_snapshot!(commands, @r#"
    [
      "find storefrontUsers",
      "aggregate storefrontUsers",
      "find storefronts",
      "aggregate privateStorages",
      "aggregate privateStorages",
      "aggregate privateStorages",
      "find privateStorages",
      "find storefrontUsers"
    ]
    "#);
}

#[tokio::test]
async fn nodes_of_several_types_cost_a_fixed_number_of_commands() {
    let shop = shop_of(20).await;
    let seen = shop
        .backend
        .query("{ storefront { id users { nodes { id privateStorage { items { nodes { id } } } } } } }")
        .await;
    let storefront = &seen["storefront"];
    let users = storefront["users"]["nodes"].as_array().expect("nodes");
    let mut counts = Vec::new();
    for take in [1, 20] {
        let mut ids = vec![storefront["id"].to_string()];
        for user in &users[..take] {
            ids.push(user["id"].to_string());
            let items = user["privateStorage"]["items"]["nodes"]
                .as_array()
                .expect("nodes");
            ids.extend(items.iter().map(|item| item["id"].to_string()));
        }
        let query = format!("{{ nodes(ids: [{}]) {{ id }} }}", ids.join(", "));
        let (seen, commands) = shop.gateway.commands.during(shop.backend.query(&query)).await;
        assert!(
            seen["nodes"]
                .as_array()
                .expect("nodes")
                .iter()
                .all(|node| node["id"].is_string())
        );
        counts.push(commands);
    }
    assert_eq!(counts[0].len(), counts[1].len(), "{counts:#?}");
    assert_eq!(counts[0].len(), 3, "one a type: {counts:#?}");
}

/// Adds this many items to a user by copying the stored documents of one uploaded item.
async fn fill(shop: &Shop, user: &str, items: usize) {
    let store = &shop.gateway.store;
    let user = &store
        .documents("storefrontUsers", doc! { "storefrontUserId": user })
        .await[0];
    let storage = &store
        .documents("privateStorages", doc! { "ownerId": text(user, "_id") })
        .await[0];
    let item = &store
        .documents("storageItems", doc! { "storageId": text(storage, "_id") })
        .await[0];
    let copy = |number: usize| {
        let mut copy = item.clone();
        copy.insert("_id", format!("itm_{number:026}"));
        copy.insert("blobId", Bson::ObjectId(ObjectId::new()));
        copy
    };
    let copies: Vec<Document> = (1..items).map(copy).collect();
    store
        .collection("storageItems")
        .insert_many(copies)
        .await
        .expect("inserted");
    let count = i64::try_from(items).expect("few");
    let change = doc! { "$set": { "itemCount": count, "totalBytes": count * 20 } };
    let storages = store.collection("privateStorages");
    storages
        .update_one(doc! { "_id": text(storage, "_id") }, change)
        .await
        .expect("updated");
}

// SFU-35
#[tokio::test]
async fn sfu_35_the_cost_of_a_merge_is_independent_of_the_number_of_items() {
    let mut counts = Vec::new();
    for items in [10, 1_000] {
        let shop = kit::shop().await;
        shop.guest("guest").await.upload("cat.png", &png(1)).await;
        shop.ann("ann").await;
        fill(&shop, "guest", items).await;
        let (merged, commands) = shop.gateway.commands.during(shop.merge("guest", "ann")).await;
        assert_eq!(merged["movedItemCount"], items);
        counts.push(commands);
    }
    assert_eq!(counts[0], counts[1]);
    insta::assert_json_snapshot!(counts[0], @r#"
    [
      "find storefrontUsers",
      "findAndModify storefrontUsers",
      "findAndModify storefrontUsers",
      "find privateStorages",
      "update privateStorages",
      "commitTransaction"
    ]
    "#);
}
