//! Documents without a credential that are as large as the guard admits, or request as much as it admits (DEF-01).

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

use crate::kit::{self, Binary};

/// The number of documents of each kind, all different, so that none is found in the cache.
const EACH: u32 = 10;
/// 10 ms in a release build; an unoptimised one takes up to 30 times as long.
const MOST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 300 } else { 10 });

/// A name, and a function that returns the document with a number.
type Kind = (&'static str, fn(u32) -> String);

const KINDS: &[Kind] = &[
    ("the same field 1,900 times", |number| {
        format!(
            "query A{number} {{ viewer {{ {} }} }}",
            "__typename ".repeat(1_900)
        )
    }),
    ("a root field 450 times", |number| {
        format!("query A{number} {{ {} }}", "viewer { kind } ".repeat(450))
    }),
    ("9,000 selections written out", |number| {
        let fragment = format!("fragment F on Query {{ {} }}", "__typename ".repeat(90));
        format!("query A{number} {{ {} }} {fragment}", "...F ".repeat(99))
    }),
    ("50 aliases, each deep", |number| {
        let deep = "viewer { storefront { markets(first: 1) { nodes { groups(first: 1) { nodes { id name } } } } } } ";
        let fields: String = (0..50).map(|alias| format!("a{alias}: {deep}")).collect();
        format!("query A{number} {{ {fields} }}")
    }),
    ("1,900 unknown fields", |number| {
        let fields: String = (0..1_900).map(|field| format!("storefron{field} ")).collect();
        format!("query A{number} {{ {fields} }}")
    }),
    ("450 variables of an unknown type", |number| {
        let variables: String = (0..450).map(|name| format!("$v{name}: Strin ")).collect();
        format!("query A{number}({variables}) {{ __typename }}")
    }),
    ("600 unknown arguments", |number| {
        let arguments: String = (0..600).map(|name| format!("firs{name}: 1 ")).collect();
        format!("query A{number} {{ storefronts({arguments}) {{ nodes {{ id }} }} }}")
    }),
    ("600 unknown members of an input", |number| {
        let members: String = (0..600).map(|name| format!("emai{name}: 1 ")).collect();
        format!(
            "mutation A{number} {{ customerRegister(input: {{ {members} }}) {{ userErrors {{ code }} }} }}"
        )
    }),
    ("a string of 16 KiB", |number| {
        format!(
            "query A{number} {{ node(id: \"{}\") {{ id }} }}",
            "\\u0041".repeat(2_600)
        )
    }),
    ("introspection of everything", |number| introspection(number, 1)),
    // Refused, because introspecting twice needs a credential.
    ("introspection of everything, twice", |number| {
        introspection(number, 2)
    }),
];

/// Returns the introspection query of code generators, with this many `__schema` fields.
fn introspection(number: u32, times: u32) -> String {
    let reference = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
    let mut text = format!("query A{number} {{ ");
    for time in 0..times {
        let schema =
            "queryType { name } types { ...T } directives { name description locations args { ...I } }";
        write!(text, "s{time}: __schema {{ {schema} }} ").expect("written");
    }
    text + "} fragment T on __Type { kind name description fields(includeDeprecated: true) { name description \
        args { ...I } type { ...R } isDeprecated deprecationReason } inputFields { ...I } interfaces { ...R } \
        enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...R } } \
        fragment I on __InputValue { name description type { ...R } defaultValue } fragment R on __Type { "
        + reference
        + " }"
}

// DEF-01
#[tokio::test]
async fn def_01_a_document_without_a_credential_uses_little_processor_time() {
    let shop = kit::shop().await;
    let binary = Binary::start(&shop.gateway, &[("GATEWAY_GRAPHIQL", "off")]).await;
    let mut figures = String::new();
    let mut kept = true;
    for (name, text) in KINDS {
        let before = binary.processor_time();
        for number in 0..EACH {
            let asked = binary.http.post(format!("{}/graphql", binary.url));
            // As browsers and Node.js send it, so that long responses are compressed as well.
            let coding = ["gzip", "br", "zstd"][usize::try_from(number).expect("small") % 3];
            let asked = asked.header("accept-encoding", coding);
            let asked = asked.json(&json!({ "query": text(number) })).send().await;
            let answer = asked.expect("an answer");
            assert_eq!(answer.status(), 200, "{name}");
            answer.bytes().await.expect("a body");
        }
        let each = (binary.processor_time() - before) / EACH;
        kept &= each <= MOST;
        writeln!(figures, "{each:>12?} {name}").expect("written");
    }
    println!("{figures}");
    assert!(kept, "more than {MOST:?}:\n{figures}");
}
