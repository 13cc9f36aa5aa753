//! Lists of orders: newest first, in pages that neither skip nor repeat an order, each backed by an index.

use bson::{DateTime, Document, doc};
use serde_json::{Value, json};

use super::{ada, by_default, cancel, guests, record};
use crate::addresses::customer;
use crate::customers::patched;
use crate::kit::{self, Caller, Shop, examined, is_within};

/// Starts a shop with orders of ada's and of guests, some of them placed at the same moment.
async fn shop_of_orders() -> (Shop, Caller) {
    let shop = kit::shop().await;
    let (id, ada) = ada(&shop).await;
    for (number, day, is_adas) in [
        ("A-1", 3, true),
        ("A-2", 1, false),
        ("A.3", 2, true),
        ("a-4", 2, true),
        ("$gt", 2, false),
        ("^A", 5, true),
        ("A-7", 4, false),
    ] {
        let placed = json!({ "placedAt": format!("2026-01-0{day}T00:00:00Z") });
        let input = if is_adas {
            patched(by_default(number), json!({ "customerId": id }))
        } else {
            guests(number)
        };
        let order = record(&shop, patched(input, placed)).await;
        if number == "A.3" {
            cancel(&shop, &order).await;
        }
    }
    (shop, ada)
}

async fn list(caller: &Caller, arguments: &str) -> Value {
    let query = format!(
        "{{ storefront {{ orders{arguments} {{ totalCount nodes {{ number }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"
    );
    caller.query(&query).await["storefront"]["orders"].take()
}

async fn own(ada: &Caller, arguments: &str) -> Value {
    let query = format!(
        "{{ viewer {{ customer {{ orders{arguments} {{ totalCount nodes {{ number }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }} }}"
    );
    ada.query(&query).await["viewer"]["customer"]["orders"].take()
}

fn numbers(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().expect("nodes").iter();
    nodes.filter_map(|node| node["number"].as_str()).collect()
}

const ALL: [&str; 7] = ["^A", "A-7", "A-1", "$gt", "a-4", "A.3", "A-2"];
const ADAS: [&str; 4] = ["^A", "A-1", "a-4", "A.3"];

// EPC-25
#[tokio::test]
async fn epc_25_orders_are_sorted_by_placement_time_newest_first() {
    let (shop, ada) = shop_of_orders().await;
    let all = list(&shop.backend, "").await;
    assert_eq!(numbers(&all), ALL);
    assert_eq!(all["totalCount"], 7);
    for page in [own(&ada, "").await, list(&ada, "").await] {
        assert_eq!(numbers(&page), ADAS, "cancelled ones too");
        assert_eq!(page["totalCount"], 4);
    }
    // A customer of the same storefront without orders.
    let (_, bob) = customer(&shop, "bob@example.com").await;
    assert_eq!(numbers(&own(&bob, "").await), [""; 0]);
    assert_eq!(numbers(&list(&bob, "").await), [""; 0]);
}

/// Returns all order numbers, read page by page from one end.
async fn walk(page: impl AsyncFn(String) -> Value, ways: [&str; 4], size: usize) -> Vec<String> {
    let [count, cursor, more, from] = ways;
    let (mut seen, mut place) = (Vec::<String>::new(), String::new());
    loop {
        let page = page(format!("({count}: {size}{place})")).await;
        let rows = numbers(&page).into_iter().map(str::to_owned);
        if count == "first" {
            seen.extend(rows);
        } else {
            seen.splice(0..0, rows);
        }
        if page["pageInfo"][more] == false {
            return seen;
        }
        place = format!(", {cursor}: {}", page["pageInfo"][from]);
    }
}

const FORWARD: [&str; 4] = ["first", "after", "hasNextPage", "endCursor"];
const BACKWARD: [&str; 4] = ["last", "before", "hasPreviousPage", "startCursor"];

// EPC-25
#[tokio::test]
async fn epc_25_a_list_paginates_completely_in_both_directions() {
    let (shop, ada) = shop_of_orders().await;
    for ways in [FORWARD, BACKWARD] {
        for size in [1, 2, 3, 7, 100] {
            let backend = &shop.backend;
            let all = walk(async |arguments| list(backend, &arguments).await, ways, size).await;
            assert_eq!(all, ALL, "{ways:?}, {size} at a time");
            let hers = walk(async |arguments| own(&ada, &arguments).await, ways, size).await;
            assert_eq!(hers, ADAS, "{ways:?}, {size} at a time");
        }
    }
}

// EPC-25
#[tokio::test]
async fn epc_25_pagination_of_a_growing_list_skips_nothing() {
    let (shop, _) = shop_of_orders().await;
    let first = list(&shop.backend, "(first: 3)").await;
    record(&shop, guests("late")).await;
    let early = json!({ "placedAt": "2025-12-31T00:00:00Z" });
    record(&shop, patched(guests("early"), early)).await;
    let after = format!("(first: 10, after: {})", first["pageInfo"]["endCursor"]);
    let rest = list(&shop.backend, &after).await;
    assert_eq!(numbers(&rest), ["$gt", "a-4", "A.3", "A-2", "early"]);
}

#[tokio::test]
async fn a_cursor_is_valid_for_its_own_list_only() {
    let (shop, ada) = shop_of_orders().await;
    let fr = shop.add_storefront("Prints FR", "FR").await;
    let named = |id: &str, arguments: &str| {
        format!(
            "{{ storefront(by: {{ id: {id:?} }}) {{ orders{arguments} {{ pageInfo {{ endCursor }} }} }} }}"
        )
    };
    let page = shop.backend.query(&named(shop.id(), "(first: 1)")).await;
    let cursor = &page["storefront"]["orders"]["pageInfo"]["endCursor"];
    let hers = own(&ada, "(first: 1)").await["pageInfo"]["endCursor"].take();
    let id = fr.id.to_string();
    for (caller, query) in [
        (&shop.backend, named(&id, &format!("(first: 1, after: {cursor})"))),
        (
            &shop.backend,
            named(shop.id(), &format!("(first: 1, after: {hers})")),
        ),
        (
            &ada,
            format!("{{ viewer {{ customer {{ orders(after: {cursor}) {{ totalCount }} }} }} }}"),
        ),
        (
            &ada,
            format!("{{ viewer {{ customer {{ addresses(after: {hers}) {{ totalCount }} }} }} }}"),
        ),
        (&shop.backend, named(shop.id(), "(first: 0)")),
        (&shop.backend, named(shop.id(), "(first: 101)")),
        (&shop.backend, named(shop.id(), "(last: -1)")),
        (&shop.backend, named(shop.id(), "(first: 1, last: 1)")),
        (
            &shop.backend,
            named(shop.id(), &format!("(last: 1, after: {cursor})")),
        ),
        (&shop.backend, named(shop.id(), "(after: \"nonsense\")")),
    ] {
        let answer = caller.send(&query, json!({})).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{query}");
        assert!(!answer.body.to_string().contains("nonsense"));
    }
}

#[tokio::test]
async fn each_field_filters_orders() {
    let (shop, ada) = shop_of_orders().await;
    for (filter, expected) in [
        ("{}", &ALL[..]),
        ("{ number: { eq: \"A-1\" } }", &["A-1"]),
        ("{ number: { in: [\"A-1\", \"$gt\", \"x\"] } }", &["A-1", "$gt"]),
        ("{ number: { startsWith: \"A-\" } }", &["A-7", "A-1", "A-2"]),
        ("{ number: { startsWith: \"^\" } }", &["^A"]),
        (
            "{ number: { like: \"a*\" } }",
            &["A-7", "A-1", "a-4", "A.3", "A-2"],
        ),
        ("{ number: { like: \"a.3\" } }", &["A.3"]),
        ("{ number: { isNull: true } }", &[]),
        ("{ status: CANCELLED }", &["A.3"]),
        ("{ status: PLACED, isGuest: false }", &["^A", "A-1", "a-4"]),
        ("{ isGuest: true }", &["A-7", "$gt", "A-2"]),
        (
            "{ placedAt: { eq: \"2026-01-02T00:00:00Z\" } }",
            &["$gt", "a-4", "A.3"],
        ),
        (
            "{ placedAt: { gte: \"2026-01-02T01:00:00+01:00\", lt: \"2026-01-04T00:00:00Z\" } }",
            &["A-1", "$gt", "a-4", "A.3"],
        ),
        ("{ placedAt: { gt: \"2026-01-05T00:00:00Z\" } }", &[]),
    ] {
        let page = list(&shop.backend, &format!("(filter: {filter})")).await;
        assert_eq!(numbers(&page), expected, "{filter}");
        assert_eq!(page["totalCount"], expected.len(), "{filter}");
        // A filter does not extend the list beyond the caller's own orders.
        let hers = list(&ada, &format!("(filter: {filter})")).await;
        let expected: Vec<&str> = expected
            .iter()
            .copied()
            .filter(|number| ADAS.contains(number))
            .collect();
        assert_eq!(numbers(&hers), expected, "{filter}");
    }
    let long = "x".repeat(513);
    for filter in [
        format!("{{ number: {{ eq: {long:?} }} }}"),
        "{ number: { like: \"hunter2\\u0000\" } }".to_owned(),
        "{ placedAt: { gt: \"hunter2\" } }".to_owned(),
        "{ status: HUNTER }".to_owned(),
    ] {
        let query = format!("{{ storefront {{ orders(filter: {filter}) {{ totalCount }} }} }}");
        let answer = shop.backend.send(&query, json!({})).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{filter}");
        assert!(!answer.body.to_string().contains("hunter2"));
    }
}

/// Inserts copies of each order, placed one second apart.
async fn fill(shop: &Shop, copies: i64) {
    let orders = shop.gateway.store.collection("orders");
    for (number, order) in shop
        .gateway
        .store
        .documents("orders", doc! {})
        .await
        .iter()
        .enumerate()
    {
        let copy = |copy: i64| {
            let mut document = order.clone();
            document.insert("_id", format!("ord_7{number:05}{copy:020}"));
            document.insert("number", format!("copy {number} {copy:05}"));
            document.insert("placedAt", DateTime::from_millis(1_000 * copy));
            document
        };
        let copies: Vec<Document> = (0..copies).map(copy).collect();
        orders.insert_many(copies).await.expect("inserted");
    }
}

// EPC-25
#[tokio::test]
async fn epc_25_the_cost_of_a_page_is_independent_of_the_number_of_orders() {
    /// One key more to detect a next page, and the storefront or the customer itself.
    const A_FEW: i64 = 12;
    let shop = kit::shop().await;
    let (id, ada) = ada(&shop).await;
    record(&shop, patched(by_default("first"), json!({ "customerId": id }))).await;
    let guest = record(&shop, guests("guest's")).await;
    cancel(&shop, &guest).await;
    fill(&shop, 1_000).await;
    let orders = |costs: Vec<kit::Cost>| {
        costs
            .into_iter()
            .filter(|(name, ..)| name == "orders" || name == "customers")
    };
    for filter in [
        "",
        "filter: { status: CANCELLED }, ",
        "filter: { placedAt: { lt: \"1970-01-01T00:10:00Z\" } }, ",
        "filter: { number: { startsWith: \"copy 0 0001\" } }, ",
        "filter: { number: { eq: \"first\" } }, ",
    ] {
        for (size, cursor, from) in [("first", "after", "endCursor"), ("last", "before", "startCursor")] {
            let (page, costs) =
                examined(&shop, page_of(&shop.backend, &format!("({filter}{size}: 10)"))).await;
            for cost in orders(costs) {
                assert!(is_within(&cost, 10 + A_FEW), "{filter}{size}: {cost:?}");
            }
            let next = format!("({filter}{size}: 10, {cursor}: {})", page["pageInfo"][from]);
            let (_, costs) = examined(&shop, page_of(&shop.backend, &next)).await;
            for cost in orders(costs) {
                assert!(is_within(&cost, 2 * (10 + A_FEW)), "{next}: {cost:?}");
            }
        }
    }
    let hers = "{ viewer { customer { orders(first: 10) { nodes { number } pageInfo { endCursor } } } } }";
    let (seen, costs) = examined(&shop, ada.query(hers)).await;
    let looked_at: Vec<_> = orders(costs).collect();
    assert!(
        looked_at.iter().all(|cost| is_within(cost, 10 + A_FEW)),
        "{looked_at:?}"
    );
    let cursor = &seen["viewer"]["customer"]["orders"]["pageInfo"]["endCursor"];
    let next = hers.replace("first: 10", &format!("first: 10, after: {cursor}"));
    let (_, costs) = examined(&shop, ada.query(&next)).await;
    let looked_at: Vec<_> = orders(costs).collect();
    assert!(
        looked_at.iter().all(|cost| is_within(cost, 2 * (10 + A_FEW))),
        "{looked_at:?}"
    );
    let (_, costs) = examined(&shop, page_of(&ada, "(first: 10)")).await;
    let looked_at: Vec<_> = orders(costs).collect();
    assert!(
        looked_at.iter().all(|cost| is_within(cost, 10 + A_FEW)),
        "{looked_at:?}"
    );
}

/// Requests a page without its total count.
async fn page_of(caller: &Caller, arguments: &str) -> Value {
    let query = format!(
        "{{ storefront {{ orders{arguments} {{ nodes {{ number }} pageInfo {{ startCursor endCursor }} }} }} }}"
    );
    caller.query(&query).await["storefront"]["orders"].take()
}

// EPC-25
#[tokio::test]
async fn epc_25_orders_of_fifty_customers_cost_as_many_commands_as_of_two() {
    let mut counts = Vec::new();
    for customers in [2, 50] {
        let shop = kit::shop().await;
        for number in 0..customers {
            let (id, _) = customer(&shop, &format!("ada{number}@example.com")).await;
            for turn in 0..2 {
                let input = guests(&format!("{number} {turn}"));
                record(&shop, patched(input, json!({ "customerId": id }))).await;
            }
        }
        let query = "{ storefront { customers(first: 50) { nodes { orders(first: 1) { totalCount nodes { number \
                     lines { sku } customer { id } storefront { id } } } } } } }";
        shop.backend.query(query).await;
        let (seen, commands) = shop.gateway.commands.during(shop.backend.query(query)).await;
        let nodes = seen["storefront"]["customers"]["nodes"]
            .as_array()
            .expect("nodes");
        assert_eq!(nodes.len(), customers);
        for node in nodes {
            let orders = &node["orders"];
            assert_eq!(
                (&orders["totalCount"], &orders["nodes"][0]["lines"][0]["sku"]),
                (&json!(2), &json!("MUG"))
            );
        }
        counts.push(commands);
    }
    assert_eq!(counts[0], counts[1]);
    insta::assert_json_snapshot!(counts[0], @r#"
    [
      "find customers",
      "find orders",
      "aggregate customers",
      "find customers"
    ]
    "#);
}

#[tokio::test]
async fn recording_and_cancelling_cost_a_fixed_number_of_commands() {
    let shop = kit::shop().await;
    let (id, _) = ada(&shop).await;
    let input = super::in_storefront(&shop, patched(by_default("1"), json!({ "customerId": id })));
    shop.backend.query("{ viewer { kind } }").await;
    let document = "mutation ($input: OrderRecordInput!) { orderRecord(input: $input) { order { id } userErrors { code } } }";
    let sending = shop.backend.send(document, json!({ "input": input }));
    let (answer, commands) = shop.gateway.commands.during(sending).await;
    let order = answer.data()["orderRecord"]["order"]["id"].take();
    insta::assert_json_snapshot!(commands, @r#"
    [
      "find customers",
      "find orders",
      "find orders",
      "find customers",
      "find addresses",
      "find addresses",
      "findAndModify customers",
      "insert audit",
      "insert orders",
      "commitTransaction"
    ]
    "#);
    let document =
        "mutation ($id: ID!) { orderCancel(input: { id: $id }) { order { status } userErrors { code } } }";
    let sending = shop.backend.send(document, json!({ "id": order }));
    let (answer, commands) = shop.gateway.commands.during(sending).await;
    assert_eq!(answer.data()["orderCancel"]["order"]["status"], "CANCELLED");
    insta::assert_json_snapshot!(commands, @r#"
    [
      "find orders",
      "find orders",
      "find customers",
      "findAndModify customers",
      "insert audit",
      "findAndModify orders",
      "commitTransaction"
    ]
    "#);
}
