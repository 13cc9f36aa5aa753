//! The filter of customers by group.

use serde_json::{Value, json};
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::reach::scope::Scope::{CustomersRead, StorefrontsRead};

use super::join;
use super::visibility::{Stage, at};

// EPC-32
#[tokio::test]
async fn epc_32_customers_are_filtered_by_their_group() {
    let stage = Stage::new().await;
    let (shop, group) = (&stage.shop, &stage.group);
    join(shop, &stage.others, &[&stage.ada.0]).await;
    let austria = shop.add_storefront("Prints AT", "AT").await;
    let elsewhere = json!({ "storefrontId": austria.id, "name": "Elsewhere" });
    let elsewhere =
        shop.backend.mutate_ok("customerGroupCreate", elsewhere).await["customerGroup"]["id"].take();
    let both = [&stage.ada.0, &stage.bob.0];
    for (filter, expected) in [
        (format!("groupId: {group}"), &both[..1]),
        (format!("groupId: {}", stage.others), &both[..]),
        (format!("groupId: {group}, status: PROSPECT"), &both[..1]),
        (format!("groupId: {group}, status: REPEAT"), &[]),
        (format!("not: {{ groupId: {group} }}"), &both[1..]),
        (
            format!("and: [{{ groupId: {group} }}, {{ groupId: {} }}]", stage.others),
            &both[..1],
        ),
        (
            format!("or: [{{ groupId: {group} }}, {{ groupId: {} }}]", stage.others),
            &both[..],
        ),
        (format!("groupId: {elsewhere}"), &[]),
        ("groupId: \"\"".to_owned(), &[]),
        ("groupId: \"$gt\"".to_owned(), &[]),
        ("groupId: \"grp_01h00000000000000000000000\"".to_owned(), &[]),
        (
            "not: { groupId: \"grp_01h00000000000000000000000\" }".to_owned(),
            &both[..],
        ),
        ("groupId: null".to_owned(), &both[..]),
    ] {
        let query = format!(
            "{{ storefront(by: {{ id: {:?} }}) {{ customers(filter: {{ {filter} }}) {{ totalCount nodes {{ id }} }} }} }}",
            shop.id()
        );
        let seen = shop.backend.query(&query).await["storefront"]["customers"].take();
        let nodes: Vec<Value> = expected.iter().map(|id| json!({ "id": id })).collect();
        assert_eq!(
            seen,
            json!({ "totalCount": nodes.len(), "nodes": nodes }),
            "{filter}"
        );
    }
}

// EPC-32, ERR-03
#[tokio::test]
async fn epc_32_filtering_by_group_needs_access_to_the_group() {
    let stage = Stage::new().await;
    let (shop, group) = (&stage.shop, &stage.group);
    // A backend client of one storefront, which need not name it.
    let here = |scopes| shop.client(ClientKind::Integration, Some(&shop.storefront.id), scopes);
    let reader = here(&[StorefrontsRead, CustomersRead]).await.caller;
    let query = format!(
        "{{ storefront {{ customers(filter: {{ or: [{{ groupId: {group} }}] }}) {{ totalCount }} }} }}"
    );
    for (caller, expected) in [
        (&stage.ada.1, json!(1)),
        (&stage.bob.1, json!(0)),
        (&shop.backend, json!(1)),
        (&reader, json!("FORBIDDEN")),
        (&shop.token("DE--1").await, json!("FORBIDDEN")),
    ] {
        assert_eq!(
            at(caller, &query, "/storefront/customers/totalCount").await,
            expected
        );
    }
}
