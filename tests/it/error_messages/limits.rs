//! Operations that are ambiguous, exceed a limit, or are sent the wrong way.

use super::Answers;
use crate::kit::{self, Caller};

// GQL-07
#[tokio::test]
async fn gql_07_responses_to_ambiguous_operations_and_exceeded_limits() {
    let shop = kit::shop().await;
    let mut answers = Answers::default();
    operations(&mut answers, &shop.browser).await;
    sizes(&mut answers, &shop.backend).await;
    insta::assert_snapshot!(answers.0, @r#"
    # 22 two operations without name
    200
    BAD_USER_INPUT: The document contains several operations. Send the name of the one to run as "operationName": "Kind" or "Scopes".

    # 22b unknown operationName
    200
    BAD_USER_INPUT: The document has no operation of the name that was sent as "operationName". Send "Kind" or "Scopes".

    # 22c operationName empty
    200
    {"viewer":{"kind":"PUBLIC"}}

    # 12 page too big
    200
    BAD_USER_INPUT 1:3 storefronts: The argument "first" takes a number from 1 to 100. Request the rest of a longer list page by page, with pageInfo.endCursor as "after".
    null

    # 12b nested pages too costly
    200
    LIMIT_EXCEEDED: The query requests up to 1,010,100 objects; the limit is 5,000. Request smaller pages.

    # 13 too deep
    200
    LIMIT_EXCEEDED 1:1: The operation is 19 fields deep; the limit is 15. Request the deeper objects in another request.

    # 13b nesting
    200
    LIMIT_EXCEEDED 1:237: The document nests its brackets deeper than 32 levels, which is the limit. Select fewer levels, and pass nested values as variables.

    # 13c too many aliases
    200
    LIMIT_EXCEEDED: The document has 60 aliases; the limit is 50. Split it into several requests.

    # 13d 3000 tokens
    200
    LIMIT_EXCEEDED 1:9997: The document has more than 2,000 tokens, which is the limit. Split it into several requests, and pass values as variables.
    "#);
}

/// Documents with several operations, and wrong values of `operationName`.
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

/// Requests that exceed a limit.
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
        answers.query(mistake, backend, query).await;
    }
}
