//! Measures lists behind the objects of a list: the commands of a level, and the cost of each list beside the same read by
//! the bare handler.

mod data;
mod kinds;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::baseline::{ChildAnswer, NestedAnswer};
use crate::child_process::Served;
use crate::environment::Environment;
use crate::{Row, levels};

pub use self::kinds::{LISTS, Link, NestedList};

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

pub async fn measure(environment: &Environment) -> Vec<Row> {
    data::fill(environment).await;
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
