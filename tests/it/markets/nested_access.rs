//! Fields of customers, groups and markets that lead to each other: through queries and payloads a caller sees only
//! what the caller may see.

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope::{
    self, CustomersRead, CustomersWrite, GroupsRead, GroupsWrite, StorefrontsRead,
};

use super::visibility::{Stage, at};
use super::{group, join, market, names};
use crate::addresses::customer;
use crate::customers::{PASSWORD, credentials, setup, with_password};
use crate::kit::{Caller, Shop, mutation};

/// Returns the names in a list that a query finds at a JSON pointer, or the code of its error.
async fn names_at(caller: &Caller, query: &str, place: &str) -> Value {
    let list = at(caller, query, place).await;
    if !list.is_object() {
        return list;
    }
    let names = names(&list);
    assert_eq!(list["totalCount"], names.len(), "{query}");
    json!(names)
}

/// Returns a query for a list of a node; the node is at `/node`.
fn behind(id: &Value, kind: &str, list: &str) -> String {
    format!("{{ node(id: {id}) {{ ... on {kind} {{ {list} {{ totalCount nodes {{ name }} }} }} }} }}")
}

async fn backend(shop: &Shop, scopes: &[Scope]) -> Caller {
    shop.backend_with(scopes).await
}

// CLY-15
#[tokio::test]
async fn cly_15_a_customers_groups_and_markets_are_visible_to_itself_and_backends() {
    let stage = Stage::new().await;
    let (shop, (id, ada)) = (&stage.shop, &stage.ada);
    let linked = shop.token("DE--1").await;
    let reader = backend(shop, &[CustomersRead]).await;
    let markets = behind(id, "Customer", "markets");
    for (caller, expected) in [
        (ada, json!(["Public", "Studio"])),
        (&linked, json!(["Public"])),
        (&shop.backend, json!(["Public", "Studio"])),
        (&stage.bob.1, Value::Null),
        (&reader, json!("FORBIDDEN")),
    ] {
        assert_eq!(names_at(caller, &markets, "/node/markets").await, expected);
    }
    let groups = behind(id, "Customer", "groups");
    for (caller, expected) in [
        (ada, json!(["Printers"])),
        (&linked, json!("FORBIDDEN")),
        (&shop.backend, json!(["Printers"])),
        (&stage.bob.1, Value::Null),
        (&reader, json!("FORBIDDEN")),
    ] {
        assert_eq!(names_at(caller, &groups, "/node/groups").await, expected);
    }
    let own = "{ storefront { customerGroups { totalCount nodes { name } } } }";
    join(shop, &stage.group, &[&stage.bob.0]).await;
    for (caller, expected) in [
        (ada, json!(["Printers"])),
        (&stage.bob.1, json!(["Printers", "Others"])),
        (&shop.browser, json!("FORBIDDEN")),
        (&linked, json!("FORBIDDEN")),
    ] {
        assert_eq!(
            names_at(caller, own, "/storefront/customerGroups").await,
            expected
        );
    }
}

// CLY-15
#[tokio::test]
async fn cly_15_a_member_sees_only_its_own_groups_of_a_market() {
    let stage = Stage::new().await;
    let (shop, ada) = (&stage.shop, &stage.ada.1);
    let both = json!({ "id": stage.studio, "groupIds": [stage.group, stage.others] });
    shop.backend.mutate_ok("marketUpdate", both).await;
    let groups = behind(&stage.studio, "Market", "groups");
    for (caller, expected) in [
        (ada, json!(["Printers"])),
        (&stage.bob.1, json!(["Others"])),
        (&shop.backend, json!(["Printers", "Others"])),
        (&backend(shop, &[StorefrontsRead]).await, json!("FORBIDDEN")),
        (&shop.browser, Value::Null),
    ] {
        assert_eq!(names_at(caller, &groups, "/node/groups").await, expected);
    }
    let public = behind(&stage.public, "Market", "groups");
    assert_eq!(
        names_at(&shop.browser, &public, "/node/groups").await,
        "FORBIDDEN"
    );
    assert_eq!(names_at(ada, &public, "/node/groups").await, json!([]));
}

// CLY-15
#[tokio::test]
async fn cly_15_a_member_sees_only_itself_in_a_group() {
    let stage = Stage::new().await;
    let (shop, [ada, bob]) = (&stage.shop, [&stage.ada, &stage.bob]);
    join(shop, &stage.group, &[&bob.0]).await;
    let members = behind(&stage.group, "CustomerGroup", "customers").replace("name", "name: id");
    let markets = behind(&stage.group, "CustomerGroup", "markets");
    let (studio, forbidden) = (json!(["Studio"]), json!("FORBIDDEN"));
    for (caller, members_, markets_) in [
        (&ada.1, json!([ada.0]), &studio),
        (&bob.1, json!([bob.0]), &studio),
        (&shop.backend, json!([ada.0, bob.0]), &studio),
        (
            &backend(shop, &[GroupsRead, StorefrontsRead]).await,
            forbidden.clone(),
            &studio,
        ),
        (
            &backend(shop, &[GroupsRead, CustomersRead]).await,
            json!([ada.0, bob.0]),
            &forbidden,
        ),
        (&shop.browser, Value::Null, &Value::Null),
        (&shop.token("DE--1").await, Value::Null, &Value::Null),
    ] {
        assert_eq!(names_at(caller, &members, "/node/customers").await, members_);
        assert_eq!(names_at(caller, &markets, "/node/markets").await, *markets_);
    }
}

/// Puts Ada, who has a password, and Bob in the group `Printers`, which opens the market `Studio`.
async fn printers() -> (Shop, Value, Value) {
    let shop = setup().start().await;
    let registered = with_password("ada@example.com");
    let registered = shop.browser.mutate_ok("customerRegister", registered).await;
    let (bob, _) = customer(&shop, "bob@example.com").await;
    let printers = group(&shop, "Printers").await;
    join(&shop, &printers, &[&registered["customer"]["id"], &bob]).await;
    market(&shop, "Studio", &[&printers]).await;
    market(&shop, "Public", &[]).await;
    (shop, printers, bob)
}

// CLY-15, ERR-03
#[tokio::test]
async fn cly_15_a_payload_shows_groups_as_the_customers_token_would() {
    let (shop, ..) = printers().await;
    let query = "mutation ($input: CustomerTokenCreateInput!) { customerTokenCreate(input: $input) { customer { \
                 groups { nodes { name customers { totalCount } markets { nodes { name groups { totalCount } } } } } \
                 markets { nodes { name } } } userErrors { code } } }";
    let input = json!({ "input": credentials("ada@example.com", PASSWORD) });
    let seen = shop.browser.send(query, input).await.data();
    insta::assert_json_snapshot!(seen, @r#"
    {
      "customerTokenCreate": {
        "customer": {
          "groups": {
            "nodes": [
              {
                "customers": {
                  "totalCount": 1
                },
                "markets": {
                  "nodes": [
                    {
                      "groups": {
                        "totalCount": 1
                      },
                      "name": "Studio"
                    }
                  ]
                },
                "name": "Printers"
              }
            ]
          },
          "markets": {
            "nodes": [
              {
                "name": "Studio"
              },
              {
                "name": "Public"
              }
            ]
          }
        },
        "userErrors": []
      }
    }
    "#);
}

// ERR-03
#[tokio::test]
async fn err_03_group_and_customer_payloads_show_only_their_own_scope() {
    let (shop, printers, bob) = printers().await;
    let writer = backend(&shop, &[GroupsWrite]).await;
    let shown = async |more: &str| {
        let query = mutation("customerGroupUpdate").replace("createdAt", more);
        let input = json!({ "input": { "id": printers, "name": "Makers" } });
        writer.send(&query, input).await
    };
    let seen = shown("storefront { id } markets { nodes { name } }").await.data();
    let seen = &seen["customerGroupUpdate"]["customerGroup"];
    assert_eq!(names(&seen["markets"]), ["Studio"]);
    assert_eq!(seen["storefront"]["id"], shop.id());
    for more in [
        "customers { totalCount }",
        "markets { nodes { groups { totalCount } } }",
    ] {
        assert_eq!(shown(more).await.codes(), ["FORBIDDEN"], "{more}");
    }
    let writer = backend(&shop, &[CustomersWrite]).await;
    let shown = async |more: &str| {
        let query = "mutation ($input: CustomerUpdateInput!) { customerUpdate(input: $input) { customer { \
                     groups { nodes { name MORE } } } } }";
        let input = json!({ "input": { "customerId": bob, "firstName": "Bob" } });
        writer.send(&query.replace("MORE", more), input).await
    };
    let seen = shown("").await.data();
    assert_eq!(names(&seen["customerUpdate"]["customer"]["groups"]), ["Makers"]);
    for more in ["customers { totalCount }", "markets { totalCount }"] {
        assert_eq!(shown(more).await.codes(), ["FORBIDDEN"], "{more}");
    }
}
