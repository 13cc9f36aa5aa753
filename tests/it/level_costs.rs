//! What a level of a query costs: commands, the index keys and documents that the database examines for them, and
//! allocations.

use bson::{Document, doc};
use serde_json::json;

use crate::addresses::{customer, home};
use crate::customer_notes::note;
use crate::kit::{Setup, Shop, number, png, profiled, text};
use crate::markets::{group, market};
use crate::orders::{by_default, in_storefront};

/// Objects whose lists are read, and children that each has in a small list.
const PARENTS: usize = 20;
const FEW: usize = 3;
/// Children that one of them has in a large list.
const MANY: usize = 500;

/// A list behind the objects of another list.
struct Level {
    query: &'static str,
    /// The collection of the children.
    children: &'static str,
    /// Whether the children of all parents are found by one search, not by a lookup for each parent.
    by_search: bool,
    /// Most index keys and documents that the database examines, of parents and children.
    most: (i64, i64),
}

/// A level whose children are found by one search.
const fn searched(query: &'static str, children: &'static str, most: (i64, i64)) -> Level {
    Level {
        query,
        children,
        by_search: true,
        most,
    }
}

/// A level whose children are looked up for each parent.
const fn looked_up(query: &'static str, children: &'static str, most: (i64, i64)) -> Level {
    Level {
        by_search: false,
        ..searched(query, children, most)
    }
}

const LEVELS: [Level; 9] = [
    searched(
        "customers(first: 50) { nodes { id addresses(first: 5) { nodes { id } } } }",
        "addresses",
        (200, 20),
    ),
    searched(
        "customers(first: 50) { nodes { id orders(first: 5) { nodes { id } } } }",
        "orders",
        (200, 40),
    ),
    searched(
        "customers(first: 50) { nodes { id notes(first: 5) { nodes { id } } } }",
        "customerNotes",
        (200, 20),
    ),
    searched(
        "customers(first: 50) { nodes { id groups(first: 5) { nodes { id } } } }",
        "customerGroups",
        (46, 46),
    ),
    searched(
        "customers(first: 50) { nodes { id markets(first: 5) { nodes { id } } } }",
        "markets",
        (46, 46),
    ),
    looked_up(
        "users(first: 50) { nodes { id privateStorage { items(first: 5) { nodes { id } } } } }",
        "storageItems",
        (120, 100),
    ),
    looked_up(
        "customerGroups(first: 50) { nodes { id customers(first: 5) { nodes { id } } } }",
        "customers",
        (110, 90),
    ),
    searched(
        "customerGroups(first: 50) { nodes { id markets(first: 5) { nodes { id } } } }",
        "markets",
        (46, 46),
    ),
    searched(
        "markets(first: 50) { nodes { id groups(first: 5) { nodes { id } } } }",
        "customerGroups",
        (46, 46),
    ),
];

/// Inserts copies of the only document of a collection, each with these changes.
async fn copies(shop: &Shop, collection: &str, changes: impl IntoIterator<Item = Document>) -> Vec<String> {
    let store = &shop.gateway.store;
    let template = store.documents(collection, doc! {}).await.swap_remove(0);
    let mut start = text(&template, "_id").to_owned();
    let mut ids = vec![start.clone()];
    start.truncate(start.len() - 6);
    let copies = changes.into_iter().enumerate().map(|(number, changes)| {
        let mut copy = template.clone();
        let own = format!("{start}z{number:05}");
        copy.insert("_id", &own);
        copy.extend(changes);
        ids.push(own);
        copy
    });
    let copies: Vec<Document> = copies.collect();
    store
        .collection(collection)
        .insert_many(copies)
        .await
        .expect("inserted");
    ids
}

/// The stored name of a group or a market.
fn name(kind: &str, number: usize) -> Document {
    let name = format!("{kind} {number}");
    doc! { "written": &name, "key": &name }
}

async fn filled() -> Shop {
    let shop = Setup::new().set("GATEWAY_MAX_COST", "1000000").start().await;
    let (ada_id, ada) = customer(&shop, "ada@example.com").await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    let order = in_storefront(&shop, by_default("1"));
    let order = crate::customers::patched(order, json!({ "customerId": ada_id }));
    shop.backend.mutate_ok("orderRecord", order).await;
    note(&shop.backend, &ada_id, "called").await;
    let first = group(&shop, "first").await;
    market(&shop, "first", &[&first]).await;
    ada.upload("a.png", &png(1)).await;

    let rest = 1..PARENTS;
    let groups = rest.clone().map(|n| doc! { "name": name("group", n) });
    let groups = copies(&shop, "customerGroups", groups).await;
    let some = |n: usize| [0, 1, 2].map(|more| groups[(n + more) % PARENTS].as_str());
    let markets = rest
        .clone()
        .map(|n| doc! { "name": name("market", n), "opensTo": some(n).as_slice() });
    copies(&shop, "markets", markets).await;
    let users = copies(
        &shop,
        "storefrontUsers",
        rest.clone()
            .map(|n| doc! { "storefrontUserId": format!("user {n}") }),
    )
    .await;
    let storages = copies(
        &shop,
        "privateStorages",
        rest.clone().map(|n| doc! { "ownerId": &users[n] }),
    )
    .await;
    let customers = rest.clone().map(|n| {
        let email = format!("c{n}@example.com");
        let reference = i64::try_from(1000 + n).expect("small");
        doc! {
            "userId": &users[n], "email": &email, "emailKey": &email, "reference": format!("T-{n}"),
            "referenceNumber": reference, "shopperReference": format!("shopper {n}"), "groupIds": some(n).as_slice(),
        }
    });
    let customers = copies(&shop, "customers", customers).await;
    // One in the middle has very many.
    let owners =
        || (0..PARENTS).flat_map(|n| (0..if n == PARENTS / 2 { MANY } else { FEW }).map(move |at| (n, at)));
    let of_customers = || {
        owners().map(|(n, at)| {
            doc! { "customerId": &customers[n], "userId": &users[n], "number": format!("{n}-{at}") }
        })
    };
    copies(&shop, "addresses", of_customers()).await;
    copies(&shop, "orders", of_customers()).await;
    copies(&shop, "customerNotes", of_customers()).await;
    let of_storages = owners().map(|(n, at)| doc! { "storageId": &storages[n], "name": format!("{n}-{at}") });
    copies(&shop, "storageItems", of_storages).await;
    shop
}

#[tokio::test]
async fn a_level_examines_what_it_shows() {
    let shop = filled().await;
    let mut wrong = Vec::new();
    for level in &LEVELS {
        let query = format!("{{ storefront {{ {} }} }}", level.query);
        // Caches are filled by the first.
        shop.backend.query(&query).await;
        let (data, notes) = profiled(&shop, shop.backend.query(&query)).await;
        let shown = data.to_string().matches("\"id\"").count();
        assert!(shown > PARENTS * 2, "{}: {data}", level.query);
        let sum = |field: &str| notes.iter().map(|note| number(note, field)).sum::<i64>();
        let (keys, documents) = (sum("keysExamined"), sum("docsExamined"));
        let commands: Vec<String> = notes
            .iter()
            .map(|note| {
                let command = note.get_document("command").expect("a command");
                let name = command.keys().next().expect("a name");
                format!("{name} {}", text(command, name))
            })
            .collect();
        let of_children = commands
            .iter()
            .filter(|command| *command == &format!("find {}", level.children));
        let is_right = commands.len() <= 3
            && (!level.by_search || of_children.count() == 1)
            && keys <= level.most.0
            && documents <= level.most.1;
        if !is_right {
            wrong.push(format!(
                "{}: {commands:?}, {keys} keys, {documents} documents, shows {shown}",
                level.query
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

// A copy of each document would cost eight more for each customer.
#[tokio::test]
async fn a_level_allocates_little_for_each_parent() {
    let shop = filled().await;
    let id = shop
        .gateway
        .store
        .documents("customers", doc! {})
        .await
        .swap_remove(0);
    let point =
        "query($id: ID!) { customer(by: { id: $id }) { id email firstName lastName createdAt } }".to_owned();
    let page = |first: usize| {
        let query = format!(
            "{{ storefront {{ customers(first: {first}) {{ nodes {{ id email
             addresses(first: 10) {{ nodes {{ id city iso2Code }} }}
             orders(first: 10) {{ nodes {{ id total {{ amount currencyCode }} }} }} }} }} }} }}"
        );
        (query, json!({}))
    };
    let point = (point, json!({ "id": text(&id, "_id") }));
    // The customer with very many is behind these.
    let [few, many] = [4, 8];
    let names = ("{ __typename }".to_owned(), json!({}));
    let queries = vec![point, page(few), page(many), names];
    let counts = shop.allocations(queries).await;
    let each = (counts[2] - counts[1]) / u64::try_from(many - few).expect("small");
    assert!(counts[0] <= 300, "a point read: {counts:?}");
    // Without the executor, which would add four.
    assert!(counts[3] <= 60, "the name of the query type: {counts:?}");
    // Eight documents.
    assert!(each <= 22, "each customer of a page: {each}, {counts:?}");
}
