//! Lists of groups, markets and members: pages from both ends, one database command a level, each backed by an index.

use bson::doc;
use serde_json::{Value, json};

use super::deletion::fill;
use super::{group, join, market, names};
use crate::addresses::customer;
use crate::kit::{self, Caller, Shop, examined, is_within, text};

/// A query with `LIST` in place of a list's arguments and selection, and the path of that list in the response.
struct List {
    query: String,
    place: &'static str,
}

impl List {
    async fn page(&self, caller: &Caller, arguments: &str) -> Value {
        let selection = "{ totalCount nodes { id } edges { cursor } \
                         pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }";
        let query = self.query.replace("LIST", &format!("({arguments}) {selection}"));
        let answer = caller.query(&query).await;
        answer.pointer(self.place).expect("a list").clone()
    }

    async fn walk(&self, caller: &Caller, ways: [&str; 4], size: usize) -> Vec<Value> {
        let [count, cursor, more, from] = ways;
        let (mut pages, mut place) = (Vec::new(), String::new());
        loop {
            let page = self.page(caller, &format!("{count}: {size}{place}")).await;
            let nodes = page["nodes"].as_array().expect("nodes").clone();
            pages.push(
                nodes
                    .into_iter()
                    .map(|node| node["id"].clone())
                    .collect::<Vec<_>>(),
            );
            if page["pageInfo"][more] == false {
                break;
            }
            place = format!(", {cursor}: {}", page["pageInfo"][from]);
        }
        if count == "last" {
            pages.reverse();
        }
        pages.concat()
    }
}

/// Starts a shop with one customer in five groups, a group with five customers, and five markets, public and private.
async fn shop_with_lists() -> (Shop, Vec<List>) {
    let shop = kit::shop().await;
    let (mut groups, mut people, mut markets) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..5 {
        people.push(customer(&shop, &format!("ada{number}@example.com")).await.0);
        groups.push(group(&shop, &format!("Group {number}")).await);
    }
    join(&shop, &groups[0], &people.iter().collect::<Vec<_>>()).await;
    for group in &groups {
        join(&shop, group, &[&people[0]]).await;
    }
    for number in 0..5 {
        let groups: Vec<&Value> = if number == 4 {
            groups.iter().collect()
        } else {
            vec![&groups[0]]
        };
        markets.push(
            market(
                &shop,
                &format!("Market {number}"),
                if number == 3 { &[] } else { &groups },
            )
            .await,
        );
    }
    let node = |id: &Value, kind: &str, field: &str| {
        format!("{{ node(id: {id}) {{ ... on {kind} {{ {field} LIST }} }} }}")
    };
    let lists = [
        (
            "{ storefront { customerGroups LIST } }".to_owned(),
            "/storefront/customerGroups",
        ),
        (
            "{ storefront { markets LIST } }".to_owned(),
            "/storefront/markets",
        ),
        (node(&people[0], "Customer", "groups"), "/node/groups"),
        (node(&people[0], "Customer", "markets"), "/node/markets"),
        (node(&groups[0], "CustomerGroup", "customers"), "/node/customers"),
        (node(&groups[0], "CustomerGroup", "markets"), "/node/markets"),
        (node(&markets[4], "Market", "groups"), "/node/groups"),
    ];
    let lists = lists.map(|(query, place)| List { query, place });
    (shop, lists.into())
}

fn ids(page: &Value) -> Vec<Value> {
    let nodes = page["nodes"].as_array().expect("nodes").iter();
    nodes.map(|node| node["id"].clone()).collect()
}

#[tokio::test]
async fn each_list_paginates_completely_from_both_ends() {
    let (shop, lists) = shop_with_lists().await;
    for list in &lists {
        let (query, whole) = (&list.query, list.page(&shop.backend, "first: 100").await);
        let ids = ids(&whole);
        // One of the five markets is public and has no groups.
        let count = if query.contains("CustomerGroup { markets") {
            4
        } else {
            5
        };
        assert_eq!(
            (ids.len(), &whole["totalCount"]),
            (count, &json!(count)),
            "{query}"
        );
        assert!(ids.is_sorted_by_key(|id| id.as_str()), "oldest first: {ids:?}");
        for size in [1, 2, 5] {
            let forward = ["first", "after", "hasNextPage", "endCursor"];
            assert_eq!(list.walk(&shop.backend, forward, size).await, ids, "{query}");
            let backward = ["last", "before", "hasPreviousPage", "startCursor"];
            assert_eq!(list.walk(&shop.backend, backward, size).await, ids, "{query}");
        }
    }
}

#[tokio::test]
async fn an_invalid_page_or_cursor_is_refused() {
    let (shop, lists) = shop_with_lists().await;
    let cursor =
        async |list: &List| list.page(&shop.backend, "first: 1").await["pageInfo"]["startCursor"].take();
    let mut wrongs: Vec<String> = [
        "first: 0",
        "first: 101",
        "last: -1",
        "first: 1, last: 1",
        "after: \"x\"",
        "after: \"\"",
    ]
    .map(str::to_owned)
    .into();
    for list in &lists {
        wrongs.push(format!("first: 1, after: {}", cursor(list).await));
    }
    for list in &lists {
        let own = format!("first: 1, after: {}", cursor(list).await);
        for arguments in &wrongs {
            let query = list
                .query
                .replace("LIST", &format!("({arguments}) {{ totalCount }}"));
            let answer = shop.backend.send(&query, json!({})).await;
            let expected = if *arguments == own {
                vec![]
            } else {
                vec!["BAD_USER_INPUT"]
            };
            assert_eq!(answer.codes(), expected, "{query}");
        }
    }
}

const NESTED: &str = "{ storefront { \
     customers(first: FIRST) { nodes { groups(first: 5) { totalCount nodes { name } } \
     markets(first: 5) { totalCount nodes { name groups(first: 2) { nodes { name } } } } } } \
     customerGroups(first: FIRST) { nodes { customers(first: 3) { totalCount nodes { id } } \
     markets(first: 3) { nodes { name } } } } } }";

#[tokio::test]
async fn each_level_of_groups_and_markets_costs_one_command() {
    let shop = kit::shop().await;
    let mut people = Vec::new();
    for number in 0..20 {
        people.push(customer(&shop, &format!("ada{number}@example.com")).await.0);
    }
    for number in 0..6 {
        let one = group(&shop, &format!("Group {number}")).await;
        join(&shop, &one, &people.iter().collect::<Vec<_>>()).await;
        market(&shop, &format!("Market {number}"), &[&one]).await;
    }
    market(&shop, "Public", &[]).await;
    let mut counts = Vec::new();
    for first in [2, 20] {
        let query = NESTED.replace("FIRST", &first.to_string());
        let (seen, mut commands) = shop.gateway.commands.during(shop.backend.query(&query)).await;
        let customers = seen["storefront"]["customers"]["nodes"].as_array();
        let customers = customers.expect("nodes");
        assert_eq!(customers.len(), first);
        for customer in customers {
            let (groups, markets) = (&customer["groups"], &customer["markets"]);
            assert_eq!(
                (&groups["totalCount"], &markets["totalCount"]),
                (&json!(6), &json!(7))
            );
            assert_eq!(groups["nodes"].as_array().map(Vec::len), Some(5));
            assert_eq!(markets["nodes"][4]["groups"]["nodes"][0]["name"], "Group 4");
        }
        commands.sort();
        counts.push(commands);
    }
    assert_eq!(counts[0], counts[1]);
    insta::assert_json_snapshot!(counts[0], @r#"
    [
      "aggregate customerGroups",
      "aggregate customerGroups",
      "aggregate customers",
      "aggregate customers",
      "find customerGroups",
      "find customerGroups",
      "find customerGroups",
      "find customers",
      "find markets",
      "find markets"
    ]
    "#);
}

#[tokio::test]
async fn a_customers_own_groups_are_read_once_per_request() {
    let shop = kit::shop().await;
    let (_, ada) = customer(&shop, "own@example.com").await;
    let query = "{ storefront { a: markets { nodes { name } } b: markets(first: 1) { nodes { name } } \
                 customerGroups { nodes { name } } } }";
    ada.query(query).await;
    let (_, commands) = shop.gateway.commands.during(ada.query(query)).await;
    insta::assert_json_snapshot!(commands, @r#"
    [
      "find customers",
      "find markets",
      "find markets",
      "find customerGroups"
    ]
    "#);
    let public = "{ storefront { markets { nodes { name } } } }";
    shop.browser.query(public).await;
    let (_, commands) = shop.gateway.commands.during(shop.browser.query(public)).await;
    assert_eq!(commands, ["find markets"]);
}

/// Creates a group of 2,001 members, and another group of its first and its last member.
async fn many() -> (Shop, Value, Value) {
    let shop = kit::shop().await;
    let (id, _) = customer(&shop, "ada@example.com").await;
    let (large_group, few) = (group(&shop, "Crowd").await, group(&shop, "Few").await);
    join(&shop, &large_group, &[&id]).await;
    fill(&shop, 2_000).await;
    let last = shop.gateway.store.documents("customers", doc! {}).await.pop();
    let last = json!(text(&last.expect("somebody"), "_id"));
    join(&shop, &few, &[&id, &last]).await;
    (shop, large_group, few)
}

// EPC-32
#[tokio::test]
async fn epc_32_a_page_by_group_and_status_costs_the_same_at_both_ends() {
    const PAGE: i64 = 10;
    /// One key more to detect a next page, and what the list belongs to.
    const A_FEW: i64 = 8;
    let (shop, large_group, few) = many().await;
    let filtered = |filter: String| List {
        query: format!("{{ storefront {{ customers(filter: {{ {filter} }}, LIST }} }}"),
        place: "/storefront/customers",
    };
    let lists = [
        filtered(format!("groupId: {large_group}")),
        filtered(format!("groupId: {large_group}, status: REPEAT")),
        filtered(format!("groupId: {few}")),
        filtered(format!("groupId: {few}, status: PROSPECT")),
        filtered("status: REPEAT".to_owned()),
        List {
            query: format!("{{ node(id: {large_group}) {{ ... on CustomerGroup {{ customers(LIST }} }} }}"),
            place: "/node/customers",
        },
    ];
    for list in &lists {
        let mut from = String::new();
        // The first page, the last page, the page after the beginning of the last one, and the page before it.
        for arguments in [
            "first: 10",
            "last: 10",
            "first: 10, after: ",
            "last: 10, before: ",
        ] {
            let asked = format!("{arguments}{from}) {{ nodes {{ id }} pageInfo {{ startCursor }} }}");
            let query = list.query.replace("LIST", &asked);
            let (seen, costs) = examined(&shop, shop.backend.query(&query)).await;
            let page = seen.pointer(list.place).expect("a list");
            assert!(!page["nodes"].as_array().expect("nodes").is_empty() || arguments.contains("before"));
            let customers = costs
                .iter()
                .filter(|(collection, ..)| collection.starts_with("customer"));
            for cost in customers {
                assert!(is_within(cost, PAGE + A_FEW), "{query}: {cost:?}");
            }
            from = match arguments {
                "first: 10" => String::new(),
                _ => page["pageInfo"]["startCursor"].to_string(),
            };
        }
    }
}

/// Adds 2,000 copies of the closed market.
async fn add_closed_markets(shop: &Shop) {
    let markets = shop.gateway.store.collection("markets");
    let closed = markets.find_one(doc! { "name.written": "Closed" }).await;
    let closed = closed.expect("found").expect("made");
    let copy = |number: i64| {
        let mut copy = closed.clone();
        copy.insert("_id", format!("mkt_0{number:025}"));
        let name = format!("closed {number}");
        copy.insert("name", doc! { "written": &name, "key": &name });
        copy
    };
    let copies = (0..2_000).map(copy);
    markets.insert_many(copies).await.expect("inserted");
}

// CLY-15
#[tokio::test]
async fn cly_15_closed_markets_add_no_cost() {
    const A_FEW: i64 = 12;
    let shop = kit::shop().await;
    let (id, ada) = customer(&shop, "ada@example.com").await;
    let (own, others) = (group(&shop, "Own").await, group(&shop, "Others").await);
    join(&shop, &own, &[&id]).await;
    for (name, groups) in [("First", &[][..]), ("Closed", &[&others]), ("Last", &[&own])] {
        market(&shop, name, groups).await;
    }
    add_closed_markets(&shop).await;
    let node = |id: &Value, kind: &str| format!("{{ node(id: {id}) {{ ... on {kind} {{ LIST }} }} }}");
    let open = json!(["First", "Last"]);
    for (caller, query, place, expected) in [
        (
            &ada,
            "{ storefront { LIST } }".to_owned(),
            "/storefront/markets",
            &open,
        ),
        (&ada, node(&id, "Customer"), "/node/markets", &open),
        (&shop.backend, node(&id, "Customer"), "/node/markets", &open),
        (
            &shop.backend,
            node(&own, "CustomerGroup"),
            "/node/markets",
            &json!(["Last"]),
        ),
        (
            &shop.browser,
            "{ storefront { LIST } }".to_owned(),
            "/storefront/markets",
            &json!(["First"]),
        ),
    ] {
        for end in ["first: 10", "last: 10"] {
            let list = format!("markets({end}) {{ totalCount nodes {{ name }} }}");
            let query = query.replace("LIST", &list);
            let (seen, costs) = examined(&shop, caller.query(&query)).await;
            let found = seen.pointer(place).expect("a list");
            assert_eq!(json!(names(found)), *expected, "{query}");
            assert_eq!(found["totalCount"], names(found).len(), "{query}");
            let costly = costs.iter().find(|cost| !is_within(cost, A_FEW));
            assert_eq!(costly, None, "{query}");
        }
    }
}
