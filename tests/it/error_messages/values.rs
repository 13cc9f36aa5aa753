//! Values that do not match their types: literals in documents, and variables.

use serde_json::{Value, json};

use super::{Answers, SAID};
use crate::addresses::home;
use crate::customers::{patched, person};
use crate::kit::{self, Caller};
use crate::orders::by_default;

/// Returns the document of a mutation whose input is the variable `$i`.
fn mutation(field: &str, input: &str) -> String {
    format!("mutation($i: {input}!) {{ {field}(input: $i) {{ {SAID} }} }}")
}

/// Returns the document of a mutation whose input is a literal.
fn literal(field: &str, input: &str) -> String {
    format!("mutation {{ {field}(input: {input}) {{ {SAID} }} }}")
}

// GQL-01, GQL-02
#[tokio::test]
async fn gql_02_responses_to_invalid_values() {
    let shop = kit::shop().await;
    let mut answers = Answers::default();
    variables(&mut answers, &shop.browser).await;
    inputs(&mut answers, &shop.browser).await;
    enums(&mut answers, &shop.browser).await;
    scalars(&mut answers, &shop.backend).await;
    one_of(&mut answers, &shop.backend).await;
    files(&mut answers, &shop.ann("ann").await).await;
    insta::assert_snapshot!(answers.0, @r#"
    # 5 missing variable
    200
    BAD_USER_INPUT 1:7: The variable "$id" of type "ID!" is required, but no value was sent for it.

    # 5d wrong type variable
    200
    BAD_USER_INPUT 1:7: "$n" takes a whole number from -2147483648 to 2147483647: its type is "Int".

    # 5f String! for ID
    200
    GRAPHQL_VALIDATION_FAILED 1:32: The variable "$id" of type "String!" is used where a value of type "ID!" is expected.

    # 5g nullable to non-null
    200
    GRAPHQL_VALIDATION_FAILED 1:27: The variable "$id" of type "ID" is used where a value of type "ID!" is expected.

    # 7 invalid id
    200
    {"node":null}

    # 33 int overflow
    200
    BAD_USER_INPUT 1:22: "first" takes a whole number from -2147483648 to 2147483647: its type is "Int".

    # 4d typo in input field
    200
    BAD_USER_INPUT 1:36: "input" lacks the field "email" of type "String!".
    BAD_USER_INPUT 1:45: "input.emial" is not a field of "CustomerRegisterInput". Did you mean "email"?

    # 4e input field typo in variables
    200
    BAD_USER_INPUT 1:10: "$i.emial" is not a field of "CustomerRegisterInput". Did you mean "email"?
    BAD_USER_INPUT 1:10: "$i" lacks the field "email" of type "String!".

    # 34 null for required input
    200
    GRAPHQL_VALIDATION_FAILED 1:12: Field "customerTokenCreate" needs the argument "input" of type "CustomerTokenCreateInput!", which must be neither left out nor null.

    # 35 input missing
    200
    GRAPHQL_VALIDATION_FAILED 1:12: Field "customerTokenCreate" needs the argument "input" of type "CustomerTokenCreateInput!", which must be neither left out nor null.

    # 6 wrong enum
    200
    BAD_USER_INPUT 1:137: "input.iso2Code" has a value that the enum "CountryCode" does not have.

    # 6b enum as string
    200
    BAD_USER_INPUT 1:137: "input.iso2Code" takes a value of the enum "CountryCode", which is written without quotes.

    # 6c enum lower case variable
    200
    BAD_USER_INPUT 1:10: "$i.iso2Code" has a value that the enum "CountryCode" does not have. Did you mean "DE", "AE" or "BE"?

    # 25 date format
    200
    BAD_USER_INPUT 1:49: "input.dateOfBirth" takes a day as a text, such as "2026-11-21": its type is "Date".

    # 26 decimals as number
    200
    BAD_USER_INPUT 1:10: "$i.lines.0.unitPrice.amount" takes a decimal number as a text, such as "5.25": its type is "Decimal".

    # 27 one-of with two
    200
    BAD_USER_INPUT 1:16: "by" takes exactly one of the fields id, reference, email.

    # 27b one-of with none
    200
    BAD_USER_INPUT 1:16: "by" takes exactly one of the fields id, reference, email.

    # 27c one-of null var
    200
    BAD_USER_INPUT 1:7: "$b.id" must not be null: it is the only field that is sent.

    # 31 upload variable in JSON
    200
    BAD_USER_INPUT 1:10: "$f" takes a file, which is sent as a part of a multipart request: its type is "Upload".

    # 31b upload null in JSON
    200
    BAD_USER_INPUT 1:10: The variable "$f" of type "Upload!" must not be null.

    # 31c Upload missing
    200
    BAD_USER_INPUT 1:10: The variable "$f" of type "Upload!" is required, but no value was sent for it.
    "#);
}

/// Variables that do not match their declarations.
async fn variables(answers: &mut Answers, browser: &Caller) {
    let node = |declared: &str| format!("query($id: {declared}) {{ node(id: $id) {{ id }} }}");
    for (mistake, query, variables) in [
        ("5 missing variable", node("ID!"), json!({})),
        (
            "5d wrong type variable",
            "query($n: Int) { storefronts(first: $n) { totalCount } }".to_owned(),
            json!({ "n": "ten" }),
        ),
        ("5f String! for ID", node("String!"), json!({ "id": "sto_1" })),
        ("5g nullable to non-null", node("ID"), json!({ "id": "sto_1" })),
        ("7 invalid id", node("ID!"), json!({ "id": "1" })),
        (
            "33 int overflow",
            "{ storefronts(first: 3000000000) { totalCount } }".to_owned(),
            json!({}),
        ),
    ] {
        answers.ask_with(mistake, browser, &query, variables).await;
    }
}

/// Input objects and their fields.
async fn inputs(answers: &mut Answers, browser: &Caller) {
    let typo = r#"{ emial: "a@b.example", acceptedTerms: true, firstName: "Ada", lastName: "Lovelace" }"#;
    answers
        .query(
            "4d typo in input field",
            browser,
            &literal("customerRegister", typo),
        )
        .await;
    let mut typo = person("a@b.example");
    if let Some(fields) = typo.as_object_mut() {
        let email = fields.remove("email").unwrap_or_default();
        fields.insert("emial".to_owned(), email);
    }
    let register = mutation("customerRegister", "CustomerRegisterInput");
    answers
        .ask_with(
            "4e input field typo in variables",
            browser,
            &register,
            json!({ "i": typo }),
        )
        .await;
    answers
        .query(
            "34 null for required input",
            browser,
            &literal("customerTokenCreate", "null"),
        )
        .await;
    let without = format!("mutation {{ customerTokenCreate {{ {SAID} }} }}");
    answers.query("35 input missing", browser, &without).await;
}

async fn enums(answers: &mut Answers, browser: &Caller) {
    let home_in = |country: &str| {
        let rest = r#"firstName: "Ada", lastName: "Lovelace", address1: "Main Street 1", city: "Dresden""#;
        literal(
            "customerAddressCreate",
            &format!("{{ {rest}, iso2Code: {country} }}"),
        )
    };
    answers.query("6 wrong enum", browser, &home_in("GERMANY")).await;
    answers
        .query("6b enum as string", browser, &home_in("\"DE\""))
        .await;
    let create = mutation("customerAddressCreate", "CustomerAddressCreateInput");
    let input = patched(home(), json!({ "iso2Code": "de" }));
    answers
        .ask_with(
            "6c enum lower case variable",
            browser,
            &create,
            json!({ "i": input }),
        )
        .await;
}

/// Dates and amounts of money.
async fn scalars(answers: &mut Answers, backend: &Caller) {
    let day = literal("customerUpdate", r#"{ dateOfBirth: "21.11.1990" }"#);
    answers.query("25 date format", backend, &day).await;
    let record = mutation("orderRecord", "OrderRecordInput");
    let mut order = by_default("1001");
    order["lines"][0]["unitPrice"]["amount"] = json!(5.25);
    answers
        .ask_with("26 decimals as number", backend, &record, json!({ "i": order }))
        .await;
}

async fn one_of(answers: &mut Answers, backend: &Caller) {
    let customer = "query($b: CustomerBy!) { customer(by: $b) { id } }";
    for (mistake, query, variables) in [
        (
            "27 one-of with two",
            r#"{ customer(by: { id: "cus_1", email: { email: "a@b.example" } }) { id } }"#,
            json!({}),
        ),
        ("27b one-of with none", "{ customer(by: {}) { id } }", json!({})),
        ("27c one-of null var", customer, json!({ "b": { "id": null } })),
    ] {
        answers.ask_with(mistake, backend, query, variables).await;
    }
}

/// Files that are not parts of a multipart request.
async fn files(answers: &mut Answers, ann: &Caller) {
    let upload = format!("mutation($f: Upload!) {{ storageItemUpload(input: {{ file: $f }}) {{ {SAID} }} }}");
    for (mistake, variables) in [
        ("31 upload variable in JSON", json!({ "f": "cat.png" })),
        ("31b upload null in JSON", json!({ "f": Value::Null })),
        ("31c Upload missing", json!({})),
    ] {
        answers.ask_with(mistake, ann, &upload, variables).await;
    }
}
