//! Measures lists behind the objects of a list: the commands of a level, and the cost of each list beside the same read by
//! the bare handler.

use bson::{Document, doc};
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::baseline::{ChildAnswer, NestedAnswer};
use crate::child_process::Served;
use crate::environment::Environment;
use crate::{Row, levels, lists};

/// Parents that a query shows.
pub const PARENTS: usize = 50;
/// One command each for the page of users and the items of all their storages.
const COMMANDS: u64 = 2;
/// Children of each parent that a query shows.
pub const SHOWN: usize = 5;
/// Requests in a round, and rounds, which alternate between the servers.
const REQUESTS: usize = 200;
const ROUNDS: usize = 5;
const CALLERS: usize = 8;

/// Callers at once, and the most memory that the gateway may use for them.
const MANY_CALLERS: usize = 32;
const MEMORY_KIB: i64 = 96 * 1024;

const CUSTOMERS: &str =
    "query($id: ID!) { storefront(by: { id: $id }) { customers(first: 50) { nodes { id email
    addresses(first: 10) { nodes { id city iso2Code } }
    orders(first: 10) { nodes { id total { amount currencyCode } } } } } } }";
const ITEMS: &str = "query($id: ID!) { storefront(by: { id: $id }) { users(first: 50) {
    nodes { privateStorage { items(first: 5) { nodes { name } } } } } } }";

/// A list behind the first 50 objects of another list of a storefront.
pub struct NestedList {
    /// The name of the row, and of the bare handler's path.
    pub name: &'static str,
    /// The fields of the query.
    query: &'static str,
    /// The collections.
    pub parents: &'static str,
    pub children: &'static str,
    pub link: Link,
    /// The stored field of the children that is shown.
    pub shown: &'static str,
    /// The field by which the children are sorted, in descending order; `_id`, in ascending order, without one.
    pub newest_by: Option<&'static str>,
    /// Most processor time of the gateway and of the database, as multiples of the bare handler's.
    bounds: [f64; 2],
}

/// How parents and children are related.
#[derive(Clone, Copy)]
pub enum Link {
    /// A field of the child has a value of one of these fields of the parent, or a list with one.
    Child {
        of_parent: &'static [&'static str],
        of_child: &'static str,
    },
    /// A field of the parent lists the ids of the children.
    Parent(&'static str),
    /// The children name the storage that the parent owns.
    Storage,
}

/// The child's field has the parent's id.
const fn by_id(of_child: &'static str) -> Link {
    Link::Child {
        of_parent: &["_id"],
        of_child,
    }
}

/// The lists. Items and the customers of groups are read by a lookup for each parent.
pub const LISTS: [NestedList; 9] = [
    NestedList {
        name: "addresses of customers",
        query: "customers(first: 50) { nodes { id list: addresses(first: 5) { nodes { id city } } } }",
        parents: "customers",
        children: "addresses",
        link: by_id("customerId"),
        shown: "city",
        newest_by: None,
        bounds: [1.3, 1.1],
    },
    NestedList {
        name: "orders of customers",
        query: "customers(first: 50) { nodes { id list: orders(first: 5) { nodes { id number } } } }",
        parents: "customers",
        children: "orders",
        link: Link::Child {
            of_parent: &["userId"],
            of_child: "userId",
        },
        shown: "number",
        newest_by: Some("placedAt"),
        bounds: [1.3, 1.1],
    },
    NestedList {
        name: "notes of customers",
        query: "customers(first: 50) { nodes { id list: notes(first: 5) { nodes { id text } } } }",
        parents: "customers",
        children: "customerNotes",
        link: by_id("customerId"),
        shown: "text",
        newest_by: Some("_id"),
        bounds: [1.3, 1.1],
    },
    NestedList {
        name: "groups of customers",
        query: "customers(first: 50) { nodes { id list: groups(first: 5) { nodes { id name } } } }",
        parents: "customers",
        children: "customerGroups",
        link: Link::Parent("groupIds"),
        shown: "name",
        newest_by: None,
        bounds: [6.0, 2.0],
    },
    NestedList {
        name: "markets of customers",
        query: "customers(first: 50) { nodes { id list: markets(first: 5) { nodes { id name } } } }",
        parents: "customers",
        children: "markets",
        link: Link::Child {
            of_parent: &["storefrontId", "groupIds"],
            of_child: "opensTo",
        },
        shown: "name",
        newest_by: None,
        bounds: [6.0, 2.0],
    },
    NestedList {
        name: "items of users",
        query: "users(first: 50) { nodes { id privateStorage { list: items(first: 5) { nodes { id name } } } } }",
        parents: "storefrontUsers",
        children: "storageItems",
        link: Link::Storage,
        shown: "name",
        newest_by: None,
        bounds: [4.0, 2.5],
    },
    NestedList {
        name: "customers of groups",
        query: "customerGroups(first: 50) { nodes { id list: customers(first: 5) { nodes { id email } } } }",
        parents: "customerGroups",
        children: "customers",
        link: by_id("groupIds"),
        shown: "email",
        newest_by: None,
        bounds: [6.0, 8.0],
    },
    NestedList {
        name: "markets of groups",
        query: "customerGroups(first: 50) { nodes { id list: markets(first: 5) { nodes { id name } } } }",
        parents: "customerGroups",
        children: "markets",
        link: by_id("opensTo"),
        shown: "name",
        newest_by: None,
        bounds: [6.0, 2.0],
    },
    NestedList {
        name: "groups of markets",
        query: "markets(first: 50) { nodes { id list: groups(first: 5) { nodes { id name } } } }",
        parents: "markets",
        children: "customerGroups",
        link: Link::Parent("opensTo"),
        shown: "name",
        newest_by: None,
        bounds: [6.0, 2.0],
    },
];

pub async fn measure(environment: &Environment) -> Vec<Row> {
    fill(environment).await;
    let what = [
        "commands of 50 users with 5 items each, idle",
        "the same, a query, with 32 callers at once",
    ];
    let query = (ITEMS, json!({ "id": environment.storefront }));
    let mut rows = levels::measure(environment, what, query, COMMANDS).await.1;
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    let bare = Served::start("serve-bare", environment.uri()).await;
    for list in &LISTS {
        rows.extend(compare(environment, list, &gateway, &bare).await);
    }
    gateway.stop().await;
    bare.stop().await;
    rows.push(memory(environment).await);
    rows
}

/// Measures the memory of a gateway that answers nothing but nested lists, as fast as it can.
async fn memory(environment: &Environment) -> Row {
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    let asked = (
        format!("{}/graphql", gateway.url),
        json!({ "query": CUSTOMERS, "variables": { "id": environment.storefront } }),
    );
    let callers = (0..MANY_CALLERS).map(async |_| {
        for _ in 0..REQUESTS {
            ask(environment, &asked).await;
        }
    });
    join_all(callers).await;
    let used = gateway.used().peak_kib;
    gateway.stop().await;
    Row {
        what: "peak memory of a gateway with 32 callers of 50 customers with addresses and orders".into(),
        measured: format!("{:.0} MiB", used as f64 / 1024.0),
        bound: format!("{} MiB", MEMORY_KIB / 1024),
        within_bound: used <= MEMORY_KIB,
    }
}

/// Gives customers, groups and markets what the lists show, directly in the database.
async fn fill(environment: &Environment) {
    let storefront = &environment.storefront;
    lists::crowd(environment, storefront, 2 * PARENTS as u64).await;
    let customers = environment.driver().collection::<Document>("customers");
    let customers = customers
        .find(doc! { "storefrontId": storefront })
        .projection(doc! { "userId": 1 });
    let customers: Vec<Document> = customers
        .await
        .expect("found")
        .try_collect()
        .await
        .expect("customers");
    let mutation = "mutation($group: CustomerGroupCreateInput!, $market: MarketCreateInput!,
            $note: CustomerNoteCreateInput!) {
        customerGroupCreate(input: $group) { customerGroup { id } }
        marketCreate(input: $market) { market { id } }
        customerNoteCreate(input: $note) { customerNote { id } } }";
    let input = json!({
        "group": { "storefrontId": storefront, "name": "template" },
        "market": { "storefrontId": storefront, "name": "template" },
        "note": { "customerId": id_of(&customers[0]), "text": "template" },
    });
    let url = &environment.gateway.app.public_url;
    environment.query(url, mutation, input).await;
    of_customers(environment, &customers).await;
    groups_and_markets(environment, &customers).await;
    // The crowd's users come first.
    let users = environment.driver().collection::<Document>("storefrontUsers");
    let first = users
        .find(doc! { "storefrontId": storefront })
        .sort(doc! { "_id": 1 })
        .limit(i64::try_from(PARENTS).expect("small"));
    let first: Vec<Document> = first.await.expect("found").try_collect().await.expect("users");
    for user in &first {
        environment.insert_items(id_of(user), 8).await;
    }
}

fn id_of(document: &Document) -> &str {
    document.get_str("_id").expect("an id")
}

/// Gives each customer notes, addresses and orders.
async fn of_customers(environment: &Environment, customers: &[Document]) {
    let children = |each: usize| {
        customers.iter().enumerate().flat_map(move |(number, customer)| {
            let owner = doc! { "customerId": customer.get("_id"), "userId": customer.get("userId") };
            (0..each).map(move |n| (format!("{number}-{n}"), owner.clone()))
        })
    };
    let notes = children(3).map(|(text, owner)| doc! { "customerId": owner.get("customerId"), "text": text });
    clones(environment, "customerNotes", notes).await;
    clones(environment, "addresses", children(2).map(|(_, owner)| owner)).await;
    let orders = children(2).map(|(number, mut owner)| {
        owner.insert("number", format!("nested {number}"));
        owner
    });
    clones(environment, "orders", orders).await;
}

/// Makes groups, markets that each of three groups opens, and adds each customer to three groups.
async fn groups_and_markets(environment: &Environment, customers: &[Document]) {
    let names = |kind: &'static str| (0..PARENTS).map(move |n| doc! { "name": name(kind, n) });
    let groups = clones(environment, "customerGroups", names("group")).await;
    let three = |first: usize, distances: [usize; 3]| {
        distances
            .map(|distance| groups[(first + distance) % PARENTS].as_str())
            .to_vec()
    };
    let markets = names("market").enumerate().map(|(n, mut market)| {
        market.insert("opensTo", three(n, [0, 1, 2]));
        market
    });
    clones(environment, "markets", markets).await;
    let all = environment.driver().collection::<Document>("customers");
    for (n, customer) in customers.iter().enumerate() {
        let update = doc! { "$set": { "groupIds": three(n, [0, 7, 20]) } };
        let updated = all.update_one(doc! { "_id": id_of(customer) }, update).await;
        assert_eq!(updated.expect("updated").matched_count, 1);
    }
}

/// The stored name of a group or a market.
fn name(kind: &str, number: usize) -> Document {
    let name = format!("{kind} {number}");
    doc! { "written": &name, "key": &name }
}

/// Inserts copies of one of the storefront's documents, each with these changes, and returns their ids.
async fn clones(
    environment: &Environment,
    collection: &str,
    changes: impl Iterator<Item = Document>,
) -> Vec<String> {
    let collection = environment.driver().collection::<Document>(collection);
    let found = collection.find_one(doc! { "storefrontId": &environment.storefront });
    let template = found.await.expect("found").expect("a template");
    // With the length of an id, and sorted behind the template's.
    let mut start = id_of(&template).to_owned();
    start.truncate(start.len() - 6);
    let copies = changes.enumerate().map(|(number, changes)| {
        let mut copy = template.clone();
        copy.insert("_id", format!("{start}z{number:05}"));
        copy.extend(changes);
        copy
    });
    let copies: Vec<Document> = copies.collect();
    let inserted = collection.insert_many(&copies).await;
    inserted.expect("inserted");
    copies.iter().map(|copy| id_of(copy).to_owned()).collect()
}

/// Compares the processor time of the gateway, and of the database behind it, with that of the bare handler.
async fn compare(environment: &Environment, list: &NestedList, gateway: &Served, bare: &Served) -> [Row; 2] {
    let query = format!(
        "query($id: ID!) {{ storefront(by: {{ id: $id }}) {{ {} }} }}",
        list.query
    );
    let ours = (
        format!("{}/graphql", gateway.url),
        json!({ "query": query, "variables": { "id": environment.storefront } }),
    );
    let theirs = (
        format!("{}/nested/{}", bare.url, list.name.replace(' ', "-")),
        json!({ "id": environment.storefront }),
    );
    let answers = [ask(environment, &ours).await, ask(environment, &theirs).await];
    let same: Vec<NestedAnswer> = serde_json::from_str(&answers[1]).expect("an answer");
    for (ours, theirs) in of_gateway(list, &answers[0]).iter().zip(&same) {
        assert_eq!(ours, theirs, "{}", list.name);
    }
    assert_eq!(same.len(), PARENTS, "{}", list.name);
    assert!(
        same.iter().any(|parent| parent.children.len() > 1),
        "{}",
        list.name
    );

    let mut totals = [Spent::default(); 2];
    for round in 0..=ROUNDS {
        for (total, server, asked) in [(0, gateway, &ours), (1, bare, &theirs)] {
            let spent = spent(environment, server, asked).await;
            // The first round fills caches and pools.
            if round > 0 {
                totals[total].server += spent.server;
                totals[total].database += spent.database;
            }
        }
    }
    rows(list, totals)
}

fn rows(list: &NestedList, [ours, theirs]: [Spent; 2]) -> [Row; 2] {
    let row = |of_whom: &str, ours: f64, theirs: f64, bound: f64| {
        let micros = |seconds: f64| seconds * 1e6 / (ROUNDS * REQUESTS) as f64;
        let ratio = ours / theirs;
        Row {
            what: format!(
                "50 × {}, CPU of {of_whom} against the same with a bare handler",
                list.name
            )
            .into(),
            measured: format!(
                "{ratio:.2} ({:.0} µs against {:.0} µs)",
                micros(ours),
                micros(theirs)
            ),
            bound: bound.to_string(),
            within_bound: ratio <= bound,
        }
    };
    let [of_server, of_database] = list.bounds;
    [
        row("the gateway", ours.server, theirs.server, of_server),
        row("the database", ours.database, theirs.database, of_database),
    ]
}

/// Processor time, in seconds.
#[derive(Clone, Copy, Default)]
struct Spent {
    server: f64,
    database: f64,
}

type Question = (String, Value);

/// Returns the processor time that a round of requests costs the server and the database.
async fn spent(environment: &Environment, server: &Served, asked: &Question) -> Spent {
    let now = async || (server.used().cpu, environment.database_used().await.cpu);
    let before = now().await;
    let callers = (0..CALLERS).map(async |_| {
        for _ in 0..REQUESTS / CALLERS {
            ask(environment, asked).await;
        }
    });
    join_all(callers).await;
    let after = now().await;
    Spent {
        server: after.0 - before.0,
        database: after.1 - before.1,
    }
}

async fn ask(environment: &Environment, (url, body): &Question) -> String {
    let sent = environment.post(url, body).await;
    assert!(sent.status().is_success(), "{}", sent.status());
    sent.text().await.expect("text")
}

/// What the gateway's response says, in the form of the bare handler's.
fn of_gateway(list: &NestedList, response: &str) -> Vec<NestedAnswer> {
    let response: Value = serde_json::from_str(response).expect("JSON");
    let parents = response["data"]["storefront"].as_object().expect("a storefront");
    let (_, parents) = parents.iter().next().expect("a list");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let children = |parent: &Value| {
        let holder = parent.get("privateStorage").unwrap_or(parent);
        let children = holder["list"]["nodes"].as_array().expect("children");
        let child = |child: &Value| ChildAnswer {
            id: text(&child["id"]),
            shown: text(&child[list.shown]),
        };
        children.iter().map(child).collect()
    };
    let parents = parents["nodes"].as_array().expect("parents").iter();
    parents
        .map(|parent| NestedAnswer {
            id: text(&parent["id"]),
            children: children(parent),
        })
        .collect()
}
