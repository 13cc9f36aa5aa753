//! Large numbers of addresses: paged, counted and read at a cost that depends only on the page.

use bson::{Document, doc};
use serde_json::{Value, json};

use super::{ada, add, change, customer, remove};
use crate::kit::{self, Caller, Shop, examined, is_within, text};

/// Copies each customer's one address; the original stays the oldest.
async fn fill(shop: &Shop, copies: usize) {
    let addresses = shop.gateway.store.collection("addresses");
    for (number, address) in shop
        .gateway
        .store
        .documents("addresses", doc! {})
        .await
        .iter()
        .enumerate()
    {
        let copy = |copy: usize| {
            let mut document = address.clone();
            document.insert("_id", format!("adr_7{number:05}{copy:020}"));
            document.insert("label", format!("{copy}"));
            document
        };
        let copies: Vec<Document> = (0..copies).map(copy).collect();
        addresses.insert_many(copies).await.expect("inserted");
    }
}

/// The ids of all addresses, read page by page from one end.
async fn walk(ada: &Caller, ways: [&str; 4]) -> Vec<String> {
    let [size, cursor, more, from] = ways;
    let (mut seen, mut place) = (Vec::<String>::new(), String::new());
    loop {
        let query = format!(
            "{{ viewer {{ customer {{ addresses({size}: {PAGE}{place}) {{ nodes {{ id }} pageInfo {{ {more} {from} }} }} }} }} }}"
        );
        let page = ada.query(&query).await["viewer"]["customer"]["addresses"].take();
        let nodes = page["nodes"].as_array().expect("nodes").iter();
        let ids = nodes.map(|node| node["id"].as_str().expect("an id").to_owned());
        if size == "first" {
            seen.extend(ids);
        } else {
            seen.splice(0..0, ids);
        }
        if page["pageInfo"][more] == false {
            return seen;
        }
        place = format!(", {cursor}: {}", page["pageInfo"][from]);
    }
}

const FORWARD: [&str; 4] = ["first", "after", "hasNextPage", "endCursor"];
const BACKWARD: [&str; 4] = ["last", "before", "hasPreviousPage", "startCursor"];
const PAGE: i64 = 100;
/// The documents that a page may examine in addition to its items: the next item, and the customer.
const A_FEW: i64 = 5;

/// The ids of all addresses of the owner of this one, in order.
async fn own_ids(shop: &Shop, one: &Value) -> Vec<String> {
    let store = &shop.gateway.store;
    let one = store.documents("addresses", doc! { "_id": one.as_str() }).await;
    let own = store
        .documents("addresses", doc! { "customerId": text(&one[0], "customerId") })
        .await;
    own.iter()
        .map(|address| text(address, "_id").to_owned())
        .collect()
}

async fn count(ada: &Caller) -> Value {
    let seen = ada
        .query("{ viewer { customer { addresses { totalCount } } } }")
        .await;
    seen["viewer"]["customer"]["addresses"]["totalCount"].clone()
}

/// The ids of the default addresses, as the customer's fields: shipping, then billing.
async fn default_ids(ada: &Caller) -> [Value; 2] {
    let query = "{ viewer { customer { defaultShippingAddress { id isDefaultShipping } \
                 defaultBillingAddress { id isDefaultBilling } } } }";
    let customer = ada.query(query).await["viewer"]["customer"].take();
    [
        ("defaultShippingAddress", "isDefaultShipping"),
        ("defaultBillingAddress", "isDefaultBilling"),
    ]
    .map(|(default, flag)| {
        assert_eq!(customer[default][flag], true, "{customer}");
        customer[default]["id"].clone()
    })
}

// EPC-17, ADR-01
#[tokio::test]
async fn epc_17_paging_ten_thousand_addresses_costs_one_page_from_either_end() {
    let shop = kit::shop().await;
    let ada = ada(&shop).await;
    let oldest = add(&ada, json!({})).await["id"].take();
    // Another customer's addresses are not examined.
    let (_, bob) = customer(&shop, "bob@example.com").await;
    add(&bob, json!({})).await;
    fill(&shop, 9_999).await;
    assert_eq!(count(&ada).await, 10_000);
    let mut expected = own_ids(&shop, &oldest).await;
    assert_eq!(expected.len(), 10_000);
    for ways in [FORWARD, BACKWARD] {
        let (seen, looked_at) = examined(&shop, walk(&ada, ways)).await;
        assert_eq!(seen, expected, "{ways:?}");
        let costly = looked_at.iter().find(|cost| !is_within(cost, PAGE + A_FEW));
        assert_eq!(costly, None, "{ways:?}");
        let pages = looked_at.iter().filter(|(_, keys, _)| *keys >= PAGE);
        assert_eq!(pages.count(), 100, "each page is looked at: {looked_at:?}");
    }
    // Delete one in the middle, which is a default or not.
    let middle = json!(expected.remove(5_000));
    assert_eq!(default_ids(&ada).await, [oldest.clone(), oldest.clone()]);
    let (_, looked_at) = examined(&shop, remove(&ada, &middle)).await;
    assert!(
        looked_at.iter().all(|cost| is_within(cost, A_FEW)),
        "{looked_at:?}"
    );
    assert_eq!(default_ids(&ada).await, [oldest.clone(), oldest.clone()]);
    let default = json!(expected.remove(5_000));
    change(&ada, &default, json!({ "isDefaultShipping": true })).await;
    assert_eq!(default_ids(&ada).await, [default.clone(), oldest.clone()]);
    let (_, looked_at) = examined(&shop, remove(&ada, &default)).await;
    assert!(
        looked_at.iter().all(|cost| is_within(cost, A_FEW)),
        "{looked_at:?}"
    );
    assert_eq!(default_ids(&ada).await, [oldest.clone(), oldest.clone()]);
    assert_eq!(count(&ada).await, 9_998);
    assert_eq!(own_ids(&shop, &oldest).await, expected);
}

#[tokio::test]
async fn addresses_of_twenty_customers_cost_as_many_commands_as_of_two() {
    let shop = kit::shop().await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let (id, ada) = customer(&shop, &format!("ada{number}@example.com")).await;
        add(&ada, json!({})).await;
        ids.push(id.to_string());
    }
    fill(&shop, 5).await;
    let mut counts = Vec::new();
    for customers in [2, 20] {
        let query = format!(
            "{{ nodes(ids: [{}]) {{ ... on Customer {{ addresses(first: 3) {{ totalCount nodes {{ label isDefaultShipping \
             customer {{ id }} }} }} defaultShippingAddress {{ id isDefaultBilling }} defaultBillingAddress {{ id }} }} }} }}",
            ids[..customers].join(", ")
        );
        shop.backend.query(&query).await;
        let (seen, commands) = shop.gateway.commands.during(shop.backend.query(&query)).await;
        for node in seen["nodes"].as_array().expect("nodes") {
            let page = &node["addresses"];
            assert_eq!(page["totalCount"], 6);
            assert_eq!(page["nodes"].as_array().map(Vec::len), Some(3));
            assert_eq!(node["defaultShippingAddress"]["isDefaultBilling"], true);
        }
        counts.push(commands);
    }
    assert_eq!(counts[0], counts[1]);
    // The pages of those that the search reached, then the other pages, the defaults and the counts.
    insta::assert_json_snapshot!(counts[0], @r#"
    [
      "find customers",
      "find addresses",
      "aggregate customers",
      "aggregate customers",
      "aggregate customers"
    ]
    "#);
}

// Measured by the database's profile of the command that reads the page.
#[tokio::test]
async fn a_page_of_addresses_examines_only_its_own_entries_of_the_index() {
    let shop = kit::shop().await;
    for number in 0..3 {
        let (_, ada) = customer(&shop, &format!("ada{number}@example.com")).await;
        add(&ada, json!({})).await;
    }
    fill(&shop, 200).await;
    let within = vec![
        doc! { "$match": { "storefrontId": { "$in": [shop.id()] } } },
        doc! { "$match": {} },
        doc! { "$sort": { "_id": 1 } },
        doc! { "$limit": 4 },
    ];
    let pipeline = vec![
        doc! { "$match": { "storefrontId": shop.id() } },
        doc! { "$lookup": { "from": "addresses", "localField": "_id", "foreignField": "customerId", "as": "found",
        "pipeline": within } },
    ];
    let command = doc! {
        "explain": { "aggregate": "customers", "pipeline": pipeline, "cursor": {} }, "verbosity": "executionStats",
    };
    let explained = shop
        .gateway
        .store
        .database()
        .run_command(command)
        .await
        .expect("explained");
    let stages = explained.get_array("stages").expect("stages");
    let lookup = stages
        .iter()
        .filter_map(bson::Bson::as_document)
        .find(|stage| stage.contains_key("$lookup"))
        .expect("a lookup");
    let used = format!("{:?}", lookup.get_array("indexesUsed").expect("indexes"));
    assert!(used.contains("storefront_customer"), "{used}");
    let number = |field: &str| lookup.get_i64(field).expect("a number");
    assert_eq!(
        (number("totalDocsExamined"), number("collectionScans")),
        (3 * 4, 0)
    );
}
