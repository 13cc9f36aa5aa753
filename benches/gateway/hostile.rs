//! Measures the processor time that a request without a valid credential costs the gateway (DEF-01). Each kind of
//! request is the worst known of its kind, and each request has a different text, so that no cache can serve it.

use std::fmt::Write;

use reqwest::{Client, RequestBuilder};
use serde_json::json;

use crate::Row;
use crate::child_process::Served;
use crate::environment::Environment;

/// Requests of each kind.
const REQUESTS: usize = 200;
/// Processor time allowed per request, in milliseconds.
const BOUND: f64 = 10.0;

/// A name for the table, and a function that builds the request with a given number.
type Kind = (&'static str, fn(&Client, &str, usize) -> RequestBuilder);

const KINDS: &[Kind] = &[
    ("the same field 1,900 times", |http, url, number| {
        let fields = "__typename ".repeat(1_900);
        document(http, url, &format!("query A{number} {{ viewer {{ {fields} }} }}"))
    }),
    ("10,000 selections written out", |http, url, number| {
        document(http, url, &fragments(number))
    }),
    ("50 aliases, each as deep as it may be", |http, url, number| {
        let mut text = format!("query A{number} {{ ");
        for alias in 0..50 {
            let field = "viewer { storefront { markets(first: 1) { nodes { groups(first: 1) { nodes { id name } } } } } } ";
            write!(text, "a{alias}: {field}").expect("written");
        }
        document(http, url, &(text + "}"))
    }),
    ("1,900 unknown fields", |http, url, number| {
        let fields: String = (0..1_900).map(|field| format!("storefron{field} ")).collect();
        document(http, url, &format!("query A{number} {{ {fields} }}"))
    }),
    ("600 variables that nobody uses", |http, url, number| {
        let variables: String = (0..600).map(|name| format!("$v{name}: Strin ")).collect();
        document(
            http,
            url,
            &format!("query A{number}({variables}) {{ __typename }}"),
        )
    }),
    ("600 unknown arguments", |http, url, number| {
        let arguments: String = (0..600).map(|name| format!("firs{name}: 1 ")).collect();
        document(
            http,
            url,
            &format!("query A{number} {{ storefronts({arguments}) {{ nodes {{ id }} }} }}"),
        )
    }),
    ("an input of 600 unknown members", |http, url, number| {
        let members: String = (0..600).map(|name| format!("emai{name}: \"x\" ")).collect();
        let text = format!(
            "mutation A{number} {{ customerRegister(input: {{ {members} }}) {{ userErrors {{ code }} }} }}"
        );
        document(http, url, &text)
    }),
    (
        "a document of 19 KiB of blanks and 1,200 fields",
        |http, url, number| {
            let fields = "__typename                ".repeat(1_200);
            document(http, url, &format!("query A{number} {{ {fields} }}"))
        },
    ),
    ("strings of 16 KiB", |http, url, number| {
        let text = "\\u0041".repeat(2_600);
        document(
            http,
            url,
            &format!("query A{number} {{ node(id: \"{text}\") {{ id }} }}"),
        )
    }),
    ("introspection of everything", |http, url, number| {
        document(http, url, &introspection(number, 1))
    }),
    ("introspection of everything, twice", |http, url, number| {
        document(http, url, &introspection(number, 2))
    }),
    ("250 KiB of JSON, wide", |http, url, _| {
        let wide = vec![1; 120_000];
        http.post(format!("{url}/graphql"))
            .json(&json!({ "query": "{ __typename }", "variables": { "v": wide } }))
    }),
    ("250 KiB of JSON, deep", |http, url, _| {
        let deep = "[".repeat(125_000) + &"]".repeat(125_000);
        let body = format!("{{\"query\":\"{{ __typename }}\",\"other\":{deep}}}");
        http.post(format!("{url}/graphql"))
            .header("content-type", "application/json")
            .body(body)
    }),
    ("1,000 variables", |http, url, number| {
        let ids: Vec<String> = (0..400).map(|id| format!("cus_{id}")).collect();
        let query = format!("query A{number}($ids: [ID!]!) {{ nodes(ids: $ids) {{ id }} }}");
        http.post(format!("{url}/graphql"))
            .json(&json!({ "query": query, "variables": { "ids": ids } }))
    }),
    ("a GET of 60 KiB", |http, url, number| {
        let fields = "%20id".repeat(11_000);
        http.get(format!("{url}/graphql?query=%7B{number}{fields}%7D"))
    }),
    ("an unknown access token of 4 KB", |http, url, number| {
        http.post(format!("{url}/graphql"))
            .bearer_auth(token(number, 3_600))
            .json(&json!({ "query": "{ __typename }" }))
    }),
    ("an access token of 8 KB", |http, url, number| {
        http.post(format!("{url}/graphql"))
            .bearer_auth(token(number, 8_000))
            .json(&json!({ "query": "{ __typename }" }))
    }),
    ("an unknown key", |http, url, number| {
        http.post(format!("{url}/graphql"))
            .bearer_auth(format!("pk_{number:043}"))
            .json(&json!({ "query": "{ __typename }" }))
    }),
    ("an unknown refresh token of 64 KB", |http, url, number| {
        let text = format!(
            "rt_01jdnz6v6m5qj4r9t8k3w2x1y0.{}",
            format!("{number:08}").repeat(8_000)
        );
        let query = "mutation($i: CustomerTokenRefreshInput!) { customerTokenRefresh(input: $i) { userErrors { code } } }";
        http.post(format!("{url}/graphql"))
            .json(&json!({ "query": query, "variables": { "i": { "refreshToken": text } } }))
    }),
    (
        "an unknown reset key, and passwords of 100 KB",
        |http, url, number| {
            let password = format!("{number}{}", "ä".repeat(50_000));
            let query = "mutation($i: CustomerPasswordResetInput!) { customerPasswordReset(input: $i) { userErrors { code } } }";
            let input = json!({ "restorePasswordKey": format!("{number:043}"), "password": password, "confirmPassword": password });
            http.post(format!("{url}/graphql"))
                .json(&json!({ "query": query, "variables": { "i": input } }))
        },
    ),
    ("a form of 16 KiB", |http, url, number| {
        http.post(format!("{url}/oauth/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("a{number}={}", "%41".repeat(5_400)))
    }),
    ("an unknown client", |http, url, number| {
        http.post(format!("{url}/oauth/token"))
            .basic_auth("cli_x", Some(format!("sk_{number:043}")))
            .form(&[("grant_type", "client_credentials")])
    }),
    ("a link with a query of 60 KiB", |http, url, number| {
        let parameters = "&signature=AAAAAAAA".repeat(3_000);
        http.get(format!(
            "{url}/storage/itm_01jdnz6v6m5qj4r9t8k3w2x1y0?expires={number}{parameters}"
        ))
    }),
];

/// Sends the requests of each kind sequentially and reads the processor time of the gateway's process.
pub async fn measure(environment: &Environment) -> Vec<Row> {
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    let http = Client::new();
    let mut rows = Vec::new();
    for (what, request) in KINDS {
        // The first requests fill caches and pools that every request uses.
        for number in 0..3 {
            answered(request(&http, &gateway.url, number)).await;
        }
        let before = gateway.used().cpu;
        for number in 3..REQUESTS + 3 {
            answered(request(&http, &gateway.url, number)).await;
        }
        let each = (gateway.used().cpu - before) * 1000.0 / REQUESTS as f64;
        rows.push(Row {
            what: (*what).into(),
            measured: format!("{each:.2} ms"),
            bound: format!("{BOUND} ms"),
            within_bound: each <= BOUND,
        });
    }
    gateway.stop().await;
    rows
}

async fn answered(request: RequestBuilder) {
    let answer = request.send().await.expect("an answer");
    assert!(!answer.status().is_server_error(), "{}", answer.status());
    drop(answer.bytes().await);
}

fn document(http: &Client, url: &str, text: &str) -> RequestBuilder {
    http.post(format!("{url}/graphql"))
        .json(&json!({ "query": text }))
}

/// Returns a document whose fragments expand to as many selections as the guard admits.
fn fragments(number: usize) -> String {
    let fields = "__typename ".repeat(90);
    let mut text = format!("query A{number} {{ {} }}", "...A0 ".repeat(100));
    write!(text, "fragment A0 on Query {{ {fields} }}").expect("written");
    text
}

/// Returns the introspection query that code generators send, `times` times in one document.
fn introspection(number: usize, times: usize) -> String {
    let mut text = format!("query A{number} {{ ");
    for time in 0..times {
        write!(text, "s{time}: __schema {{ queryType {{ name }} types {{ ...T }} directives {{ name description locations \
            args {{ ...I }} }} }} ")
        .expect("written");
    }
    let reference =
        "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
    text + "} fragment T on __Type { kind name description fields(includeDeprecated: true) { name description args { ...I } \
        type { ...R } isDeprecated deprecationReason } inputFields { ...I } interfaces { ...R } \
        enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...R } } \
        fragment I on __InputValue { name description type { ...R } defaultValue } \
        fragment R on __Type { "
        + reference
        + " }"
}

/// Returns a syntactically plausible token: three parts in base64url.
fn token(number: usize, payload: usize) -> String {
    // {"alg":"ES256","typ":"at+jwt","kid":"x"}
    let header = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ";
    format!("{header}.{}.{:086}", "a".repeat(payload), number)
}
