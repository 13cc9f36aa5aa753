//! Tests of messages about literals and variables that do not match their types, before and after the document is
//! cached.

use serde_json::{Value, json};

use super::{super::RefusalKind, *};

/// Returns the messages about a document.
fn faults(text: &str) -> Vec<String> {
    let refusals = guard().prepare(text).err().unwrap_or_default();
    refusals.into_iter().map(|refusal| refusal.message).collect()
}

/// Returns the messages about the values of a document's variables.
fn misfits(text: &str, values: &Value) -> Vec<String> {
    let guard = guard();
    let mut said = [(); 2].map(|()| {
        let prepared = guard
            .prepare(text)
            .unwrap_or_else(|refusals| panic!("{text}: {refusals:?}"));
        let operation = prepared.operation(None).expect("one operation");
        let coerced = guard.coerce(&operation, &mut variables(values.clone()));
        let refusals = coerced.err().unwrap_or_default().into_iter();
        let messages = refusals.map(|refusal| {
            assert_eq!(refusal.kind, RefusalKind::BadInput);
            let is_last = refusal.message.starts_with("Only the first");
            assert_eq!(refusal.locations.is_empty(), is_last);
            refusal.message
        });
        messages.collect::<Vec<_>>()
    });
    assert_eq!(said[0], said[1], "the same each time");
    std::mem::take(&mut said[0])
}

const PAINT: &str = "query($f: PaintFilter!) { paints(filter: $f) }";

/// Checks the messages about the values of the variables of [`PAINT`], as a [`table`].
fn check_values(rows: &str) {
    for (values, said) in table(rows) {
        let json = serde_json::from_str(values).expect(values);
        assert_eq!(misfits(PAINT, &json), said, "{values}");
    }
}

/// Checks the messages about documents, as a [`table`].
fn check_documents(rows: &str) {
    for (text, said) in table(rows) {
        assert_eq!(faults(text), said, "{text}");
    }
}

// GQL-02
#[test]
fn a_variable_that_does_not_fit_is_named_with_the_way_to_the_value() {
    check_values(
        r#"
        {"f": {"color": "RED", "sizes": [1, 2], "by": {"name": "x"}}}
        {"f": {"sizes": 3}}
        {"f": {"sizes": [5.0, 1e3], "at": "2026"}, "other": 1}
        {}
        - The variable "$f" of type "PaintFilter!" is required, but no value was sent for it.
        {"f": null}
        - The variable "$f" of type "PaintFilter!" must not be null.
        {"f": "x"}
        - "$f" takes an object with the fields of "PaintFilter".
        {"f": {"colour": "RED"}}
        - "$f.colour" is not a field of "PaintFilter". Did you mean "color"?
        {"f": {"s3 cret": 1}}
        - "$f" has a field that "PaintFilter" does not have.
        "#,
    );
}

// GQL-02
#[test]
fn values_inside_of_a_variable_are_judged_at_every_depth() {
    check_values(
        r#"
        {"f": {"color": "red"}}
        - "$f.color" has a value that the enum "Color" does not have. Did you mean "RED"?
        {"f": {"color": 1}}
        - "$f.color" takes a value of the enum "Color".
        {"f": {"sizes": [1, "2", null, 2.5, 4294967296]}}
        - "$f.sizes.1" takes a whole number from -2147483648 to 2147483647: its type is "Int!".
        - "$f.sizes.2" must not be null: its type is "Int!".
        - "$f.sizes.3" takes a whole number from -2147483648 to 2147483647: its type is "Int!".
        - "$f.sizes.4" takes a whole number from -2147483648 to 2147483647: its type is "Int!".
        {"f": {"by": {}}}
        - "$f.by" takes exactly one of the fields name, and.
        {"f": {"by": {"name": null}}}
        - "$f.by.name" must not be null: it is the only field that is sent.
        {"f": {"by": {"and": [{"name": "a", "and": []}]}}}
        - "$f.by.and.0" takes exactly one of the fields name, and.
        {"f": {"at": "yesterday"}}
        - "$f.at" takes a moment: its type is "DateTime".
        {"f": {"edge": {}}}
        - "$f.edge" lacks the field "width" of type "Float!".
        {"f": {"edge": {"width": 1, "isRound": "no"}}}
        - "$f.edge.isRound" takes true or false, without quotes: its type is "Boolean".
        "#,
    );
}

// GQL-02
#[test]
fn variables_are_those_of_the_operation_that_runs() {
    let guard = guard();
    let text = "query A($x: Int!) { shops(first: $x) { totalCount } } query B($x: PaintFilter) { paints(filter: $x) }";
    let prepared = guard.prepare(text).expect("valid");
    let coerce = |name, values| {
        let operation = prepared.operation(Some(name)).expect("there");
        guard.coerce(&operation, &mut variables(values))
    };
    assert!(coerce("A", json!({"x": 1})).is_ok());
    assert!(coerce("A", json!({"x": {}})).is_err());
    assert!(coerce("B", json!({"x": {}})).is_ok());
    assert!(coerce("B", json!({})).is_ok());
    assert!(coerce("B", json!({"x": 1})).is_err());
}

// GQL-02
#[test]
fn however_much_does_not_fit_the_answer_is_short() {
    let many: Vec<Value> = (0..100_000).map(|_| json!("x")).collect();
    let said = misfits(PAINT, &json!({"f": {"sizes": many}}));
    assert_eq!(said.len(), 101);
    assert_eq!(said[100], "Only the first 100 problems are listed.");
}

// GQL-01
#[test]
fn a_literal_that_does_not_fit_is_said_to_be_so_at_its_place() {
    check_documents(
        r#"
        { paints(filter: { color: RED, sizes: 1, by: { name: "x" } }) }
        { paints(filter: { color: "RED" }) }
        - "filter.color" takes a value of the enum "Color", which is written without quotes.
        { paints(filter: { color: GREAN }) }
        - "filter.color" has a value that the enum "Color" does not have. Did you mean "GREEN"?
        { paints(filter: { colour: RED }) }
        - "filter.colour" is not a field of "PaintFilter". Did you mean "color"?
        { paints(filter: { sizes: 1, sizes: 2 }) }
        - "filter" has the field "sizes" twice.
        { paints(filter: { sizes: [[1]] }) }
        - "filter.sizes.0" takes a whole number from -2147483648 to 2147483647: its type is "Int!".
        { paints(filter: { at: "s3cret" }) }
        - "filter.at" takes a moment: its type is "DateTime".
        { node(id: null) { id } }
        - Field "node" needs the argument "id" of type "ID!", which must be neither left out nor null.
        { shops(first: "1") { totalCount } }
        - "first" takes a whole number from -2147483648 to 2147483647: its type is "Int".
        query($n: Int = "1") { shops(first: $n) { totalCount } }
        - "$n" takes a whole number from -2147483648 to 2147483647: its type is "Int".
        "#,
    );
}

// GQL-01
#[test]
fn a_variable_stands_where_its_type_is_wanted() {
    check_documents(
        r#"
        query($n: Boolean) { shops(first: $n) { totalCount } }
        - The variable "$n" of type "Boolean" is used where a value of type "Int" is expected.
        query($i: String!) { node(id: $i) { id } }
        - The variable "$i" of type "String!" is used where a value of type "ID!" is expected.
        query($i: ID) { node(id: $i) { id } }
        - The variable "$i" of type "ID" is used where a value of type "ID!" is expected.
        query($i: ID = "a") { node(id: $i) { id } }
        query($i: ID = null) { node(id: $i) { id } }
        - The variable "$i" of type "ID" is used where a value of type "ID!" is expected.
        query($c: [Int!]) { paints(filter: { sizes: $c }) }
        query($c: Int!) { paints(filter: { sizes: [$c] }) }
        query($c: Int) { paints(filter: { sizes: [$c] }) }
        - The variable "$c" of type "Int" is used where a value of type "Int!" is expected.
        query($n: String) { paints(filter: { by: { name: $n } }) }
        - The variable "$n" of type "String" is used where a value of type "String!" is expected.
        query($n: String!) { paints(filter: { by: { name: $n } }) }
        query($a: Boolean!) { __typename @include(if: $a) }
        query($a: Boolean) { __typename @include(if: $a) }
        - The variable "$a" of type "Boolean" is used where a value of type "Boolean!" is expected.
        query($n: Boolean) { ...F } fragment F on Query { shops(first: $n) { totalCount } }
        - The variable "$n" of type "Boolean" is used where a value of type "Int" is expected.
        { shops(first: $n) { totalCount } }
        - The variable "$n" is not defined by the operation.
        query A { ...F } query B($n: Int) { ...F } fragment F on Query { shops(first: $n) { totalCount } }
        - The variable "$n" is not defined by the operation "A".
        query($n: Int) { __typename }
        - The variable "$n" is never used.
        "#,
    );
}

// GQL-05
#[test]
fn a_message_says_what_was_perhaps_meant_unless_the_schema_is_not_told() {
    let rules = Rules::from_sdl(SDL, &[], false).expect("the schema is sound");
    let hidden = Guard::new(GuardLimits::default(), model(), rules);
    let rows = r#"
        { veiwer { id } }
        - Cannot query field "veiwer" on type "Query".
        - Did you mean "viewer"?
        { node(id: 1) { name } }
        - Cannot query field "name" on type "Node".
        - Only "Shop" or "Person" has it: select it in a fragment, "... on Shop { name }".
        { shops(frist: 1) { totalCount } }
        - Unknown argument "frist" on field "Query.shops".
        - Did you mean "first"?
        { __typename @incldue(if: true) }
        - Unknown directive "@incldue".
        - Did you mean "@include"?
        { __typename @include(fi: true, if: true) }
        - Unknown argument "fi" on directive "@include".
        - Did you mean "if"?
        { ... on Persn { id } }
        - Unknown type "Persn".
        - Did you mean "Person"?
        query($c: Colr) { __typename }
        - Unknown type "Colr".
        - Did you mean "Color"?
    "#;
    for (text, said) in table(rows) {
        assert_eq!(faults(text)[0], said.join(" "), "{text}");
        let refusals = hidden.prepare(text).expect_err(text);
        assert_eq!(refusals[0].message, said[0], "{text}");
    }
    for text in [
        "{ __schema { queryType { name } } }",
        "{ ...F } fragment F on Query { __type(name: \"A\") { name } }",
    ] {
        assert!(guard().prepare(text).is_ok(), "{text}");
        let refusals = hidden.prepare(text).expect_err(text);
        assert_eq!(refusals[0].kind, RefusalKind::Validation, "{text}");
        let message = &refusals[0].message;
        assert!(message.contains("introspection is disabled"), "{text}");
    }
}

// GQL-02
#[test]
fn a_variable_without_a_value_is_as_if_it_were_not_there() {
    let guard = guard();
    let text = "query($a: Int, $b: Color, $c: [Int!]) { shops(first: $a) { totalCount } paints(filter: { color: $b, sizes: $c }) }";
    let prepared = guard.prepare(text).expect("valid");
    let operation = prepared.operation(None).expect("one operation");
    let document = format!("{:?}", operation.to_run(&variables(json!({"c": null}))));
    assert!(
        !document.contains("Name(\"first\")") && !document.contains("Name(\"color\")"),
        "{document}"
    );
    assert!(document.contains("Name(\"sizes\")"), "{document}");
}
