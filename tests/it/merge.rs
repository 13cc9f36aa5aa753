//! Merging an anonymous user into a regular one.

use bson::doc;
use serde_json::{Value, json};

use crate::kit::{self, Shop, Upload, item_ids, png, redact};

const MERGE: &str = "storefrontUserMergeAnonymous";

/// A guest with two photos, and the user ann with one of the same name.
async fn two_people() -> (Shop, kit::Caller, kit::Caller) {
    let shop = kit::shop().await;
    let (guest, ann) = (shop.guest("guest").await, shop.ann("ann").await);
    guest.upload("cat.png", &png(1)).await;
    let design = Upload {
        file_name: "card.json",
        bytes: br#"{"title": "Hello"}"#.to_vec(),
        input: json!({ "name": "Card", "folder": "designs/2026" }),
    };
    let payload = guest.send_upload(design).await;
    assert_eq!(kit::faults(&payload), [""; 0]);
    ann.upload("cat.png", &png(3)).await;
    (shop, guest, ann)
}

async fn items(shop: &Shop) -> Value {
    let everything = "id name folder kind contentType byteSize sha256 createdAt updatedAt \
                      owner { storefrontUserId isAnonymous privateStorage { isTemporary expiresAt } }";
    let query = format!(
        "{{ storefrontUser(by: {{ external: {{ storefrontId: {:?}, storefrontUserId: \"ann\" }} }}) \
         {{ privateStorage {{ itemCount totalBytes isTemporary items {{ totalCount nodes {{ {everything} }} }} }} }} }}",
        shop.id()
    );
    shop.backend.query(&query).await["storefrontUser"]["privateStorage"].take()
}

// SFU-22, SFU-33
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the snapshots")]
async fn sfu_22_a_merge_moves_all_items_unchanged() {
    let (shop, guest, ann) = two_people().await;
    let store = &shop.gateway.store;
    let before = (
        store.documents("storageItems", doc! {}).await,
        store.documents("content.chunks", doc! {}).await,
    );
    let links = links(&guest).await;
    let payload = shop.merge("guest", "ann").await;
    insta::assert_json_snapshot!(redact(payload), @r#"
    {
      "alreadyMerged": false,
      "movedBytes": 38.0,
      "movedItemCount": 2,
      "storefrontUser": {
        "id": "[sfu 1]",
        "storefrontUserId": "ann"
      },
      "userErrors": []
    }
    "#);
    insta::assert_json_snapshot!(redact(items(&shop).await), @r#"
    {
      "isTemporary": false,
      "itemCount": 3,
      "items": {
        "nodes": [
          {
            "byteSize": 20.0,
            "contentType": "image/png",
            "createdAt": "[moment 1]",
            "folder": "",
            "id": "[itm 1]",
            "kind": "IMAGE",
            "name": "cat.png",
            "owner": {
              "isAnonymous": false,
              "privateStorage": {
                "expiresAt": null,
                "isTemporary": false
              },
              "storefrontUserId": "ann"
            },
            "sha256": "d51696591e6a664adeecee08d772d017975c6d8d466d015246afd911ca06d7e8",
            "updatedAt": "[moment 1]"
          },
          {
            "byteSize": 18.0,
            "contentType": "application/json",
            "createdAt": "[moment 2]",
            "folder": "designs/2026",
            "id": "[itm 2]",
            "kind": "DESIGN",
            "name": "Card",
            "owner": {
              "isAnonymous": false,
              "privateStorage": {
                "expiresAt": null,
                "isTemporary": false
              },
              "storefrontUserId": "ann"
            },
            "sha256": "4c1bfaf1ad8c5aee9f9eef3b55667c1feb5d8e0636b9cbf2a21d5b3076427e2f",
            "updatedAt": "[moment 2]"
          },
          {
            "byteSize": 20.0,
            "contentType": "image/png",
            "createdAt": "[moment 3]",
            "folder": "",
            "id": "[itm 3]",
            "kind": "IMAGE",
            "name": "cat.png",
            "owner": {
              "isAnonymous": false,
              "privateStorage": {
                "expiresAt": null,
                "isTemporary": false
              },
              "storefrontUserId": "ann"
            },
            "sha256": "703a4ff6e1373416434a39c0b49ac36de9232c1d467412cf2326fba96c88e198",
            "updatedAt": "[moment 3]"
          }
        ],
        "totalCount": 3
      },
      "totalBytes": 58.0
    }
    "#);
    let after = (
        store.documents("storageItems", doc! {}).await,
        store.documents("content.chunks", doc! {}).await,
    );
    assert_eq!(before, after, "names, folders, content, ids and times are kept");
    assert_eq!(item_ids(&ann).await.len(), 3);
    assert_eq!(item_ids(&shop.token("ann").await).await.len(), 3);
    for (link, bytes) in links {
        let answer = shop.gateway.http.get(link).send().await.expect("an answer");
        assert_eq!(
            answer.bytes().await.expect("a body").len(),
            bytes,
            "a link outlives the merge"
        );
    }
    store.assert_consistent().await;
}

/// The links of a person's items and the lengths of their contents.
async fn links(person: &kit::Caller) -> Vec<(String, usize)> {
    let query = "{ viewer { storefrontUser { privateStorage { items { nodes { url byteSize } } } } } }";
    let seen = person.query(query).await;
    let nodes = seen["viewer"]["storefrontUser"]["privateStorage"]["items"]["nodes"].clone();
    let link = |node: &Value| {
        let bytes = node["byteSize"].as_f64().unwrap_or_default();
        let length = (0..1_000)
            .find(|length: &u32| f64::from(*length) >= bytes)
            .unwrap_or_default();
        (
            node["url"].as_str().unwrap_or_default().to_owned(),
            usize::try_from(length).unwrap_or_default(),
        )
    };
    nodes.as_array().expect("nodes").iter().map(link).collect()
}

// SFU-22
#[tokio::test]
async fn sfu_22_the_anonymous_user_remains_as_a_tombstone() {
    let (shop, guest, _) = two_people().await;
    shop.merge("guest", "ann").await;
    let query = format!(
        "{{ storefrontUser(by: {{ external: {{ storefrontId: {:?}, storefrontUserId: \"guest\" }} }}) {{ \
         storefrontUserId isAnonymous mergedInto {{ storefrontUserId }} mergedAt expiresAt \
         privateStorage {{ itemCount totalBytes items {{ nodes {{ id }} totalCount }} }} }} }}",
        shop.id()
    );
    insta::assert_json_snapshot!(redact(shop.backend.query(&query).await), @r#"
    {
      "storefrontUser": {
        "expiresAt": null,
        "isAnonymous": true,
        "mergedAt": "[moment 1]",
        "mergedInto": {
          "storefrontUserId": "ann"
        },
        "privateStorage": {
          "itemCount": 0,
          "items": {
            "nodes": [],
            "totalCount": 0
          },
          "totalBytes": 0.0
        },
        "storefrontUserId": "guest"
      }
    }
    "#);
    // The merged guest's id stays reserved.
    let refused = shop
        .backend
        .user_errors("storefrontUserRegister", shop.user("guest", true))
        .await;
    assert_eq!(refused, ["STOREFRONT_USER_ALREADY_EXISTS storefrontUserId (409)"]);
    drop(guest);
}

// SFU-22
#[tokio::test]
async fn sfu_22_a_tombstones_token_is_refused_as_merged() {
    let (shop, guest, ann) = two_people().await;
    let item = item_ids(&guest).await.remove(0);
    shop.merge("guest", "ann").await;
    let before = shop.gateway.store.dump().await;
    for (field, input) in [
        ("storageItemUpdate", json!({ "id": item, "name": "x" })),
        ("storageItemDelete", json!({ "id": item })),
    ] {
        assert_eq!(
            guest.user_errors(field, input).await,
            ["STOREFRONT_USER_ALREADY_MERGED (409)"],
            "{field}"
        );
    }
    let upload = Upload {
        file_name: "x.png",
        bytes: png(5),
        ..Upload::default()
    };
    let payload = guest.send_upload(upload).await;
    assert_eq!(kit::faults(&payload), ["STOREFRONT_USER_ALREADY_MERGED (409)"]);
    assert_eq!(
        guest.query("{ viewer { kind } }").await,
        json!({ "viewer": null })
    );
    assert_eq!(
        guest.query(&format!("{{ node(id: {item:?}) {{ id }} }}")).await,
        json!({ "node": null })
    );
    for query in ["{ storefront { id } }", "{ storefronts { nodes { id } } }"] {
        assert_eq!(
            guest.send(query, json!({})).await.codes(),
            ["FORBIDDEN"],
            "{query}"
        );
    }
    assert_eq!(shop.gateway.store.dump().await, before);
    assert_eq!(item_ids(&ann).await.len(), 3);
}

// SFU-22
#[tokio::test]
async fn sfu_22_another_node_applies_a_merge_within_five_seconds() {
    let (shop, guest, _) = two_people().await;
    let node = shop.gateway.another_node().await;
    let there = guest.at(&node);
    assert_eq!(
        item_ids(&there).await.len(),
        2,
        "the other node remembers the guest"
    );
    shop.merge("guest", "ann").await;
    // Even with a cached principal, the other node returns none of ann's items.
    let asked = tokio::time::Instant::now();
    let query = "{ viewer { storefrontUser { privateStorage { items { nodes { id } } } } } }";
    let seen = there.send(query, json!({})).await.body;
    let items = &seen["data"]["viewer"]["storefrontUser"]["privateStorage"]["items"]["nodes"];
    assert!(items.as_array().is_none_or(Vec::is_empty), "{seen}");
    kit::eventually("the other node knows of the merge", || async {
        there.query("{ viewer { kind } }").await == json!({ "viewer": null })
    })
    .await;
    assert!(asked.elapsed() < std::time::Duration::from_secs(15));
}

// SFU-23
#[tokio::test]
async fn sfu_23_only_an_anonymous_user_merges_into_a_regular_one() {
    let (shop, _guest, _ann) = two_people().await;
    shop.guest("guest 2").await;
    shop.ann("ann 2").await;
    let before = shop.gateway.store.dump().await;
    let not_anonymous = "STOREFRONT_USER_NOT_ANONYMOUS anonymousStorefrontUserId (409)";
    let not_regular = "STOREFRONT_USER_NOT_REGULAR regularStorefrontUserId (409)";
    for (anonymous, regular, refused) in [
        ("ann 2", "ann", vec![not_anonymous]),
        ("ann", "guest", vec![not_anonymous, not_regular]),
        ("guest 2", "guest", vec![not_regular]),
        ("guest", "guest", vec![not_regular]),
        ("ann", "ann", vec![not_anonymous]),
    ] {
        let message = shop
            .backend
            .user_errors(MERGE, shop.pair(anonymous, regular))
            .await;
        assert_eq!(message, refused, "{anonymous} into {regular}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing moved");
}

// SFU-30
#[tokio::test]
async fn sfu_30_a_missing_user_is_reported_on_its_field() {
    let (shop, _guest, _ann) = two_people().await;
    let before = shop.gateway.store.dump().await;
    let no_guest = "STOREFRONT_USER_NOT_FOUND anonymousStorefrontUserId";
    let no_ann = "STOREFRONT_USER_NOT_FOUND regularStorefrontUserId";
    for (anonymous, regular, refused) in [
        ("x", "ann", vec![no_guest]),
        ("guest", "x", vec![no_ann]),
        ("x", "y", vec![no_guest, no_ann]),
        (
            "x",
            "guest",
            vec![
                no_guest,
                "STOREFRONT_USER_NOT_REGULAR regularStorefrontUserId (409)",
            ],
        ),
    ] {
        let message = shop
            .backend
            .user_errors(MERGE, shop.pair(anonymous, regular))
            .await;
        assert_eq!(message, refused, "{anonymous} into {regular}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing moved");
}

// SFU-32
#[tokio::test]
async fn sfu_32_a_repeated_merge_succeeds_and_another_target_is_refused() {
    let (shop, _guest, _ann) = two_people().await;
    shop.ann("bob").await;
    shop.merge("guest", "ann").await;
    let before = shop.gateway.store.dump().await;
    let again = shop.merge("guest", "ann").await;
    insta::assert_json_snapshot!(redact(again), @r#"
    {
      "alreadyMerged": true,
      "movedBytes": 0.0,
      "movedItemCount": 0,
      "storefrontUser": {
        "id": "[sfu 1]",
        "storefrontUserId": "ann"
      },
      "userErrors": []
    }
    "#);
    let refused = shop.backend.user_errors(MERGE, shop.pair("guest", "bob")).await;
    assert_eq!(
        refused,
        ["STOREFRONT_USER_ALREADY_MERGED anonymousStorefrontUserId (409)"]
    );
    assert_eq!(shop.gateway.store.dump().await, before, "nothing moved again");
}

#[tokio::test]
async fn several_guests_merge_into_a_user_that_keeps_uploading() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    for number in 0..4 {
        let id = format!("guest {number}");
        shop.guest(&id).await.upload("cat.png", &png(number)).await;
        let merged = shop.merge(&id, "ann").await;
        assert_eq!(merged["movedItemCount"], 1);
        ann.upload("own.png", &png(100 + number)).await;
    }
    assert_eq!(item_ids(&ann).await.len(), 8);
    shop.gateway.store.assert_consistent().await;
    // The merged items can be deleted like any others.
    for id in item_ids(&ann).await {
        ann.mutate_ok("storageItemDelete", json!({ "id": id })).await;
    }
    assert_eq!(shop.gateway.store.count("content.files", doc! {}).await, 0);
}

// SFU-38
#[tokio::test]
async fn sfu_38_the_quota_never_prevents_a_merge() {
    let shop = kit::Setup::new()
        .set("GATEWAY_STORAGE_QUOTA", "1KiB")
        .set("GATEWAY_STORAGE_MAX_FILE", "1KiB");
    let shop = shop.start().await;
    let (guest, ann) = (shop.guest("guest").await, shop.ann("ann").await);
    guest.upload("a.png", &kit::png_of(800)).await;
    ann.upload("b.png", &kit::png_of(800)).await;
    assert_eq!(shop.merge("guest", "ann").await["movedBytes"], 800.0);
    let upload = Upload {
        file_name: "c.png",
        bytes: png(1),
        ..Upload::default()
    };
    let payload = ann.send_upload(upload).await;
    assert_eq!(kit::faults(&payload), ["STORAGE_QUOTA_EXCEEDED file"]);
}
