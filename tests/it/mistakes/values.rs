//! Values that do not fit: literals in documents, and variables.

use serde_json::{Value, json};

use super::{Answers, SAID};
use crate::addresses::home;
use crate::customers::{but, person};
use crate::kit::{self, Caller};
use crate::orders::by_default;

/// The document of a mutation whose input is the variable `$i`.
fn mutation(field: &str, input: &str) -> String {
    format!("mutation($i: {input}!) {{ {field}(input: $i) {{ {SAID} }} }}")
}

/// The document of a mutation whose input is a literal.
fn literal(field: &str, input: &str) -> String {
    format!("mutation {{ {field}(input: {input}) {{ {SAID} }} }}")
}

// GQL-01, GQL-02
#[tokio::test]
async fn gql_02_mistakes_with_values() {
    let shop = kit::shop().await;
    let mut answers = Answers::default();
    variables(&mut answers, &shop.browser).await;
    inputs(&mut answers, &shop.browser).await;
    enums(&mut answers, &shop.browser).await;
    scalars(&mut answers, &shop.backend).await;
    one_of(&mut answers, &shop.backend).await;
    files(&mut answers, &shop.ann("ann").await).await;
    insta::assert_snapshot!(answers.0, @"");
}

/// What is declared, and what is sent.
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

/// Objects and their fields.
async fn inputs(answers: &mut Answers, browser: &Caller) {
    let typo = r#"{ emial: "a@b.example", acceptedTerms: true, firstName: "Ada", lastName: "Lovelace" }"#;
    answers
        .ask("4d typo in input field", browser, &literal("customerRegister", typo))
        .await;
    let mut typo = person("a@b.example");
    if let Some(fields) = typo.as_object_mut() {
        let email = fields.remove("email").unwrap_or_default();
        fields.insert("emial".to_owned(), email);
    }
    let register = mutation("customerRegister", "CustomerRegisterInput");
    answers
        .ask_with("4e input field typo in variables", browser, &register, json!({ "i": typo }))
        .await;
    answers
        .ask(
            "34 null for required input",
            browser,
            &literal("customerTokenCreate", "null"),
        )
        .await;
    let without = format!("mutation {{ customerTokenCreate {{ {SAID} }} }}");
    answers.ask("35 input missing", browser, &without).await;
}

async fn enums(answers: &mut Answers, browser: &Caller) {
    let home_in = |country: &str| {
        let rest = r#"firstName: "Ada", lastName: "Lovelace", address1: "Main Street 1", city: "Dresden""#;
        literal(
            "customerAddressCreate",
            &format!("{{ {rest}, iso2Code: {country} }}"),
        )
    };
    answers.ask("6 wrong enum", browser, &home_in("GERMANY")).await;
    answers.ask("6b enum as string", browser, &home_in("\"DE\"")).await;
    let create = mutation("customerAddressCreate", "CustomerAddressCreateInput");
    let input = but(home(), json!({ "iso2Code": "de" }));
    answers
        .ask_with(
            "6c enum lower case variable",
            browser,
            &create,
            json!({ "i": input }),
        )
        .await;
}

/// Days and amounts.
async fn scalars(answers: &mut Answers, backend: &Caller) {
    let day = literal("customerUpdate", r#"{ dateOfBirth: "21.11.1990" }"#);
    answers.ask("25 date format", backend, &day).await;
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

/// Files that are no parts of a multipart request.
async fn files(answers: &mut Answers, ann: &Caller) {
    let upload =
        format!("mutation($f: Upload!) {{ storageItemUpload(input: {{ file: $f }}) {{ {SAID} }} }}");
    for (mistake, variables) in [
        ("31 upload variable in JSON", json!({ "f": "cat.png" })),
        ("31b upload null in JSON", json!({ "f": Value::Null })),
        ("31c Upload missing", json!({})),
    ] {
        answers.ask_with(mistake, ann, &upload, variables).await;
    }
}
