//! Deletion of a group: it opens no market and has no members from that moment on, and a job removes it from its
//! members' documents.

use bson::{Document, doc};
use serde_json::{Value, json};

use super::{group, join, market, names};
use crate::addresses::customer;
use crate::customers::patched;
use crate::kit::{self, Shop, text};

/// Returns everything that shows who is in the group.
async fn seen(shop: &Shop, ada: &Value, group: &Value) -> Value {
    let query = format!(
        "{{ customer(by: {{ id: {ada} }}) {{ version groups {{ totalCount nodes {{ name }} }} \
         markets {{ totalCount nodes {{ name }} }} }} \
         storefront {{ customers(filter: {{ groupId: {group} }}) {{ totalCount nodes {{ id }} }} \
         others: customers(filter: {{ not: {{ groupId: {group} }} }}) {{ totalCount }} }} \
         node(id: {group}) {{ id }} }}"
    );
    shop.backend.query(&query).await
}

// CLY-15
#[tokio::test]
async fn cly_15_a_deleted_group_immediately_has_no_members_and_opens_no_market() {
    let shop = kit::shop().await;
    let (id, ada) = customer(&shop, "ada@example.com").await;
    let (gone, stays) = (group(&shop, "Gone").await, group(&shop, "Stays").await);
    join(&shop, &gone, &[&id]).await;
    join(&shop, &stays, &[&id]).await;
    market(&shop, "Alone", &[&gone]).await;
    market(&shop, "Shared", &[&gone, &stays]).await;
    market(&shop, "Public", &[]).await;
    let before = seen(&shop, &id, &gone).await;
    assert_eq!(
        names(&before["customer"]["markets"]),
        ["Alone", "Shared", "Public"]
    );
    assert_eq!(before["storefront"]["customers"]["nodes"], json!([{ "id": id }]));

    shop.backend
        .mutate_ok("customerGroupDelete", json!({ "id": gone }))
        .await;
    // Before the job and after it.
    for jobs in [1, 0] {
        assert_eq!(shop.gateway.store.open_jobs().await.len(), jobs);
        let now = seen(&shop, &id, &gone).await;
        assert_eq!(now["node"], Value::Null);
        assert_eq!(
            now["customer"]["groups"],
            json!({ "totalCount": 1, "nodes": [{ "name": "Stays" }] })
        );
        assert_eq!(names(&now["customer"]["markets"]), ["Shared", "Public"]);
        assert_eq!(now["customer"]["markets"]["totalCount"], 2);
        assert_eq!(now["customer"]["version"], before["customer"]["version"]);
        assert_eq!(
            now["storefront"]["customers"],
            json!({ "totalCount": 0, "nodes": [] })
        );
        assert_eq!(now["storefront"]["others"]["totalCount"], 1);
        let own = ada.query("{ storefront { markets { nodes { name } } } }").await;
        assert_eq!(names(&own["storefront"]["markets"]), ["Shared", "Public"]);
        shop.gateway.store.assert_consistent().await;
        shop.gateway.run_jobs().await;
    }
    let stored = &shop.gateway.store.documents("customers", doc! {}).await[0];
    assert_eq!(
        stored.get_array("groupIds").expect("a list"),
        &vec![stays.as_str().into()]
    );
    for (field, more) in [
        ("customerGroupDelete", json!({})),
        ("customerGroupUpdate", json!({ "name": "x" })),
        ("customerGroupAddCustomers", json!({ "customerIds": [id] })),
        ("customerGroupRemoveCustomers", json!({ "customerIds": [id] })),
    ] {
        let refused = shop
            .backend
            .user_errors(field, patched(more, json!({ "id": gone })))
            .await;
        assert_eq!(refused, ["CUSTOMER_GROUP_NOT_FOUND id"], "{field}");
    }
}

// CLY-15
#[tokio::test]
async fn cly_15_a_market_without_its_last_group_is_closed_until_its_groups_are_set() {
    let shop = kit::shop().await;
    let (id, ada) = customer(&shop, "ada@example.com").await;
    let (gone, stays) = (group(&shop, "Gone").await, group(&shop, "Stays").await);
    join(&shop, &gone, &[&id]).await;
    join(&shop, &stays, &[&id]).await;
    let alone = market(&shop, "Alone", &[&gone]).await;
    shop.backend
        .mutate_ok("customerGroupDelete", json!({ "id": gone }))
        .await;
    shop.gateway.run_jobs().await;
    let own = async || {
        let seen = ada.query("{ storefront { markets { nodes { name } } } }").await;
        names(&seen["storefront"]["markets"]).len()
    };
    let query =
        format!("{{ node(id: {alone}) {{ ... on Market {{ isPrivate groups {{ totalCount }} }} }} }}");
    let closed = json!({ "isPrivate": true, "groups": { "totalCount": 0 } });
    assert_eq!(shop.backend.query(&query).await["node"], closed);
    assert_eq!(own().await, 0);
    // A new name does not open the market.
    let renamed = json!({ "id": alone, "name": "Lonely" });
    let renamed = shop.backend.mutate_ok("marketUpdate", renamed).await;
    assert_eq!((&renamed["market"]["isPrivate"], own().await), (&json!(true), 0));
    let opened = json!({ "id": alone, "groupIds": [stays] });
    shop.backend.mutate_ok("marketUpdate", opened).await;
    assert_eq!(own().await, 1);
}

/// Adds this many members to the group, as copies of its only member.
pub(super) async fn fill(shop: &Shop, count: i64) {
    let customers = shop.gateway.store.collection("customers");
    let one = shop
        .gateway
        .store
        .documents("customers", doc! {})
        .await
        .swap_remove(0);
    let copy = |number: i64| {
        let mut copy = one.clone();
        for (field, value) in [
            ("_id", format!("cus_7{number:025}")),
            ("userId", format!("sfu_7{number:025}")),
            ("reference", format!("DE--{}", 1000 + number)),
            ("shopperReference", format!("s{number:05}")),
            ("email", format!("n{number:05}@example.com")),
            ("emailKey", format!("n{number:05}@example.com")),
            (
                "status",
                (if number % 4 == 0 { "REPEAT" } else { "PROSPECT" }).to_owned(),
            ),
        ] {
            copy.insert(field, value);
        }
        copy.insert("referenceNumber", 1000 + number);
        copy
    };
    let copies: Vec<Document> = (0..count).map(copy).collect();
    customers.insert_many(copies).await.expect("inserted");
}

// CLY-15
#[tokio::test]
async fn cly_15_an_interrupted_job_resumes_and_does_not_affect_other_groups() {
    let shop = kit::shop().await;
    let (id, _) = customer(&shop, "ada@example.com").await;
    let (gone, stays) = (group(&shop, "Gone").await, group(&shop, "Stays").await);
    join(&shop, &gone, &[&id]).await;
    join(&shop, &stays, &[&id]).await;
    fill(&shop, 2_500).await;
    let store = &shop.gateway.store;
    let members = async |group: &Value| {
        store
            .count("customers", doc! { "groupIds": group.as_str() })
            .await
    };
    assert_eq!((members(&gone).await, members(&stays).await), (2_501, 2_501));
    shop.backend
        .mutate_ok("customerGroupDelete", json!({ "id": gone }))
        .await;
    // Simulates the death of the gateway between two steps.
    let customers = store.collection("customers");
    let some = doc! { "_id": { "$lt": "cus_70000000000000000000000300" } };
    let update = doc! { "$pull": { "groupIds": gone.as_str() } };
    customers.update_many(some, update).await.expect("updated");
    let (left, job) = (members(&gone).await, store.open_jobs().await.swap_remove(0));
    assert!(
        (2_001..2_501).contains(&left),
        "more than one step, and not all: {left}"
    );
    shop.gateway.run_jobs().await;
    assert_eq!((members(&gone).await, members(&stays).await), (0, 2_501));
    // Runs the job again, as after a death right before it was marked as done.
    let again = doc! { "$set": { "state": "WAITING", "due": bson::DateTime::from_millis(1) } };
    let jobs = store.collection("jobs");
    let again = jobs.update_one(doc! { "_id": text(&job, "_id") }, again).await;
    assert_eq!(again.expect("updated").modified_count, 1);
    shop.gateway.run_jobs().await;
    assert_eq!((members(&gone).await, members(&stays).await), (0, 2_501));
    assert_eq!(store.open_jobs().await.len(), 0);
}
