//! Operations that are not chosen, ask for too much, or do not come the right way.

use super::Answers;
use crate::kit::{self, Caller};

// GQL-07
#[tokio::test]
async fn gql_07_mistakes_with_operations_and_limits() {
    let shop = kit::shop().await;
    let mut answers = Answers::default();
    operations(&mut answers, &shop.browser).await;
    sizes(&mut answers, &shop.backend).await;
    insta::assert_snapshot!(answers.0, @"");
}

/// Which operation runs.
async fn operations(answers: &mut Answers, browser: &Caller) {
    let two = "query Kind { viewer { kind } } query Scopes { viewer { scopes } }";
    for (mistake, name) in [
        ("22 two operations without name", "null"),
        ("22b unknown operationName", "\"Nope\""),
    ] {
        let body = format!(r#"{{"query":"{two}","operationName":{name}}}"#);
        answers
            .post(mistake, browser, Some("application/json"), &body)
            .await;
    }
    let one = r#"{"query":"{ viewer { kind } }","operationName":""}"#;
    answers
        .post("22c operationName empty", browser, Some("application/json"), one)
        .await;
}

/// Too much of something.
async fn sizes(answers: &mut Answers, backend: &Caller) {
    let pages = "{ storefronts(first: 100) { nodes { customers(first: 100) { nodes { \
                 orders(first: 100) { nodes { id } } } } } } }";
    let deep = format!(
        "{{ viewer {{ customer {{ {} id {} }} }} }}",
        "storefrontUser { customer { ".repeat(8),
        "} } ".repeat(8)
    );
    let nested = format!(
        "{{ storefront {{ customers(filter: {}{}) {{ totalCount }} }} }}",
        "{ not: ".repeat(30),
        "{} ".to_owned() + &"} ".repeat(30)
    );
    let aliases: String = (0..60).map(|number| format!("a{number}: kind ")).collect();
    let aliases = format!("{{ viewer {{ {aliases}}} }}");
    let tokens = format!("{{ viewer {{ {}}} }}", "kind ".repeat(3000));
    for (mistake, query) in [
        ("12 page too big", "{ storefronts(first: 101) { totalCount } }"),
        ("12b nested pages too costly", pages),
        ("13 too deep", &deep),
        ("13b nesting", &nested),
        ("13c too many aliases", &aliases),
        ("13d 3000 tokens", &tokens),
    ] {
        answers.ask(mistake, backend, query).await;
    }
}
