//! Documents that are not GraphQL, or use names that the schema does not have.

use super::{Answers, SAID};
use crate::kit::{self, Caller};

// GQL-01, GQL-05
#[tokio::test]
async fn gql_05_responses_to_invalid_documents() {
    let shop = kit::shop().await;
    let mut answers = Answers::default();
    names(&mut answers, &shop.browser).await;
    shapes(&mut answers, &shop.browser).await;
    syntax(&mut answers, &shop.browser).await;
    insta::assert_snapshot!(answers.0, @r#"
    # 4 typo in a field
    200
    GRAPHQL_VALIDATION_FAILED 1:18: Cannot query field "storfront" on type "Viewer". Did you mean "storefront" or "storefrontUser"?

    # 4b typo in mutation
    200
    GRAPHQL_VALIDATION_FAILED 1:12: Cannot query field "customerRegistr" on type "Mutation". Did you mean "customerRegister", "customerDelete" or "customerUpdate"?

    # 4c typo in argument
    200
    GRAPHQL_VALIDATION_FAILED 1:30: Unknown argument "frist" on field "Storefront.markets". Did you mean "first"?

    # 4f unknown type
    200
    GRAPHQL_VALIDATION_FAILED 1:7: Unknown type "CustomerInput". Did you mean "CustomFieldInput", "CustomerBy" or "CustomerFilter"?
    GRAPHQL_VALIDATION_FAILED 1:7: The variable "$i" is never used.

    # 19 subscription
    200
    GRAPHQL_VALIDATION_FAILED: This API has no subscriptions.

    # 23 @defer
    200
    GRAPHQL_VALIDATION_FAILED 1:21: Unknown directive "@defer".

    # 4g no selection
    200
    GRAPHQL_VALIDATION_FAILED 1:3: Field "viewer" of type "Query" must have a selection of subfields. Did you mean "viewer { ... }"?

    # 4h selection on scalar
    200
    GRAPHQL_VALIDATION_FAILED 1:12: Field "kind" must not have a selection since type "ViewerKind" has no subfields.

    # 5b undeclared variable
    200
    GRAPHQL_VALIDATION_FAILED 1:12: The variable "$id" is not defined by the operation.

    # 5c unused variable
    200
    GRAPHQL_VALIDATION_FAILED 1:7: The variable "$x" is never used.

    # 24 fragment unused
    200
    GRAPHQL_VALIDATION_FAILED 1:1: Fragment "F" is never used.

    # 24b fragment missing
    200
    GRAPHQL_VALIDATION_FAILED 1:12: Unknown fragment "F".

    # 24c fragment wrong type
    200
    GRAPHQL_VALIDATION_FAILED 1:12: Fragment "F" cannot be spread here as objects of type "Viewer" can never be of type "Customer".

    # 20f query empty
    200
    GRAPHQL_PARSE_FAILED 1:1: Syntax error at line 1, column 1: the document is empty. Write an operation, such as { __typename }.

    # 21 GraphQL syntax error
    200
    GRAPHQL_PARSE_FAILED 1:10: Syntax error at line 1, column 10: this brace is never closed. A closing brace is missing.

    # 21b JS template leftovers
    200
    GRAPHQL_PARSE_FAILED 1:12: Syntax error at line 1, column 12: a dollar sign and a brace remain of a template whose value was not inserted. Pass values as variables.

    # 21c single quotes
    200
    GRAPHQL_PARSE_FAILED 1:11: Syntax error at line 1, column 11: a single quote is not valid in GraphQL. Put strings in double quotes, and names in none.

    # 21d smart quotes
    200
    GRAPHQL_PARSE_FAILED 1:11: Syntax error at line 1, column 11: a typographic quotation mark is not valid in GraphQL. Put strings in straight double quotes.
    "#);
}

/// Names that the schema does not have.
async fn names(answers: &mut Answers, browser: &Caller) {
    let registr =
        format!(r#"mutation {{ customerRegistr(input: {{ email: "a@b.example" }}) {{ {SAID} }} }}"#);
    for (mistake, query) in [
        ("4 typo in a field", "query { viewer { storfront { name } } }"),
        ("4b typo in mutation", &registr),
        (
            "4c typo in argument",
            "query { storefront { markets(frist: 10) { totalCount } } }",
        ),
        ("4f unknown type", "query($i: CustomerInput!) { viewer { kind } }"),
        ("19 subscription", "subscription { customerCreated { id } }"),
        ("23 @defer", "{ viewer { kind ... @defer { scopes } } }"),
    ] {
        answers.query(mistake, browser, query).await;
    }
}

/// Selections, fragments and variables that do not match.
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
        answers.query(mistake, browser, query).await;
    }
}

/// Syntax errors.
async fn syntax(answers: &mut Answers, browser: &Caller) {
    for (mistake, query) in [
        ("20f query empty", ""),
        ("21 GraphQL syntax error", "{ viewer { kind "),
        ("21b JS template leftovers", "{ viewer { ${fields} } }"),
        ("21c single quotes", "{ node(id:'sto_1') { id } }"),
        ("21d smart quotes", "{ node(id:“sto_1”) { id } }"),
    ] {
        answers.query(mistake, browser, query).await;
    }
}
