//! Tests of messages about syntax errors, which must not repeat the text.

use super::{super::RefusalKind, *};

fn message(text: &str) -> String {
    let refusal = refused(text);
    assert_eq!(refusal.kind, RefusalKind::Parse, "{text}");
    assert_eq!(refusal.locations.len(), 1, "{text}");
    refusal.message
}

#[test]
fn a_message_says_where_and_what_could_stand_there() {
    let rows = r"
        {viewer{id}
        - Syntax error at line 1, column 1: this brace is never closed. A closing brace is missing.
        {viewer{}}
        - Syntax error at line 1, column 9: expected a selection.
        {viewer(id: [1)}
        - Syntax error at line 1, column 15: the bracket of line 1, column 13 is not closed yet. A closing bracket is missing before this.
        {viewer}}
        - Syntax error at line 1, column 9: this closes no open bracket. Leave it out.
        {node(id:1e999){id}}
        - Syntax error at line 1, column 10: this number is out of range.
        query($a){id}
        - Syntax error at line 1, column 9: expected a colon and the type of the variable.
    ";
    for (text, said) in table(rows) {
        assert_eq!(message(text), said[0]);
    }
    assert_eq!(
        message("{\n  viewer(: 1){id}}"),
        "Syntax error at line 2, column 10: expected an argument and its value."
    );
    // The parser drops these silently.
    let lost = "an argument or a field of an input object in here lacks its name, its colon or its value";
    for text in [
        "{node(id id:1){id}}",
        "{node(id:1 a){id}}",
        "{node(id){id}}",
        "{node(id:1)@skip(if:true true){id}}",
        "query($a:Int!){node(id:1 $a){id}}",
        "{paints(filter:{color:RED sizes})}",
        "{paints(filter:{color color:RED})}",
    ] {
        let said = message(text);
        assert!(said.contains(lost) || said.contains("expected"), "{text}: {said}");
    }
    assert_eq!(
        message(" # nothing\n"),
        "Syntax error at line 2, column 1: the document is empty. Write an operation, such as { __typename }."
    );
}

// GQL-07
#[test]
fn a_stray_character_is_called_by_its_kind() {
    for (text, kind) in [
        ("{node(id:'x'){id}}", "a single quote"),
        ("{node(id:`x`){id}}", "a backtick"),
        ("{node(id:“x”){id}}", "a typographic quotation mark"),
        ("{node(id:„x“){id}}", "a typographic quotation mark"),
        ("{node(id:«x»){id}}", "a typographic quotation mark"),
        (
            "{viewer{${fields}}}",
            "a dollar sign and a brace remain of a template",
        ),
        ("{viewer{%s}}", "a percent sign"),
        ("{node(id:\\\"x\\\"){id}}", "a backslash"),
        ("{viewer{id;}}", "semicolons"),
        ("{viewer.id}", "a dot"),
        ("query($a:Int?){viewer{id}}", "question marks"),
        ("{viewer{id}} // done", "a slash"),
        ("{\u{a0}viewer{id}}", "this blank"),
        ("{viewer{id\u{200b}}}", "this blank"),
        ("{viewer{\u{7}}}", "control characters"),
        ("{köln{id}}", "names contain the letters A to Z"),
        ("{viewer{id ~}}", "no GraphQL token begins with this character"),
    ] {
        assert!(message(text).contains(kind), "{text}: {}", message(text));
    }
}

#[test]
fn a_message_never_repeats_the_text() {
    for text in [
        "mutation{login(name:\"a\",password:\"hunter2\"}",
        "mutation{login(name:\"a\",password:\"hunter2)}",
        "mutation{login(password:hunter2 hunter2)}",
        "mutation{login(password:\"\"\"hunter2)}",
        "{hunter2(expected: value, name, hunter2",
        "hunter2",
        "= expected field\n hunter2",
        "mutation{login(name:\"a\",password:hunter2){person{id}}}",
        "mutation{login(name:\"a\",password:[\"hunter2\"]){person{id}}}",
        "{shops(first:\"hunter2\"){totalCount}}",
        "{paints(filter:{color:\"hunter2\"})}",
        "{paints(filter:{at:\"hunter2\"})}",
    ] {
        let refusal = refused(text);
        assert!(!refusal.message.contains("hunter2"), "{}", refusal.message);
        assert!(!refusal.message.contains('|'), "{}", refusal.message);
    }
}

#[test]
fn a_document_without_sense_is_told_apart_from_one_that_is_not_graphql() {
    for (text, place) in [
        ("query a{colors} query a{colors}", (1, 23)),
        ("{colors} query a{colors}", (1, 1)),
        (
            "{...A} fragment A on Query{colors} fragment A on Query{colors}",
            (1, 45),
        ),
        ("{...A}\nfragment A on Query{...A}", (2, 1)),
    ] {
        let refusal = refused(text);
        assert_eq!(refusal.kind, RefusalKind::Validation, "{text}");
        let first = refusal.locations[0];
        assert_eq!((first.line, first.column), place, "{text}");
    }
}
