//! Filtering lists of customers by custom fields.

use bson::{Document, doc};
use serde_json::{Value, json};

use super::{customer, define, open, signed_in};
use crate::customers::shop;
use crate::kit::{Caller, Shop, examined, is_within};

async fn people() -> Shop {
    let shop = shop().await;
    define(&shop, "motto", "STRING", json!({})).await;
    define(&shop, "score", "INTEGER", json!({})).await;
    define(&shop, "height", "FLOAT", json!({})).await;
    define(&shop, "newsletter", "BOOLEAN", open()).await;
    define(&shop, "since", "DATE", json!({})).await;
    define(&shop, "seen", "DATE_TIME", json!({})).await;
    define(&shop, "tier", "SELECT", json!({ "options": ["gold", "iron"] })).await;
    for (name, given) in [
        (
            "a",
            vec![
                ("motto", json!("gold")),
                ("score", json!(1)),
                ("newsletter", json!(true)),
            ],
        ),
        (
            "b",
            vec![
                ("motto", json!("$gt")),
                ("height", json!(1.5)),
                ("tier", json!("gold")),
            ],
        ),
        (
            "c",
            vec![
                ("score", json!(2)),
                ("newsletter", json!(false)),
                ("since", json!("2024-02-29")),
            ],
        ),
        (
            "d",
            vec![("seen", json!("2026-11-21T09:00:00Z")), ("height", json!(1))],
        ),
        ("e", vec![]),
    ] {
        customer(&shop, &format!("{name}@example.com"), &given).await;
    }
    shop
}

async fn found(caller: &Caller, filter: &str) -> String {
    let query =
        format!("{{ storefront {{ customers(filter: {filter}) {{ totalCount nodes {{ email }} }} }} }}");
    let mut seen = caller.query(&query).await;
    let page = seen["storefront"]["customers"].take();
    let nodes = page["nodes"].as_array().expect("nodes");
    assert_eq!(page["totalCount"], nodes.len(), "{filter}");
    let letters = nodes.iter().filter_map(|node| node["email"].as_str()?.get(..1));
    letters.collect()
}

// EPC-30, EPC-32
#[tokio::test]
async fn epc_32_custom_fields_filter_customers() {
    let shop = people().await;
    for (filter, expected) in [
        ("{ customField: { key: \"motto\", eq: \"gold\" } }", "a"),
        ("{ customField: { key: \"motto\", eq: \"$gt\" } }", "b"),
        ("{ customField: { key: \"motto\", eq: \"Gold\" } }", ""),
        ("{ customField: { key: \"score\", eq: 1 } }", "a"),
        ("{ customField: { key: \"score\", eq: 2.0 } }", "c"),
        ("{ customField: { key: \"height\", eq: 1.5 } }", "b"),
        ("{ customField: { key: \"height\", eq: 1 } }", "d"),
        ("{ customField: { key: \"newsletter\", eq: true } }", "a"),
        ("{ customField: { key: \"newsletter\", eq: false } }", "c"),
        ("{ customField: { key: \"since\", eq: \"2024-02-29\" } }", "c"),
        (
            "{ customField: { key: \"seen\", eq: \"2026-11-21T10:00:00.0009+01:00\" } }",
            "d",
        ),
        ("{ customField: { key: \"tier\", eq: \"gold\" } }", "b"),
        ("{ customField: { key: \"tier\", eq: \"iron\" } }", ""),
        ("{ customField: { key: \"score\", isNull: true } }", "bde"),
        ("{ customField: { key: \"score\", isNull: false } }", "ac"),
        ("{ customField: { key: \"score\" } }", "abcde"),
        (
            "{ customField: { key: \"score\", eq: null, isNull: null } }",
            "abcde",
        ),
        ("{ customField: { key: \"score\", eq: 1, isNull: true } }", ""),
        (
            "{ customField: { key: \"score\", eq: 1 }, email: { startsWith: \"b\" } }",
            "",
        ),
        ("{ not: { customField: { key: \"score\", eq: 1 } } }", "bcde"),
        (
            "{ or: [{ customField: { key: \"score\", eq: 1 } }, { customField: { key: \"tier\", isNull: false } }] }",
            "ab",
        ),
        (
            "{ and: [{ not: { or: [{ not: { customField: { key: \"newsletter\", isNull: false } } }] } }, \
             { customField: { key: \"since\", isNull: true } }] }",
            "a",
        ),
    ] {
        assert_eq!(found(&shop.backend, filter).await, expected, "{filter}");
    }
}

// EPC-32, ERR-02
#[tokio::test]
async fn err_02_an_invalid_filter_is_refused_without_its_values() {
    let shop = people().await;
    let rival = shop.rival().await;
    define(&rival, "theirs", "STRING", open()).await;
    let query =
        "query ($filter: CustomerFilter!) { storefront { customers(filter: $filter) { nodes { id } } } }";
    let mut wrong = vec![
        json!({ "key": "score", "eq": { "$gt": 0 } }),
        json!({ "key": "score", "eq": [1] }),
    ];
    for key in [
        "hunter2",
        "",
        "$where",
        "_id",
        "theirs",
        "Score",
        "score\u{0}",
        "customFields.v",
    ] {
        wrong.push(json!({ "key": key, "eq": "hunter2" }));
        wrong.push(json!({ "key": key, "isNull": true }));
    }
    for (key, eq) in [
        ("score", json!("hunter2")),
        ("score", json!(1.5)),
        ("height", json!("1.5")),
        ("newsletter", json!(1)),
        ("since", json!("2023-02-29")),
        ("seen", json!("hunter2")),
        ("tier", json!("hunter2")),
        ("motto", json!("hunter2\u{0}")),
        ("motto", json!({ "$ne": "hunter2" })),
    ] {
        wrong.push(json!({ "key": key, "eq": eq }));
    }
    for custom_field in wrong {
        let mut filter = json!({ "customField": custom_field });
        for _ in 0..5 {
            let answer = shop.backend.send(query, json!({ "filter": filter })).await;
            assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{filter}: {}", answer.body);
            assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
            filter = json!({ "not": { "or": [filter] } });
        }
    }
    let answer = shop
        .backend
        .send(query, json!({ "filter": { "customField": { "key": "x" } } }))
        .await;
    insta::assert_json_snapshot!(answer.body["errors"][0]["message"], @r#""The filter's customField.key is not the key of a custom field that this credential can read.""#);
    let answer = shop
        .backend
        .send(
            query,
            json!({ "filter": { "customField": { "key": "tier", "eq": 1 } } }),
        )
        .await;
    insta::assert_json_snapshot!(answer.body["errors"][0]["message"], @r#""The filter's customField.eq is not a valid value of this field. This custom field takes one of its options; its definition lists them.""#);
}

// EPC-30
#[tokio::test]
async fn epc_30_a_customer_cannot_filter_by_a_field_it_may_not_read() {
    let shop = people().await;
    let id = shop
        .gateway
        .store
        .documents("customers", doc! { "email": "a@example.com" })
        .await;
    let ada = signed_in(&shop, &json!(id[0].get_str("_id").expect("an id"))).await;
    assert_eq!(
        found(&ada, "{ customField: { key: \"newsletter\", eq: true } }").await,
        "a"
    );
    assert_eq!(
        found(&ada, "{ customField: { key: \"newsletter\", eq: false } }").await,
        ""
    );
    let messages = async |key: &str| {
        let query = format!(
            "{{ storefront {{ customers(filter: {{ customField: {{ key: {key:?}, eq: \"gold\" }} }}) {{ totalCount }} }} }}"
        );
        let answer = ada.send(&query, json!({})).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"]);
        answer.body["errors"][0]["message"].clone()
    };
    assert_eq!(messages("motto").await, messages("unknown").await);
}

/// The number of customers that [`fill`] adds.
const MANY: i64 = 1000;

/// Adds customers who all have different mottos, and scores each of which ten of them share.
async fn fill(shop: &Shop) {
    let store = &shop.gateway.store;
    let one = &store
        .documents("customers", doc! { "email": "a@example.com" })
        .await[0];
    let field =
        async |key: &str| store.documents("customFields", doc! { "key": key }).await[0]["_id"].clone();
    let (motto, score) = (field("motto").await, field("score").await);
    let copy = |number: i64| {
        let mut copy = one.clone();
        for (field, value) in [
            ("_id", format!("cus_7{number:025}")),
            ("userId", format!("sfu_7{number:025}")),
            ("reference", format!("DE--{}", 1000 + number)),
            ("shopperReference", format!("s{number:05}")),
            ("emailKey", format!("n{number}@example.com")),
        ] {
            copy.insert(field, value);
        }
        let motto = doc! { "f": &motto, "v": format!("m{number}") };
        copy.insert(
            "customFields",
            vec![motto, doc! { "f": &score, "v": number / 10 }],
        );
        copy
    };
    let copies: Vec<Document> = (0..MANY).map(copy).collect();
    let customers = store.collection("customers");
    customers.insert_many(copies).await.expect("inserted");
}

// EPC-30, EPC-32
#[tokio::test]
async fn epc_32_a_filter_by_value_uses_an_index() {
    /// Keys examined in addition to the results: to detect a next page, and the storefront itself.
    const A_FEW: i64 = 8;
    let shop = people().await;
    fill(&shop).await;
    for (filter, found, most) in [
        ("key: \"motto\", eq: \"m77\"", 1, 1),
        // Equal values of other fields are not examined.
        ("key: \"score\", eq: 77", 10, 10),
        ("key: \"tier\", isNull: false", 1, 1),
        // The index is sorted by value and the list by age: all customers with a value are examined, and no others.
        ("key: \"score\", isNull: false", 50, MANY + 2),
    ] {
        for end in ["first: 50", "last: 50", "first: 50, reverse: true"] {
            let arguments = format!("filter: {{ customField: {{ {filter} }} }}, {end}");
            let query = format!("{{ storefront {{ customers({arguments}) {{ nodes {{ id }} }} }} }}");
            let (seen, costs) = examined(&shop, shop.backend.query(&query)).await;
            let nodes = seen["storefront"]["customers"]["nodes"].as_array();
            assert_eq!(nodes.map(Vec::len), Some(found), "{arguments}");
            for cost in costs.iter().filter(|(collection, ..)| collection == "customers") {
                assert!(is_within(cost, most + A_FEW), "{arguments}: {cost:?}");
            }
        }
    }
}

// EPC-30, EPC-32
#[tokio::test]
async fn epc_32_a_list_filtered_by_a_custom_field_paginates_in_order() {
    let shop = people().await;
    fill(&shop).await;
    let walked = walk(&shop, "key: \"score\", eq: 5").await;
    assert_eq!(walked.len(), 10);
    assert!(walked.is_sorted(), "by age: {walked:?}");
}

/// The ids of a filtered list, three per page.
async fn walk(shop: &Shop, filter: &str) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), Value::Null);
    loop {
        let arguments = json!({ "after": after });
        let query = format!(
            "query ($after: String) {{ storefront {{ customers(filter: {{ customField: {{ {filter} }} }}, first: 3, \
             after: $after) {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let mut seen = shop.backend.send(&query, arguments).await.data();
        let page = seen["storefront"]["customers"].take();
        let nodes = page["nodes"].as_array().expect("nodes").iter();
        ids.extend(nodes.filter_map(|node| node["id"].as_str().map(str::to_owned)));
        if page["pageInfo"]["hasNextPage"] == false {
            return ids;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

// EPC-32
#[tokio::test]
async fn epc_32_a_filter_reads_the_definitions_once() {
    let shop = people().await;
    let deep = "{ and: [{ customField: { key: \"score\", eq: 1 } }, { not: { customField: { key: \"tier\", eq: \"gold\" } } }, \
                { or: [{ customField: { key: \"motto\", isNull: false } }] }] }";
    let query = format!(
        "{{ storefront {{ a: customers(filter: {deep}) {{ totalCount nodes {{ id }} }} b: customers(filter: {deep}) {{ nodes {{ id }} }} }} }}"
    );
    let (_, commands) = shop.gateway.commands.during(shop.backend.query(&query)).await;
    let mut counts = std::collections::BTreeMap::new();
    for command in commands {
        *counts.entry(command).or_insert(0) += 1;
    }
    insta::assert_json_snapshot!(counts, @r#"
    {
      "aggregate customers": 1,
      "find customFields": 1,
      "find customers": 2
    }
    "#);
}
