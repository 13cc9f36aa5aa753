//! Documents that are no GraphQL, or name what the schema does not have.

use super::{Answers, SAID};
use crate::kit::{self, Caller};

// GQL-01, GQL-05
#[tokio::test]
async fn gql_05_mistakes_in_documents() {
    let shop = kit::shop().await;
    let mut answers = Answers::default();
    names(&mut answers, &shop.browser).await;
    shapes(&mut answers, &shop.browser).await;
    syntax(&mut answers, &shop.browser).await;
    insta::assert_snapshot!(answers.0, @"");
}

/// Names that the schema does not have.
async fn names(answers: &mut Answers, browser: &Caller) {
    let registr = format!(r#"mutation {{ customerRegistr(input: {{ email: "a@b.example" }}) {{ {SAID} }} }}"#);
    for (mistake, query) in [
        ("4 typo in a field", "query { viewer { storfront { name } } }"),
        ("4b typo in mutation", &registr),
        ("4c typo in argument", "query { storefront { markets(frist: 10) { totalCount } } }"),
        ("4f unknown type", "query($i: CustomerInput!) { viewer { kind } }"),
        ("19 subscription", "subscription { customerCreated { id } }"),
        ("23 @defer", "{ viewer { kind ... @defer { scopes } } }"),
    ] {
        answers.ask(mistake, browser, query).await;
    }
}

/// Selections, fragments and variables that do not go together.
async fn shapes(answers: &mut Answers, browser: &Caller) {
    for (mistake, query) in [
        ("4g no selection", "{ viewer }"),
        ("4h selection on scalar", "{ viewer { kind { name } } }"),
        ("5b undeclared variable", "{ node(id: $id) { id } }"),
        ("5c unused variable", "query($x: Int) { viewer { kind } }"),
        (
            "24 fragment unused",
            "fragment F on Viewer { kind } query { viewer { kind } }",
        ),
        ("24b fragment missing", "{ viewer { ...F } }"),
        (
            "24c fragment wrong type",
            "{ viewer { ...F } } fragment F on Customer { id }",
        ),
    ] {
        answers.ask(mistake, browser, query).await;
    }
}

/// What is no GraphQL.
async fn syntax(answers: &mut Answers, browser: &Caller) {
    for (mistake, query) in [
        ("20f query empty", ""),
        ("21 GraphQL syntax error", "{ viewer { kind "),
        ("21b JS template leftovers", "{ viewer { ${fields} } }"),
        ("21c single quotes", "{ node(id:'sto_1') { id } }"),
        ("21d smart quotes", "{ node(id:“sto_1”) { id } }"),
    ] {
        answers.ask(mistake, browser, query).await;
    }
}
