//! Customer groups and private markets: their content, their members, and who sees them (CLY-15).

mod concurrency;
mod deletion;
mod filter;
mod lists;
mod members;
mod nested_access;
mod visibility;

use serde_json::{Value, json};

use crate::kit::{self, Shop, redact};

/// Creates a group and returns its id.
pub(crate) async fn group(shop: &Shop, name: &str) -> Value {
    let input = json!({ "storefrontId": shop.id(), "name": name });
    shop.backend.mutate_ok("customerGroupCreate", input).await["customerGroup"]["id"].take()
}

/// Creates a market, public if it has no groups, and returns its id.
pub(crate) async fn market(shop: &Shop, name: &str, groups: &[&Value]) -> Value {
    let input = json!({ "storefrontId": shop.id(), "name": name, "groupIds": groups });
    shop.backend.mutate_ok("marketCreate", input).await["market"]["id"].take()
}

/// Adds customers to a group.
pub(crate) async fn join(shop: &Shop, group: &Value, customers: &[&Value]) {
    let input = json!({ "id": group, "customerIds": customers });
    shop.backend.mutate_ok("customerGroupAddCustomers", input).await;
}

/// Removes customers from a group.
pub(crate) async fn leave(shop: &Shop, group: &Value, customers: &[&Value]) {
    let input = json!({ "id": group, "customerIds": customers });
    shop.backend
        .mutate_ok("customerGroupRemoveCustomers", input)
        .await;
}

/// Returns the names in a list, in order.
fn names(list: &Value) -> Vec<&str> {
    let nodes = list["nodes"].as_array().expect("nodes").iter();
    nodes.map(|node| node["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn cly_15_a_group_and_a_market_are_returned_as_stored() {
    let shop = kit::shop().await;
    let new = json!({ "storefrontId": shop.id(), "name": " Ältere $Kunden. " });
    let made = shop.backend.mutate_ok("customerGroupCreate", new).await;
    insta::assert_json_snapshot!(redact(made.clone()), @r#"
    {
      "customerGroup": {
        "createdAt": "[moment 1]",
        "id": "[grp 1]",
        "name": " Ältere $Kunden. "
      },
      "userErrors": []
    }
    "#);
    let id = made["customerGroup"]["id"].clone();
    let renamed = json!({ "id": id, "name": "Old friends" });
    let renamed = shop.backend.mutate_ok("customerGroupUpdate", renamed).await;
    assert_eq!(renamed["customerGroup"]["name"], "Old friends");
    assert_eq!(
        renamed["customerGroup"]["createdAt"],
        made["customerGroup"]["createdAt"]
    );
    let new = json!({ "storefrontId": shop.id(), "name": "Sale", "groupIds": [id, id] });
    let made = shop.backend.mutate_ok("marketCreate", new).await;
    insta::assert_json_snapshot!(redact(made.clone()), @r#"
    {
      "market": {
        "createdAt": "[moment 1]",
        "groups": {
          "nodes": [
            {
              "id": "[grp 1]"
            }
          ]
        },
        "id": "[mkt 1]",
        "isPrivate": true,
        "name": "Sale"
      },
      "userErrors": []
    }
    "#);
}

#[tokio::test]
async fn a_storefronts_groups_are_returned_with_their_markets() {
    let shop = kit::shop().await;
    let id = group(&shop, "Old friends").await;
    market(&shop, "Sale", &[&id]).await;
    let query = "{ storefront { customerGroups { totalCount nodes { id name storefront { code } markets { totalCount \
                 nodes { name isPrivate storefront { code } } } customers { totalCount } } } } }";
    let seen = shop.backend.query(query).await;
    insta::assert_json_snapshot!(redact(seen), @r#"
    {
      "storefront": {
        "customerGroups": {
          "nodes": [
            {
              "customers": {
                "totalCount": 0
              },
              "id": "[grp 1]",
              "markets": {
                "nodes": [
                  {
                    "isPrivate": true,
                    "name": "Sale",
                    "storefront": {
                      "code": "DE"
                    }
                  }
                ],
                "totalCount": 1
              },
              "name": "Old friends",
              "storefront": {
                "code": "DE"
              }
            }
          ],
          "totalCount": 1
        }
      }
    }
    "#);
}

#[tokio::test]
async fn a_name_is_unique_among_groups_and_among_markets_regardless_of_case() {
    let shop = kit::shop().await;
    let austria = shop.add_storefront("Prints AT", "AT").await;
    let vip = group(&shop, "VIP").await;
    let other = group(&shop, "Other").await;
    let public = market(&shop, "vip", &[]).await;
    for name in ["VIP", "vip", " Vip "] {
        let new = json!({ "storefrontId": shop.id(), "name": name });
        let rename = json!({ "id": other, "name": name });
        for (field, input) in [
            ("customerGroupCreate", new.clone()),
            ("customerGroupUpdate", rename),
        ] {
            let refused = shop.backend.user_errors(field, input).await;
            assert_eq!(refused, ["CUSTOMER_GROUP_NAME_TAKEN name"], "{field} {name}");
        }
        let refused = shop.backend.user_errors("marketCreate", new).await;
        assert_eq!(refused, ["MARKET_NAME_TAKEN name"], "{name}");
    }
    // A group may change the case of its own name, and names are unique only within a storefront.
    let own = json!({ "id": vip, "name": "Vip" });
    shop.backend.mutate_ok("customerGroupUpdate", own).await;
    shop.backend
        .mutate_ok("marketUpdate", json!({ "id": public, "name": "VIP" }))
        .await;
    let there = json!({ "storefrontId": austria.id, "name": "vip" });
    shop.backend.mutate_ok("customerGroupCreate", there.clone()).await;
    shop.backend.mutate_ok("marketCreate", there).await;
}

// CLY-15
#[tokio::test]
async fn cly_15_a_market_is_private_while_it_has_groups() {
    let shop = kit::shop().await;
    let (one, two) = (group(&shop, "One").await, group(&shop, "Two").await);
    let id = market(&shop, "Sale", &[]).await;
    let now = async |changes: Value| {
        let mut input = json!({ "id": id });
        input
            .as_object_mut()
            .expect("an object")
            .extend(changes.as_object().expect("an object").clone());
        let market = shop.backend.mutate_ok("marketUpdate", input).await["market"].take();
        let groups = market["groups"]["nodes"].as_array().expect("nodes").iter();
        let groups: Vec<Value> = groups.map(|group| group["id"].clone()).collect();
        (market["isPrivate"] == true, groups, market["name"].clone())
    };
    let sale = json!("Sale");
    assert_eq!(
        now(json!({ "name": "Sale" })).await,
        (false, vec![], sale.clone())
    );
    let both = vec![one.clone(), two.clone()];
    // Ordered by age, regardless of the order of the input.
    assert_eq!(
        now(json!({ "groupIds": [two, one, two] })).await,
        (true, both.clone(), sale.clone())
    );
    assert_eq!(
        now(json!({ "name": "Sold" })).await,
        (true, both, json!("Sold")),
        "absent: unchanged"
    );
    assert_eq!(
        now(json!({ "groupIds": [two] })).await,
        (true, vec![two.clone()], json!("Sold"))
    );
    assert_eq!(
        now(json!({ "groupIds": [] })).await,
        (false, vec![], json!("Sold"))
    );
    assert_eq!(
        now(json!({ "groupIds": [one], "name": "Sale" })).await,
        (true, vec![one], sale.clone())
    );
    assert_eq!(now(json!({ "groupIds": null })).await, (false, vec![], sale));
    let nothing = shop
        .backend
        .user_errors("marketUpdate", json!({ "id": id }))
        .await;
    assert_eq!(nothing, ["NO_CHANGES"]);
    let gone = shop.backend.mutate_ok("marketDelete", json!({ "id": id })).await;
    assert_eq!(gone["deletedMarketId"], id);
    for (field, input) in [
        ("marketDelete", json!({ "id": id })),
        ("marketUpdate", json!({ "id": id, "name": "x" })),
    ] {
        assert_eq!(
            shop.backend.user_errors(field, input).await,
            ["MARKET_NOT_FOUND id"],
            "{field}"
        );
    }
}
