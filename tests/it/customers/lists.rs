//! Lists of customers: every filter, every order, pages that neither skip nor repeat, and an index for each.

use bson::{Document, doc};
use serde_json::{Value, json};

use super::{patched, person, setup, shop, with_password};
use crate::erasure;
use crate::kit::{self, FailPoint, Shop, examined, is_within, profiled};

/// Customers whose names and addresses are partly equal.
async fn people() -> Shop {
    let shop = shop().await;
    for (email, first, last) in [
        ("Ada@Example.com", "Ada", "Lovelace"),
        ("adam@example.com", "Adam", "ng"),
        ("bob@example.org", "Bob", "Ng"),
        ("c.d@example.com", "Łucja", "Ng"),
        ("$gt@example.com", "^B", "[x]"),
    ] {
        let input = patched(person(email), json!({ "firstName": first, "lastName": last }));
        shop.browser.mutate_ok("customerRegister", input).await;
    }
    let input = patched(
        with_password("eve@example.com"),
        json!({ "firstName": "Eve", "lastName": "Adams" }),
    );
    shop.browser.mutate_ok("customerRegister", input).await;
    let customers = shop.gateway.store.collection("customers");
    for (email, changes) in [
        (
            "bob@example.org",
            doc! { "$set": { "status": "REPEAT", "orderCount": 2_i64, "isEmailVerified": true } },
        ),
        // The state after an erasure.
        (
            "c.d@example.com",
            doc! {
                "$unset": { "lastName": "", "email": "", "emailKey": "" },
                "$set": { "anonymization": erasure::stored("COMPLETED") },
            },
        ),
        (
            "$gt@example.com",
            doc! { "$unset": { "lastName": "" }, "$set": { "anonymization": erasure::stored("CANCELLED") } },
        ),
    ] {
        let changed = customers.update_one(doc! { "emailKey": email }, changes).await;
        assert_eq!(changed.expect("updated").matched_count, 1, "{email}");
    }
    shop
}

async fn list(shop: &Shop, arguments: &str) -> Value {
    let query = format!(
        "{{ storefront {{ customers({arguments}) {{ totalCount nodes {{ firstName }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"
    );
    shop.backend.query(&query).await["storefront"]["customers"].take()
}

fn names(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().expect("nodes").iter();
    nodes.filter_map(|node| node["firstName"].as_str()).collect()
}

// EPC-32
#[tokio::test]
async fn epc_32_each_field_filters_customers() {
    let shop = people().await;
    for (filter, expected) in [
        ("{ email: { eq: \"ADA@example.com\" } }", &["Ada"][..]),
        ("{ email: { startsWith: \"ADA\" } }", &["Ada", "Adam"]),
        ("{ email: { startsWith: \"$\" } }", &["^B"]),
        (
            "{ email: { in: [\"bob@example.org\", \"Eve@example.com\"] } }",
            &["Bob", "Eve"],
        ),
        ("{ email: { like: \"*.ORG\" } }", &["Bob"]),
        ("{ email: { isNull: true } }", &["Łucja"]),
        ("{ firstName: { eq: \"ada\" } }", &[]),
        ("{ firstName: { startsWith: \"^\" } }", &["^B"]),
        ("{ firstName: { like: \"łu*\" } }", &["Łucja"]),
        ("{ lastName: { eq: \"Ng\" } }", &["Bob"]),
        ("{ lastName: { like: \"ng\" } }", &["Adam", "Bob"]),
        ("{ lastName: { isNull: true } }", &["Łucja", "^B"]),
        ("{ reference: { eq: \"DE--2\" } }", &["Adam"]),
        (
            "{ reference: { startsWith: \"DE--\" }, hasPassword: true }",
            &["Eve"],
        ),
        ("{ shopperReference: { eq: \"nobody\" } }", &[]),
        ("{ status: REPEAT }", &["Bob"]),
        ("{ isEmailVerified: true }", &["Bob"]),
        (
            "{ hasPassword: false, email: { startsWith: \"a\" } }",
            &["Ada", "Adam"],
        ),
        ("{ isAnonymized: true }", &["Łucja"]),
        ("{ isAnonymized: false, email: { isNull: true } }", &[]),
        ("{ isAnonymized: false, lastName: { isNull: true } }", &["^B"]),
        ("{ anonymizationStatus: CANCELLED }", &["^B"]),
        ("{ anonymizationStatus: REQUESTED }", &[]),
        ("{ createdAt: { lt: \"2020-01-01T00:00:00Z\" } }", &[]),
        (
            "{ updatedAt: { gt: \"2020-01-01T00:00:00Z\" }, status: REPEAT }",
            &["Bob"],
        ),
        (
            "{ or: [{ status: REPEAT }, { not: { hasPassword: false } }] }",
            &["Bob", "Eve"],
        ),
        (
            "{ and: [{ lastName: { isNull: false } }, { email: { like: \"ad*\" } }] }",
            &["Ada", "Adam"],
        ),
    ] {
        let page = list(&shop, &format!("filter: {filter}")).await;
        assert_eq!(names(&page), expected, "{filter}");
        assert_eq!(page["totalCount"], expected.len(), "{filter}");
    }
}

// EPC-32
#[tokio::test]
async fn epc_32_each_sort_order_paginates_completely_in_both_directions() {
    let shop = people().await;
    let rename = json!({ "customerId": id_of(&shop, "Ada").await, "salutation": "DR" });
    shop.backend.mutate_ok("customerUpdate", rename).await;
    for (key, expected) in [
        ("CREATED_AT", ["Ada", "Adam", "Bob", "Łucja", "^B", "Eve"]),
        ("UPDATED_AT", ["Adam", "Bob", "Łucja", "^B", "Eve", "Ada"]),
        // Customers without a value first, in the order of their ids; then upper case before lower case.
        ("LAST_NAME", ["Łucja", "^B", "Eve", "Ada", "Bob", "Adam"]),
        ("EMAIL", ["Łucja", "^B", "Ada", "Adam", "Bob", "Eve"]),
        ("REFERENCE", ["Ada", "Adam", "Bob", "Łucja", "^B", "Eve"]),
    ] {
        for reverse in [false, true] {
            let mut expected: Vec<&str> = expected.to_vec();
            if reverse {
                expected.reverse();
            }
            for size in [1, 2, 4, 6] {
                let order = format!("sortKey: {key}, reverse: {reverse}");
                let forward = walk(
                    &shop,
                    &order,
                    ["first", "after", "hasNextPage", "endCursor"],
                    size,
                )
                .await;
                assert_eq!(forward.concat(), expected, "{order}, {size} at a time");
                let ways = ["last", "before", "hasPreviousPage", "startCursor"];
                let mut backward = walk(&shop, &order, ways, size).await;
                backward.reverse();
                assert_eq!(
                    backward.concat(),
                    expected,
                    "{order}, {size} at a time from the end"
                );
            }
        }
    }
}

async fn id_of(shop: &Shop, first_name: &str) -> Value {
    let found = shop
        .gateway
        .store
        .documents("customers", doc! { "firstName": first_name });
    json!(found.await[0].get_str("_id").expect("an id"))
}

/// The pages of a list, from one of its ends.
async fn walk(shop: &Shop, order: &str, ways: [&str; 4], size: usize) -> Vec<Vec<String>> {
    let [count, cursor, more, from] = ways;
    let (mut pages, mut place) = (Vec::new(), String::new());
    loop {
        let page = list(shop, &format!("{order}, {count}: {size}{place}")).await;
        pages.push(names(&page).into_iter().map(str::to_owned).collect());
        if page["pageInfo"][more] == false {
            return pages;
        }
        place = format!(", {cursor}: {}", page["pageInfo"][from]);
    }
}

// EPC-32
#[tokio::test]
async fn epc_32_a_cursor_is_valid_for_its_own_order_only() {
    let shop = people().await;
    let page = list(&shop, "sortKey: EMAIL, first: 1").await;
    let cursor = &page["pageInfo"]["endCursor"];
    for arguments in [
        "sortKey: LAST_NAME",
        "sortKey: EMAIL, reverse: true",
        "sortKey: CREATED_AT",
    ] {
        let query = format!(
            "{{ storefront {{ customers({arguments}, first: 1, after: {cursor}) {{ totalCount }} }} }}"
        );
        let answer = shop.backend.send(&query, json!({})).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{arguments}");
    }
}

/// Adds this many copies of the customer with this address, with evenly distributed names.
async fn fill(shop: &Shop, email: &str, count: i64) {
    let customers = shop.gateway.store.collection("customers");
    let one = customers.find_one(doc! { "emailKey": email }).await;
    let one = one.expect("found").expect("registered");
    let copy = |number: i64| {
        let mut copy = one.clone();
        let name = format!("n{number:05}");
        for (field, value) in [
            ("_id", format!("cus_7{number:025}")),
            ("userId", format!("sfu_7{number:025}")),
            ("reference", format!("DE--{}", 1000 + number)),
            ("shopperReference", format!("s{number:05}")),
            ("email", format!("{name}@example.com")),
            ("emailKey", format!("{name}@example.com")),
            ("firstName", name.clone()),
            ("lastName", name.clone()),
        ] {
            copy.insert(field, value);
        }
        copy.insert("referenceNumber", 1000 + number);
        copy
    };
    let copies: Vec<Document> = (0..count).map(copy).collect();
    customers.insert_many(copies).await.expect("inserted");
}

const MANY: i64 = 2000;
/// Keys examined in addition to the results: to detect a next page, and the storefront itself.
const A_FEW: i64 = 8;

// EPC-32
#[tokio::test]
async fn epc_32_equality_and_prefix_filters_use_an_index() {
    let shop = shop().await;
    shop.browser
        .mutate_ok("customerRegister", person("ada@example.com"))
        .await;
    fill(&shop, "ada@example.com", MANY).await;
    for filter in [
        "email: { eq: \"n00017@example.com\" }",
        "email: { startsWith: \"N0001\" }",
        "firstName: { eq: \"n00017\" }",
        "firstName: { startsWith: \"n0001\" }",
        "lastName: { eq: \"n00017\" }",
        "lastName: { startsWith: \"n0001\" }",
        "reference: { eq: \"DE--1017\" }",
        "reference: { startsWith: \"DE--101\" }",
        "shopperReference: { eq: \"s00017\" }",
        "shopperReference: { startsWith: \"s0001\" }",
    ] {
        let asked = format!("filter: {{ {filter} }}, first: 50");
        let (page, costs) = examined(&shop, list(&shop, &asked)).await;
        let found = i64::try_from(names(&page).len()).expect("few");
        assert!((1..=11).contains(&found), "{filter}: {found}");
        for cost in costs.iter().filter(|(collection, ..)| collection == "customers") {
            assert!(is_within(cost, found + A_FEW), "{filter}: {cost:?}");
        }
    }
    for key in ["CREATED_AT", "UPDATED_AT", "LAST_NAME", "EMAIL", "REFERENCE"] {
        for end in ["first: 10", "last: 10"] {
            let query =
                format!("{{ storefront {{ customers(sortKey: {key}, {end}) {{ nodes {{ id }} }} }} }}");
            let (_, costs) = examined(&shop, shop.backend.query(&query)).await;
            for cost in costs.iter().filter(|(collection, ..)| collection == "customers") {
                assert!(is_within(cost, 10 + A_FEW), "{key}, {end}: {cost:?}");
            }
        }
    }
}

// EPC-32
#[tokio::test]
async fn epc_32_a_pattern_with_many_wildcards_costs_no_more_than_others() {
    let shop = shop().await;
    let name = "a".repeat(100);
    let input = patched(person("ada@example.com"), json!({ "firstName": name }));
    shop.browser.mutate_ok("customerRegister", input).await;
    // Backtracking through all combinations would take longer than any server can afford.
    let pattern = "*a".repeat(40);
    for (ending, found) in [("*", 1), ("b", 0)] {
        let page = list(
            &shop,
            &format!("filter: {{ firstName: {{ like: \"{pattern}{ending}\" }} }}"),
        )
        .await;
        assert_eq!(names(&page).len(), found, "{ending}");
    }
}

// EPC-32
#[tokio::test]
async fn epc_32_a_search_that_takes_too_long_returns_a_timeout() {
    let server = FailPoint::of("slow").await;
    let name = format!("slow_{}", std::process::id());
    let shop = setup().on(&server.uri().await, &name).start().await;
    let query = "{ storefront { customers(filter: { firstName: { like: \"*a*\" } }) { WHAT } } }";
    for (command, what) in [("find", "nodes { id }"), ("aggregate", "totalCount")] {
        let query = query.replace("WHAT", what);
        // Caches the caller, so that it needs no further command.
        shop.backend.query(&query).await;
        // The server's error when the time limit of a command is exceeded (MaxTimeMSExpired).
        let over = doc! { "errorCode": 50, "errorLabels": [], "namespace": format!("{name}.customers") };
        server.fail_at(&[command], over).await;
        let answer = shop.backend.send(&query, json!({})).await;
        server.recover().await;
        assert_eq!(answer.codes(), ["TIMEOUT"], "{command}: {}", answer.body);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body["errors"][0]["message"].as_str().expect("words"), @"The search was aborted after 5 seconds, because no index supports this filter. Narrow it with eq or startsWith on a field whose description says that it has an index, or omit totalCount.");
        }
        let (_, notes) = profiled(&shop, shop.backend.query(&query)).await;
        let sent = notes.iter().filter_map(|note| note.get_document("command").ok());
        let searches = sent.filter(|sent| {
            sent.get_str(command)
                .is_ok_and(|collection| collection == "customers")
        });
        let given: Vec<i64> = searches.map(|search| kit::number(search, "maxTimeMS")).collect();
        assert_eq!(given, [5000], "{command}: {notes:?}");
    }
}

// EPC-32
#[tokio::test]
async fn epc_32_an_invalid_page_or_filter_is_an_error_without_its_values() {
    let shop = people().await;
    let fr = shop.add_storefront("Prints FR", "FR").await;
    let customers = |arguments: &str| {
        format!(
            "{{ storefront(by: {{ id: {:?} }}) {{ customers({arguments}) {{ totalCount }} }} }}",
            shop.id()
        )
    };
    let first = customers("first: 1").replace("totalCount", "pageInfo { endCursor }");
    let cursor = shop.backend.query(&first).await["storefront"]["customers"]["pageInfo"]["endCursor"].take();
    let mut six = "{}".to_owned();
    for _ in 0..6 {
        six = format!("{{ not: {six} }}");
    }
    let many = vec!["\"y\""; 101].join(", ");
    let long = "x".repeat(513);
    for arguments in [
        "first: 0".to_owned(),
        "first: -1".to_owned(),
        "first: 101".to_owned(),
        "first: 2147483647".to_owned(),
        "last: 0".to_owned(),
        "first: 1, last: 1".to_owned(),
        format!("first: 1, before: {cursor}"),
        format!("last: 1, after: {cursor}"),
        "after: \"secret\"".to_owned(),
        format!("filter: {six}"),
        format!("filter: {{ email: {{ in: [{many}] }} }}"),
        format!("filter: {{ lastName: {{ eq: {long:?} }} }}"),
        "filter: { firstName: { startsWith: \"secret\\u0000\" } }".to_owned(),
        "filter: { createdAt: { gt: \"secret\" } }".to_owned(),
        "filter: { createdAt: { gt: \"2026-02-30T00:00:00Z\" } }".to_owned(),
        "filter: { updatedAt: { lt: \"123456-01-01T00:00:00Z\" } }".to_owned(),
    ] {
        let answer = shop.backend.send(&customers(&arguments), json!({})).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{arguments}: {}", answer.body);
        let message = answer.body.to_string();
        assert!(
            !message.contains("secret") && !message.contains("xxx"),
            "{message}"
        );
    }
    let elsewhere = customers(&format!("after: {cursor}")).replace(shop.id(), &fr.id.to_string());
    let answer = shop.backend.send(&elsewhere, json!({})).await;
    assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{}", answer.body);
}

// EPC-32
#[tokio::test]
async fn epc_32_pagination_of_a_changing_list_neither_skips_nor_repeats() {
    let shop = people().await;
    let before = ["Ada", "Adam", "Bob", "Łucja", "^B", "Eve"];
    for key in ["CREATED_AT", "LAST_NAME", "EMAIL", "REFERENCE"] {
        for (count, cursor, more, from) in [
            ("first", "after", "hasNextPage", "endCursor"),
            ("last", "before", "hasPreviousPage", "startCursor"),
        ] {
            let (mut seen, mut place) = (Vec::new(), String::new());
            for round in 0.. {
                let page = list(&shop, &format!("sortKey: {key}, {count}: 4{place}")).await;
                seen.extend(names(&page).into_iter().map(str::to_owned));
                // A customer is added at an end of the order or in the middle, and all existing ones are changed.
                let name = ["a", "m", "z"][round % 3];
                let email = format!("{name}{round}{count}{key}@new.example");
                let input = patched(person(&email), json!({ "firstName": "New", "lastName": name }));
                shop.browser.mutate_ok("customerRegister", input).await;
                let changed = shop.gateway.store.collection("customers");
                let update = doc! { "$inc": { "version": 1 }, "$set": { "dateOfBirth": "1990-01-01" } };
                changed.update_many(doc! {}, update).await.expect("updated");
                if page["pageInfo"][more] == false {
                    break;
                }
                place = format!(", {cursor}: {}", page["pageInfo"][from]);
            }
            for name in before {
                let times = seen.iter().filter(|one| *one == name).count();
                assert_eq!(times, 1, "{name}, {key} {count}: {seen:?}");
            }
        }
    }
}

// EPC-32
#[tokio::test]
async fn epc_32_customers_are_counted_only_where_the_count_is_selected() {
    let shop = people().await;
    let query = |what: &str| {
        format!("{{ storefront {{ customers(filter: {{ hasPassword: false }}) {{ {what} }} }} }}")
    };
    let commands = &shop.gateway.commands;
    let (_, without) = commands.during(shop.backend.query(&query("nodes { id }"))).await;
    assert_eq!(without, ["find customers"]);
    let (_, with) = commands
        .during(shop.backend.query(&query("nodes { id } totalCount")))
        .await;
    assert_eq!(with, ["find customers", "aggregate customers"]);
}

// EPC-32
#[tokio::test]
async fn epc_32_a_deep_page_of_a_filtered_list_costs_only_its_own_entries() {
    let shop = shop().await;
    shop.browser
        .mutate_ok("customerRegister", person("ada@example.com"))
        .await;
    fill(&shop, "ada@example.com", MANY).await;
    for (filter, key) in [
        ("email: { startsWith: \"n0\" }", "EMAIL"),
        (
            "firstName: { isNull: false }, lastName: { startsWith: \"n0\" }",
            "LAST_NAME",
        ),
    ] {
        for (end, cursor, from) in [("first", "after", "endCursor"), ("last", "before", "startCursor")] {
            for reverse in [false, true] {
                let asked = format!("filter: {{ {filter} }}, sortKey: {key}, reverse: {reverse}, {end}");
                let mut place = String::new();
                for _ in 0..10 {
                    let page = list(&shop, &format!("{asked}: 100{place}")).await;
                    place = format!(", {cursor}: {}", page["pageInfo"][from]);
                }
                let query = format!(
                    "{{ storefront {{ customers({asked}: 10{place}) {{ nodes {{ firstName }} }} }} }}"
                );
                let (page, costs) = examined(&shop, shop.backend.query(&query)).await;
                assert_eq!(names(&page["storefront"]["customers"]).len(), 10, "{asked}");
                for cost in costs.iter().filter(|(collection, ..)| collection == "customers") {
                    assert!(is_within(cost, 10 + A_FEW), "{asked}: {cost:?}");
                }
            }
        }
    }
}

// DEF-01: a cursor has room for the longest values that a list can be sorted by.
#[tokio::test]
async fn def_01_customers_with_maximal_names_and_addresses_paginate_in_every_order() {
    let shop = shop().await;
    for number in 0..3 {
        // 64 bytes before the @, and labels of 63 bytes after it.
        let local = format!("{number}{}", "Ⱥ".repeat(31));
        let domain = format!("{}.{}.{}.co", "a".repeat(63), "b".repeat(63), "c".repeat(50));
        let name = "\u{10348}".repeat(100);
        let input = patched(
            person(&format!("{local}@{domain}")),
            json!({ "firstName": name, "lastName": name }),
        );
        shop.browser.mutate_ok("customerRegister", input).await;
    }
    for key in ["CREATED_AT", "UPDATED_AT", "LAST_NAME", "EMAIL", "REFERENCE"] {
        for reverse in [false, true] {
            let (mut seen, mut after) = (0, Value::Null);
            loop {
                let page = list(
                    &shop,
                    &format!("first: 1, after: {after}, sortKey: {key}, reverse: {reverse}"),
                )
                .await;
                seen += page["nodes"].as_array().map_or(0, Vec::len);
                after = page["pageInfo"]["endCursor"].clone();
                assert!(
                    after.as_str().is_some_and(|cursor| cursor.len() <= 1024),
                    "{key}: {after}"
                );
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(seen, 3, "{key} {reverse}");
        }
    }
}
