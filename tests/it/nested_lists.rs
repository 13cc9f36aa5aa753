//! Lists behind lists: however a level is read and written, its pages are the same.
//!
//! A selection of stored fields is written directly from the documents. The same selection with `totalCount` is executed
//! field by field. A query of one customer reads one parent only. The oracle sorts and cuts the stored documents itself.

use bson::{Bson, DateTime, Document, doc};
use futures_util::future::join;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::addresses::{customer, home};
use crate::kit::{Setup, Shop, examined, profiled, text};
use crate::markets::{group, market};
use crate::orders::{by_default, in_storefront};

/// A list behind customers.
#[derive(Clone, Copy)]
struct List {
    field: &'static str,
    collection: &'static str,
    /// Field of the children that names the parent, and the parent's field that it names.
    link: (&'static str, &'static str),
    selection: &'static str,
}

const ADDRESSES: List = List {
    field: "addresses",
    collection: "addresses",
    link: ("customerId", "_id"),
    selection: "__typename id label salutation firstName lastName company address1 address2 zipCode city iso2Code country \
                phone createdAt updatedAt version",
};

const ORDERS: List = List {
    field: "orders",
    collection: "orders",
    link: ("userId", "userId"),
    selection: "id number status total { __typename amount currencyCode } \
                lines { sku name quantity unitPrice { amount currencyCode } } \
                shippingAddress { __typename city iso2Code country } email placedAt cancelledAt createdAt",
};

const CUSTOMER: &str = "id reference email isEmailVerified hasPassword firstName lastName salutation gender dateOfBirth \
                        status orderCount lastLoginAt createdAt updatedAt version";

const LAST_NAMES: [&str; 4] = ["Ng", "O’Hara", "", "Żak"];

/// An id with the form of generated ones.
fn id(prefix: &str, random: &mut StdRng) -> String {
    const LETTERS: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let body = (0..25).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]));
    format!("{prefix}_0{}", body.collect::<String>())
}

/// Adds customers with random numbers of addresses and orders: none, few, or very many.
async fn fill(shop: &Shop, random: &mut StdRng, customers: usize) {
    let store = &shop.gateway.store;
    let template = |documents: Vec<Document>| documents.into_iter().next().expect("a template");
    let person = template(store.documents("customers", doc! {}).await);
    let address = template(store.documents("addresses", doc! {}).await);
    let order = template(store.documents("orders", doc! {}).await);
    let mut added: [Vec<Document>; 3] = Default::default();
    for number in 0..customers {
        let (customer_id, user_id) = (id("cus", random), id("usr", random));
        let email = format!("c{number}@example.com");
        let mut person = person.clone();
        person.extend(doc! {
            "_id": &customer_id, "userId": &user_id, "email": &email, "emailKey": &email,
            "reference": format!("T-{number}"), "referenceNumber": 1000 + i64::try_from(number).expect("few"),
            "lastName": LAST_NAMES[number % 4], "shopperReference": format!("shopper {number}"),
        });
        if number % 3 == 0 {
            person.remove("lastName");
            person.insert("passwordHash", "a hash");
        }
        added[0].push(person);
        let children = |random: &mut StdRng| match random.random_range(0..10) {
            0..3 => 0,
            3..9 => random.random_range(1..8),
            _ => random.random_range(30..300),
        };
        for _ in 0..children(random) {
            let mut address = address.clone();
            address.extend(doc! { "_id": id("adr", random), "customerId": &customer_id, "userId": &user_id });
            if random.random_bool(0.5) {
                address.extend(
                    doc! { "label": "home \"1\"\n\u{7f}", "country": "Freistaat", "phone": Bson::Null },
                );
            }
            added[1].push(address);
        }
        for at in 0..children(random) {
            let placed = DateTime::from_millis(1_790_000_000_000 + random.random_range(0..6) * 1001);
            let mut order = order.clone();
            order.extend(doc! {
                "_id": id("ord", random), "customerId": &customer_id, "userId": &user_id,
                "number": format!("N-{number}-{at}"), "placedAt": placed,
            });
            if random.random_bool(0.3) {
                order.remove("personal");
            }
            if random.random_bool(0.3) {
                order.extend(doc! { "status": "CANCELLED", "cancelledAt": placed });
            }
            added[2].push(order);
        }
    }
    for (collection, documents) in ["customers", "addresses", "orders"].into_iter().zip(added) {
        store
            .collection(collection)
            .insert_many(documents)
            .await
            .expect("inserted");
    }
}

async fn filled(seed: u64, customers: usize) -> (Shop, StdRng) {
    let shop = Setup::new().set("GATEWAY_MAX_COST", "1000000").start().await;
    let (_, ada) = customer(&shop, "ada@example.com").await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    let order = in_storefront(&shop, by_default("1"));
    let customer = ada.query("{ viewer { customer { id } } }").await["viewer"]["customer"]["id"].take();
    let order = crate::customers::patched(order, json!({ "customerId": customer }));
    shop.backend.mutate_ok("orderRecord", order).await;
    let mut random = StdRng::seed_from_u64(seed);
    fill(&shop, &mut random, customers).await;
    (shop, random)
}

/// The ids of a parent's children in the order of the list.
async fn expected(shop: &Shop, list: List, parent: &Document) -> Vec<String> {
    let filter = doc! { list.link.0: text(parent, list.link.1) };
    let mut children = shop.gateway.store.documents(list.collection, filter).await;
    let place = |child: &Document| {
        (
            child.get_datetime("placedAt").ok().copied(),
            text(child, "_id").to_owned(),
        )
    };
    children.sort_by_key(place);
    if list.field == "orders" {
        children.reverse();
    }
    children
        .iter()
        .map(|child| text(child, "_id").to_owned())
        .collect()
}

/// The arguments of a page, and the ids that it shows of a whole list.
struct Page {
    arguments: String,
    size: usize,
    is_backward: bool,
}

impl Page {
    fn random(random: &mut StdRng) -> Self {
        let size = [1, 2, 3, 10, 100][random.random_range(0..5)];
        let is_backward = random.random_bool(0.4);
        let argument = if is_backward { "last" } else { "first" };
        Self {
            arguments: format!("{argument}: {size}"),
            size,
            is_backward,
        }
    }

    fn cut<'a>(&self, all: &'a [String]) -> &'a [String] {
        let shown = all.len().min(self.size);
        if self.is_backward {
            &all[all.len() - shown..]
        } else {
            &all[..shown]
        }
    }
}

fn connection(list: List, page: &Page) -> String {
    let List { field, selection, .. } = list;
    format!(
        "{field}({}) {{ nodes {{ {selection} }} edges {{ cursor }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}",
        page.arguments
    )
}

fn ids(connection: &Value) -> Vec<&str> {
    let nodes = connection["nodes"].as_array().expect("nodes").iter();
    nodes.map(|node| node["id"].as_str().expect("an id")).collect()
}

/// Removes `totalCount` from a result, so that it can be compared with one that was not counted.
fn uncounted(mut result: Value) -> Value {
    result["storefront"]["customers"]
        .as_object_mut()
        .expect("a page")
        .remove("totalCount");
    result
}

// EPC-25
#[tokio::test]
async fn a_level_has_the_same_pages_however_it_is_read() {
    for seed in 0..4 {
        let (shop, mut random) = filled(seed, 45).await;
        let parents = shop.gateway.store.documents("customers", doc! {}).await;
        for _ in 0..6 {
            let (addresses, orders) = (Page::random(&mut random), Page::random(&mut random));
            let behind = format!(
                "{} {}",
                connection(ADDRESSES, &addresses),
                connection(ORDERS, &orders)
            );
            let sort =
                ["CREATED_AT", "UPDATED_AT", "LAST_NAME", "EMAIL", "REFERENCE"][random.random_range(0..5)];
            let outer = format!("sortKey: {sort}, reverse: {}, first: 50", random.random_bool(0.5));
            let outer =
                format!("customers({outer}) {{ nodes {{ {CUSTOMER} {behind} }} pageInfo {{ endCursor }}");
            let direct = shop
                .backend
                .query(&format!("{{ storefront {{ {outer} }} }} }}"))
                .await;
            let by_field = shop
                .backend
                .query(&format!("{{ storefront {{ {outer} totalCount }} }} }}"))
                .await;
            assert_eq!(direct, uncounted(by_field), "{seed} {outer}");
            let nodes = direct["storefront"]["customers"]["nodes"]
                .as_array()
                .expect("nodes");
            assert_eq!(nodes.len(), parents.len());
            for parent in &parents {
                let node = nodes
                    .iter()
                    .find(|node| node["id"] == text(parent, "_id"))
                    .expect("listed");
                for (list, page) in [(ADDRESSES, &addresses), (ORDERS, &orders)] {
                    let all = expected(&shop, list, parent).await;
                    assert_eq!(
                        ids(&node[list.field]),
                        page.cut(&all),
                        "{seed} {} {}",
                        list.field,
                        page.arguments
                    );
                    let info = &node[list.field]["pageInfo"];
                    let more = if page.is_backward {
                        "hasPreviousPage"
                    } else {
                        "hasNextPage"
                    };
                    assert_eq!(info[more], all.len() > page.size);
                }
            }
            let one = &nodes[random.random_range(0..nodes.len())];
            let alone = format!(
                "{{ customer(by: {{ id: {} }}) {{ {CUSTOMER} {behind} }} }}",
                one["id"]
            );
            assert_eq!(&shop.backend.query(&alone).await["customer"], one);
        }
    }
}

// CST-01
#[tokio::test]
async fn only_the_selected_fields_are_read_and_written() {
    let (shop, _) = filled(11, 12).await;
    let parents = shop.gateway.store.documents("customers", doc! {}).await;
    for parent in &parents {
        let by = format!("customer(by: {{ id: \"{}\" }})", text(parent, "_id"));
        let written = shop.backend.query(&format!("{{ {by} {{ {CUSTOMER} }} }}")).await;
        let by_field = shop
            .backend
            .query(&format!("{{ {by} {{ {CUSTOMER} isAnonymized }} }}"))
            .await;
        let mut by_field = by_field;
        let fields = by_field["customer"].as_object_mut().expect("a customer");
        assert_eq!(fields.remove("isAnonymized"), Some(Value::Bool(false)));
        assert_eq!(written, by_field);
    }
    let query = "{ storefront { customers(first: 50) { nodes { id email addresses { nodes { city } } \
                 orders { nodes { total { amount } } } notes { nodes { text } } } } } }";
    let read = fields_read(&shop, query).await;
    assert_eq!(
        read,
        [
            "addresses: _id city customerId",
            "customerNotes: _id customerId text",
            "customers: _id email userId",
            "orders: _id total userId"
        ]
    );
}

#[tokio::test]
async fn a_storefront_user_by_id_is_read_with_the_selected_fields() {
    let shop = crate::kit::shop().await;
    let stranger = shop.ann("bea").await;
    for (name, person) in [
        ("ann", shop.ann("ann").await),
        ("guest", shop.guest("guest").await),
    ] {
        let stored = shop
            .gateway
            .store
            .documents("storefrontUsers", doc! { "storefrontUserId": name })
            .await;
        let by = format!("storefrontUser(by: {{ id: \"{}\" }})", text(&stored[0], "_id"));
        let fields = "__typename id storefrontUserId isAnonymous mergedAt expiresAt createdAt updatedAt";
        for caller in [&shop.backend, &person] {
            let written = caller.query(&format!("{{ {by} {{ {fields} }} }}")).await;
            let mut by_field = caller
                .query(&format!("{{ {by} {{ {fields} storefront {{ id }} }} }}"))
                .await;
            let user = by_field["storefrontUser"].as_object_mut().expect("a user");
            assert!(user.remove("storefront").is_some());
            assert_eq!(written, by_field);
        }
        let query = format!("{{ {by} {{ id isAnonymous }} }}");
        assert_eq!(
            fields_read(&shop, &query).await,
            ["storefrontUsers: _id isAnonymous"]
        );
        assert_eq!(stranger.query(&query).await, json!({ "storefrontUser": null }));
    }
}

/// The stored fields that the searches of a query return, by collection.
async fn fields_read(shop: &Shop, query: &str) -> Vec<String> {
    let (_, commands) = profiled(shop, shop.backend.query(query)).await;
    let mut read: Vec<String> = commands.iter().filter_map(projection).collect();
    read.sort_unstable();
    read
}

/// A market, and which of these open it: the storefront, or groups.
struct OpenTo(String, Vec<String>);

/// Adds groups, markets that random ones of them or the whole storefront open, and adds customers to random groups.
async fn grouped(shop: &Shop, random: &mut StdRng, groups: usize, markets: usize) -> Vec<OpenTo> {
    let store = &shop.gateway.store;
    let first = group(shop, "first").await;
    market(shop, "first", &[&first]).await;
    let template = async |collection: &str| store.documents(collection, doc! {}).await.swap_remove(0);
    let of_group = template("customerGroups").await;
    let of_market = template("markets").await;
    let copies = |template: &Document, prefix: &str, count: usize, random: &mut StdRng| {
        let copy = |number: usize| {
            let mut copy = template.clone();
            let name = format!("{prefix} {number}");
            copy.extend(doc! { "_id": id(prefix, random), "name": { "written": &name, "key": &name } });
            copy
        };
        (0..count).map(copy).collect::<Vec<_>>()
    };
    let all_groups = copies(&of_group, "grp", groups, random);
    let ids: Vec<&str> = all_groups.iter().map(|group| text(group, "_id")).collect();
    let some = |random: &mut StdRng, most: usize| {
        let count = random.random_range(0..=most);
        let mut some: Vec<&str> = (0..count)
            .map(|_| ids[random.random_range(0..ids.len())])
            .collect();
        some.sort_unstable();
        some.dedup();
        some
    };
    let mut all_markets = copies(&of_market, "mkt", markets, random);
    for market in &mut all_markets {
        let opens_to = if random.random_bool(0.3) {
            vec![shop.id()]
        } else {
            some(random, 4)
        };
        market.insert("opensTo", opens_to);
    }
    for customer in store.documents("customers", doc! {}).await {
        let change = doc! { "$set": { "groupIds": some(random, 5) } };
        let filter = doc! { "_id": text(&customer, "_id") };
        let updated = store.collection("customers").update_one(filter, change).await;
        updated.expect("updated");
    }
    let (groups, markets) = (store.collection("customerGroups"), store.collection("markets"));
    groups.insert_many(&all_groups).await.expect("inserted");
    markets.insert_many(&all_markets).await.expect("inserted");
    let open = store.documents("markets", doc! {}).await;
    let open = open
        .iter()
        .map(|market| OpenTo(text(market, "_id").to_owned(), texts(market, "opensTo")));
    open.collect()
}

/// The texts of a list; none if it is missing.
fn texts(document: &Document, field: &str) -> Vec<String> {
    let texts = document.get_array(field).into_iter().flatten();
    texts
        .map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

// CLY-15
#[tokio::test]
async fn groups_and_markets_have_the_same_pages_however_many_there_are() {
    // The second shop has more than the pages can show, so that each parent's are looked up.
    for (seed, groups, markets) in [(11, 6, 8), (12, 400, 500)] {
        let (shop, mut random) = filled(seed, 15).await;
        let open = grouped(&shop, &mut random, groups, markets).await;
        for _ in 0..6 {
            let (of_groups, of_markets) = (Page::random(&mut random), Page::random(&mut random));
            let query = format!(
                "{{ storefront {{ customers(first: 50) {{ nodes {{ id groups({groups}) {{ totalCount {PAGE} }}
                     markets({markets}) {{ {PAGE} }} }} }}
                   markets(first: 50) {{ nodes {{ id groups({groups}) {{ {PAGE} }} }} }} }} }}",
                groups = of_groups.arguments,
                markets = of_markets.arguments,
            );
            let seen = shop.backend.query(&query).await;
            for customer in shop.gateway.store.documents("customers", doc! {}).await {
                let node = node_of(&seen["storefront"]["customers"], text(&customer, "_id"));
                let mut own = texts(&customer, "groupIds");
                own.sort_unstable();
                assert_eq!(node["groups"]["totalCount"], own.len(), "{seed} {customer}");
                assert_page(&node["groups"], &of_groups, &own);
                own.push(shop.id().to_owned());
                let opens = |market: &&OpenTo| market.1.iter().any(|opener| own.contains(opener));
                let mut opened: Vec<String> =
                    open.iter().filter(opens).map(|market| market.0.clone()).collect();
                opened.sort_unstable();
                assert_page(&node["markets"], &of_markets, &opened);
            }
            let shown = seen["storefront"]["markets"]["nodes"].as_array().expect("nodes");
            assert!(!shown.is_empty());
            for node in shown {
                let market = open.iter().find(|market| node["id"] == *market.0).expect("known");
                let mut openers = market.1.clone();
                openers.retain(|opener| opener != shop.id());
                openers.sort_unstable();
                assert_page(&node["groups"], &of_groups, &openers);
            }
        }
    }
}

const PAGE: &str = "nodes { id } pageInfo { hasNextPage hasPreviousPage }";

/// The node with this id.
fn node_of<'a>(connection: &'a Value, id: &str) -> &'a Value {
    let mut nodes = connection["nodes"].as_array().expect("nodes").iter();
    nodes.find(|node| node["id"] == id).expect("listed")
}

/// A page shows its part of a whole list, and tells whether there is more.
fn assert_page(shown: &Value, page: &Page, all: &[String]) {
    assert_eq!(ids(shown), page.cut(all), "{}", page.arguments);
    let more = if page.is_backward {
        "hasPreviousPage"
    } else {
        "hasNextPage"
    };
    assert_eq!(
        shown["pageInfo"][more],
        all.len() > page.size,
        "{}",
        page.arguments
    );
}

/// The collection of a command, and the stored fields that it returns.
fn projection(command: &Document) -> Option<String> {
    let sent = command.get_document("command").ok()?;
    let fields = sent.get_document("projection").ok()?;
    let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
    names.sort_unstable();
    Some(format!("{}: {}", text(sent, "find"), names.join(" ")))
}

// DEF-01
#[tokio::test]
async fn pages_of_a_level_continue_after_the_cursor_of_one_parent() {
    let (shop, _) = filled(7, 30).await;
    let page = |after: &str| {
        format!(
            "{{ storefront {{ customers(first: 50) {{ nodes {{ id orders(first: 2{after}) {{ nodes {{ id placedAt }} \
                 pageInfo {{ hasPreviousPage endCursor }} }} }} }} }} }}"
        )
    };
    let first = shop.backend.query(&page("")).await;
    let nodes = first["storefront"]["customers"]["nodes"]
        .as_array()
        .expect("nodes")
        .clone();
    let (mut pages, mut rows) = (0, 0);
    for node in nodes
        .iter()
        .filter(|node| !node["orders"]["nodes"].as_array().expect("a list").is_empty())
        .take(8)
    {
        let parent = doc! { "_id": node["id"].as_str().expect("an id") };
        let parent = &shop.gateway.store.documents("customers", parent).await[0];
        let all = expected(&shop, ORDERS, parent).await;
        let (mut seen, mut end) = (
            ids(&node["orders"]).len(),
            node["orders"]["pageInfo"]["endCursor"].clone(),
        );
        while seen < all.len().min(12) {
            let next = shop.backend.query(&page(&format!(", after: {end}"))).await;
            let nodes = next["storefront"]["customers"]["nodes"]
                .as_array()
                .expect("nodes")
                .clone();
            let next = nodes
                .into_iter()
                .find(|other| other["id"] == node["id"])
                .expect("listed");
            assert_eq!(ids(&next["orders"]), all[seen..all.len().min(seen + 2)]);
            assert_eq!(next["orders"]["pageInfo"]["hasPreviousPage"], true);
            seen += ids(&next["orders"]).len();
            end = next["orders"]["pageInfo"]["endCursor"].clone();
            pages += 1;
        }
        rows += seen;
    }
    assert!(pages > 3 && rows > 10, "{pages} pages, {rows} rows");
}

#[tokio::test]
async fn a_parent_with_very_many_children_costs_one_more_command() {
    let (shop, mut random) = filled(3, 20).await;
    let store = &shop.gateway.store;
    let query =
        "{ storefront { customers(first: 50) { nodes { id addresses(first: 3) { nodes { id } } } } } }";
    let address = store.documents("addresses", doc! {}).await.swap_remove(0);
    let parents = store.documents("customers", doc! {}).await;
    let mut busiest: Vec<&Document> = parents.iter().collect();
    busiest.sort_by_key(|parent| text(parent, "_id").to_owned());
    // The first and the last in the order of the index, and one between.
    for at in [0, busiest.len() - 1, busiest.len() / 2] {
        let owner = text(busiest[at], "_id");
        let many = (0..10_000).map(|_| {
            let mut address = address.clone();
            address.extend(doc! { "_id": id("adr", &mut random), "customerId": owner });
            address
        });
        store
            .collection("addresses")
            .insert_many(many)
            .await
            .expect("inserted");
        let ((seen, commands), costs) =
            examined(&shop, shop.gateway.commands.during(shop.backend.query(query))).await;
        let lists = commands
            .iter()
            .filter(|command| !command.contains("storefronts"))
            .count();
        assert!(
            lists <= 3,
            "a level is read by two commands at most: {commands:?}"
        );
        let read: i64 = costs
            .iter()
            .filter(|(collection, ..)| collection == "addresses")
            .map(|cost| cost.2)
            .sum();
        assert!(read <= 2 * 4 * 22, "{read} addresses were read: {costs:?}");
        for node in seen["storefront"]["customers"]["nodes"]
            .as_array()
            .expect("nodes")
        {
            let parent = parents
                .iter()
                .find(|parent| node["id"] == text(parent, "_id"))
                .expect("known");
            let all = expected(&shop, ADDRESSES, parent).await;
            assert_eq!(ids(&node["addresses"]), all[..all.len().min(3)]);
        }
    }
}

#[tokio::test]
async fn a_level_is_consistent_under_concurrent_writes() {
    let (shop, mut random) = filled(5, 30).await;
    let store = &shop.gateway.store;
    let parents = store.documents("customers", doc! {}).await;
    let address = store.documents("addresses", doc! {}).await.swap_remove(0);
    let query =
        "{ storefront { customers(first: 50) { nodes { id addresses(first: 100) { nodes { id } } } } } }";
    let mut before = Vec::new();
    for parent in &parents {
        before.push(expected(&shop, ADDRESSES, parent).await);
    }
    let write = async {
        for number in 0..200 {
            let owner = text(&parents[number % parents.len()], "_id");
            let mut address = address.clone();
            // Later in the list than all others.
            address
                .extend(doc! { "_id": id("adr", &mut random).replacen("_0", "_7", 1), "customerId": owner });
            store
                .collection("addresses")
                .insert_one(address)
                .await
                .expect("inserted");
        }
    };
    let read = async {
        for _ in 0..30 {
            let seen = shop.backend.query(query).await;
            for (parent, before) in parents.iter().zip(&before) {
                let nodes = seen["storefront"]["customers"]["nodes"]
                    .as_array()
                    .expect("nodes");
                let node = nodes
                    .iter()
                    .find(|node| node["id"] == text(parent, "_id"))
                    .expect("listed");
                let listed = ids(&node["addresses"]);
                assert!(listed.is_sorted() && listed.windows(2).all(|pair| pair[0] != pair[1]));
                let known = &before[..before.len().min(100)];
                assert_eq!(
                    &listed[..known.len().min(listed.len())],
                    known,
                    "a stored address is missing"
                );
            }
        }
    };
    join(write, read).await;
}
