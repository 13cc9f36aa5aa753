//! Customers join and leave groups, up to a thousand at a time, all or none.

use bson::doc;
use serde_json::{Value, json};

use super::deletion::fill;
use super::{group, join};
use crate::addresses::customer;
use crate::customers::{patched, person};
use crate::kit::{self, Shop, text};

async fn in_group(shop: &Shop, group: &Value) -> u64 {
    let members = doc! { "groupIds": group.as_str() };
    shop.gateway.store.count("customers", members).await
}

async fn ids(shop: &Shop) -> Vec<Value> {
    let customers = shop.gateway.store.documents("customers", doc! {}).await;
    customers
        .iter()
        .map(|customer| json!(text(customer, "_id")))
        .collect()
}

// CLY-15
#[tokio::test]
async fn cly_15_a_thousand_customers_join_and_leave_with_as_many_commands_as_one() {
    let shop = kit::shop().await;
    customer(&shop, "ada@example.com").await;
    fill(&shop, 1_200).await;
    let before = shop.gateway.store.documents("customers", doc! {}).await;
    let (all, crowd) = (ids(&shop).await, group(&shop, "Crowd").await);
    let thousand = json!({ "id": crowd, "customerIds": &all[..1_000] });
    let one = json!({ "id": crowd, "customerIds": &all[..1] });
    for (field, members) in [
        ("customerGroupAddCustomers", 1_000),
        ("customerGroupRemoveCustomers", 0),
    ] {
        let mut counts = Vec::new();
        // The second time nothing is left to do, which succeeds too.
        for input in [&thousand, &thousand, &one] {
            let asked = shop.backend.mutate_ok(field, input.clone());
            let (payload, commands) = shop.gateway.commands.during(asked).await;
            assert_eq!(payload["customerGroup"]["id"], crowd, "{field}");
            assert_eq!(in_group(&shop, &crowd).await, members, "{field}");
            counts.push(commands);
        }
        // The audit trail has no entry for a customer who is in the group already.
        counts[0].retain(|command| command != "insert audit");
        assert!(
            counts.iter().all(|count| *count == counts[0]),
            "{field}: {counts:?}"
        );
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(counts[0], @r#"
            [
              "find customerGroups",
              "find customers",
              "findAndModify customerGroups",
              "find customers",
              "update customers",
              "commitTransaction"
            ]
            "#);
        }
    }
    // Joining and leaving do not count as changes of a customer.
    let mut after = shop.gateway.store.documents("customers", doc! {}).await;
    for customer in &mut after {
        customer.remove("groupIds");
    }
    assert_eq!(after, before);
    for field in ["customerGroupAddCustomers", "customerGroupRemoveCustomers"] {
        let too_many = json!({ "id": crowd, "customerIds": &all[..1_001] });
        assert_eq!(
            shop.backend.user_errors(field, too_many).await,
            ["TOO_LONG customerIds"]
        );
        let none = json!({ "id": "x", "customerIds": [] });
        let refused = shop.backend.user_errors(field, none).await;
        assert_eq!(refused, ["REQUIRED customerIds", "CUSTOMER_GROUP_NOT_FOUND id"]);
    }
}

// ERR-01, SPR-31
#[tokio::test]
async fn err_01_each_unknown_customer_is_reported_by_index_and_no_member_changes() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let austria = shop.add_storefront("Prints AT", "AT").await;
    let elsewhere = patched(person("eve@example.com"), json!({ "storefrontId": austria.id }));
    let elsewhere = shop.backend.mutate_ok("customerRegister", elsewhere).await["customer"]["id"].take();
    let (ada, _) = customer(&shop, "ada@example.com").await;
    let (bob, _) = customer(&shop, "bob@example.com").await;
    let (theirs, _) = customer(&rival, "ada@example.com").await;
    let crowd = group(&shop, "Crowd").await;
    join(&shop, &crowd, &[&bob]).await;
    let before = shop.gateway.store.dump().await;
    let unknown = "cus_01h00000000000000000000000";
    let named = json!([
        ada,
        unknown,
        bob,
        theirs,
        "",
        ada,
        elsewhere,
        "hunter2\u{0}",
        "{$gt: 1}"
    ]);
    let not_found = |places: &[usize]| {
        let fault = |place| format!("CUSTOMER_NOT_FOUND customerIds.{place} (402)");
        places.iter().map(fault).collect::<Vec<_>>()
    };
    for field in ["customerGroupAddCustomers", "customerGroupRemoveCustomers"] {
        let input = json!({ "id": crowd, "customerIds": named });
        let payload = shop.backend.mutate(field, input).await;
        assert_eq!(kit::faults(&payload), not_found(&[1, 3, 4, 6, 7, 8]), "{field}");
        assert!(!payload.to_string().contains("hunter2"), "{payload}");
        for id in [
            "",
            " ",
            "hunter2",
            "grp_01h00000000000000000000000",
            unknown,
            "\u{0}",
        ] {
            let input = json!({ "id": id, "customerIds": [ada, unknown] });
            let mut expected = vec!["CUSTOMER_GROUP_NOT_FOUND id".to_owned()];
            expected.extend(not_found(&[1]));
            assert_eq!(
                shop.backend.user_errors(field, input).await,
                expected,
                "{field} {id}"
            );
        }
        let input = json!({ "id": crowd, "customerIds": [theirs] });
        let refused = rival.backend.user_errors(field, input).await;
        assert_eq!(refused, ["CUSTOMER_GROUP_NOT_FOUND id"], "{field}");
    }
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}
